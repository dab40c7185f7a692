from catsdk.serve.rewards.rendezvous import Limits
from catsdk.serve.rewards.server import serving

__all__ = ["Limits", "serving"]
