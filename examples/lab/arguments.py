"""The command-line arguments that the laboratory's measurements share."""

from __future__ import annotations

import argparse
from typing import get_args

from catsdk_providers.box.problems import Split

__all__ = ["parser_for"]


def parser_for(description: str | None, problems: int) -> argparse.ArgumentParser:
    """Make a parser for the model, the split, the number of problems and the seed.

    Args:
        description: The docstring of the script.
        problems: The default number of problems.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a folder; by default the model in the box")
    parser.add_argument("--split", choices=get_args(Split), default="dev")
    parser.add_argument("--n", type=int, default=problems)
    parser.add_argument("--seed", type=int, default=0)
    return parser
