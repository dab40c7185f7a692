"""CaTConfig: one training run as a value, to and from YAML; its defaults are the paper's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import Field, JsonValue, field_validator

from catsdk.answers.answers import Answers
from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Options
from catsdk.core.sending import Budget
from catsdk.core.yaml_text import data_of, yaml_of
from catsdk.recipes import to_data
from catsdk.runtime.client import Client

__all__ = [
    "PAPER",
    "CaTConfig",
    "Checkpoints",
    "Failing",
    "HeldOut",
    "LoRA",
    "Probe",
    "Rollouts",
    "SFTPlan",
    "Stop",
    "merged",
]

Share = Annotated[float, Field(ge=0, le=1)]

PAPER: Final[dict[str, JsonValue]] = {
    "estimator": {
        "Synthesizer": {"anchor": {"PolicyAnchor": {"kind": "initial"}}, "show_question": False}
    },
    "reward": "AnswerReward",
}
"""The method of the paper where answers can be checked: its anchor is the initial policy."""


def _the_papers() -> dict[str, JsonValue]:
    return dict(PAPER)


class Rollouts(Options):
    """The exploration of the paper's section 3.1: how the policy is sampled in training.

    Args:
        count: G, the rollouts of one prompt.
        temperature: Sampling temperature, over 0.
        top_k: How many of the most probable tokens are sampled from; `None` takes every token.
        top_p: Share of the probability that is sampled from; `None` takes all.
        max_tokens: Longest response, in tokens: 1,536 on MATH-500, 1,024 on HealthBench.
        chat_template: Goes to the chat template, such as `{enable_thinking: false}`.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig, Rollouts
        >>> CaTConfig(model="m", rollouts=Rollouts(count=4, top_k=64)).rollouts.max_tokens
        1536
    """

    count: int = Field(default=8, ge=2, description="G, the rollouts of one prompt")
    temperature: float = Field(default=1.0, gt=0)
    top_k: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int = Field(
        default=1536, ge=1, description="1,536 on MATH-500, 1,024 on HealthBench"
    )
    chat_template: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Probe(Options):
    """How a frozen anchor is watched: by the same greedy question, whose answer must not change.

    Args:
        every: Steps between two probes; 0 is never.
        on_drift: Whether another answer stops the training or is logged.

    Example:
        >>> from catsdk.train import CaTConfig, Probe
        >>> CaTConfig(model="m", probe=Probe(every=10)).probe.on_drift
        'stop'
    """

    every: int = Field(default=50, ge=0)
    on_drift: Literal["stop", "warn"] = "stop"


class Failing(Options):
    """What happens when anchor or judge fail. A failure is never a reward.

    Args:
        deadline: Seconds within which a group must be scored; else it has no reward.
        share: Training stops when more than this share of the groups, in 0..1, had no reward in
            each of the last steps.
        steps: How many steps in a row that takes.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig, Failing
        >>> CaTConfig(model="m", failing=Failing(deadline=120)).failing.share
        0.5
    """

    deadline: float = Field(default=900.0, gt=0)
    share: Share = 0.5
    steps: int = Field(default=3, ge=1)


class HeldOut(Options):
    """Evaluation on held-out prompts: the policy alone, its majority, and synthesis on top of it.

    Args:
        answer: The column with known answers, which accuracies need.
        every: Steps between two evaluations; 0 is never.
        rollouts: Answers to each prompt, by the trainer's own generation.
        prompts: The first so many prompts are used; `None` uses all.
        batch: Completions that a device makes at once.
        at_start: Whether to evaluate before the first step, too.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig, HeldOut
        >>> CaTConfig(model="m", evaluation=HeldOut(every=100, prompts=200)).evaluation.rollouts
        8
    """

    answer: str | None = Field(default=None, description="the column of known answers")
    every: int = Field(default=50, ge=0)
    rollouts: int = Field(default=8, ge=1)
    prompts: int | None = Field(default=None, ge=1, description="the first so many; else all")
    batch: int | None = Field(default=None, ge=1, description="completions of a device at once")
    at_start: bool = True


class Stop(Options):
    """When training ends early. `None` and `False` turn a signal off.

    Args:
        patience: How often in a row a signal must hold, but for `kept` and `below_majority`.
        kept: The least share of the held-out prompts on which the policy was sure at first (three
            quarters of the group gave one answer) whose majority is still that answer. No known
            answer is read. One evaluation below it ends the training: a reward that makes the
            policy unlearn what it was sure of destroys.
        gap: The least lead of the teacher over the policy on held-out prompts.
        collapse: Whether to end where agreement is above what it was at the best evaluation while
            held-out accuracy is more than `fall` below it (arXiv 2505.21444).
        fall: How much accuracy may be lost, in 0..1.
        constant: The largest share of different prompts with one and the same reference answer.
            Tasks with few possible answers, such as yes or no, need a higher one or none.
        entropy: The least mean entropy of a token, in nats.
        below_majority: Whether to end after the first evaluation where the teacher is right less
            often than the majority of the same rollouts (paired, 95 %). `False` only warns.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig, Stop
        >>> CaTConfig(model="m", stop=Stop(gap=0.0, constant=None)).stop.patience
        3
    """

    patience: int = Field(default=3, ge=1)
    kept: Share | None = 0.75
    gap: float | None = None
    collapse: bool = True
    fall: Share = 0.02
    constant: Share | None = 0.9
    entropy: float | None = Field(default=None, ge=0)
    below_majority: bool = False


class Checkpoints(Options):
    """Which checkpoints are kept.

    Args:
        every: Steps between two; 0 keeps none but the last.
        keep: How many of the latest are kept, at least 2: of one alone a kill could leave nothing,
            as it goes before the next one is whole.
        groups: The most megabytes of the groups that are kept beside them, with references,
            verdicts and rewards, for `catsdk view`; 0 keeps none.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig, Checkpoints
        >>> CaTConfig(model="m", checkpoints=Checkpoints(every=10)).checkpoints.keep
        2
    """

    every: int = Field(default=50, ge=0)
    keep: int = Field(default=2, ge=2)
    groups: float = Field(default=256.0, ge=0, description="megabytes of groups for the viewer")


class LoRA(Options):
    """Low-rank adapters instead of full fine-tuning.

    Args:
        rank: The rank of the adapters.
        alpha: Their scale.
        dropout: Dropout in them, from 0 to under 1.
        targets: The modules that get one, or `all-linear`.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig, LoRA
        >>> CaTConfig(model="m", lora=LoRA(rank=16)).lora.alpha
        64
    """

    rank: int = Field(default=32, ge=1)
    alpha: int = Field(default=64, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: str | tuple[str, ...] = "all-linear"


class SFTPlan(Options):
    """CaT-SFT (paper, section 4): fine-tuning on pairs of a prompt and its synthesis.

    Epochs and warm-up are not published; the other values are the paper's.

    Args:
        epochs: Passes over the pairs.
        batch: Pairs of one optimiser step.
        learning_rate: The highest; it falls by a cosine after the warm-up.
        warmup: The share of the steps, in 0..1, in which it rises.
        lora: The adapters; `None` trains all weights.
        validation: The share of the pairs, from 0 to under 1, on whose loss training stops early.
        evaluate_every: Steps between two measurements of that loss.
        patience: How many of them in a row may bring no better loss.
        sampler: The model string of what answers and synthesizes; by default `model`, in this
            process.
        at_once: Prompts that are worked on at once.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig, SFTPlan
        >>> CaTConfig(model="m", sft=SFTPlan(epochs=1)).sft.learning_rate
        5e-05
    """

    epochs: float = Field(default=3.0, gt=0)
    batch: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=5e-5, gt=0)
    warmup: Share = 0.03
    lora: LoRA | None = LoRA()
    validation: float = Field(default=0.05, ge=0, lt=1)
    evaluate_every: int = Field(default=20, ge=1)
    patience: int = Field(default=3, ge=1)
    sampler: str | None = Field(default=None, description="model string; else `model` in process")
    at_once: int = Field(default=64, ge=1, description="prompts that are worked on at once")


class CaTConfig(Options):
    """CaT-RL (`grpo`) and CaT-SFT (`sft`) with the paper's settings (section 4, appendix).

    The paper says "global batch size 256" and not of what: here 256 completions are 32 prompts with
    8 rollouts each; the other reading, 256 prompts, is `batch: 2048`. The loss is GRPO's own
    (`loss_type="grpo"`), with rewards scaled in their group: TRL's defaults are others.

    `cat` describes what is rewarded, as `CaT.from_data` reads it: `estimator`, `reward`, `answers`
    and `client`. What is left out is the paper's: synthesis by the initial policy, and whether a
    final answer agrees with it. Estimators and proposers sample as `rollouts` says unless they say
    otherwise, judges greedily.

    Args:
        model: A directory, a GGUF file or a name on the hub; `local` is the model in the box.
        output: The folder of checkpoints, logs and the model.
        seed: Of the order of the data, the weights of adapters, the rollouts and the anchor.
        steps: Optimiser steps.
        batch: Completions of one optimiser step, over all devices and accumulation steps.
        device_batch: Completions that pass a device at once.
        learning_rate: The learning rate.
        kl: The coefficient of the KL divergence from the initial policy.
        clip: The clipping range, which is not published; this is TRL's and GRPO's usual one.
        precision: The type of the weights in training; `auto` takes what the device can.
        reporters: TRL's reporters: tensorboard, wandb, trackio and others.
        lora: Adapters instead of full fine-tuning.
        rollouts: How the policy is sampled.
        cat: What is rewarded.
        probe: How a frozen anchor is watched.
        failing: What happens when anchor or judge fail.
        evaluation: What is measured on held-out prompts.
        stop: When training ends early.
        checkpoints: What is kept.
        sft: The settings of CaT-SFT.
        trl: Any other argument of TRL's `GRPOConfig` (or `SFTConfig`), such as `use_vllm` or
            `run_name`; what is set by name here cannot be set there.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.

    Example:
        >>> from catsdk.train import CaTConfig
        >>> config = CaTConfig(model="Qwen/Qwen3-4B", data="prompts.jsonl", cat={"reward": "Gold"})
        >>> config.prompts_of_a_step
        32
    """

    model: str
    data: str | None = Field(default=None, description="a source of `catsdk.data.read_rows`")
    held_out: str | None = Field(default=None, description="as `data`, with known answers")
    prompt: str | None = Field(default=None, description="the column of prompts; else a usual one")
    system: str | None = Field(default=None, description="system message before text prompts")
    suffix: str = Field(default="", description="added to prompts that are texts")
    output: str = "cat-run"
    seed: int = 0
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=256, ge=2)
    device_batch: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=5e-7, gt=0)
    kl: float = Field(default=1e-3, ge=0)
    clip: float = Field(default=0.2, gt=0)
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    reporters: tuple[str, ...] = ()
    lora: LoRA | None = None
    rollouts: Rollouts = Rollouts()
    cat: dict[str, JsonValue] = Field(default_factory=_the_papers)
    probe: Probe = Probe()
    budget: Budget | None = Field(default=None, description="over all ranks and resumes")
    failing: Failing = Failing()
    evaluation: HeldOut = HeldOut()
    stop: Stop = Stop()
    checkpoints: Checkpoints = Checkpoints()
    sft: SFTPlan = SFTPlan()
    trl: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])

    @field_validator("cat", mode="before")
    @classmethod
    def _described(cls, value: Any) -> Any:
        """Accept roles and whole CaTs, too; fill in what is left out, and check the result."""
        given = value.to_data() if isinstance(value, CaT) else value
        if not isinstance(given, Mapping):
            raise InvalidInputError(
                f"cat is {given!r:.80}; write a mapping such as {{reward: RubricReward}}"
            )
        named = cast("Mapping[str, Any]", given)
        if named.get("policy") is not None:
            raise InvalidInputError(
                "cat has a policy; the policy is `model`, sampled as `rollouts` says"
            )
        whole = {**PAPER, **{name: _as_data(name, role) for name, role in named.items()}}
        whole = {name: role for name, role in whole.items() if role is not None}
        CaT.from_data(whole)
        return whole

    @property
    def prompts_of_a_step(self) -> int:
        """How many prompts one optimiser step sees."""
        return self.batch // self.rollouts.count

    @classmethod
    def from_yaml(
        cls,
        text: str,
        changes: Mapping[str, Any] | None = None,
        *,
        under: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return the config that a YAML text describes.

        Args:
            text: A mapping of settings.
            changes: Values by dotted names, such as `rollouts.count`, that go over all others.
            under: Settings that the text goes over, section by section, such as a preset's.

        Raises:
            InvalidInputError: the text is no YAML mapping, or as for the class.
        """
        read = data_of(text, "the config") or {}
        if not isinstance(read, dict):
            raise InvalidInputError(f"the config is {str(read)[:60]!r}; write a mapping of names")
        whole = merged(under or {}, read)
        for name, value in (changes or {}).items():
            _set(whole, name.split("."), value)
        return cls(**{str(name): value for name, value in whole.items()})

    @classmethod
    def read(cls, path: str | Path, *, under: Mapping[str, Any] | None = None) -> Self:
        """Return the config in a file.

        Args:
            path: A file with YAML.
            under: Settings that the file goes over, as for `from_yaml`.

        Raises:
            InvalidInputError: it cannot be read, or as for `from_yaml`.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"the config {path} cannot be read: {error}") from None
        return cls.from_yaml(text, under=under)

    def to_yaml(self) -> str:
        """Return every setting as YAML; `from_yaml` gives an equal config."""
        return yaml_of(self.model_dump(mode="json"))


def _as_data(name: str, role: Any) -> Any:
    """A section of `cat` as data, even if it is an object."""
    if isinstance(role, Client):
        return role.to_data()
    if isinstance(role, Answers):
        data = to_data(role)
        return data["Answers"] if isinstance(data, Mapping) else {}
    return role if role is None or isinstance(role, str | Mapping) else to_data(role)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`under` with the settings of `over` in it; sections are merged name by name."""
    whole = dict(under)
    for name, value in over.items():
        old = whole.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            whole[name] = {**old, **value}
        else:
            whole[name] = value
    return whole


def _set(tree: dict[Any, Any], names: list[str], value: Any) -> None:
    for at, name in enumerate(names[:-1], start=1):
        branch = tree.get(name) or {}
        if not isinstance(branch, Mapping):
            raise InvalidInputError(f"{'.'.join(names[:at])} is {branch!r}: it has no parts")
        # A copy, since it may belong to a preset.
        tree[name] = dict(branch)
        tree = tree[name]
    tree[names[-1]] = value
