"""Train and evaluate one unit of a laboratory, and write one JSON file; a kill loses little."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from transformers import TrainerCallback

from catsdk import train
from examples.lab.held_out import Exam
from examples.lab.units import Training, Unit, file_of

__all__ = ["config_for", "methods_of", "scratch_of", "train_unit"]

_LOG = logging.getLogger(__name__)
_PACKAGES: Final = ("torch", "transformers", "trl", "peft")
_LOGGED: Final = (
    "reward", "reward_std", "frac_reward_zero_std", "entropy", "loss", "cat/agreement",
    "cat/scored", "cat/seconds", "completions/mean_length", "step_time",
)  # fmt: skip


def scratch_of(unit: Unit[Training], out: Path) -> Path:
    """The folder of a unit's checkpoints, which exists until the unit is done."""
    return out / "runs" / unit.name


def methods_of(synthesis: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The methods of the arms that both laboratories have; `synthesis` is the estimator."""
    by_answer = {"reward": "AnswerReward"}
    return {
        "cat": {"estimator": synthesis, **by_answer},
        "sft": {"estimator": synthesis, **by_answer},
        "majority": {"estimator": "Majority", **by_answer},
        "gold": {"reward": "Gold"},
        "random": {"reward": "Random"},
    }


def config_for(
    unit: Unit[Training],
    model: Path,
    folder: Path,
    *,
    cat: dict[str, Any],
    rollouts: train.Rollouts,
    kl: float = 0.0,
    sft_rate: float,
    lora: train.LoRA | None = None,
) -> train.CaTConfig:
    """The settings of a unit; its plan determines the length of training and the batches.

    Args:
        unit: The unit to train.
        model: The folder of the weights.
        folder: The folder of the checkpoints.
        cat: The method that gives the rewards.
        rollouts: How the policy is sampled.
        kl: The weight of the KL penalty towards the initial policy.
        sft_rate: The learning rate of the arm `sft`.
        lora: The adapters to train; by default all weights are trained.
    """
    plan = unit.plan
    batch = plan.prompts * plan.group
    return train.CaTConfig(
        model=str(model),
        output=str(folder),
        seed=unit.seed,
        steps=plan.steps,
        batch=batch,
        device_batch=plan.sft_batch if unit.arm == "sft" else batch,
        learning_rate=plan.rate,
        kl=kl,
        lora=lora,
        rollouts=rollouts,
        cat=cat,
        probe=train.Probe(every=plan.every),
        evaluation=train.HeldOut(every=0),
        stop=train.Stop(constant=None),
        checkpoints=train.Checkpoints(every=plan.every),
        sft=train.SFTPlan(
            batch=plan.sft_batch,
            learning_rate=sft_rate,
            epochs=plan.sft_epochs,
            lora=lora,
            evaluate_every=plan.every,
        ),
        trl={"gradient_checkpointing": False},
    )


def train_unit(
    unit: Unit[Training],
    out: Path,
    config: train.CaTConfig,
    rows: list[dict[str, Any]],
    *,
    model: Any,
    tokenizer: Any,
    exam: Exam,
    every: int | None,
    start_alike: bool = False,
) -> Path:
    """Train and evaluate; return the JSON file of the results.

    Args:
        unit: The unit to train; the arm `sft` fine-tunes, all others use GRPO.
        out: The folder of the JSON file.
        config: The settings; their output must be `scratch_of(unit, out)`.
        rows: The training data.
        model: The policy.
        tokenizer: Its tokenizer.
        exam: Evaluates the policy.
        every: Steps between evaluations; `None` evaluates only at the start and the end.
        start_alike: Whether all units of the plan in this folder start from the same policy, whose
            evaluation before the first step they then share.
    """
    scratch = scratch_of(unit, out)
    watch = _Watch(exam, every, scratch, _start_of(unit, out) if start_alike else None)
    began = time.perf_counter()
    run: Callable[..., Any] = train.sft if unit.arm == "sft" else train.grpo
    trained = run(config, rows, model=model, tokenizer=tokenizer, callbacks=[watch])
    file = file_of(unit, out)
    file.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "unit": asdict(unit),
        "versions": {name: version(name) for name in _PACKAGES},
        "seconds": watch.seconds_before + round(time.perf_counter() - began),
        "stopped_because": trained.stopped_because,
        "points": watch.points,
        "log": [_kept(row) for row in trained.history if "loss" in row],
    }
    _write_whole(file, _as_lines(told))
    shutil.rmtree(scratch)
    return file


class _Watch(TrainerCallback):
    """Evaluate the policy at the start, every few steps and at the end."""

    def __init__(self, exam: Exam, every: int | None, scratch: Path, start: Path | None) -> None:
        self._exam, self._every, self._start = exam, every, start
        self._kept, self._clock = scratch / "points.jsonl", scratch / "seconds.jsonl"
        self._began = time.perf_counter()
        self.seconds_before = round(max(map(float, _lines(self._clock)), default=0))

    @property
    def points(self) -> list[dict[str, Any]]:
        """The results, by step; a resumed run also reads its earlier ones."""
        points = {point["step"]: point for point in map(json.loads, _lines(self._kept))}
        return [points[step] for step in sorted(points)]

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 0:
            self._measure(0, whole=True)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = state.global_step
        if self._every is not None and step % self._every == 0 and step < state.max_steps:
            self._measure(step, whole=False)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seconds = self.seconds_before + time.perf_counter() - self._began
        _append(self._clock, f"{seconds:.0f}")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # This also runs after an early stop, with the best weights if those are loaded.
        self._measure(state.global_step, whole=True)

    def _measure(self, step: int, *, whole: bool) -> None:
        point = self._known() if step == 0 else None
        if point is None:
            point = {"step": step, **self._exam.sit(whole=whole)}
            if step == 0 and self._start is not None:
                self._start.parent.mkdir(parents=True, exist_ok=True)
                _write_whole(self._start, json.dumps(point))
        _append(self._kept, json.dumps(point))
        _LOG.info("step %d: %s", step, self._exam.summary(point))

    def _known(self) -> dict[str, Any] | None:
        if self._start is None or not self._start.exists():
            return None
        point: dict[str, Any] = json.loads(self._start.read_text("utf-8"))
        return point


def _write_whole(file: Path, text: str) -> None:
    """Write atomically, so that another unit never reads half of the file."""
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(text, "utf-8")
    part.replace(file)


def _start_of(unit: Unit[Training], out: Path) -> Path:
    """The file of the evaluation before the first step, shared by all units of the same plan."""
    asked = json.dumps(asdict(unit.plan), sort_keys=True).encode()
    return out / "runs" / f"start-{sha256(asked).hexdigest()[:12]}.json"


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.exists() else []


def _append(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{line}\n")


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": row["step"], **{name: _short(row[name]) for name in _LOGGED if name in row}}


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _as_lines(told: dict[str, Any]) -> str:
    """JSON with one line for each point and each logged step, so that diffs are readable."""
    head = {name: value for name, value in told.items() if not isinstance(value, list)}
    lists = [f' "{name}": [\n  ' + _joined(told[name]) + "\n ]" for name in ("points", "log")]
    return json.dumps(head, indent=1)[:-2] + ",\n" + ",\n".join(lists) + "\n}\n"


def _joined(rows: Iterable[Any]) -> str:
    return ",\n  ".join(map(json.dumps, rows))
