"""BatchWeather: how the batch APIs of the loopback server misbehave, repeatable under a seed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Final, Literal

__all__ = ["CALM_BATCHES", "BatchWeather", "Fate"]

Fate = Literal["answered", "failed", "missing", "null_error", "null_response", "unanswered"]


@dataclass(frozen=True, slots=True)
class BatchWeather:
    """What happens to batches; shares are in 0..1 of the requests.

    Args:
        polls: How often a batch must be polled before it ends.
        expiring_share: Share left unanswered when a batch expires.
        failing_share: Share that the model refuses with 400.
        missing_share: Share that is answered but missing from the results.
        null_error_share: Share that fails, with a result whose `error` is null.
        null_response_share: Share whose result has neither response nor error.
        without_files: How many of the first batches expire without any results.
        cut_downloads: How many of the first downloads break off in the middle.
        shuffled: Whether results come in another order than requests.
        enqueued_tokens: Most tokens in batches that have not ended; more is refused.
        refused_batches: How many of the first batches are refused with 429.
        listed: Whether the list of batches shows them.
        seed: Chooses what each request meets.

    Raises:
        ValueError: the shares add up to more than 1, or one is out of range.

    Example:
        >>> from catsdk.testing import BatchWeather
        >>> BatchWeather(expiring_share=0.2, shuffled=True).polls
        1
    """

    polls: int = 1
    expiring_share: float = 0.0
    failing_share: float = 0.0
    missing_share: float = 0.0
    null_error_share: float = 0.0
    null_response_share: float = 0.0
    without_files: int = 0
    cut_downloads: int = 0
    shuffled: bool = False
    enqueued_tokens: int | None = None
    refused_batches: int = 0
    listed: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the shares.

        Raises:
            ValueError: they are negative or add up to more than 1.
        """
        shares = [share for _, share in self._shares]
        if min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError(f"{self} has shares that are negative, or over 1 together")

    @property
    def _shares(self) -> list[tuple[Fate, float]]:
        return [
            ("unanswered", self.expiring_share),
            ("failed", self.failing_share),
            ("missing", self.missing_share),
            ("null_error", self.null_error_share),
            ("null_response", self.null_response_share),
        ]

    def fate(self, asked: str, times: int) -> Fate:
        """What becomes of a request that came `times` times before.

        Args:
            asked: What it asks.
            times: How often it was in a batch before.

        Returns:
            One of the fates, by chance under the seed.
        """
        random = Random(blake2b(f"{self.seed} {asked} {times}".encode(), digest_size=8).digest())
        drawn = random.random()
        for fate, share in self._shares:
            drawn -= share
            if drawn < 0:
                return fate
        return "answered"


CALM_BATCHES: Final = BatchWeather()
