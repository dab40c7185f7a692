"""Makes an application of routes, in which unknown paths and defects are answered in JSON."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catsdk.serve.site.problems import Problem, problem_of
from catsdk.serve.site.replies import refusal

__all__ = ["application"]


def application(routes: Sequence[Route]) -> Starlette:
    """Return an application that answers every request with one of its routes, or in JSON.

    Args:
        routes: What answers.
    """
    handlers = {404: _no_route, 405: _no_route, Exception: _defect}
    made = Starlette(routes=routes, exception_handlers=handlers)
    # A redirect would repeat the Host of the request, and http: even behind a proxy with https:.
    made.router.redirect_slashes = False
    return made


async def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    what = "takes no" if status == 405 else "has nothing for"
    message = f"{request.url.path[:80]} {what} {request.method:.20}"
    response = refusal(Problem(status, message, "not_found"))
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def _defect(request: Request, error: Exception) -> Response:
    return refusal(problem_of(error))
