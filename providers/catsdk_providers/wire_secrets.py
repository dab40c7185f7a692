"""Addresses and keys: checked before anything is sent, and never shown."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2
from pydantic import SecretStr

from catsdk.core.errors import ConfigurationError, InvalidInputError

__all__ = ["checked_key", "checked_url", "hidden", "scrubbed", "shown"]

_SHOWN = 500
# A shorter key is a placeholder; cutting it out would only garble messages.
_SHORTEST_SECRET = 6


def scrubbed(message: str, secrets: Sequence[str]) -> str:
    """Give `message` without `secrets`, cut to a length that can be read."""
    message = hidden(message, secrets)
    return message if len(message) <= _SHOWN else f"{message[:_SHOWN]}..."


def hidden(text: str, secrets: Sequence[str]) -> str:
    """Give `text` with `secrets` replaced by stars."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def shown(base_url: str) -> str:
    """The URL without what stands before an @, where a password would be."""
    scheme, separator, rest = base_url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def checked_url(base_url: str) -> str:
    """The URL without a slash at its end.

    Raises:
        InvalidInputError: it is no http(s) URL.
    """
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInputError(
            f"base_url is {shown(base_url)!r}; give a URL such as 'http://localhost:8000/v1'"
        )
    return base_url.rstrip("/")


def checked_key(key: str, key_from: str) -> SecretStr:
    """The key without white space around it; `key_from` says where it comes from.

    Raises:
        ConfigurationError: it cannot be a key.
    """
    key = key.strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise ConfigurationError(
            "the API key holds characters that no HTTP header takes; look for a line break or a"
            f" typographic quote in it ({key_from} or api_key)"
        )
    return SecretStr(key)
