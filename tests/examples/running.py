"""An example, run as a stranger would run it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(name: str, *arguments: str, within: float = 120) -> str:
    """What the example prints."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CATSDK_")}
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "providers", ROOT / "trainers"))
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *arguments],
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
        env=clean | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
