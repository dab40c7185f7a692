"""KeepGroups: save a training's groups as Parquet beside its checkpoints, within a size limit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch.distributed as dist
from transformers import TrainerCallback

from catsdk.core.errors import ConfigurationError
from catsdk.core.types import Result
from catsdk.data.results import write_results
from catsdk.scored import Scored

__all__ = ["GROUPS", "KeepGroups"]

GROUPS: Final = "groups"
"""The folder with a file for each saved step and rank."""

_LOG = logging.getLogger(__name__)


class KeepGroups(TrainerCallback):
    """Writes the groups of each step with their references, verdicts and rewards.

    The folder stays within a size limit: if a step exceeds it, steps are removed one by one, always
    the one whose neighbours are nearest, so that the remaining steps span the whole training. A
    full disk ends the saving, not the training.

    Args:
        megabytes: The limit over all ranks; 0 saves nothing.
    """

    def __init__(self, megabytes: float) -> None:
        ranks = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
        self._most = int(megabytes * 1e6 / ranks)
        self._rank = dist.get_rank() if ranks > 1 else 0
        self._folder: Path | None = None
        self._state: Any = None
        self._last = (0, 0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Remove what an earlier start saved for steps that will be repeated."""
        self._state = state
        self._folder = Path(args.output_dir) / GROUPS if self._most else None
        for step, path in self._kept() if self._folder is not None else ():
            if step > state.global_step:
                path.unlink(missing_ok=True)

    def keep(self, scored: Sequence[Scored]) -> None:
        """Write the groups that this rank scored for the next step.

        Args:
            scored: The groups with their rewards.
        """
        if self._folder is None or not scored:
            return
        step = self._state.global_step + 1
        # TRL can be configured to generate more than once per step.
        first = self._last[1] if self._last[0] == step else 0
        self._last = step, first + len(scored)
        path = self._folder / f"step-{step:06}-from-{first:04}-rank-{self._rank}.parquet"
        results = _fitting([each.result for each in scored], self._most)
        try:
            write_results(path, results, step=step, of=first + len(scored), first=first)
            self._thin()
        except (ConfigurationError, OSError) as error:
            _LOG.warning("groups are no longer saved: %s", error)
            self._folder = None

    def _thin(self) -> None:
        kept = self._kept()
        sizes = [path.stat().st_size for _, path in kept]
        while sum(sizes) > self._most and len(kept) > 1:
            # The newest file stays, and the first one as long as there is another to remove.
            gaps = [kept[at + 1][0] - kept[at - 1][0] for at in range(1, len(kept) - 1)]
            at = 1 + gaps.index(min(gaps)) if gaps else 0
            kept.pop(at)[1].unlink(missing_ok=True)
            sizes.pop(at)

    def _kept(self) -> list[tuple[int, Path]]:
        """The steps that this rank saved, with their files, oldest first."""
        assert self._folder is not None
        files = self._folder.glob(f"step-*-rank-{self._rank}.parquet")
        return sorted((int(path.name.split("-")[1]), path) for path in files)


def _fitting(results: list[Result], most: int) -> list[Result]:
    """Split off as many results as fit into about this many characters, at least one."""
    count = room = 0
    for result in results:
        room += _length(result)
        if count and room > most:
            break
        count += 1
    return results[:count]


def _length(result: Result) -> int:
    texts = [rollout.text for rollout in result.group.rollouts] if result.group else []
    texts += [result.reference.text] if result.reference else []
    return sum(map(len, texts))
