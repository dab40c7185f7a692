"""Train the model in the box without labels: one arm, one seed, one small JSON of results.

    python -m examples.lab.rl --arm cat --seed 0 --out DIR

Arms: `cat` rewards by the synthesized reference, `ttrl` by the majority's answer, `gold` by the
known answer (the upper bound, which needs labels), `random` by a coin (the control), `rubric` by
the initial policy's verdicts on criteria that it wrote from the synthesis, and `sft` fine-tunes on
syntheses made once. A unit whose JSON is there is not run again; one that was ended goes on from
its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

from catsdk.providers import LocalProvider
from catsdk.train import CaTConfig, Checkpoints, HeldOut, Probe, Rollouts, SFTPlan, Stop, grpo, sft
from catsdk_providers.box import BOX
from catsdk_providers.box.problems import problems, solve
from examples.lab.held_out import Exam
from examples.lab.units import ARMS, MAX_TOKENS, PLANS, Unit

__all__ = ["config_of", "run"]

_LOG = logging.getLogger(__name__)
_PACKAGES: Final = ("torch", "transformers", "trl", "peft")
_LOGGED: Final = (
    "reward", "reward_std", "frac_reward_zero_std", "entropy", "loss", "cat/agreement",
    "cat/scored", "cat/seconds", "completions/mean_length", "step_time",
)  # fmt: skip
_SCRATCH: Final = "runs"
# The model in the box synthesizes, proposes and judges by prompts of its own.
_SYNTHESIS: Final = {
    "Synthesizer": {"anchor": {"PolicyAnchor": {"kind": "initial", "prompts": "box"}}}
}
_ARMS: Final[dict[str, dict[str, Any]]] = {
    "cat": {"estimator": _SYNTHESIS, "reward": "AnswerReward"},
    "sft": {"estimator": _SYNTHESIS, "reward": "AnswerReward"},
    "ttrl": {"estimator": "Majority", "reward": "AnswerReward"},
    "gold": {"reward": "Gold"},
    "random": {"reward": "Random"},
    "rubric": {"estimator": _SYNTHESIS, "reward": "RubricReward"},
}


def run(unit: Unit, out: Path) -> Path:
    """Train and measure, unless that was done; returns the JSON with what was measured."""
    file = out / f"{unit.name}.json"
    if file.exists() and json.loads(file.read_text("utf-8"))["unit"] == asdict(unit):
        return file
    torch.manual_seed(unit.seed)
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    model = AutoModelForCausalLM.from_pretrained(BOX, dtype=torch.float32)
    scratch = out / _SCRATCH / unit.name
    watch = _Watch(unit, model, tokenizer, scratch / "points.jsonl")
    started = time.perf_counter()
    train: Any = sft if unit.arm == "sft" else grpo
    trained = train(
        config_of(unit, scratch), _rows(unit), model=model, tokenizer=tokenizer, callbacks=[watch]
    )
    told = {
        "unit": asdict(unit),
        "versions": {name: version(name) for name in _PACKAGES},
        "seconds": round(time.perf_counter() - started),
        "stopped_because": trained.stopped_because,
        "points": watch.points,
        "log": [_kept(row) for row in trained.history if "loss" in row],
    }
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(_as_lines(told), "utf-8")
    shutil.rmtree(scratch)
    return file


def config_of(unit: Unit, folder: Path) -> CaTConfig:
    """The lab's own preset: at the paper's rates this model would not move in that time."""
    plan = unit.plan
    return CaTConfig(
        model=str(BOX),
        output=str(folder),
        seed=unit.seed,
        steps=plan.steps,
        batch=plan.prompts * plan.group,
        device_batch=plan.prompts * plan.group if unit.arm != "sft" else plan.sft_batch,
        learning_rate=plan.rate,
        kl=plan.kl,
        rollouts=Rollouts(count=plan.group, max_tokens=MAX_TOKENS),
        cat=_ARMS[unit.arm],
        probe=Probe(every=plan.every),
        evaluation=HeldOut(every=0),
        stop=Stop(constant=None),
        checkpoints=Checkpoints(every=plan.every),
        sft=SFTPlan(
            batch=plan.sft_batch,
            learning_rate=plan.sft_rate,
            epochs=plan.sft_epochs,
            lora=None,
            evaluate_every=plan.every,
        ),
        trl={"gradient_checkpointing": False},
    )


def _rows(unit: Unit) -> list[dict[str, Any]]:
    """As many problems as the arm sees; the answers are there for the arm `gold` alone."""
    plan = unit.plan
    count = plan.sft_problems if unit.arm == "sft" else plan.steps * plan.prompts
    return [
        {"prompt": str(problem), "answer": solve(problem).answer}
        for problem in problems("rl", count, unit.seed)
    ]


class _Watch(TrainerCallback):
    """Measures the policy at the start, every few steps and at the end."""

    def __init__(self, unit: Unit, model: Any, tokenizer: Any, kept: Path) -> None:
        policy = LocalProvider.of(model, tokenizer, name="policy")
        # What is loaded by its path stays as it was.
        self._exam = Exam(unit.plan, policy, LocalProvider())
        self._every, self._kept = unit.plan.every, kept

    @property
    def points(self) -> list[dict[str, Any]]:
        """What was measured, by step; a resumed run reads what it measured before."""
        lines = self._kept.read_text("utf-8").splitlines() if self._kept.exists() else []
        points = {point["step"]: point for point in map(json.loads, lines)}
        return [points[step] for step in sorted(points)]

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 0:
            self._measure(0, whole=True)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step % self._every == 0 and state.global_step < state.max_steps:
            self._measure(state.global_step, whole=False)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # Also after an early stop, and with the best weights where those are taken.
        self._measure(state.global_step, whole=True)

    def _measure(self, step: int, *, whole: bool) -> None:
        point = {"step": step, **self._exam.sit(whole=whole)}
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        with self._kept.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(point) + "\n")
        _LOG.info("step %d: %s", step, self._exam.summary(point))


def _kept(row: Any) -> dict[str, Any]:
    return {"step": row["step"], **{name: _short(row[name]) for name in _LOGGED if name in row}}


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _as_lines(told: dict[str, Any]) -> str:
    """JSON with one line a point and a logged step, so that a difference can be read."""
    head = {name: value for name, value in told.items() if not isinstance(value, list)}
    lists = [
        f' "{name}": [\n  ' + ",\n  ".join(map(json.dumps, told[name])) + "\n ]"
        for name in ("points", "log")
    ]
    return json.dumps(head, indent=1)[:-2] + ",\n" + ",\n".join(lists) + "\n}\n"


def main() -> None:
    """Run one unit."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arm", choices=ARMS, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plan", choices=PLANS, default="full")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    run(Unit(chosen.arm, chosen.seed, PLANS[chosen.plan]), chosen.out)


if __name__ == "__main__":
    main()
