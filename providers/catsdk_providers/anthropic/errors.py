"""Maps the errors of the messages wire, by status or in a reply, to catsdk's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from catsdk.core.errors import ProviderError
from catsdk_providers.http.client import Refused
from catsdk_providers.http.refusals import Place, refusal, reported, retry_after_of
from catsdk_providers.http.secrets import shown
from catsdk_providers.http.service import Service
from catsdk_providers.http.words import Said, said_in

__all__ = ["REQUEST_ID", "lacking_in", "refused_by", "reported_by"]

REQUEST_ID = "request-id"

# The parameters of the wire, the words of its refusals, and the capability that each stands for.
CAPABILITIES = {
    "output": "json_schema",
    "output_format": "json_schema",
    "structured": "json_schema",
    "assistant": "prefill",
    "image": "images",
    "output_config": "json_schema",
    "tools": "json_schema",
    "tool_choice": "json_schema",
    "temperature": "temperature",
    "top_p": "temperature",
    "top_k": "temperature",
    "stream": "streaming",
    "system": "system",
}
_UNSUPPORTED = re.compile(
    r"^(?P<field>\w+)(?P<inner>\.[\w.]+)?: Extra inputs are not permitted"
    r"|[`'\"](?P<quoted>\w+)[\w.]*[`'\"] (?:is|are) (?:deprecated|not supported|not available)"
    r"|does not support (?:the )?[`'\"]?(?P<lacked>\w+)"
)


def refused_by(service: Service[Any]) -> Refused:
    """Make the function that gives the errors of `service`'s replies."""

    def make(status: int, headers: Mapping[str, str], content: bytes) -> ProviderError:
        text = content.decode(errors="replace")
        if text.lstrip()[:1] == "<":
            # An HTML page, from a proxy or from a server that is not an API.
            text = ""
        where = f"HTTP {status}"
        if status == 404 and "model" not in said_in(text).message.lower():
            where = f"{where} at {shown(service.base_url)}; look at base_url: /v1 is added to it"
        return refusal(
            text,
            status,
            service.place(headers.get(REQUEST_ID)),
            retry_after=retry_after_of(headers),
            instead="the service gave no reason",
            where=where,
            lacking=lacking_in,
        )

    return make


def reported_by(body: object, place: Place) -> ProviderError:
    """Make the error that a reply with status 200 reports in its body, under `error`."""
    return reported(body, place, lacking=lacking_in)


def lacking_in(said: Said) -> str | None:
    """The capability that the message says is missing; a bad value of a parameter is none."""
    refused = _UNSUPPORTED.search(said.message)
    if refused is None:
        return None
    name = refused["field"] or refused["quoted"] or refused["lacked"]
    # A field within a message, say, is not a parameter of the wire.
    return CAPABILITIES.get(name, None if refused["inner"] else name)
