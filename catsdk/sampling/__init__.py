"""The policy's side: drawing groups of rollouts."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk.sampling.adaptive import AdaptiveSampler
    from catsdk.sampling.sampler import Sampler, group_of

__all__ = [
    "AdaptiveSampler",
    "Sampler",
    "group_of",
]

_HOMES = {
    "AdaptiveSampler": "catsdk.sampling.adaptive",
    "Sampler": "catsdk.sampling.sampler",
    "group_of": "catsdk.sampling.sampler",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
