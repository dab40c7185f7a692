"""attach: bind a reward to its trainer, and check that a frozen anchor does not change."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from secrets import randbelow
from typing import Any, Literal
from urllib.parse import urlsplit

from transformers import TrainerCallback

from catsdk.core.errors import CatError, ConfigurationError, InvalidInputError
from catsdk.core.model_strings import resolve
from catsdk.core.ports import Provider, declared, name_of
from catsdk.core.types import Message, Request
from catsdk_trainers.data.gold import gold_rewards
from catsdk_trainers.data.keeping import KeepGroups
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.ranks import everywhere
from catsdk_trainers.trl.reward import GroupReward
from catsdk_trainers.trl.role_anchors import anchors_of, policy_anchors
from catsdk_trainers.trl.stopping import BudgetStop

__all__ = ["AnchorDriftedError", "attach"]

PROBED = "anchor-probe.json"

_LOG = logging.getLogger(__name__)
_PROBE = Request(
    messages=(Message(role="user", content="1+1"),), temperature=0.0, max_tokens=32, seed=None
)


class AnchorDriftedError(CatError):
    """The anchor's answer to the greedy probe has changed, so the anchor is not frozen.

    What to do: name a server that no training updates; if the server's greedy answers are not
    repeatable, use `on_drift="warn"`.
    """


def attach(
    trainer: Any,
    reward: GroupReward,
    *,
    probe_every: int = 50,
    on_drift: Literal["stop", "warn"] = "stop",
    probe_seconds: float = 120.0,
    keep_megabytes: float = 256.0,
) -> None:
    """Bind `reward` to its trainer: the group sizes, the anchors in its CaT, and its budget.

    Each `PolicyAnchor` among the roles of the CaT is bound to the trainer's model. A frozen
    anchor (`PolicyAnchor("initial")`, or a model behind a service) is asked the same greedy
    question at the start and every `probe_every` steps; if its answer changes, training stops or
    warns. An anchor that does not answer within `probe_seconds` does not count as drifted: this is
    only logged. When the reward's budget is used up, training ends with a checkpoint; the amount
    spent is saved in the output folder. If a rank's batch is not a multiple of G, the reward
    gathers groups that are split over ranks. The groups of each step, with their references,
    verdicts and rewards, are saved in `groups/` in the output folder, for `catsdk view`.

    Args:
        trainer: A `GRPOTrainer` or `RLOOTrainer` that was given `reward`.
        reward: A reward made by `catsdk.train.reward`.
        probe_every: Steps between two probes of a frozen anchor; 0 never probes.
        on_drift: Whether a changed answer stops the training or is only logged.
        probe_seconds: How long an answer may take.
        keep_megabytes: The size limit of the saved groups; 0 saves none. Beyond it, steps are
            removed such that the remaining ones span the whole training.

    Raises:
        ConfigurationError: the anchor is the vLLM server that the trainer itself uses, into which
            each sync writes the policy; or the trainer's batch does not make whole groups.
        InvalidInputError: the training data lacks the column of a `Gold` reward.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.train import PolicyAnchor, attach, reward
        >>> from catsdk_providers.box import BOX
        >>> from datasets import Dataset
        >>> from trl import GRPOConfig, GRPOTrainer
        >>> c = cat.CaT(
        ...     estimator=cat.Synthesizer(PolicyAnchor("initial")),
        ...     reward=cat.AnswerReward(),
        ... )
        >>> made = reward(c, num_generations=2)
        >>> arguments = GRPOConfig(
        ...     "out", num_generations=2, per_device_train_batch_size=2, max_steps=1,
        ...     report_to="none", use_cpu=True, bf16=False,
        ... )
        >>> prompts = Dataset.from_list([{"prompt": [{"role": "user", "content": "23 + 58"}]}])
        >>> trainer = GRPOTrainer(str(BOX), [made], arguments, prompts)
        >>> attach(trainer, made)
        >>> made.close()
    """
    _check_batch(trainer)
    _check_columns(trainer, reward)
    examiner = reward.held_out
    teacher = None if examiner is None else examiner.estimator or reward.cat.estimator
    anchors = anchors_of(reward.cat, teacher)
    for anchor in anchors:
        _refuse_own_server(trainer, anchor)
    reward.follow(trainer)
    if keep_megabytes:
        keeping = KeepGroups(keep_megabytes)
        trainer.add_callback(keeping)
        reward.keep_by(keeping.keep)
    _bind(policy_anchors(reward.cat, teacher), trainer)
    if reward.spending.budget is not None:
        trainer.add_callback(BudgetStop(reward.spending))
    for anchor in anchors:
        if getattr(anchor, "kind", "initial") == "initial" and probe_every:
            ask = partial(reward.ask, anchor, seconds=probe_seconds)
            trainer.add_callback(_Probe(ask, _named(anchor), probe_every, on_drift))


def _bind(anchors: Sequence[PolicyAnchor], trainer: Any) -> None:
    bound: list[PolicyAnchor] = []
    for anchor in anchors:
        equal = next((other for other in bound if other == anchor), None)
        if equal is None:
            anchor.bind(trainer)
            bound.append(anchor)
        else:
            anchor.bind_like(equal)


def _check_columns(trainer: Any, reward: GroupReward) -> None:
    columns = getattr(getattr(trainer, "train_dataset", None), "column_names", None)
    for gold in gold_rewards(reward.cat.rewarder):
        if columns is not None and gold.column not in columns:
            raise InvalidInputError(
                f"the reward compares with the column {gold.column!r}, and the training data have"
                f" the columns {', '.join(columns)}; name the one with known answers:"
                " Gold(column=...)"
            )


def _check_batch(trainer: Any) -> None:
    """Check the rows of all ranks in one generation, as one rank may hold incomplete groups."""
    arguments, size = trainer.args, trainer.num_generations
    rows = getattr(arguments, "generation_batch_size", None)
    if rows is not None and rows % size:
        raise ConfigurationError(
            f"a generation of {rows} completions makes no groups of {size}; let"
            " per_device_train_batch_size * steps_per_generation * processes be a multiple of"
            " num_generations"
        )


def _named(model: str | Provider) -> str:
    return model if isinstance(model, str) else name_of(model)


def _refuse_own_server(trainer: Any, anchor: str | Provider) -> None:
    arguments = trainer.args
    if not (arguments.use_vllm and arguments.vllm_mode == "server"):
        return
    theirs = declared(resolve(anchor) if isinstance(anchor, str) else anchor, "base_url")
    if theirs is None:
        return
    own = arguments.vllm_server_base_url or (
        f"http://{arguments.vllm_server_host}:{arguments.vllm_server_port}"
    )
    if urlsplit(str(theirs)).netloc == urlsplit(own).netloc:
        raise ConfigurationError(
            f"the anchor {_named(anchor)} is at {theirs}, the trainer's own vLLM server: each"
            " sync writes the policy into it. Serve the initial weights elsewhere, or use"
            " PolicyAnchor('initial')"
        )


class _Probe(TrainerCallback):
    """Compares the anchor's greedy answer with its first one, which is saved for resumed runs."""

    def __init__(
        self, answer: Callable[[Request], str], name: str, every: int, on_drift: str
    ) -> None:
        self._answer, self._name, self._every, self._on_drift = answer, name, every, on_drift
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
        """Ask on the first rank; all ranks continue or stop together."""
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
            f"the anchor {self._name} answered {self._first!r} at the start and {now!r}"
            f" at step {state.global_step}: it is not frozen"
        )

    def _ask(self) -> str | None:
        """The answer, or `None` if the call fails, which does not count as drift."""
        # Without a cache, which would return an earlier answer instead of the anchor's.
        probe = _PROBE.model_copy(update={"sample_index": randbelow(2**48)})
        try:
            return self._answer(probe)
        except (CatError, TimeoutError) as error:
            _LOG.warning("the anchor %s could not be probed: %r", self._name, error)
            return None
