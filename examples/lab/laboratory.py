"""Run the laboratory: every arm with every seed, then the curves, the table and the verdict.

    python -m examples.lab.laboratory --plan full --seeds 3 --out docs/lab
    python -m examples.lab.laboratory --plan short --arms cat random --seeds 1 --out out/lab
    python -m examples.lab.laboratory --plan rubric --arms rubric random --seeds 1 \
        --out docs/lab/rubric

A unit is a process with one thread; `--at-once` says how many run in parallel. A unit whose JSON is
already in the folder is not run again. The figure and the table are made from the JSON files. The
table goes between the lines `<!-- NAME -->` and `<!-- /NAME -->` of a page, where NAME is the
folder's name. The exit code is 1 if CaT-RL does not improve, or if the random-reward control does.
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
    """Run `module` in its own process for each unit that is not done yet.

    Returns:
        The units that failed.
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
    # So small a model is slower with two threads than with one.
    return os.environ | {"PYTHONPATH": roots, "OMP_NUM_THREADS": "1"}


def verdict(folder: Path) -> tuple[str, bool]:
    """Whether each run with the method's rewards gained over two standard errors, and no control.

    The text has one line for each run.
    """
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
    """Make the command-line parser of a laboratory.

    Args:
        description: The text of `--help`.
        plans: The names of its plans; `full` is the default.
        arms: All its arms.
        usual: The arms that run by default.
        seeds: The default number of seeds for each arm.
        at_once: The default number of units that run in parallel.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plan", choices=plans, default="full")
    parser.add_argument("--arms", nargs="+", choices=arms, default=usual)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--at-once", type=int, default=at_once)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--page", type=Path, help="page for the table, such as docs/results.md")
    return parser


def main() -> int:
    """Run the missing units, draw the figure, and print the verdict."""
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
