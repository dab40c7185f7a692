"""HTTP services: rewards for trainers in other processes."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk.serve.rewards.rendezvous import Limits
    from catsdk.serve.rewards.server import serving

__all__ = ["Limits", "serving"]

_HOMES = {
    "Limits": "catsdk.serve.rewards.rendezvous",
    "serving": "catsdk.serve.rewards.server",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES, extra="train")


def __dir__() -> list[str]:
    return __all__
