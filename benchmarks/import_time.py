"""Compare the CPU time of `import catsdk` in fresh interpreters with that of its dependencies.

`import catsdk` loads nothing until a name is used; `from catsdk import *` uses every name.

    python benchmarks/import_time.py [--repeats N]

The statements take turns, so that a busy machine slows all of them alike. Times are user and
system CPU seconds of the child process, minus those of an interpreter that imports nothing. Modules
are loaded from bytecode, like those of an installed package, even if `PYTHONDONTWRITEBYTECODE` is
set.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Mapping
from tempfile import TemporaryDirectory

EVERY_NAME = "from catsdk import *"
STATEMENTS = ["pass", "import catsdk", EVERY_NAME, "import pydantic", "import openai"]
AIM = 0.3


def cpu_seconds(statement: str, environment: Mapping[str, str]) -> float:
    """Run `statement` in a fresh interpreter; return the CPU seconds that it took."""
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", statement], environment)
    _, status, used = os.wait4(child, 0)
    if status != 0:
        raise RuntimeError(f"{statement!r} failed")
    return used.ru_utime + used.ru_stime


def measure(repeats: int) -> dict[str, list[float]]:
    """Return the times of each statement, minus the median of the bare interpreter."""
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    with TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for statement in STATEMENTS:
            cpu_seconds(statement, environment)  # writes the bytecode, warms the disk cache
        for _ in range(repeats):
            for statement in STATEMENTS:
                times[statement].append(cpu_seconds(statement, environment))
    bare = statistics.median(times["pass"])
    return {
        statement: [time - bare for time in taken]
        for statement, taken in times.items()
        if statement != "pass"
    }


def main() -> int:
    """Print a row for each statement; return 1 if importing every name misses the aim."""
    parser = argparse.ArgumentParser(description="CPU time of imports")
    parser.add_argument("--repeats", type=int, default=9)
    times = measure(parser.parse_args().repeats)
    ours = statistics.median(times[EVERY_NAME])
    print(f"| statement | median CPU s | lowest to highest | `{EVERY_NAME}` over it |")
    print("| --- | --- | --- | --- |")
    for statement, taken in times.items():
        median = statistics.median(taken)
        spread = f"{min(taken):.3f} to {max(taken):.3f}"
        print(f"| `{statement}` | {median:.3f} | {spread} | {ours / median:.2f} |")
    return 0 if ours < AIM else 1


if __name__ == "__main__":
    sys.exit(main())
