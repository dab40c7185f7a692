"""Prices of tokens: given by the user, or from the table of genai-prices, or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit

from catsdk.core.ports import Provider, declared, name_of
from catsdk.core.sending import Price
from catsdk.core.types import Usage

__all__ = ["Fixed", "Rates", "rates_of"]

_MILLION = 1_000_000
# Vendors that charge half the price for a batch.
_HALVE = (
    ".api.openai.com",
    ".api.anthropic.com",
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
)


class Rates(Protocol):
    """The prices of one model."""

    def cost(self, usage: Usage) -> float | None:
        """US dollars for `usage`, less where it is that of a batch; `None` is unknown."""
        ...

    def most(self, prompt: int, answer: int, *, batched: bool = False) -> float:
        """The most US dollars that so many tokens can cost, in a batch or by themselves."""
        ...


class Fixed:
    """A price for a million tokens, cached ones too; in a batch it is multiplied by `in_batch`."""

    def __init__(self, price: Price, in_batch: float = 1.0) -> None:
        """Use these prices, one for each kind of token."""
        self._price = price
        self._in_batch = in_batch if price.batch is None else price.batch

    def cost(self, usage: Usage) -> float:
        """US dollars for `usage`."""
        return self.most(usage.input_tokens, usage.output_tokens, batched=bool(usage.batched))

    def most(self, prompt: int, answer: int, *, batched: bool = False) -> float:
        """US dollars for so many tokens."""
        whole = (prompt * self._price.input + answer * self._price.output) / _MILLION
        return whole * self._in_batch if batched else whole


class _Listed:
    """The price of a model in the table of genai-prices, tiers and cached tokens included."""

    def __init__(self, model: str, where: Mapping[str, str], in_batch: float) -> None:
        self._model, self._where, self._in_batch = model, dict(where), in_batch
        self.most(1, 1)

    def cost(self, usage: Usage) -> float | None:
        try:
            return self._calculate(
                batched=bool(usage.batched),
                input_tokens=usage.input_tokens,
                cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
                output_tokens=usage.output_tokens,
            )
        except (LookupError, ValueError):
            return None

    def most(self, prompt: int, answer: int, *, batched: bool = False) -> float:
        plain = self._calculate(batched=batched, input_tokens=prompt, output_tokens=answer)
        # Some vendors charge more for a prompt that they write to their cache.
        kept = self._calculate(
            batched=batched, input_tokens=prompt, cache_write_tokens=prompt, output_tokens=answer
        )
        return max(plain, kept)

    def _calculate(self, *, batched: bool, **tokens: int) -> float:
        whole = self._price(None, tokens)
        if not batched or not whole:
            return whole
        listed = self._price({"processing": "batch"}, tokens)
        # The table has batch prices for some models only; these vendors halve the price of all.
        return listed if listed != whole else whole * self._in_batch

    def _price(self, context: Mapping[str, str] | None, tokens: Mapping[str, int]) -> float:
        from genai_prices import Usage as Tokens
        from genai_prices import calc_price

        where: Any = self._where
        priced = calc_price(Tokens(**tokens), self._model, price_context=context, **where)
        return float(priced.total_price)


def rates_of(provider: Provider, prices: Mapping[str, Price]) -> Rates | None:
    """The prices of `provider`'s model; `None` is unknown.

    `prices` are the user's, by the provider's name with or without what stands before the colon.
    A model in this process (`free`) costs nothing. The first look at the table reads it, which
    takes a third of a second.
    """
    name = name_of(provider)
    model = name.partition(":")[2]
    url = declared(provider, "base_url")
    given = prices.get(name) or prices.get(model)
    if given is not None:
        return Fixed(given, _in_batch(url))
    if declared(provider, "free", False) is True:
        return Fixed(Price(input=0, output=0))
    return _listed(name, url if isinstance(url, str) else None)


@lru_cache(maxsize=1024)
def _listed(name: str, url: str | None) -> Rates | None:
    vendor, _, model = name.partition(":")
    if not model or (url is not None and _is_own(url)):
        return None
    # A model behind an unknown address may have any price.
    where = {"provider_id": vendor} if url is None else {"provider_api_url": url}
    try:
        return _Listed(model, where, _in_batch(url))
    except (LookupError, ValueError):
        return None


def _in_batch(url: object) -> float:
    """The share of its list price that a vendor charges in a batch."""
    host = (urlsplit(url).hostname or "") if isinstance(url, str) else ""
    return 0.5 if f".{host}".endswith(_HALVE) else 1.0


def _is_own(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal"))
