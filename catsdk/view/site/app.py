"""The viewer's routes, and the headers that keep model texts from acting on the page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.serve.site.problems import Problem
from catsdk.serve.site.replies import refusal
from catsdk.view.labels import MOST_BYTES, Label
from catsdk.view.library import Library
from catsdk.view.questions import StillLookingError, answer, as_text
from catsdk.view.site.page import page_of

__all__ = ["OPEN", "Headed", "viewer_app"]

_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

OPEN: Final = frozenset({"/"})
"""The path of the page, which is served without a token as it reveals nothing about any run."""


class Headed:
    """Adds the viewer's headers to every response, including refusals.

    Args:
        app: The wrapped application.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app
        self._headers = {**_HEADERS, "content-security-policy": page_of().policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add headers to the response."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                added = [(n.encode(), v.encode()) for n, v in self._headers.items()]
                message["headers"] = [
                    *message["headers"],
                    *(each for each in added if each[0] not in there),
                ]
            await send(message)

        await self._app(scope, receive, headed)


def viewer_app(library: Library) -> Starlette:
    """The viewer without access control: its page, and `/api/QUESTION` for the page's data.

    Args:
        library: The runs to show.
    """
    page = page_of().text

    async def shown(_: Request) -> Response:
        return HTMLResponse(page)

    async def told(request: Request) -> Response:
        given = dict(request.query_params)

        def work() -> str:
            with library.asking():
                return as_text(answer(library, request.path_params["question"], given))

        return await _answered(work)

    async def labelled(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return refusal(Problem(415, "send a label as application/json"))
        body = await _body(request, MOST_BYTES)
        if body is None:
            return refusal(Problem(413, f"a label is longer than {MOST_BYTES:,} bytes"))

        def work() -> str:
            given = _given_label(body)
            library.label(*given)
            return as_text({"label": given[1].model_dump(mode="json")})

        return await _answered(work)

    return Starlette(
        routes=[
            Route("/", shown),
            Route("/api/label", labelled, methods=["POST"]),
            Route("/api/{question}", told),
        ]
    )


async def _answered(work: Callable[[], str]) -> Response:
    """Do the work in a thread and return its result as JSON, or an error."""
    try:
        text = await to_thread.run_sync(work)
    except StillLookingError as error:
        return refusal(Problem(503, str(error), "still_looking", retry_after=0.2))
    except LookupError as error:
        return refusal(Problem(404, str(error.args[0]), "not_found"))
    except InvalidInputError as error:
        return refusal(Problem(400, str(error)))
    except ConfigurationError as error:
        return refusal(Problem(507, str(error), "not_written"))
    return Response(text.encode("utf-8", "replace"), media_type="application/json")


async def _body(request: Request, most: int) -> bytes | None:
    """The body of a request; `None` if it is longer than `most` bytes."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return body


def _given_label(body: bytes) -> tuple[str, Label]:
    """Read the run and the label from a body.

    Raises:
        InvalidInputError: it is not a label.
    """
    try:
        data = json.loads(body)
        run = data.pop("run")
        return str(run), Label.model_validate({**data, "time": time.time()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = str(error).split("\n")[0]
        raise InvalidInputError(f"this is not a label: {told:.200}") from None
