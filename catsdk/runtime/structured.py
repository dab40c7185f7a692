"""Gets replies in a given form: enforced by the service, or parsed from text and asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Generic, Literal, Protocol, TypeVar, cast

from anyio import to_thread
from pydantic import JsonValue

from catsdk.core.errors import (
    CatError,
    ContentFilteredError,
    InvalidInputError,
    MissingExtraError,
    RequestRefusedError,
    StructuredOutputError,
    UnsupportedError,
)
from catsdk.core.installing import install_command
from catsdk.core.ports import Capabilities, OnText, Provider, capabilities_of, name_of
from catsdk.core.types import Completion, Message, Request
from catsdk.runtime.schema_bounds import Refusals, refusals_of
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Asking", "Form", "Route", "ask", "form_name", "route_of"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Route = Literal["schema", "tool", "instructor", "json", "xml"]

_INSTRUCTOR = "catsdk_providers.instructor"
_SHOWN_REPLY = 4_000
_ASKED_BY = {"schema": {"json_schema"}, "tool": {"tools", "json_schema"}}
# Looked up once, at import, since it reads folders.
_INSTALLED = find_spec("instructor") is not None


@dataclass(frozen=True, slots=True)
class Form(Generic[T_co]):
    """What a reply must hold: its JSON schema, and how its text is read.

    `read` takes the text of a reply and raises `StructuredOutputError` with words that the model
    can use to do better.
    """

    schema: Mapping[str, JsonValue]
    read: Callable[[str], T_co]


class _ByInstructor(Protocol):
    """One attempt by instructor: its completion, and what is wrong with it, if anything."""

    async def __call__(
        self, provider: Provider, request: Request, schema: Mapping[str, JsonValue]
    ) -> tuple[Completion, str | None]: ...


def route_of(provider: Provider, wanted: Route | Literal["auto"] = "auto") -> Route:
    """The way in which `provider` is asked for a form.

    By itself: a JSON schema that the service enforces, else a function that the model must call,
    else JSON in the text. A route that is `wanted` is taken.
    """
    if wanted != "auto":
        return wanted
    able = capabilities_of(provider)
    if able.json_schema:
        return "schema"
    return "tool" if able.tools else "json"


def form_name(route: Route) -> str:
    """The form that a prompt should ask for on `route`: XML on its own, else JSON."""
    return "xml" if route == "xml" else "json"


async def ask(
    provider: Provider,
    request: Request,
    form: Form[T],
    *,
    attempts: int = 2,
    route: Route | Literal["auto"] = "auto",
    on_text: OnText | None = None,
) -> tuple[T, Completion]:
    """Send `request` until a reply can be read in `form`, at most `attempts` times.

    A reply that cannot be read is sent back with its error. What the service refuses is left out
    for the next request, and costs no attempt: a bound of the schema, a route (for the next one),
    and temperature 0 where the model takes no temperature: what is read should not vary, and
    without is as steady as such a model gets. `on_text` receives the pieces of the first reply.

    Raises:
        StructuredOutputError: no reply could be read; the last one's error.
        ContentFilteredError: the model refused, or its answer was withheld.
        ProviderError: the service failed.
    """
    asking = Asking(provider, form.schema, route)
    attempt = 0
    while True:
        try:
            completion = (await asking.complete(request, None if attempt else on_text))[0]
        except UnsupportedError as error:
            if error.capability != "temperature" or request.temperature != 0:
                raise
            request = request.model_copy(update={"temperature": None})
            continue
        attempt += 1
        try:
            return _read(form, completion, asking.complaint, name_of(provider)), completion
        except StructuredOutputError as error:
            if attempt >= attempts:
                raise
            request = _corrected(request, completion.text, error)


@dataclass
class Asking(Wrapper):
    """A provider whose answers are asked for in a form, by the first route that its service takes.

    What the service refuses is learned: a bound of the schema, the whole of this schema, or every
    schema. With `auto` the next route is then taken.

    Args:
        wrapped: The provider.
        schema: The JSON schema of an answer.
        route: How the form is asked for.
    """

    schema: Mapping[str, JsonValue]
    route: Route | Literal["auto"] = "auto"
    complaint: str | None = field(default=None, init=False)
    """What instructor found wrong with the last answer."""

    @property
    def capabilities(self) -> Capabilities:
        """The wrapped provider's; instructor asks for one answer at a time."""
        able = super().capabilities
        return replace(able, n=False) if self.route == "instructor" else able

    @cached_property
    def _refusals(self) -> Refusals:
        return refusals_of(self.wrapped)

    @property
    def _taken(self) -> Route:
        taken = route_of(self.wrapped, self.route)
        if self.route != "auto":
            return taken
        while taken in {"schema", "tool"} and self._refusals.holds(self.schema, taken):
            able = capabilities_of(self.wrapped)
            taken = "tool" if taken == "schema" and able.tools else "json"
        return taken

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Send the request with its form, once more for each thing that the service refuses."""
        while True:
            taken = self._taken
            schema = self._refusals.without_bounds(self.schema)
            try:
                return await self._sent(request, schema, taken, on_text)
            except (RequestRefusedError, InvalidInputError) as error:
                if not self._learned(taken, schema, error):
                    raise

    def _learned(self, taken: Route, schema: Mapping[str, JsonValue], error: CatError) -> bool:
        """Record a refusal; return whether there is another way to ask."""
        if taken not in {"schema", "tool"}:
            return False
        if isinstance(error, RequestRefusedError) and self._refusals.learn_bounds(schema, error):
            return True
        if self.route != "auto":
            return False
        if isinstance(error, UnsupportedError) and error.capability not in _ASKED_BY[taken]:
            return False
        # Most providers find out by themselves what their service lacks; others do it here.
        return self._taken != taken or self._refusals.learn_schema(self.schema, taken, error)

    async def _sent(
        self,
        request: Request,
        schema: Mapping[str, JsonValue],
        route: Route,
        on_text: OnText | None,
    ) -> Sequence[Completion]:
        if route == "instructor":
            asking = await to_thread.run_sync(_by_instructor)
            completion, self.complaint = await asking(self.wrapped, request, schema)
            return [completion]
        if route in {"schema", "tool"}:
            by = "tool" if route == "tool" else "native"
            update: dict[str, object] = {"json_schema": dict(schema), "schema_by": by}
            request = request.model_copy(update=update)
        return await self.pass_on(request, on_text)


def _by_instructor() -> _ByInstructor:
    if not _INSTALLED:
        raise MissingExtraError(
            f"the route 'instructor' needs the package instructor: {install_command('instructor')}"
        )
    return cast("_ByInstructor", import_module(_INSTRUCTOR).ask_by_instructor)


def _read(form: Form[T], completion: Completion, complaint: str | None, name: str) -> T:
    if completion.finish_reason == "content_filter":
        raise ContentFilteredError(
            f"{name} refused to answer: {completion.text[:200]!r}", model=completion.model or name
        )
    cut = "the reply was cut at its token limit; " if completion.finish_reason == "length" else ""
    try:
        if complaint is not None:
            raise StructuredOutputError(complaint)
        found = form.read(completion.text)
    except StructuredOutputError as error:
        if not cut:
            raise
        raise type(error)(f"{cut}{error}") from error
    if cut:
        # A cut reply may hold a fragment that only looks complete: a quoted object, half a list.
        raise StructuredOutputError(f"{cut}write a shorter one")
    return found


def _corrected(request: Request, reply: str, error: StructuredOutputError) -> Request:
    again = (
        Message(role="assistant", content=reply[:_SHOWN_REPLY] or "(nothing)"),
        Message(
            role="user",
            content=f"That could not be read: {error}. Answer again, in the form asked for.",
        ),
    )
    return request.model_copy(update={"messages": (*request.messages, *again)})
