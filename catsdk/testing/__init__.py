"""What users test with: a scripted model, and a server on this machine that misbehaves on demand.

`LoopbackServer` and its `Weather` need aiohttp, so they are loaded when they are first used.
`chaos(seed)` is the weather in which everything goes wrong at once; a `RawReply` is sent as it is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from catsdk.testing.function import FunctionProvider

if TYPE_CHECKING:
    from catsdk.testing.loopback import LoopbackServer
    from catsdk.testing.weather import Weather, chaos
    from catsdk.testing.wire import RawReply

__all__ = ["FunctionProvider", "LoopbackServer", "RawReply", "Weather", "chaos"]

_HOME = {
    "LoopbackServer": "loopback",
    "RawReply": "wire",
    "Weather": "weather",
    "chaos": "weather",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
