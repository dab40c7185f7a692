"""Several ranks: share rows so that no group is split, and exchange values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch.distributed as dist
from accelerate import PartialState

from catsdk.core.errors import InvalidInputError
from catsdk_trainers.data.groups import uneven

__all__ = ["Share", "everywhere", "join_ranks", "on_first_rank", "shared_out"]

T = TypeVar("T")

# Work of one rank for all may take a night; the default limit of a collective is half an hour.
_LONG = timedelta(days=7)


@dataclass(slots=True)
class Share:
    """The whole groups that this rank scores, and where the results go."""

    prompts: Sequence[Any]
    completions: Sequence[Any]
    columns: Mapping[str, Sequence[object]]
    _bounds: tuple[int, int] | None = None

    def back(self, results: list[T]) -> list[T]:
        """The results of this rank's own rows, from those of the rows that each rank scored."""
        if self._bounds is None:
            return results
        start, end = self._bounds
        return [result for share in everywhere(results) for result in share][start:end]


def shared_out(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    columns: Mapping[str, Sequence[object]],
    size: int,
) -> Share:
    """Give each rank whole groups of `size` rows to score.

    If every rank holds whole groups, each scores its own. Otherwise the rows of all ranks are
    gathered in the order of the ranks, which is the order in which TRL dealt them, and the groups
    are dealt again. Collective: every rank must call this on its main thread.

    Raises:
        InvalidInputError: the rows of all ranks together do not make whole groups, or a column does
            not have one value for each row.
    """
    shown = everywhere((len(prompts), uneven(prompts, completions, columns)))
    counts = [count for count, _ in shown]
    for _, fault in shown:
        if fault is not None:
            raise InvalidInputError(fault)
    if all(count % size == 0 for count in counts):
        return Share(prompts, completions, columns)
    if sum(counts) % size:
        # Every rank knows the counts and raises, so that none waits for another.
        raise InvalidInputError(
            f"{sum(counts)} rows do not make groups of {size}; make"
            " per_device_train_batch_size * steps_per_generation a multiple of num_generations"
        )
    ranks = everywhere((list(prompts), list(completions), dict(columns)))
    rank, world = dist.get_rank(), dist.get_world_size()
    groups = sum(counts) // size
    start, end = (size * (groups * at // world) for at in (rank, rank + 1))
    own = sum(counts[:rank])
    return Share(
        _joined(prompts for prompts, _, _ in ranks)[start:end],
        _joined(completions for _, completions, _ in ranks)[start:end],
        {name: _joined(c[name] for _, _, c in ranks)[start:end] for name in columns},
        (own, own + counts[rank]),
    )


def everywhere(value: T) -> list[T]:
    """The value of each rank, in order; without a process group, only this one's."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def join_ranks() -> None:
    """Under a launcher, meet the other ranks and take this one's device, as a trainer would."""
    PartialState()


def on_first_rank(work: Callable[[], T]) -> T:
    """Run `work` on the first rank, and return its result or raise its error on all ranks.

    Collective; it waits however long the work takes.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return work()
    patient = cast("dist.ProcessGroup", dist.new_group(timeout=_LONG, backend="gloo"))
    told: list[tuple[T | None, Exception | None]] = [(None, None)]
    if dist.get_rank() == 0:
        try:
            told = [(work(), None)]
        except Exception as error:  # noqa: BLE001 - raised again when the other ranks know
            told = [(None, error)]
    try:
        dist.broadcast_object_list(told, src=0, group=patient)
    finally:
        dist.destroy_process_group(patient)
    ((result, failed),) = told
    if failed is not None:
        raise failed
    return cast("T", result)


def _joined(parts: Any) -> list[Any]:
    return [each for part in parts for each in part]
