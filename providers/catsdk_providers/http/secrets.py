"""Addresses, keys and headers: checked before anything is sent, and never shown."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import unquote

import httpx2
from pydantic import SecretStr

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk_providers.http.text import mended

__all__ = [
    "Hiding",
    "checked_headers",
    "checked_key",
    "checked_url",
    "hidden",
    "scrubbed",
    "secrets_in",
    "shown",
    "without_password",
]

_SHOWN = 500
# A shorter key is a placeholder; redacting it would only garble messages.
_SHORTEST_SECRET = 6
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers whose values are not secret: they describe the content and its format.
_OPEN_HEADERS = {"accept", "accept-encoding", "anthropic-version", "content-type", "user-agent"}


def scrubbed(message: str, secrets: Sequence[str]) -> str:
    """Give `message` without `secrets`, as text that can be written, of a length to read."""
    message = hidden(mended(message), secrets)
    return message if len(message) <= _SHOWN else f"{message[:_SHOWN]}..."


def hidden(text: str, secrets: Sequence[str]) -> str:
    """Give `text` with `secrets` replaced by stars."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET and secret in text:
            text = text.replace(secret, "***")
    return text


class Hiding:
    """Hides secrets in a text that comes in pieces, also one that is cut between two of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Hide `secrets` in what is fed from now on."""
        self._secrets = secrets
        self._beginnings = _beginnings(tuple(secrets))
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take the next piece; returns what can be passed on now."""
        text = hidden(self._held + piece, self._secrets)
        held = next(
            (begun for begun in self._beginnings.get(text[-1:], ()) if text.endswith(begun)), ""
        )
        self._held = held
        return text[: len(text) - len(held)]

    def end(self) -> str:
        """Take in that no more comes; returns the rest."""
        held, self._held = self._held, ""
        return held


@lru_cache(maxsize=64)
def _beginnings(secrets: tuple[str, ...]) -> dict[str, list[str]]:
    """The prefixes of secrets, by their last character, longest first."""
    by_end: dict[str, list[str]] = {}
    for secret in secrets:
        for end in range(1, len(secret) if len(secret) >= _SHORTEST_SECRET else 0):
            by_end.setdefault(secret[end - 1], []).append(secret[:end])
    return {last: sorted(begun, key=len, reverse=True) for last, begun in by_end.items()}


def secrets_in(key: str, headers: Mapping[str, str], base_url: str) -> list[str]:
    """What no message may show: key, headers' values and their parts, the URL's user and password.

    Longest first, so that no part of a secret is left where another one is in it.
    """
    found = {key}
    for name, value in headers.items():
        if name.lower() not in _OPEN_HEADERS:
            found.update([value, *_parts(value)])
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        return sorted(found - {""}, key=len, reverse=True)
    found.update([url.password, unquote(url.password)])
    return sorted(found - {""}, key=len, reverse=True)


def _parts(value: str) -> Iterable[str]:
    """The credentials in a header, after `Bearer` or in `Basic`, which a service may quote."""
    scheme, _, credentials = value.strip().partition(" ")
    if not credentials:
        return
    yield credentials.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return
        yield f"{user}:{password}"
        yield password


def shown(base_url: str) -> str:
    """The URL without what may be secret in it: user and password, query and fragment."""
    scheme, separator, rest = base_url.partition("://")
    rest = rest.partition("?")[0].partition("#")[0]
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def without_password(base_url: str) -> tuple[str, dict[str, str]]:
    """The URL without user and password, and the header in which they are sent instead.

    Clients write whole URLs into their logs. An invalid URL stays as it is.
    """
    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, ValueError):
        return base_url, {}
    if not url.userinfo:
        return base_url, {}
    user = f"{unquote(url.username)}:{unquote(url.password)}"
    header = {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
    return shown(base_url), header


def checked_url(base_url: str) -> str:
    """The URL without a slash at its end.

    Raises:
        InvalidInputError: it is not an http(s) URL, or has a query or a fragment.
    """
    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, ValueError):
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInputError(
            f"base_url is {shown(base_url)!r}; give a URL such as 'http://localhost:8000/v1'"
        )
    if "?" in base_url or "#" in base_url:
        raise InvalidInputError(
            f"base_url {shown(base_url)!r} ends in a query or a fragment, so no path can be"
            " added; give the address alone, and a key as api_key= or in headers="
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


def checked_headers(headers: Mapping[str, str] | None) -> dict[str, SecretStr]:
    """The headers, without white space around their values.

    Raises:
        ConfigurationError: a name or a value is not valid in HTTP; the value is not shown.
    """
    checked: dict[str, SecretStr] = {}
    for name, value in (headers or {}).items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} cannot be the name of an HTTP header")
        value = value.strip()
        if not (value.isascii() and (value.isprintable() or not value)):
            raise ConfigurationError(
                f"the value of the header {name!r} holds characters that no HTTP header takes;"
                " look for a line break or a typographic quote in it"
            )
        checked[name] = SecretStr(value)
    return checked
