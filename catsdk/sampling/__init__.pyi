from catsdk.sampling.adaptive import AdaptiveSampler
from catsdk.sampling.sampler import Sampler, group_of

__all__ = [
    "AdaptiveSampler",
    "Sampler",
    "group_of",
]
