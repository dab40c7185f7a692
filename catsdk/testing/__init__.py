"""What users test with: a scripted model, and a server on this machine that misbehaves on demand.

`LoopbackServer` and its `Weather` need aiohttp, so they are loaded when they are first used.
`chaos(seed)` is the weather in which everything goes wrong at once; a `RawReply` is sent as it is.
"""

from typing import TYPE_CHECKING

from catsdk.core.doors import door
from catsdk.testing.function import FunctionProvider

if TYPE_CHECKING:
    from catsdk.testing.loopback import LoopbackServer
    from catsdk.testing.weather import Weather, chaos
    from catsdk.testing.wire import RawReply

__all__ = ["FunctionProvider", "LoopbackServer", "RawReply", "Weather", "chaos"]

_HOMES = {
    "LoopbackServer": "catsdk.testing.loopback",
    "RawReply": "catsdk.testing.wire",
    "Weather": "catsdk.testing.weather",
    "chaos": "catsdk.testing.weather",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)
