"""What the measurements of the laboratory are asked on the command line."""

from __future__ import annotations

import argparse
from typing import get_args

from catsdk_providers.box.problems import Split

__all__ = ["parser_for"]


def parser_for(description: str | None, problems: int) -> argparse.ArgumentParser:
    """A parser for the model, the split, the number of problems and the seed.

    Args:
        description: The docstring of the script.
        problems: How many problems are taken where none are named.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a directory; without it the model in the box")
    parser.add_argument("--split", choices=get_args(Split), default="dev")
    parser.add_argument("--n", type=int, default=problems)
    parser.add_argument("--seed", type=int, default=0)
    return parser
