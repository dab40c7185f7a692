"""What users test with: a scripted model, and a server on this machine that misbehaves on demand.

`LoopbackServer` and `Weather` are in `catsdk.testing.loopback`.
"""

from catsdk.testing.function import FunctionProvider

__all__ = ["FunctionProvider"]
