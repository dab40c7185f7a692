r"""Test whether the rule of the preflight predicts the gains from good and poor starting points.

    python -m examples.lab.preflights --out docs/lab/preflight --half 1
    python -m examples.lab.preflights --out docs/lab/preflight --recorded docs/lab \
        --page docs/results.md

Each starting point of `starts.py` gets a preflight and a short training: 10 steps of 8 prompts,
measured on 48 held-out problems of the same kind. The rule was made on the first half. The table
is made from the JSON files of both and goes between the `<!-- preflight -->` lines of a page.
Nothing that is finished runs again, and an interrupted training resumes.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Final

import torch

from catsdk import Sampling
from catsdk.providers import LocalProvider
from catsdk.train import CaTConfig, Rollouts, preflight
from catsdk_providers.box import BOX
from examples.lab.held_out import Exam
from examples.lab.laboratory import write_between
from examples.lab.preflight_table import table, tried
from examples.lab.rl import METHODS
from examples.lab.starts import STARTS, Start, rows_of, taught
from examples.lab.training import config_for, scratch_of, train_unit
from examples.lab.units import MAX_TOKENS, Plan, Unit, is_done

__all__ = ["run"]

MARK, END = "<!-- preflight -->", "<!-- /preflight -->"
PLAN: Final = Plan(steps=10, prompts=8, rate=1.2e-3, every=5, evaluated=48, longer=0)
_PROMPTS: Final = 12
_LOG = logging.getLogger(__name__)


def run(start: Start, seed: int, out: Path, *, trains: bool = True) -> None:
    """Run the preflight and, if `trains`, the training, unless they are done already."""
    unit = Unit(start.name, seed, PLAN)
    found = out / "found" / f"{unit.name}.json"
    if found.exists() and (is_done(unit, out) or not trains):
        return
    torch.manual_seed(seed)
    model, tokenizer = taught(start, seed)
    rows = rows_of(start, "rl", PLAN.steps * PLAN.prompts, seed)
    config = _config(start, unit, out)
    if not found.exists():
        _LOG.info("%s: preflight", unit.name)
        known = rows_of(start, "dev", _PROMPTS, seed)
        seen = preflight(config, rows, known, prompts=_PROMPTS, model=model, tokenizer=tokenizer)
        found.parent.mkdir(parents=True, exist_ok=True)
        # The path of the weights differs from machine to machine.
        told = seen.model_copy(update={"model": "local"})
        found.write_text(told.model_dump_json(indent=1) + "\n", "utf-8")
    if not trains:
        return
    torch.manual_seed(seed)
    asked = rows_of(start, "heldout", PLAN.evaluated, 0)
    exam = Exam(
        sets={"held_out": [(row["prompt"], row["answer"]) for row in asked]},
        policy=LocalProvider.of(model, tokenizer, name="policy"),
        group=PLAN.group,
        sampling=Sampling(max_tokens=MAX_TOKENS),
    )
    _LOG.info("%s: training", unit.name)
    train_unit(unit, out, config, rows, model=model, tokenizer=tokenizer, exam=exam, every=None)


def _config(start: Start, unit: Unit[Plan], out: Path) -> CaTConfig:
    return config_for(
        unit,
        BOX,
        scratch_of(unit, out),
        cat=METHODS[start.arm],
        rollouts=Rollouts(count=PLAN.group, max_tokens=MAX_TOKENS),
        kl=PLAN.kl,
        sft_rate=PLAN.sft_rate,
    )


def main() -> None:
    """Run the missing preflights and trainings, and write the table."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--half", type=int, choices=(1, 2), help="run only these starting points")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--starts", nargs="+", choices=[start.name for start in STARTS])
    parser.add_argument("--only-preflight", action="store_true", help="train nothing")
    parser.add_argument(
        "--recorded",
        type=Path,
        help="units of the laboratory from the same starts, such as docs/lab",
    )
    parser.add_argument("--page", type=Path, help="page for the table")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for start in STARTS:
        wanted = chosen.half in (None, start.half) and start.name in (chosen.starts or [start.name])
        if wanted and not chosen.table:
            run(start, chosen.seed, chosen.out, trains=not chosen.only_preflight)
    told = table(tried(chosen.out, chosen.recorded))
    print(told)
    if chosen.page is not None:
        write_between(chosen.page, told, MARK, END)


if __name__ == "__main__":
    main()
