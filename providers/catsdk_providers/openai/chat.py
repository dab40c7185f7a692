"""ChatProvider: what the providers of chat completions over HTTP have in common."""

from __future__ import annotations

from typing import ClassVar

from catsdk_providers.http.provider import HttpProvider
from catsdk_providers.http.service import Connection
from catsdk_providers.openai.endpoint import Endpoint

__all__ = ["ChatProvider"]


class ChatProvider(HttpProvider[Endpoint]):
    """A model behind an endpoint of OpenAI's chat completions; a subclass says how it is asked."""

    wire: ClassVar[str] = "chat"
    """The dialect of what goes to the service as it is."""

    def _open_endpoint(self, connection: Connection) -> Endpoint:
        return Endpoint(self.name, connection)
