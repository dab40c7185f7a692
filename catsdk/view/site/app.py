"""The routes of the viewer, and the headers that keep the texts of models from acting on a page."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catsdk.core.errors import InvalidInputError
from catsdk.serve.site.problems import Problem
from catsdk.serve.site.replies import refusal
from catsdk.view.library import Library
from catsdk.view.questions import answer, as_text

__all__ = ["ASSETS", "POLICY", "Headed", "viewer_app"]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


def _assets() -> dict[str, tuple[bytes, str]]:
    """The files of the page by their paths, with their media types."""
    found: dict[str, tuple[bytes, str]] = {}
    for file in files("catsdk.view").joinpath("assets").iterdir():
        kind = _KINDS.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            path = "/" if file.name == "index.html" else f"/assets/{file.name}"
            found[path] = (file.read_bytes(), kind)
    return found


ASSETS: Final = frozenset(_assets())
"""The paths of the files of the page, which say nothing of any run."""


class Headed:
    """Puts the headers of the viewer on every response, refusals too.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to what comes back."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                added = [(n.encode(), v.encode()) for n, v in _HEADERS.items()]
                message["headers"] = [
                    *message["headers"],
                    *(each for each in added if each[0] not in there),
                ]
            await send(message)

        await self._app(scope, receive, headed)


def viewer_app(library: Library) -> Starlette:
    """The viewer without its guard: its page, and `/api/QUESTION` for what the page asks.

    Args:
        library: The runs that are shown.
    """
    assets = _assets()

    async def asset(request: Request) -> Response:
        content, kind = assets[request.url.path]
        return Response(content, media_type=f"{kind}; charset=utf-8")

    async def told(request: Request) -> Response:
        given = dict(request.query_params)

        def work() -> str:
            return as_text(answer(library, request.path_params["question"], given))

        try:
            text = await to_thread.run_sync(work)
        except LookupError as error:
            return refusal(Problem(404, str(error.args[0]), "not_found"))
        except InvalidInputError as error:
            return refusal(Problem(400, str(error)))
        return Response(text.encode("utf-8", "replace"), media_type="application/json")

    routes = [Route(path, asset) for path in assets]
    return Starlette(routes=[*routes, Route("/api/{question}", told)])
