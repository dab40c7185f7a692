"""From the rows that a trainer hands to a reward function to groups, by consecutive chunks of G."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Group, Rollout, Usage
from catsdk.equivalence.answers import Answers
from catsdk.runtime.context import Row
from catsdk.sampling.sampler import group_of

__all__ = ["IDS", "groups_of", "text_of"]

IDS = "completion_ids"
"""What TRL calls the column with the tokens of each completion."""


def groups_of(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    columns: Mapping[str, Sequence[object]],
    group_size: int,
    *,
    most_tokens: int | None = None,
    answers: Answers = Answers(),
) -> list[tuple[Group, Row]]:
    """Chunk the rows into groups of `group_size` consecutive ones, each with its row of columns.

    TRL repeats each prompt G times in a row; grouping by text would join two groups of one prompt.
    Where there is a column `completion_ids`, the rollouts know their length in tokens, and those
    of `most_tokens` or more count as cut short. Final answers are found by `answers`.

    Raises:
        InvalidInputError: the rows do not make whole groups, or a group holds two prompts.
    """
    if len(prompts) % group_size:
        raise InvalidInputError(
            f"{len(prompts)} rows do not make groups of {group_size}; let"
            " per_device_train_batch_size * steps_per_generation be a multiple of num_generations"
        )
    rows = {name: values for name, values in columns.items() if name != IDS}
    groups: list[tuple[Group, Row]] = []
    for at in range(0, len(prompts), group_size):
        here = slice(at, at + group_size)
        group = _group(prompts[here], completions[here], answers)
        if IDS in columns:
            group = _measured(group, columns[IDS][here], most_tokens)
        groups.append((group, {name: values[at] for name, values in rows.items()}))
    return groups


def _group(prompts: Sequence[Any], completions: Sequence[Any], answers: Answers) -> Group:
    if any(prompt != prompts[0] for prompt in prompts):
        raise InvalidInputError(
            f"a group of {len(prompts)} rows holds several prompts, the first of them"
            f" {str(prompts[0])[:80]!r}: num_generations here is not the trainer's"
        )
    texts = [text_of(completion) for completion in completions]
    return group_of(prompts[0], texts, answers=answers)


def _measured(group: Group, ids: Sequence[Any], most: int | None) -> Group:
    return group.model_copy(
        update={
            "rollouts": tuple(
                _of_length(rollout, len(tokens), most)
                for rollout, tokens in zip(group.rollouts, ids, strict=True)
            )
        }
    )


def _of_length(rollout: Rollout, tokens: int, most: int | None) -> Rollout:
    told = {
        "usage": Usage(output_tokens=tokens),
        "finish_reason": "length" if most is not None and tokens >= most else "stop",
    }
    return rollout.model_copy(update={"completion": rollout.completion.model_copy(update=told)})


def text_of(completion: Any) -> str:
    """The text of a completion: a string, or the assistant's messages of a conversation."""
    if isinstance(completion, str):
        return completion
    return "\n".join(str(message["content"] or "") for message in completion)
