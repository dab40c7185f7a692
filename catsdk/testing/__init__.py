"""Test tools for users: a scripted model and a local server that misbehaves on demand.

`LoopbackServer` and its `Weather` need aiohttp, so they are loaded when they are first used.
`chaos(seed)` makes everything go wrong at once; a `RawReply` is sent as it is.
"""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
