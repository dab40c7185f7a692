"""Door to the providers: `from catsdk.providers import OpenAIProvider`, loaded when asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catsdk_providers.box.problems import box_problems, held_out_problems
    from catsdk_providers.local import LocalProvider
    from catsdk_providers.openai import OpenAIProvider

__all__ = ["LocalProvider", "OpenAIProvider", "box_problems", "held_out_problems"]

_HOME = {
    "LocalProvider": "catsdk_providers.local",
    "OpenAIProvider": "catsdk_providers.openai",
    "box_problems": "catsdk_providers.box.problems",
    "held_out_problems": "catsdk_providers.box.problems",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
