"""Train the model in the box without labels: one arm, one seed, one small JSON of results.

    python -m examples.lab.rl --arm cat --seed 0 --out DIR

Arms: `cat` rewards by the synthesized reference, which the initial policy writes, `cat-current` by
one that the policy in training writes, `ttrl` by the majority's answer, `gold` by the known answer
(the upper bound, which needs labels), `random` by a coin (the control), `rubric` by the initial
policy's verdicts on criteria that it wrote from the synthesis, and `sft` fine-tunes on syntheses
made once. The arms of `others.py` train on rewards of other papers. A unit whose JSON is there is
not run again; one that was ended goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from catsdk import Provider, Sampling
from catsdk.estimators import Synthesizer
from catsdk.providers import LocalProvider
from catsdk.train import CaTConfig, Rollouts
from catsdk_providers.box import BOX
from catsdk_providers.box.problems import OUT_OF_RANGE_DIGITS, Problem, problems, solve
from examples.lab.held_out import EXAM_SEED, Exam
from examples.lab.others import methods_with
from examples.lab.training import config_for, methods_of, scratch_of, train_unit
from examples.lab.units import ARMS, MAX_TOKENS, PLANS, Plan, Unit, is_done

__all__ = ["config_of", "rows_of", "run"]


def _synthesis_by(kind: str) -> dict[str, Any]:
    # The model in the box synthesizes, proposes and judges by prompts of its own.
    return {"Synthesizer": {"anchor": {"PolicyAnchor": {"kind": kind, "prompts": "box"}}}}


_SYNTHESIS: Final = _synthesis_by("initial")
_SHARED: Final = methods_of(_SYNTHESIS)
METHODS: Final = {
    **_SHARED,
    "cat-current": methods_of(_synthesis_by("current"))["cat"],
    "ttrl": _SHARED["majority"],
    "rubric": {"estimator": _SYNTHESIS, "reward": "RubricReward"},
    **methods_with(_SYNTHESIS),
}


def run(unit: Unit[Plan], out: Path) -> Path:
    """Train and measure, unless that was done; returns the JSON with what was measured."""
    if is_done(unit, out):
        return out / f"{unit.name}.json"
    torch.manual_seed(unit.seed)
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    model = AutoModelForCausalLM.from_pretrained(BOX, dtype=torch.float32)
    return train_unit(
        unit,
        out,
        config_of(unit, scratch_of(unit, out)),
        rows_of(unit),
        model=model,
        tokenizer=tokenizer,
        exam=_exam(unit.plan, LocalProvider.of(model, tokenizer, name="policy")),
        every=unit.plan.every,
        start_alike=True,
    )


def _exam(plan: Plan, policy: Provider) -> Exam:
    """The held-out problems, with the initial policy and the policy itself as synthesizers."""
    sampling = Sampling(max_tokens=MAX_TOKENS)
    return Exam(
        sets={
            "held_out": _asked(problems("heldout", plan.evaluated, 0)),
            "longer": _asked(problems("heldout", plan.longer, 0, digits=OUT_OF_RANGE_DIGITS)),
        },
        policy=policy,
        group=plan.group,
        sampling=sampling,
        estimators={
            # What is loaded by its path stays as it was.
            "teacher": Synthesizer(LocalProvider(), sampling, seed=EXAM_SEED),
            "own": Synthesizer(policy, sampling, seed=EXAM_SEED),
        },
    )


def _asked(chosen: Sequence[Problem]) -> list[tuple[str, str]]:
    return [(str(problem), solve(problem).answer) for problem in chosen]


def config_of(unit: Unit[Plan], folder: Path) -> CaTConfig:
    """The lab's own preset: at the paper's rates this model would not move in that time."""
    plan = unit.plan
    return config_for(
        unit,
        BOX,
        folder,
        cat=METHODS[unit.arm],
        rollouts=Rollouts(count=plan.group, max_tokens=MAX_TOKENS),
        kl=plan.kl,
        sft_rate=plan.sft_rate,
    )


def rows_of(unit: Unit[Plan]) -> list[dict[str, Any]]:
    """As many problems as the arm sees; the answers are there for the arm `gold` alone."""
    plan = unit.plan
    count = plan.problems or plan.steps * plan.prompts
    if unit.arm == "sft":
        count = plan.sft_problems
    return [
        {"prompt": str(problem), "answer": solve(problem).answer}
        for problem in problems("rl", count, unit.seed)
    ]


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
