"""Make groups of G from the rows that a trainer passes to a reward function."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Sized
from typing import Any

from catsdk.answers.answers import Answers
from catsdk.core.errors import InvalidInputError
from catsdk.core.sampled import completion_of
from catsdk.core.types import Group, Usage
from catsdk.runtime.context import Row
from catsdk.sampling.sampler import group_of

__all__ = ["IDS", "groups_of", "uneven"]

IDS = "completion_ids"
"""TRL's name for the column with the tokens of each completion."""


def uneven(
    prompts: Sequence[Any], completions: Sequence[Any], columns: Mapping[str, object]
) -> str | None:
    """Say which part of the rows lacks one value per prompt; `None` if they all fit.

    Args:
        prompts: The prompt of each row.
        completions: The completion of each row.
        columns: The other columns by name.
    """
    for name, values in {"completions": completions, **columns}.items():
        if not isinstance(values, Sized) or isinstance(values, str | bytes | Mapping):
            return f"{name} is {values!r:.60}; give a list with one value for each of the rows"
        if len(values) != len(prompts):
            return f"{name} has {len(values)} values for {len(prompts)} rows; give one for each"
    return None


def groups_of(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    columns: Mapping[str, Sequence[object]],
    group_size: int,
    *,
    most_tokens: int | None = None,
    answers: Answers = Answers(),
    known: Collection[str] = ("answer",),
) -> list[tuple[Group, Row]]:
    """Chunk the rows into groups of `group_size` consecutive ones, each with its row of columns.

    TRL repeats each prompt G times in a row; grouping by text would merge two groups of the same
    prompt. If there is a column `completion_ids`, the rollouts know their length in tokens, and
    those with `most_tokens` or more count as cut short. A completion is a text, or the messages of
    a conversation, of which only the assistant's count: the length is then the policy's part of the
    tokens, estimated by the characters of each message. `answers` finds final answers. The columns
    `known` hold known answers, which must be the same for all rows of a group.

    Raises:
        InvalidInputError: the rows do not make whole groups, or a group holds two prompts, or two
            right answers.
    """
    if len(prompts) % group_size:
        raise InvalidInputError(
            f"{len(prompts)} rows do not make groups of {group_size}; make"
            " per_device_train_batch_size * steps_per_generation a multiple of num_generations"
        )
    rows = {name: values for name, values in columns.items() if name != IDS}
    groups: list[tuple[Group, Row]] = []
    for at in range(0, len(prompts), group_size):
        here = slice(at, at + group_size)
        ids = columns[IDS][here] if IDS in columns else None
        measured = _measured(ids, completions[here], most_tokens) if ids is not None else None
        group = _group(prompts[here], completions[here], measured, answers)
        for name in rows.keys() & known:
            _check_one_answer(name, rows[name][here])
        groups.append((group, {name: values[at] for name, values in rows.items()}))
    return groups


def _check_one_answer(column: str, values: Sequence[object]) -> None:
    # Compared as texts: comparing arrays gives no single truth value, and NaN equals nothing.
    others = [value for value in values if repr(value) != repr(values[0])]
    if others:
        raise InvalidInputError(
            f"a group of one prompt has two known answers in the column {column!r}:"
            f" {values[0]!r:.80} and {others[0]!r:.80}. Give each row of a prompt the same answer;"
            " a list holds several that are accepted"
        )


def _group(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    known: Sequence[dict[str, Any]] | None,
    answers: Answers,
) -> Group:
    if any(prompt != prompts[0] for prompt in prompts):
        raise InvalidInputError(
            f"a group of {len(prompts)} rows holds several prompts, the first of them"
            f" {str(prompts[0])[:80]!r}: num_generations here is not the trainer's, or an"
            " environment's reset() gave the rollouts of one prompt different observations, which"
            " cannot be compared: let them follow from the row"
        )
    known = known or [{} for _ in completions]
    read = [completion_of(each, **facts) for each, facts in zip(completions, known, strict=True)]
    return group_of(prompts[0], read, answers=answers)


def _measured(
    ids: Sequence[Any], completions: Sequence[Any], most: int | None
) -> list[dict[str, Any]]:
    """Return the number of tokens of each completion, and whether it was cut."""
    return [
        {
            "usage": _own(len(tokens), completion),
            "finish_reason": "length" if most is not None and len(tokens) >= most else "stop",
        }
        for tokens, completion in zip(ids, completions, strict=True)
    ]


def _own(tokens: int, completion: Any) -> Usage:
    """Return the policy's part of the tokens, estimated if tools or users speak too."""
    turns = completion if isinstance(completion, list) else []
    said = [turn for turn in turns if isinstance(turn, Mapping)]
    own = [turn for turn in said if turn.get("role", "assistant") == "assistant"]
    if len(own) == len(said):
        return Usage(output_tokens=tokens)
    # A trainer does not say who wrote which tokens.
    share = sum(len(repr(each)) for each in own) / sum(len(repr(each)) for each in said)
    return Usage(output_tokens=max(1, round(share * tokens)), estimated=1)
