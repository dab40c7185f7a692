"""The command `catsdk`.

`exit_codes` says how it ends.
"""

from catsdk.cli.app import main

__all__ = ["main"]
