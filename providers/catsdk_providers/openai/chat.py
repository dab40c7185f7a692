"""ChatProvider: what the providers of chat completions over HTTP have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.ports import Capabilities
from catsdk.core.sending import Http
from catsdk_providers.http.provider import HttpProvider
from catsdk_providers.http.service import Connection
from catsdk_providers.openai.endpoint import Endpoint

__all__ = ["ChatProvider"]


class ChatProvider(HttpProvider[Endpoint]):
    """A model behind an endpoint of OpenAI's chat completions; a subclass says how it is asked.

    The key comes from `api_key` or the variable `<KIND>_API_KEY`, the endpoint from `base_url` or
    `<KIND>_BASE_URL`.
    """

    kind: ClassVar[str]
    """The word before the colon of a model string."""
    example: ClassVar[str]
    """A model string, for the error where no model is named."""
    usual: ClassVar[str]
    """The endpoint where none is given."""
    usual_needs_key: ClassVar[bool] = False
    """Whether that endpoint refuses calls without a key."""
    wire: ClassVar[str] = "chat"
    """The dialect of what goes to the service as it is."""
    takes: ClassVar[Capabilities]
    """The capabilities where none are declared."""

    def __init__(
        self,
        model: str | None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        capabilities: Capabilities | None = None,
        headers: Mapping[str, str] | None = None,
        http: Http | None = None,
    ) -> None:
        """Choose the model and the endpoint; nothing is sent.

        Args:
            model: The model's name at the service.
            base_url: The endpoint; by default the environment's, else the usual one.
            api_key: The key; by default the environment's, else none is sent.
            timeout: Seconds that a call may take; `None` leaves the limit to the caller.
            capabilities: What the model can do, where that is not the usual.
            headers: Headers that each request has; they may be secret.
            http: How to connect; by default as the environment says.

        Raises:
            InvalidInputError: no model is named, or the endpoint is no http(s) URL.
            ConfigurationError: the key or a header cannot be one, or the service needs a key and
                there is none.
        """
        if not model:
            raise InvalidInputError(
                f"{self.kind} needs the name of a model, such as {self.example!r}"
            )
        self.model = model
        self.name = f"{self.kind}:{model}"
        variable = self.kind.upper()
        self._connection = Connection(
            base_url=base_url or os.environ.get(f"{variable}_BASE_URL") or self.usual,
            key=api_key or os.environ.get(f"{variable}_API_KEY") or "",
            key_from=f"{variable}_API_KEY",
            headers=headers,
            timeout=timeout,
            http=http,
        )
        self._endpoint = Endpoint(self.name, self._connection)
        if self.usual_needs_key and not self._endpoint.service.key and self.base_url == self.usual:
            raise ConfigurationError(
                f"{self.name} needs a key: set {variable}_API_KEY, or {variable}_BASE_URL for an"
                " endpoint that needs none"
            )
        self._declared = capabilities or self.takes
