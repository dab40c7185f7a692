"""A form is asked for by every route over HTTP, and what does not fit is asked for again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import anyio
import pytest

from catsdk.core.errors import (
    ContentFilteredError,
    RequestRefusedError,
    StructuredOutputError,
    UnsupportedError,
)
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion, Criterion, Provenance, Request, Rubric
from catsdk.rubrics.judge import Judge, Judging
from catsdk.rubrics.proposer import RubricProposer
from catsdk.runtime.structured import Route, route_of
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk_providers.openai.provider import OpenAIProvider
from tests.hanging import Held
from tests.prompts.attacks import SMALL, SMALL_IDS, Attack
from tests.rubrics.scripted import group_of, reference_of, rollout_of, said

if find_spec("instructor") is not None:
    # It takes seconds, which count against the limit of no test.
    import_module("instructor")

INSTRUCTOR = pytest.param(
    "instructor",
    marks=pytest.mark.skipif(
        find_spec("instructor") is None, reason="instructor has its own environment"
    ),
)
ROUTES = pytest.mark.parametrize("route", ["schema", "tool", "json", "xml", INSTRUCTOR])
ABLE = Capabilities(json_schema=True, tools=True)
RUBRIC = Rubric(
    criteria=(Criterion(id="c1", text="is kind"),), provenance=Provenance(method="test")
)
# The served model is scripted by the current test.
Script = Callable[[Request], Completion | str]


class Served:
    def __init__(self, server: LoopbackServer) -> None:
        self.server = server
        self.script: Script = lambda _: ""
        self.opened: list[OpenAIProvider] = []

    def provider(self, able: Capabilities = ABLE) -> OpenAIProvider:
        url, key = self.server.url, self.server.key
        self.opened.append(
            OpenAIProvider(self.server.model, base_url=url, api_key=key, capabilities=able)
        )
        return self.opened[-1]

    def sent(self) -> list[dict[str, Any]]:
        return list(self.server.payloads)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    holder: list[Served] = []
    model = FunctionProvider(lambda request: holder[0].script(request))
    async with LoopbackServer(model) as server:
        holder.append(Served(server))
        yield holder[0]
        for provider in holder[0].opened:
            await provider.aclose()


def answer(route: Route, met: bool, evidence: str = "") -> str:
    fields = said(met, evidence)
    if route == "xml":
        inner = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
        return f"<answer>{inner}</answer>"
    text = json.dumps(fields)
    return f"```json\n{text}\n```" if route == "instructor" else text


@ROUTES
async def test_a_verdict_comes_by_every_route_and_only_its_payload_differs(
    served: Served, route: Route
) -> None:
    served.script = lambda _: answer(route, True, "hello")
    judge = Judge(served.provider(), judging=Judging(route=route))
    with anyio.fail_after(20):
        (verdict,) = await judge.judge(RUBRIC, rollout_of("hello there"))
    assert (verdict.met, verdict.evidence, len(verdict.calls)) == (True, "hello", 1)
    (payload,) = served.sent()
    assert ("response_format" in payload) == (route == "schema")
    assert ("tools" in payload) == (route == "tool")
    told = json.dumps(payload["messages"])
    assert ("Answer with this XML" in told) == (route == "xml")
    assert ("match the following json_schema" in told) == (route == "instructor")


@ROUTES
async def test_an_unreadable_reply_is_asked_for_again_with_its_error_and_counted(
    served: Served, route: Route
) -> None:
    replies = iter(["yes and no", answer(route, False)])
    served.script = lambda _: next(replies)
    judge = Judge(served.provider(), judging=Judging(route=route))
    with anyio.fail_after(20):
        (verdict,) = await judge.judge(RUBRIC, rollout_of("hello"))
    assert (verdict.met, len(verdict.calls)) == (False, 2)
    again = json.dumps(served.sent()[1]["messages"])
    assert "yes and no" in again
    assert "That could not be read" in again


@ROUTES
async def test_malformed_forever_is_no_verdict_on_any_route(served: Served, route: Route) -> None:
    served.script = lambda _: "certainly!"
    judge = Judge(served.provider(), judging=Judging(route=route, attempts=3))
    with anyio.fail_after(20):
        (verdict,) = await judge.judge(RUBRIC, rollout_of("hello"))
    assert verdict.met is None
    assert verdict.failure is not None and verdict.failure.kind == "StructuredOutputError"
    assert len(verdict.calls) == served.server.counters.requests == 3


@ROUTES
async def test_a_rubric_is_proposed_by_every_route(served: Served, route: Route) -> None:
    texts = [f"criterion {at}" for at in range(6)]
    listed = "".join(f"<item>{text}</item>" for text in texts)
    data = json.dumps({"criteria": texts})
    forms = {"xml": f"<answer><criteria>{listed}</criteria></answer>", "instructor": data}
    served.script = lambda _: forms.get(route, data)
    group = group_of("x")
    with anyio.fail_after(20):
        proposer = RubricProposer(served.provider(), route=route)
        rubric = await proposer.propose(reference_of(group))
    assert [criterion.text for criterion in rubric.criteria] == texts


@ROUTES
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_prose_around_an_object_is_refused_on_every_route(
    served: Served, route: Route
) -> None:
    inner = answer("xml" if route == "xml" else "instructor", True)
    served.script = lambda _: f"The response pretends to be a verdict:\n{inner}\nI say no."
    judge = Judge(served.provider(), judging=Judging(route=route))
    with anyio.fail_after(20):
        (verdict,) = await judge.judge(RUBRIC, rollout_of("hello"))
    assert verdict.met is None


@pytest.mark.parametrize("attack", SMALL, ids=SMALL_IDS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.skipif(find_spec("instructor") is None, reason="instructor has its own environment")
async def test_by_instructor_a_hostile_response_gets_its_verdict(attack: Attack) -> None:
    model = FunctionProvider(lambda _: answer("instructor", False))
    judge = Judge(model, judging=Judging(route="instructor"))
    (verdict,) = await judge.judge(RUBRIC, rollout_of(attack.text))
    assert verdict.met is False
    shown = model.requests[0].messages
    assert [message.role for message in shown] == ["system", "user"]
    assert attack.text.strip() in shown[1].text


async def test_what_the_service_refuses_is_left_for_the_next_route(served: Served) -> None:
    served.server.fail_next("no_schema", "no_tools")
    served.script = lambda _: answer("json", True)
    provider = served.provider(Capabilities(json_schema=True, tools=True, prompts="box"))
    with anyio.fail_after(20):
        (verdict,) = await Judge(provider).judge(RUBRIC, rollout_of("hello"))
    assert verdict.met is True
    kinds = [call.failure.kind if call.failure else None for call in verdict.calls]
    assert kinds == ["UnsupportedError", "UnsupportedError", None]
    assert route_of(provider) == "json"


async def test_a_route_that_is_asked_for_is_not_left(served: Served) -> None:
    served.server.fail_next("no_schema")
    judge = Judge(served.provider(), judging=Judging(route="schema"))
    with anyio.fail_after(20):
        (verdict,) = await judge.judge(RUBRIC, rollout_of("hello"))
    assert verdict.failure is not None
    assert verdict.failure.kind == UnsupportedError.__name__


async def test_a_refusal_is_told_apart_and_not_asked_for_again(served: Served) -> None:
    served.script = lambda _: Completion(text="I cannot", finish_reason="content_filter")
    with anyio.fail_after(20):
        (verdict,) = await Judge(served.provider()).judge(RUBRIC, rollout_of("hello"))
    assert verdict.failure is not None
    assert verdict.failure.kind == ContentFilteredError.__name__
    assert served.server.counters.requests == 1


async def test_without_enough_criteria_there_is_no_rubric(served: Served) -> None:
    served.script = lambda _: json.dumps({"criteria": ["one", "two"]})
    with anyio.fail_after(20), pytest.raises(StructuredOutputError, match="2 criteria where"):
        await RubricProposer(served.provider()).propose(reference_of(group_of("x")))
    assert served.server.counters.requests == 2


def refusing(*bounds: str, words: str) -> FunctionProvider:
    """A service that refuses a schema with one of `bounds`, and may name that in its error."""

    def script(request: Request) -> str:
        schema = json.dumps(request.json_schema)
        found = next((bound for bound in bounds if f'"{bound}"' in schema), None)
        if found is not None:
            raise RequestRefusedError(words.format(found), status=400)
        return json.dumps({"criteria": [f"criterion {at}" for at in range(6)]})

    return FunctionProvider(script, capabilities=ABLE)


def bounds_sent(model: FunctionProvider) -> list[dict[str, Any]]:
    lists: list[Any] = [(r.json_schema or {})["properties"] for r in model.requests]
    return [
        {name: value for name, value in each["criteria"].items() if name.startswith(("min", "max"))}
        for each in lists
    ]


async def test_a_schema_says_how_many_criteria_are_wanted_and_which_ids_are_known() -> None:
    model = refusing(words="")
    await RubricProposer(model, at_least=5, at_most=7).propose(reference_of(group_of("x")))
    assert bounds_sent(model) == [{"minItems": 5, "maxItems": 7}]
    judge = FunctionProvider(
        lambda _: json.dumps({"verdicts": [{"id": "c1", **said(True)}]}), capabilities=ABLE
    )
    await Judge(judge, judging=Judging(mode="all")).judge(RUBRIC, rollout_of("hello"))
    schema: Any = judge.requests[0].json_schema
    listed = schema["properties"]["verdicts"]
    assert (listed["minItems"], listed["maxItems"]) == (1, 1)
    assert listed["items"]["properties"]["id"] == {"type": "string", "enum": ["c1"]}


async def test_a_bound_that_the_service_names_in_its_refusal_is_left_out_from_then_on() -> None:
    model = refusing("minLength", "maxItems", words="Invalid schema: '{}' is not permitted.")
    proposer = RubricProposer(model, attempts=1)
    for _ in range(2):
        rubric = await proposer.propose(reference_of(group_of("x")))
        assert len(rubric.criteria) == 6
    assert bounds_sent(model)[-1] == {"minItems": 5}
    assert len(model.requests) == 4
    assert "minLength" not in json.dumps(model.requests[-1].json_schema)


async def test_of_two_requests_that_are_refused_at_once_each_is_sent_again() -> None:
    model = refusing("minLength", words="'{}' is not permitted.")
    model.script = held = Held(model.script, calls=2)
    proposer = RubricProposer(model, attempts=1)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(proposer.propose, reference_of(group_of("x")))
            await held.started.wait()
            held.may_end.set()
    assert len(model.requests) == 4


async def test_all_bounds_are_left_out_where_the_refusal_of_a_schema_names_none() -> None:
    model = refusing("minItems", words="The provided JSON schema is too complex")
    await RubricProposer(model, attempts=1).propose(reference_of(group_of("x")))
    assert bounds_sent(model) == [{"minItems": 5, "maxItems": 20}, {}]


async def test_a_schema_that_is_refused_without_bounds_is_left_for_the_next_route() -> None:
    model = refusing("type", words="Invalid schema")
    for _ in range(2):
        rubric = await RubricProposer(model, attempts=1).propose(reference_of(group_of("x")))
        assert len(rubric.criteria) == 6
    ways = [request.json_schema and request.schema_by for request in model.requests]
    # With bounds and without, as a tool, in words; the second time nothing is refused again.
    assert ways == ["native", "native", "tool", None, None]


async def test_a_provider_that_does_not_learn_what_it_lacks_is_asked_in_another_way() -> None:
    def script(request: Request) -> str:
        if request.json_schema is not None:
            raise UnsupportedError("it is too new for me", capability="json_schema")
        return json.dumps({"criteria": [f"criterion {at}" for at in range(6)]})

    model = FunctionProvider(script, capabilities=ABLE)
    for _ in range(2):
        rubric = await RubricProposer(model, attempts=1).propose(reference_of(group_of("x")))
        assert len(rubric.criteria) == 6
    ways = [request.json_schema and request.schema_by for request in model.requests]
    assert ways == ["native", "tool", None, None]


async def test_a_schema_that_is_refused_is_an_error_where_its_route_was_asked_for() -> None:
    model = refusing("type", words="Invalid schema")
    with pytest.raises(RequestRefusedError):
        await RubricProposer(model, attempts=1, route="schema").propose(reference_of(group_of("x")))
    assert len(model.requests) == 2


async def test_another_refusal_is_not_asked_about_again() -> None:
    model = refusing("minItems", words="Your organisation is suspended")
    with pytest.raises(RequestRefusedError):
        await RubricProposer(model).propose(reference_of(group_of("x")))
    assert len(model.requests) == 1
