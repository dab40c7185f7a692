"""The rollouts and criteria of the rubric benchmark, and the true verdicts."""

from benchmarks.contestants.harness import prompt

__all__ = ["criterion", "is_met", "reward", "rollout"]


def rollout(item: int) -> str:
    """Response number `item`, of ordinary length."""
    return prompt(item)


def criterion(mark: int) -> str:
    """Criterion number `mark`."""
    return f"The response shows mark {mark}"


def is_met(item: int, mark: int) -> bool:
    """Whether the criterion is met; some are and some are not, so that rewards differ."""
    return (item * 7 + mark * 3) % 10 < 1 + item % 9


def reward(item: int, criteria: int) -> float:
    """The share of the criteria that response `item` meets."""
    return sum(is_met(item, mark) for mark in range(criteria)) / criteria
