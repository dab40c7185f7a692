from catsdk.testing.batches.weather import BatchWeather
from catsdk.testing.function import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.weather import Weather, chaos
from catsdk.testing.wire import RawReply

__all__ = ["BatchWeather", "FunctionProvider", "LoopbackServer", "RawReply", "Weather", "chaos"]
