"""What users test with: a scripted model, and a server on this machine that misbehaves on demand.

`LoopbackServer` and its `Weather` need aiohttp, so they are loaded when they are first used.
`chaos(seed)` is the weather in which everything goes wrong at once; a `RawReply` is sent as it is.
"""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
