"""The laboratory: every arm with every seed, then the curves, the table and the verdict.

    python -m examples.lab.laboratory --plan full --seeds 3 --out docs/lab
    python -m examples.lab.laboratory --plan short --arms cat random --seeds 1 --out out/lab
    python -m examples.lab.laboratory --plan rubric --arms rubric random --seeds 1 \
        --out docs/lab/rubric

A unit is a process with one thread, `--at-once` of them run beside each other, and one whose JSON
is in the folder is not run again. The figure is drawn from the JSON, and so is the table, which is
put between the lines `<!-- NAME -->` and `<!-- /NAME -->` of a page, where NAME is the folder's
name. Ends with 1 where CaT-RL does not rise, or where chance does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from examples.lab.curves import draw, gain, read_units, table
from examples.lab.units import ARMS, COMPARED, PLANS, P, Unit, is_done, units

__all__ = ["parser_of", "run_all", "verdict", "write_between"]

ROOT = Path(__file__).resolve().parents[2]


def run_all(
    wanted: Sequence[Unit[P]], module: str, out: Path, at_once: int, arguments: Sequence[str]
) -> list[Unit[P]]:
    """Run each unit that is not done by `module`, in a process of its own.

    Returns:
        Those that failed.
    """
    missing = [unit for unit in wanted if not is_done(unit, out)]

    def one(unit: Unit[P]) -> bool:
        command = [sys.executable, "-m", module, "--arm", unit.arm, "--seed", str(unit.seed)]
        command += ["--out", str(out), *arguments]
        logs = out / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{unit.name}.log").open("w") as log:
            done = subprocess.run(
                command, stdout=log, stderr=log, check=False, cwd=ROOT, env=_environment()
            )
        print(f"{unit.name}: {'done' if done.returncode == 0 else f'failed, see {log.name}'}")
        return done.returncode == 0

    with ThreadPoolExecutor(at_once) as pool:
        done = pool.map(one, missing)
        return [unit for unit, fine in zip(missing, done, strict=True) if not fine]


def _environment() -> dict[str, str]:
    roots = os.pathsep.join(str(path) for path in (ROOT, ROOT / "providers", ROOT / "trainers"))
    # A model so small is slower with two threads than with one.
    return os.environ | {"PYTHONPATH": roots, "OMP_NUM_THREADS": "1"}


def verdict(folder: Path) -> tuple[str, bool]:
    """Whether the method's rewards raised each run by over two standard errors, chance none."""
    arms = read_units(folder)
    lines: list[str] = []
    fine = True
    for arm, wanted in (("cat", True), ("rubric", True), ("random", False)):
        for told in arms.get(arm, []):
            mean, error = gain(told)
            rose = mean > 2 * error
            fine &= rose == wanted
            lines.append(
                f"{arm}, seed {told['unit']['seed']}: held-out accuracy {mean:+.3f} ± {error:.3f}"
                f" (paired), {'over' if rose else 'not over'} two standard errors"
            )
    return "\n".join(lines), fine


def write_between(page: Path, text: str, mark: str, end: str) -> None:
    """Put `text` between the lines `mark` and `end` of a page."""
    before, _, rest = page.read_text("utf-8").partition(mark)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} has no lines {mark} and {end}")
    page.write_text(f"{before}{mark}\n{text}\n{end}{after}", "utf-8")


def parser_of(
    description: str | None,
    plans: Iterable[str],
    arms: Sequence[str],
    *,
    usual: Sequence[str],
    seeds: int,
    at_once: int,
) -> argparse.ArgumentParser:
    """What a laboratory is asked.

    Args:
        description: Its help.
        plans: The names of its plans; `full` is the usual one.
        arms: The arms that it has.
        usual: Those that are run where none are named.
        seeds: How many seeds each arm has, where that is not said.
        at_once: How many units run at once, where that is not said.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plan", choices=plans, default="full")
    parser.add_argument("--arms", nargs="+", choices=arms, default=usual)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--at-once", type=int, default=at_once)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--page", type=Path, help="where the table is put, such as docs/results.md")
    return parser


def main() -> int:
    """Run what is missing, draw, and give the verdict."""
    parser = parser_of(__doc__, PLANS, ARMS, usual=COMPARED, seeds=3, at_once=2)
    chosen = parser.parse_args()
    wanted = units(PLANS[chosen.plan], tuple(chosen.arms), chosen.seeds)
    failed = run_all(
        wanted, "examples.lab.rl", chosen.out.resolve(), chosen.at_once, ["--plan", chosen.plan]
    )
    arms = read_units(chosen.out)
    draw(arms, chosen.out / "curves.png")
    print(table(arms))
    if chosen.page is not None:
        name = chosen.out.resolve().name
        write_between(chosen.page, table(arms), f"<!-- {name} -->", f"<!-- /{name} -->")
    told, fine = verdict(chosen.out)
    print(told)
    return int(bool(failed) or not fine)


if __name__ == "__main__":
    sys.exit(main())
