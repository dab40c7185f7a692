"""The scoring half of AsyncGRPO scores several groups at once, by TRL's own code."""

from __future__ import annotations

import pickle
import queue
import warnings
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.filterwarnings("ignore"),
]

from accelerate.state import PartialState

with warnings.catch_warnings():
    # TRL says that this part of it is unstable.
    warnings.simplefilter("ignore")
    from trl.experimental.async_grpo.async_rollout_worker import RolloutGroup

    from catsdk_trainers.async_grpo import AT_ONCE, ConcurrentRolloutWorker, ConcurrentScoring

from catsdk_trainers.trl_reward import GroupReward
from tests.providers.tiny_models import tiny_tokenizer
from tests.trainers.test_trl_reward import Meets, rewarding


def group(at: int) -> RolloutGroup:
    known: dict[str, Any] = {
        "group_id": at,
        "model_version": 0,
        "prompts": [[{"role": "user", "content": f"q{at}"}]] * 2,
        "completions": [[{"role": "assistant", "content": text}] for text in ("a", "b")],
        "completions_ids": [[1], [2, 3]],
        "completions_sequences": [[], []],
        "reward_kwargs": {},
        "tool_call_counts": [0, 0],
        "tool_failure_counts": [0, 0],
        "env_rewards": [None, None],
        "rollout_rewards": [None, None],
        "queued_at": 0.0,
    }
    fields = RolloutGroup.__dataclass_fields__
    return RolloutGroup(**{name: value for name, value in known.items() if name in fields})


def loop_with(reward: GroupReward) -> Noting:
    # TRL's logger asks for it.
    PartialState()
    tokenizer: Any = tiny_tokenizer()
    tokenizer.response_template = "unused"
    made: dict[str, Any] = {
        "model_name": "m",
        "dataset": [{"prompt": "q"}],
        "reward_funcs": [reward],
        "processing_class": tokenizer,
        "eos_token_ids": [1],
        "rollout_buffer": queue.Queue(),
        "model_version_value": SimpleNamespace(value=0),
        "heartbeat_value": SimpleNamespace(value=0.0),
        "failed_event": SimpleNamespace(set=lambda: None),
        "exception_info_queue": queue.Queue(),
        "metrics_queue": queue.Queue(),
        "num_generations": 2,
    }
    return Noting(**made)


class Noting(ConcurrentScoring):
    """Notes which groups were scored."""

    def __init__(self, **made: Any) -> None:
        super().__init__(**made)
        self.scored: list[int] = []

    async def _score_group(self, group: RolloutGroup) -> Any:
        samples = await super()._score_group(group)
        self.scored.append(group.group_id)
        return samples


async def test_two_groups_are_scored_at_once_and_the_loops_end_together() -> None:
    scorer = Meets()
    reward = rewarding(scorer)
    loop = loop_with(reward)
    # A scorer that waits for a second group would wait for ever in a loop that takes one at a time.
    for each in (group(0), group(1), None):
        loop._groups_to_score.put_nowait(each)
    ending: Any = SimpleNamespace(is_set=lambda: False)
    with anyio.fail_after(60):
        await loop._score_loop(ending)
    await anyio.to_thread.run_sync(reward.close)
    # What TRL makes for a process of its own.
    loop._loop.close()
    loop._tool_pool.shutdown()
    assert sorted(loop.scored) == [0, 1]
    assert scorer.arrived == 2 <= AT_ONCE


async def test_the_worker_runs_our_loop_and_the_loop_can_be_sent_to_its_process() -> None:
    assert ConcurrentRolloutWorker._loop_cls is ConcurrentScoring
    assert pickle.loads(pickle.dumps(ConcurrentScoring)) is ConcurrentScoring
