"""Makes records from results: references, rollouts, rewards, or data for SFT and preferences."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from catsdk.core.types import Message, Result, Rollout

__all__ = ["PRODUCTS", "Product", "Record", "as_json", "records_of"]

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Product:
    """One thing that a row can become.

    Args:
        fields: The columns that its records add to those of the row.
        make: Gives the records of a result, which may be none.
        needs_reference: Whether the method's reference is estimated for it.
        needs_rewards: Whether it is made from the rewards of the rollouts.
        of_output: The columns that they add, too, where references are objects (`CaT(output=)`).

    Example:
        >>> from catsdk.batch import PRODUCTS
        >>> PRODUCTS["sft"].fields
        ('prompt', 'completion')
    """

    fields: tuple[str, ...]
    make: Callable[[Result], Iterator[Record]]
    needs_reference: bool = True
    needs_rewards: bool = False
    of_output: tuple[str, ...] = ()


def _reference(result: Result) -> Iterator[Record]:
    reference = result.reference
    if reference is not None:
        yield {
            "reference": reference.text,
            "reference_answer": reference.answer,
            "agreement": reference.agreement,
            "majority_answer": reference.majority,
            "partial": result.partial,
            **({} if reference.data is None else {"output": reference.data}),
        }


def _rollouts(result: Result) -> Iterator[Record]:
    for rollout in _drawn(result):
        yield _rollout(rollout)


def _rewards(result: Result) -> Iterator[Record]:
    scores = {score.index: score for score in result.scores}
    for rollout in _drawn(result):
        score = scores[rollout.index]
        yield {
            **_rollout(rollout),
            "reward": score.value,
            "no_reward_because": None if score.failure is None else str(score.failure),
        }


def _sft(result: Result) -> Iterator[Record]:
    if result.reference is not None and result.group is not None:
        yield {
            "prompt": _chat(result.group.prompt),
            "completion": [_said(result.reference.text)],
        }


def _preferences(result: Result) -> Iterator[Record]:
    """A pair of the best and the worst rollout, if their rewards differ."""
    texts = {rollout.index: rollout.text for rollout in _drawn(result)}
    rewarded = [
        (score.value, -score.index)
        for score in result.scores
        if score.value is not None and score.index in texts
    ]
    if not rewarded or result.group is None:
        return
    (best, chosen), (worst, rejected) = max(rewarded), min(rewarded)
    if best > worst:
        yield {
            "prompt": _chat(result.group.prompt),
            "chosen": [_said(texts[-chosen])],
            "rejected": [_said(texts[-rejected])],
            "chosen_reward": best,
            "rejected_reward": worst,
        }


OF_ROLLOUT = ("rollout", "completion", "final_answer", "finish_reason", "model")

PRODUCTS: Final = {
    "reference": Product(
        ("reference", "reference_answer", "agreement", "majority_answer", "partial"),
        _reference,
        of_output=("output",),
    ),
    "rollouts": Product(OF_ROLLOUT, _rollouts, needs_reference=False),
    "rewards": Product(
        (*OF_ROLLOUT, "reward", "no_reward_because"),
        _rewards,
        needs_rewards=True,
    ),
    "sft": Product(("prompt", "completion"), _sft),
    "preferences": Product(
        ("prompt", "chosen", "rejected", "chosen_reward", "rejected_reward"),
        _preferences,
        needs_rewards=True,
    ),
}
"""What a row may be made into, by the name that `produces` takes."""


def records_of(produces: str, result: Result) -> list[Record]:
    """What a result becomes: no record, one, or one for each rollout.

    Args:
        produces: One of `PRODUCTS`.
        result: What came of the row.
    """
    return list(PRODUCTS[produces].make(result))


def as_json(value: object) -> str:
    """A cell that JSON has no form for: bytes in base64, anything else as Python shows it.

    Args:
        value: The cell, such as a picture's bytes or a date.
    """
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _drawn(result: Result) -> tuple[Rollout, ...]:
    return () if result.group is None else result.group.rollouts


def _rollout(rollout: Rollout) -> Record:
    completion = rollout.completion
    return {
        "rollout": rollout.index,
        "completion": rollout.text,
        "final_answer": rollout.answer,
        "finish_reason": completion.finish_reason,
        "model": completion.model,
    }


def _chat(prompt: tuple[Message, ...]) -> list[dict[str, Any]]:
    return [message.model_dump(mode="json", exclude_defaults=True) for message in prompt]


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}
