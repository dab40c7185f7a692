"""attach: binds a reward to its trainer, and watches that the anchor stays what it was."""

from __future__ import annotations

import logging
from typing import Any, Literal
from urllib.parse import urlsplit

from transformers import TrainerCallback

from catsdk.cat import run_sync
from catsdk.core.errors import CatError, ConfigurationError
from catsdk.core.ports import Provider, name_of
from catsdk.core.types import Message, Request
from catsdk_trainers.anchors import PolicyAnchor
from catsdk_trainers.trl_reward import GroupReward

__all__ = ["AnchorDriftedError", "attach"]

_LOG = logging.getLogger(__name__)
_PROBE = Request(
    messages=(Message(role="user", content="1+1"),), temperature=0.0, max_tokens=32, seed=None
)


class AnchorDriftedError(CatError):
    """The anchor answers the greedy probe otherwise than at the start: it is not frozen."""


def attach(
    trainer: Any,
    reward: GroupReward,
    anchor: Provider | None = None,
    *,
    probe_every: int = 50,
    on_drift: Literal["stop", "warn"] = "stop",
) -> None:
    """Give `reward` the trainer's group size, and `anchor` the trainer's model.

    A frozen anchor is asked the same greedy question at the start and every `probe_every` steps;
    when its answer changes, training stops or warns. An anchor of the kinds `average` and
    `current` is meant to move and is not probed.

    Raises:
        ConfigurationError: the anchor is the vLLM server that the trainer itself uses: each sync
            writes the policy into its weights.
    """
    reward.follow(trainer)
    if isinstance(anchor, PolicyAnchor):
        anchor.bind(trainer)
    if anchor is None:
        return
    _refuse_own_server(trainer, anchor)
    if getattr(anchor, "kind", "initial") == "initial" and probe_every:
        trainer.add_callback(_Probe(anchor, probe_every, on_drift))


def _refuse_own_server(trainer: Any, anchor: Provider) -> None:
    theirs, arguments = getattr(anchor, "base_url", None), trainer.args
    if theirs is None or not (arguments.use_vllm and arguments.vllm_mode == "server"):
        return
    own = arguments.vllm_server_base_url or (
        f"http://{arguments.vllm_server_host}:{arguments.vllm_server_port}"
    )
    if urlsplit(str(theirs)).netloc == urlsplit(own).netloc:
        raise ConfigurationError(
            f"the anchor {name_of(anchor)} is at {theirs}, the trainer's own vLLM server: each"
            " sync writes the policy into it. Serve the initial weights elsewhere, or use"
            " PolicyAnchor('initial')"
        )


class _Probe(TrainerCallback):
    """Compares the anchor's greedy answer with its first one."""

    def __init__(self, anchor: Provider, every: int, on_drift: str) -> None:
        self._anchor, self._every, self._on_drift = anchor, every, on_drift
        self._first: str | None = None

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._first = self._ask()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step % self._every:
            return
        now = self._ask()
        if now == self._first:
            return
        told = (
            f"the anchor {name_of(self._anchor)} answered {self._first!r} at the start and {now!r}"
            f" at step {state.global_step}: it is not frozen"
        )
        if self._on_drift == "stop":
            raise AnchorDriftedError(told)
        _LOG.warning("%s", told)

    def _ask(self) -> str:
        async def ask() -> str:
            return (await self._anchor.complete(_PROBE))[0].text

        return run_sync(ask)
