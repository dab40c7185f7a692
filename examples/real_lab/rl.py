"""Train SmolLM2 without labels: one arm, one seed, one small JSON file of results.

    python -m examples.real_lab.rl --weights FOLDER --arm cat --seed 0 --out DIR

Arms: `cat` rewards agreement with the reference that the initial policy synthesizes from the group,
seeing the question (the prompt set `small`); `majority` rewards the group's most frequent answer;
`random` is a coin toss (the control); `gold` rewards the known answer (the upper bound, which needs
labels); `sft` fine-tunes on references synthesized once. A unit whose JSON exists is not run again;
an interrupted unit resumes from its last checkpoint.
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
from catsdk.train import CaTConfig, Failing, LoRA, Rollouts
from examples.lab.held_out import EXAM_SEED, Exam
from examples.lab.training import config_for, methods_of, scratch_of, train_unit
from examples.lab.units import Unit, is_done
from examples.real_lab.questions import UNTRAINED, Question, questions
from examples.real_lab.units import ARMS, MAX_TOKENS, PLANS, Plan

__all__ = ["config_of", "run"]

_SYNTHESIS: Final = {
    "Synthesizer": {
        "anchor": {"PolicyAnchor": {"kind": "initial"}},
        "prompts": "small",
        "sampling": {"temperature": 0.0},
    }
}
_ARMS: Final = methods_of(_SYNTHESIS)


def run(unit: Unit[Plan], weights: Path, out: Path) -> Path:
    """Train and evaluate, unless that was done already; return the JSON file of the results."""
    if is_done(unit, out):
        return out / f"{unit.name}.json"
    torch.manual_seed(unit.seed)
    tokenizer = AutoTokenizer.from_pretrained(weights)
    model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
    # The trainer adds the adapters to this model object, so the exam always asks the policy.
    policy = LocalProvider.of(model, tokenizer, name="policy")
    return train_unit(
        unit,
        out,
        config_of(unit, weights, scratch_of(unit, out)),
        _rows(unit),
        model=model,
        tokenizer=tokenizer,
        exam=_exam(unit.plan, policy, LocalProvider(str(weights), threads=1)),
        every=None,
        start_alike=True,
    )


def config_of(unit: Unit[Plan], weights: Path, folder: Path) -> CaTConfig:
    """The unit's settings; at the paper's learning rate this model would hardly change so soon."""
    plan = unit.plan
    config = config_for(
        unit,
        weights,
        folder,
        cat=_ARMS[unit.arm],
        rollouts=Rollouts(count=plan.group, max_tokens=MAX_TOKENS, temperature=plan.temperature),
        sft_rate=plan.rate,
        lora=LoRA(rank=plan.rank, alpha=2 * plan.rank),
    )
    # How often the anchor fails is one of the results, so failures must not end the training.
    return config.model_copy(update={"failing": Failing(share=1.0)})


def _rows(unit: Unit[Plan]) -> list[dict[str, Any]]:
    """The training questions; only the arm `gold` gets the answers."""
    plan = unit.plan
    asked = questions("train", plan.trained, 0)
    return [
        {"prompt": question.prompt, "answer": question.answer}
        for question in (asked[: plan.sft_questions] if unit.arm == "sft" else asked)
    ]


def _exam(plan: Plan, policy: Provider, initial: Provider) -> Exam:
    """An exam of held-out questions, of the trained kinds and of one that is not trained on."""
    greedy = Sampling(max_tokens=MAX_TOKENS, temperature=0.0)
    return Exam(
        sets={
            "held_out": _asked(questions("held_out", plan.evaluated, 0)),
            "untrained": _asked(questions("held_out", plan.evaluated, 0, UNTRAINED)),
        },
        policy=policy,
        group=plan.group,
        sampling=Sampling(max_tokens=MAX_TOKENS, temperature=plan.temperature),
        estimators={
            "teacher": Synthesizer(initial, greedy, prompts="small", seed=EXAM_SEED),
        },
        estimated=plan.synthesized,
    )


def _asked(chosen: Sequence[Question]) -> list[tuple[str, str]]:
    return [(question.prompt, question.answer) for question in chosen]


def main() -> None:
    """Run one unit."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="see real_lab/weights.py")
    parser.add_argument("--arm", choices=ARMS, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plan", choices=PLANS, default="full")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    run(Unit(chosen.arm, chosen.seed, PLANS[chosen.plan]), chosen.weights.resolve(), chosen.out)


if __name__ == "__main__":
    main()
