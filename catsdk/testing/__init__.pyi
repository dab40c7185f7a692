from catsdk.testing.function import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.weather import Weather, chaos
from catsdk.testing.wire import RawReply

__all__ = ["FunctionProvider", "LoopbackServer", "RawReply", "Weather", "chaos"]
