"""An example, run as a stranger would run it."""

from tests import forked
from tests.forked import ROOT, clean_environment


def run(name: str, *arguments: str, within: float = 120) -> str:
    """What the example prints."""
    example = str(ROOT / "examples" / name)
    done = forked.run(example, *arguments, env=clean_environment(), seconds=within)
    assert done.returncode == 0, done.stderr
    return done.stdout
