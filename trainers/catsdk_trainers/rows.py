"""From the rows that a trainer hands to a reward function to groups, by consecutive chunks of G."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Group
from catsdk.primitives.sampler import group_of
from catsdk_trainers.scoring import Row

__all__ = ["groups_of", "text_of"]


def groups_of(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    columns: Mapping[str, Sequence[object]],
    group_size: int,
) -> list[tuple[Group, Row]]:
    """Chunk the rows into groups of `group_size` consecutive ones, each with its row of columns.

    TRL repeats each prompt G times in a row; grouping by text would join two groups of one prompt.

    Raises:
        InvalidInputError: the rows do not make whole groups, or a group holds two prompts.
    """
    if len(prompts) % group_size:
        raise InvalidInputError(
            f"{len(prompts)} rows do not make groups of {group_size}; let"
            " per_device_train_batch_size * steps_per_generation be a multiple of num_generations"
        )
    starts = range(0, len(prompts), group_size)
    return [
        (
            _group(prompts[at : at + group_size], completions[at : at + group_size]),
            {name: values[at] for name, values in columns.items()},
        )
        for at in starts
    ]


def _group(prompts: Sequence[Any], completions: Sequence[Any]) -> Group:
    if any(prompt != prompts[0] for prompt in prompts):
        raise InvalidInputError(
            f"a group of {len(prompts)} rows holds several prompts, the first of them"
            f" {str(prompts[0])[:80]!r}: num_generations here is not the trainer's"
        )
    return group_of(prompts[0], [text_of(completion) for completion in completions])


def text_of(completion: Any) -> str:
    """The text of a completion: a string, or the assistant's messages of a conversation."""
    if isinstance(completion, str):
        return completion
    return "\n".join(str(message["content"] or "") for message in completion)
