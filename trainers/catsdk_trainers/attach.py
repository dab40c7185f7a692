"""attach: binds a reward to its trainer, and watches that the anchor stays what it was."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import anyio
from transformers import TrainerCallback

from catsdk.cat import run_sync
from catsdk.core.errors import CatError, ConfigurationError
from catsdk.core.ports import Provider, name_of
from catsdk.core.types import Message, Request
from catsdk_trainers.anchors import PolicyAnchor
from catsdk_trainers.ranks import everywhere
from catsdk_trainers.trl_reward import GroupReward

__all__ = ["AnchorDriftedError", "attach"]

PROBED = "anchor-probe.json"

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
    probe_seconds: float = 120.0,
) -> None:
    """Give `reward` the trainer's group size, and `anchor` the trainer's model.

    A frozen anchor is asked the same greedy question at the start and every `probe_every` steps;
    when its answer changes, training stops or warns. One that does not answer within
    `probe_seconds` has not drifted: that is logged, and the rewards of its groups are `None`. An
    anchor of the kinds `average` and `current` is meant to move and is not probed. Where a rank's
    batch is no multiple of G, the reward gathers the groups that are split over ranks.

    Raises:
        ConfigurationError: the anchor is the vLLM server that the trainer itself uses: each sync
            writes the policy into its weights. Or the trainer's batch makes no whole groups.
    """
    _check_batch(trainer)
    reward.follow(trainer)
    if isinstance(anchor, PolicyAnchor):
        anchor.bind(trainer)
    if anchor is None:
        return
    _refuse_own_server(trainer, anchor)
    if getattr(anchor, "kind", "initial") == "initial" and probe_every:
        trainer.add_callback(_Probe(anchor, probe_every, on_drift, probe_seconds))


def _check_batch(trainer: Any) -> None:
    """Look at the rows of all ranks in one generation; those of one rank may be no whole groups."""
    arguments, size = trainer.args, trainer.num_generations
    rows = getattr(arguments, "generation_batch_size", None)
    if rows is not None and rows % size:
        raise ConfigurationError(
            f"a generation of {rows} completions makes no groups of {size}; let"
            " per_device_train_batch_size * steps_per_generation * processes be a multiple of"
            " num_generations"
        )


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
    """Compares the anchor's greedy answer with its first one, which a resumed run reads again."""

    def __init__(self, anchor: Provider, every: int, on_drift: str, seconds: float) -> None:
        self._anchor, self._every, self._on_drift = anchor, every, on_drift
        self._seconds = seconds
        self._first: str | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        kept = Path(args.output_dir) / PROBED
        if state.global_step and kept.exists():
            self._first = json.loads(kept.read_text("utf-8"))
            self._compare(state)
        elif state.is_world_process_zero:
            self._first = self._ask()
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(self._first), "utf-8")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step % self._every == 0:
            self._compare(state)

    def _compare(self, state: Any) -> None:
        """Ask on the first rank; all of them go on or stop."""
        told = next((each for each in everywhere(self._drift(state)) if each), None)
        if told is None:
            return
        if self._on_drift == "stop":
            raise AnchorDriftedError(told)
        _LOG.warning("%s", told)

    def _drift(self, state: Any) -> str | None:
        if not state.is_world_process_zero:
            return None
        now = self._ask()
        if self._first is None:
            self._first = now
        if now is None or now == self._first:
            return None
        return (
            f"the anchor {name_of(self._anchor)} answered {self._first!r} at the start and {now!r}"
            f" at step {state.global_step}: it is not frozen"
        )

    def _ask(self) -> str | None:
        """The answer, or `None` where there is none now: that is a failure, and no drift."""

        async def ask() -> str:
            with anyio.fail_after(self._seconds):
                return (await self._anchor.complete(_PROBE))[0].text

        try:
            return run_sync(ask)
        except (CatError, TimeoutError) as error:
            _LOG.warning("the anchor %s could not be probed: %r", name_of(self._anchor), error)
            return None
