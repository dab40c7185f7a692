"""Train the model in the box by GRPO, without labels: one arm, one seed, one small JSON of results.

    python -m examples.lab.rl --arm cat --seed 0 --out DIR

Arms: `cat` rewards by the synthesized reference, `gold` by the known answer (upper bound), `random`
by a coin (control). The prompts are those of the split `rl`; accuracy is on the split `--split`.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from catsdk.core.options import Sampling
from catsdk.core.ports import Provider
from catsdk.core.runtime import Runtime
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.items import item_of
from catsdk.evaluate.report import Report
from catsdk.evaluate.statistics import Estimate
from catsdk.middleware.stack import stacked
from catsdk_providers.box.problems import Problem, problems, solve
from catsdk_providers.local import LocalProvider
from catsdk_providers.local_load import BOX
from catsdk_trainers.anchors import PolicyAnchor
from catsdk_trainers.attach import attach
from catsdk_trainers.controls import GoldScorer, RandomScorer
from catsdk_trainers.scoring import GroupScorer, cat_scorer
from catsdk_trainers.trl_reward import GroupReward

__all__ = ["ARMS", "Plan", "run"]

_LOG = logging.getLogger(__name__)
_MAX_TOKENS: Final = 112

OpenScorer = Callable[[], AbstractAsyncContextManager[GroupScorer]]
ARMS: Final = ("cat", "gold", "random")


@dataclass(frozen=True)
class Plan:
    """One unit of the laboratory. The paper's rates would not move this model in that time."""

    arm: str
    seed: int
    steps: int = 60
    prompts: int = 32
    """Prompts of one step, each with `group` rollouts."""
    group: int = 8
    rate: float = 3e-4
    evaluate_every: int = 15
    evaluated: int = 200
    split: str = "dev"


def run(plan: Plan, out: Path) -> dict[str, Any]:
    """Train and measure; returns what was measured, and writes it as JSON into `out`."""
    torch.manual_seed(plan.seed)
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    model = AutoModelForCausalLM.from_pretrained(BOX, dtype=torch.float32)
    anchor = PolicyAnchor("initial", prompts="box")
    reward = GroupReward(_scorer(plan, anchor), name=plan.arm)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=_settings(plan, out),
        train_dataset=_data(plan),
        processing_class=tokenizer,
    )
    attach(trainer, reward, anchor)
    watch = _Watch(plan, LocalProvider.of(model, tokenizer, prompts="box", name="policy"))
    trainer.add_callback(watch)
    started = time.perf_counter()
    trainer.train()
    reward.close()
    result = {
        "arm": plan.arm,
        "seed": plan.seed,
        "steps": plan.steps,
        "seconds": round(time.perf_counter() - started),
        "accuracy": watch.seen,
        "log": [_kept(row) for row in trainer.state.log_history if "reward" in row],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{plan.arm}-{plan.seed}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return result


def _scorer(plan: Plan, anchor: Provider) -> OpenScorer:
    @asynccontextmanager
    async def control() -> AsyncGenerator[GroupScorer]:
        yield GoldScorer() if plan.arm == "gold" else RandomScorer(plan.seed)

    def synthesis() -> AbstractAsyncContextManager[GroupScorer]:
        return cat_scorer(anchor, sampling=Sampling(max_tokens=_MAX_TOKENS), seed=plan.seed)

    return synthesis if plan.arm == "cat" else control


def _settings(plan: Plan, out: Path) -> GRPOConfig:
    return GRPOConfig(
        output_dir=str(out / f"{plan.arm}-{plan.seed}"),
        per_device_train_batch_size=plan.prompts * plan.group,
        num_generations=plan.group,
        max_completion_length=_MAX_TOKENS,
        max_steps=plan.steps,
        learning_rate=plan.rate,
        lr_scheduler_type="constant",
        loss_type="grpo",
        scale_rewards="group",
        beta=0.0,
        temperature=1.0,
        seed=plan.seed,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
    )


def _data(plan: Plan) -> Dataset:
    rows = problems("rl", plan.steps * plan.prompts, plan.seed)
    return Dataset.from_list(
        [
            {"prompt": [{"role": "user", "content": str(each)}], "answer": solve(each).answer}
            for each in rows
        ]
    )


class _Watch(TrainerCallback):
    """Measures the policy at the start, every few steps and at the end."""

    def __init__(self, plan: Plan, policy: Provider) -> None:
        asked: Sequence[Problem] = problems(plan.split, plan.evaluated, 0)  # type: ignore[arg-type]
        self._items = [
            item_of(str(problem), solve(problem).answer, id=str(problem)) for problem in asked
        ]
        self._plan = plan
        self._policy = stacked(policy, runtime=Runtime(max_in_flight=4096))
        self.seen: list[dict[str, Any]] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._measure(0, sizes=(1, 8))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        last = state.global_step == self._plan.steps
        if last or state.global_step % self._plan.evaluate_every == 0:
            self._measure(state.global_step, sizes=(1, 8) if last else (1,))

    def _measure(self, step: int, sizes: tuple[int, ...]) -> None:
        async def measured() -> Report:
            evaluation = Evaluation(
                [self._policy],
                names=("synthesis", "majority", "greedy"),
                sweep=Sweep(sizes=sizes, draws=1, at_once=len(self._items)),
                sampling=Sampling(max_tokens=_MAX_TOKENS),
            )
            return (await evaluation.run(self._items, title=f"step {step}", data="dev"))[0]

        report = anyio.run(measured)
        greedy = report.point("greedy", 1)
        rows = {size: _row(report, size) for size in report.sizes}
        single, first = report.single, greedy.score if greedy else None
        self.seen.append(
            {"step": step, "single": _numbers(single), "greedy": _numbers(first), "rows": rows}
        )
        _LOG.info("step %d: single %s, greedy %s", step, single, first)


def _row(report: Report, size: int) -> dict[str, Any]:
    majority, synthesis = report.point("majority", size), report.point("synthesis", size)
    pair = report.pair("synthesis", "majority", size)
    found = {
        "majority": majority.score if majority else None,
        "synthesis": synthesis.score if synthesis else None,
        "gain": pair.difference if pair else None,
    }
    return {name: _numbers(value) for name, value in found.items()}


def _numbers(value: Estimate | None) -> dict[str, float] | None:
    return None if value is None else value.model_dump()


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    names = ("step", "reward", "reward_std", "frac_reward_zero_std", "entropy", "cat/agreement",
             "cat/scored", "completions/mean_length", "step_time")  # fmt: skip
    return {name: row[name] for name in names if name in row}


def main() -> None:
    """Run one unit."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arm", choices=ARMS, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    plan = Plan(chosen.arm, chosen.seed, steps=chosen.steps, rate=chosen.rate)
    run(plan, chosen.out)


if __name__ == "__main__":
    main()
