"""CaTConfig: one training run as a value, to and from YAML; the paper's settings are its defaults."""

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

    `None` for `top_k` and `top_p` takes every token. `chat_template` goes to the chat template,
    such as `{enable_thinking: false}`.
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
    """

    every: int = Field(default=50, ge=0)
    on_drift: Literal["stop", "warn"] = "stop"


class Failing(Options):
    """What happens when anchor or judge fail. A failure is never a reward.

    A group that is not scored within `deadline` seconds has no reward. Training stops when over
    `share` of the groups had none in each of `steps` steps in a row.
    """

    deadline: float = Field(default=900.0, gt=0)
    share: Share = 0.5
    steps: int = Field(default=3, ge=1)


class HeldOut(Options):
    """Evaluation on held-out prompts: the policy alone, its majority, and synthesis on top of it.

    Measured every `every` steps (0: never) with `rollouts` answers to each prompt, with the
    trainer's own generation. Accuracies need known answers in the column `answer`; where that is
    not set, in the first there is of the usual names (`catsdk.data.Columns`).
    """

    answer: str | None = Field(default=None, description="the column of known answers")
    every: int = Field(default=50, ge=0)
    rollouts: int = Field(default=8, ge=1)
    prompts: int | None = Field(default=None, ge=1, description="the first so many; else all")
    batch: int | None = Field(default=None, ge=1, description="completions of a device at once")
    at_start: bool = True


class Stop(Options):
    """When training ends early: a signal that holds `patience` times in a row ends it.

    `gap` is the least lead of the teacher over the policy on held-out prompts. `collapse` is
    agreement above what it was at the best evaluation while held-out accuracy is more than `fall`
    below it (arXiv 2505.21444). `constant` is the share
    of different prompts with one and the same reference answer, `entropy` the least mean entropy
    of a token, in nats. `None` and `False` turn a signal off. Tasks with few possible answers,
    such as yes or no, need a higher `constant` or none.
    """

    patience: int = Field(default=3, ge=1)
    gap: float | None = None
    collapse: bool = True
    fall: Share = 0.02
    constant: Share | None = 0.9
    entropy: float | None = Field(default=None, ge=0)


class Checkpoints(Options):
    """What is kept: a checkpoint every `every` steps (0: none but the last), the latest `keep`.

    Of one alone a kill could leave nothing: it goes before the next one is whole.
    """

    every: int = Field(default=50, ge=0)
    keep: int = Field(default=2, ge=2)


class LoRA(Options):
    """Low-rank adapters in place of full fine-tuning."""

    rank: int = Field(default=32, ge=1)
    alpha: int = Field(default=64, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: str | tuple[str, ...] = "all-linear"


class SFTPlan(Options):
    """CaT-SFT (paper, section 4): fine-tuning on pairs of a prompt and its synthesis.

    Batch 32, learning rate 5e-5 with cosine decay after a warm-up, LoRA of rank 32, and an early
    stop on the loss of `validation` of the pairs. Epochs and warm-up are not published.
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

    `batch` is the number of completions of one optimiser step, over all devices and accumulation
    steps: 256 are 32 prompts with 8 rollouts each. The paper says "global batch size 256" and not
    of what; the other reading, 256 prompts, is `batch: 2048`. `device_batch` completions pass a
    device at once, accumulated up to `batch`. The loss is GRPO's own (`loss_type="grpo"`), with
    rewards scaled in their group and the KL coefficient `kl`: TRL's defaults are others. The
    clipping range is not published; `clip` is TRL's and GRPO's usual one.

    `cat` describes what is rewarded, as `CaT.from_data` reads it: `estimator`, `reward`, `answers`
    and `client`; a role is a class's name, or a mapping from it to its arguments. What is left out
    is the paper's: synthesis by the initial policy, and whether a final answer agrees with it.
    Estimators and proposers sample as `rollouts` says unless they say otherwise, judges greedily.
    `budget` caps what anchor and judge may use, and the time in seconds, over all ranks and resumes;
    when it is used up, training stops with a checkpoint.

    `trl` adds any other argument of TRL's `GRPOConfig` (or `SFTConfig`), such as `use_vllm`,
    `vllm_mode`, `deepspeed` or `run_name`; what is set by name here cannot be set there.
    `reporters` are TRL's: tensorboard, wandb, trackio and others.

    Raises:
        InvalidInputError: a name is unknown or a value out of its range.
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
        """Take roles and whole CaTs too, fill in what is left out, and see that it can be made."""
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
        """Read a config.

        `under` are settings that the text goes over, section by section, such as a preset's;
        `changes` maps dotted names to values that go over both.

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
    def read(cls, path: str | Path) -> Self:
        """Read the config in the file `path`.

        Raises:
            InvalidInputError: it cannot be read, or as for `from_yaml`.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"the config {path} cannot be read: {error}") from None
        return cls.from_yaml(text)

    def to_yaml(self) -> str:
        """Every setting as YAML; `from_yaml` gives an equal config."""
        return yaml_of(self.model_dump(mode="json"))


def _as_data(name: str, role: Any) -> Any:
    """A section of `cat` as data, also where it is an object."""
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
        # A copy: it may be a preset's.
        tree[name] = dict(branch)
        tree = tree[name]
    tree[names[-1]] = value
