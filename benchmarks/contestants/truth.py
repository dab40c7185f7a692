"""What the judge of the rubric benchmark is asked, and what is true of it."""

from benchmarks.contestants.harness import prompt

__all__ = ["criterion", "is_met", "reward", "rollout"]


def rollout(item: int) -> str:
    """The response number `item`, of ordinary length."""
    return prompt(item)


def criterion(mark: int) -> str:
    """The criterion number `mark`."""
    return f"The response shows mark {mark}"


def is_met(item: int, mark: int) -> bool:
    """Whether it is met: some are, some are not, and no two rewards need be equal."""
    return (item * 7 + mark * 3) % 10 < 1 + item % 9


def reward(item: int, criteria: int) -> float:
    """The share of the criteria that response `item` meets."""
    return sum(is_met(item, mark) for mark in range(criteria)) / criteria
