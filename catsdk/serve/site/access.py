"""Access control: the keys of a service, or without keys, only programs on this machine."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from catsdk.core.errors import InvalidInputError
from catsdk.serve.site.problems import Problem
from catsdk.serve.site.replies import refusal

__all__ = ["LOOPBACK", "Access", "Guard", "check_host"]

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PROBES: Final = frozenset({"/health", "/ready"})
# A name or an address, and a port, without the other parts of a URL.
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::[0-9]{1,5})?")


def check_host(host: str, keyed: bool, fix: str) -> None:
    """Refuse to listen to other machines without a key.

    Args:
        host: The address to listen on.
        keyed: Whether requests must carry a key.
        fix: How one is given.

    Raises:
        InvalidInputError: other machines could ask without a key.
    """
    if not keyed and host not in LOOPBACK:
        raise InvalidInputError(f"{host} can be reached from other machines: give {fix}")


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """The keys of a service, by the names of those who hold them; only their digests are kept.

    Args:
        digests: The digests of the keys by the names of their holders.
        has_pages: Whether the service has web pages, whose own requests are let through.
    """

    digests: Mapping[str, bytes]
    has_pages: bool = False

    @classmethod
    def by(cls, keys: Mapping[str, str], *, has_pages: bool = False) -> Access:
        """Make it of the keys; an empty one does not count.

        Args:
            keys: The keys by the names of their holders.
            has_pages: Whether the service has web pages of its own.
        """
        digests = {name: _digest(key) for name, key in keys.items() if key}
        return cls(digests, has_pages=has_pages)

    def holder(self, headers: Headers) -> str:
        """Return who asks; the empty name where there are no keys.

        Args:
            headers: The headers of the request.

        Raises:
            Problem: the key is missing or wrong; or there are none, and the request is not this
                machine's own.
        """
        if not self.digests:
            if self._is_foreign(headers) or _hostname(headers) not in LOOPBACK:
                raise Problem(
                    403, "the request does not come from this machine; set a key to allow others"
                )
            return ""
        if self.has_pages and self._is_foreign(headers):
            raise Problem(403, "the request comes from another site's page")
        given = _digest(_given(headers))
        # Compare with all keys, so that the time reveals nothing about any.
        fitting = [
            name for name, digest in self.digests.items() if hmac.compare_digest(digest, given)
        ]
        if not fitting:
            raise Problem(401, "the key is missing or wrong", "invalid_api_key")
        return fitting[0]

    def _is_foreign(self, headers: Headers) -> bool:
        """Whether the request comes from a web page of another origin."""
        origin = headers.get("origin")
        if not self.has_pages:
            return origin is not None
        host = headers.get("host", "")
        own = origin is None or origin in (f"http://{host}", f"https://{host}")
        # Another page may link here, but must not load anything from here.
        loaded = headers.get("sec-fetch-mode", "navigate") != "navigate"
        return not own or (loaded and headers.get("sec-fetch-site") not in ("same-origin", "none"))


class Guard:
    """The outermost part of a service: what it lets through has a holder, in `scope["state"]`.

    Probes of health, and what else is `open`, may come without a key.

    Args:
        app: What answers.
        access: Who may ask.
        open: Further paths that say nothing to those without a key, such as the code of a page.
    """

    def __init__(
        self, app: ASGIApp, access: Access, open: Collection[str] = frozenset[str]()
    ) -> None:
        """Pass on to `app` the requests that `access` allows."""
        self._app, self._access = app, access
        self._open = {*_PROBES, *open}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reply to a request that is not allowed; pass any other on."""
        headers = Headers(scope=scope)
        try:
            _check_meaning(headers, scope["http_version"])
            probes = scope["path"] in self._open and not _carries_key(headers)
            keyed = bool(self._access.digests)
            scope.setdefault("state", {})["holder"] = (
                "" if probes and keyed else self._access.holder(headers)
            )
        except Problem as problem:
            await refusal(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _check_meaning(headers: Headers, version: str) -> None:
    """Raise for a request that a proxy might interpret in another way."""
    if "transfer-encoding" in headers and "content-length" in headers:
        raise Problem(400, "a request has both Transfer-Encoding and Content-Length; send one")
    if "transfer-encoding" in headers and version == "1.0":
        raise Problem(400, "HTTP/1.0 has no Transfer-Encoding; send Content-Length, or HTTP/1.1")
    for name in ("authorization", "x-api-key"):
        if len(headers.getlist(name)) > 1:
            raise Problem(400, f"a request has the header {name} twice; send it once")


def _carries_key(headers: Headers) -> bool:
    return "authorization" in headers or "x-api-key" in headers


def _given(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _digest(key: str) -> bytes:
    # Headers are decoded as Latin-1: a key that is not ASCII is a wrong key, not an error.
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


def _hostname(headers: Headers) -> str | None:
    found = _HOST.fullmatch(headers.get("host", ""))
    return None if found is None else (found[1] or found[2]).lower()
