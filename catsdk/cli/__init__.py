"""The command `catsdk`.

Exit codes: 0 done; 1 a model or its service failed; 2 wrong input or set-up; 3 a budget ended the
work early and the result is partial; 130 interrupted.
"""

from catsdk.cli.app import main

__all__ = ["main"]
