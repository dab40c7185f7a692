"""Concurrent scoring for TRL's AsyncGRPOTrainer, whose own loop scores one group after another."""

from __future__ import annotations

from typing import Any

from trl.experimental.async_grpo.async_rollout_worker import AsyncRolloutWorker, _AsyncRolloutLoop

from catsdk.core.fanout import fan_out

__all__ = ["AT_ONCE", "ConcurrentRolloutWorker", "ConcurrentScoring"]

AT_ONCE = 16
"""Groups that are scored at once; a reward that waits for anchor and judge leaves the CPU free."""


class ConcurrentScoring(_AsyncRolloutLoop):
    """TRL's rollout loop with several scoring loops on its queue."""

    async def _score_loop(self, stop_event: Any) -> None:
        """Run TRL's loop `AT_ONCE` times; when one is told to end, the others are told too."""
        loop = super()._score_loop

        async def one(_: int) -> None:
            await loop(stop_event)
            if self._groups_to_score.empty():
                self._groups_to_score.put_nowait(None)

        await fan_out(one, range(AT_ONCE))


class ConcurrentRolloutWorker(AsyncRolloutWorker):
    """TRL's rollout worker with concurrent scoring: `AsyncGRPOTrainer(rollout_worker=...)`.

    It takes the arguments of TRL's `AsyncRolloutWorker`. The reward goes to a process of its own,
    so that it must be picklable, as `GroupReward` is; give that its `num_generations`, the
    `max_tokens` of a completion, an anchor that is not in this process, and `step_groups`, such as
    `AT_ONCE`: it is asked for one group after another, and one that fails is no step that failed.
    """

    _loop_cls = ConcurrentScoring
