"""A judge gives verdicts with evidence that is there, or says why it has none."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from catsdk.core.errors import InvalidInputError, ServerError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion, Request, Verdict
from catsdk.rubrics.judge import Judge, Judging
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, context_of
from catsdk.testing import FunctionProvider
from tests.hanging import Held
from tests.rubrics.scripted import (
    contains_judge,
    criteria_shown,
    rollout_of,
    rubric_of,
    said,
)

RUBRIC = rubric_of("alpha", "beta", "gamma")
ROLLOUT = rollout_of("alpha and gamma are here")
MODES = pytest.mark.parametrize("mode", ["each", "all"])


class FinalError(ServerError):
    transient = False


def kinds(verdicts: tuple[Verdict, ...]) -> list[str | None]:
    return [verdict.failure.kind if verdict.failure else None for verdict in verdicts]


@MODES
async def test_each_criterion_has_its_verdict_quote_reason_and_judge(mode: Any) -> None:
    model = contains_judge()
    verdicts = await Judge(model, judging=Judging(mode=mode)).judge(RUBRIC, ROLLOUT)
    assert [v.criterion_id for v in verdicts] == ["c1", "c2", "c3"]
    assert [v.met for v in verdicts] == [True, False, True]
    assert [v.evidence for v in verdicts] == ["alpha", None, "gamma"]
    assert [v.quoted for v in verdicts] == [True, None, True]
    assert {(v.reason, v.judge) for v in verdicts} == {("so it is", "judge")}
    assert len(model.requests) == (3 if mode == "each" else 1)
    assert sum(len(v.calls) for v in verdicts) == len(model.requests)


@MODES
async def test_a_quote_that_is_not_there_is_asked_for_again_and_then_no_verdict(mode: Any) -> None:
    def script(request: Request) -> str:
        wrong = said(True, "never written")
        return json.dumps(wrong if mode == "each" else {"verdicts": [{"id": "c1", **wrong}]})

    model = FunctionProvider(script)
    judge = Judge(model, judging=Judging(mode=mode))
    (verdict,) = await judge.judge(rubric_of("alpha"), ROLLOUT)
    assert (verdict.met, kinds((verdict,))) == (None, ["EvidenceNotFoundError"])
    assert len(model.requests) == len(verdict.calls) == 2


async def test_the_corrective_question_shows_the_model_its_own_error() -> None:
    def script(request: Request) -> str:
        again = len(request.messages) > 2
        return json.dumps(said(True, "alpha" if again else "never written"))

    model = FunctionProvider(script)
    (verdict,) = await Judge(model).judge(rubric_of("alpha"), ROLLOUT)
    assert (verdict.met, verdict.evidence, len(verdict.calls)) == (True, "alpha", 2)
    assert "'never written' was not found in the response" in model.requests[1].messages[-1].text
    assert "never written" in model.requests[1].messages[-2].text


@pytest.mark.parametrize(
    ("policy", "evidence", "met"),
    [
        *(("required", too_little, None) for too_little in ("", "a", "alp")),
        ("checked", "", True),
        ("off", "never written", True),
    ],
)
async def test_how_strict_evidence_is_taken_is_a_choice(
    policy: Any, evidence: str, met: bool | None
) -> None:
    model = FunctionProvider(lambda _: json.dumps(said(True, evidence)))
    (verdict,) = await Judge(model, judging=Judging(evidence=policy)).judge(
        rubric_of("alpha"), ROLLOUT
    )
    assert (verdict.met, verdict.quoted) == (met, None)


@MODES
async def test_a_judge_that_cannot_tell_gives_no_verdict_with_its_reason(mode: Any) -> None:
    def script(_: Request) -> str:
        unsure = said(None, reason="it is not shown")
        return json.dumps(unsure if mode == "each" else {"verdicts": [{"id": "c1", **unsure}]})

    model = FunctionProvider(script)
    (verdict,) = await Judge(model, judging=Judging(mode=mode)).judge(rubric_of("a"), ROLLOUT)
    assert verdict.met is None
    assert str(verdict.failure) == "CannotTell: it is not shown"
    assert len(model.requests) == 1


def _malformed(_: Request) -> str:
    return "well, maybe"


def _failing(_: Request) -> str:
    raise FinalError("boom")


def _refusing(_: Request) -> Completion:
    return Completion(text="I cannot help", finish_reason="content_filter")


@pytest.mark.behaviour("failed-verdict-is-not-a-no")
@MODES
@pytest.mark.parametrize(
    ("script", "kind", "calls"),
    [
        (_malformed, "StructuredOutputError", 2),
        (lambda _: "", "StructuredOutputError", 2),
        (_failing, "FinalError", 1),
        (_refusing, "ContentFilteredError", 1),
    ],
    ids=["malformed", "empty", "failing", "refusing"],
)
async def test_every_failure_is_no_verdict_with_its_cause_and_its_calls(
    mode: Any, script: Any, kind: str, calls: int
) -> None:
    judge = Judge(FunctionProvider(script), judging=Judging(mode=mode))
    with anyio.fail_after(5):
        verdicts = await judge.judge(rubric_of("a"), ROLLOUT)
    assert [v.met for v in verdicts] == [None]
    assert kinds(verdicts) == [kind]
    assert len(verdicts[0].calls) == calls


async def test_a_reply_cut_at_its_limit_is_not_mended_into_a_verdict() -> None:
    cut = Completion(text='{"evidence": "", "reason": "", "verdict": "no', finish_reason="length")
    (verdict,) = await Judge(FunctionProvider(lambda _: cut)).judge(rubric_of("a"), ROLLOUT)
    assert verdict.met is None
    assert "cut at its token limit" in str(verdict.failure)


async def test_an_oversized_response_is_not_sent() -> None:
    model = contains_judge()
    verdicts = await Judge(model).judge(RUBRIC, rollout_of("x" * 1_000_000))
    assert kinds(verdicts) == ["ResponseTooLong"] * 3
    assert model.requests == []


async def test_two_criteria_with_one_id_are_refused() -> None:
    twins = RUBRIC.model_copy(update={"criteria": (RUBRIC.criteria[0],) * 2})
    with pytest.raises(InvalidInputError, match="each its own"):
        await Judge(contains_judge()).judge(twins, ROLLOUT)


def batch(*verdicts: tuple[str, bool]) -> str:
    return json.dumps({"verdicts": [{"id": name, **said(met)} for name, met in verdicts]})


async def test_batched_verdicts_are_matched_by_id_and_not_by_place() -> None:
    model = FunctionProvider(lambda _: batch(("c3", True), ("c1", False), ("c2", True)))
    verdicts = await Judge(model, judging=Judging(mode="all")).judge(RUBRIC, ROLLOUT)
    assert [v.met for v in verdicts] == [False, True, True]


async def test_ids_that_are_missing_are_asked_for_again_alone() -> None:
    def script(request: Request) -> str:
        first = len(criteria_shown(request)) == 3
        return batch(("c1", True), ("c3", True)) if first else batch(("c2", False))

    model = FunctionProvider(script)
    verdicts = await Judge(model, judging=Judging(mode="all")).judge(RUBRIC, ROLLOUT)
    assert [v.met for v in verdicts] == [True, False, True]
    assert criteria_shown(model.requests[1]) == ["id: c2\nbeta"]
    assert sum(len(v.calls) for v in verdicts) == 2


async def test_ids_that_stay_missing_are_no_verdicts() -> None:
    model = FunctionProvider(lambda _: batch(("c1", True)))
    judge = Judge(model, judging=Judging(mode="all", attempts=1))
    assert kinds(await judge.judge(RUBRIC, ROLLOUT)) == [None, "MissingVerdict", "MissingVerdict"]


async def test_a_batch_of_two_objects_is_refused_whole() -> None:
    reply = batch(("c1", True)) * 2
    judge = Judge(FunctionProvider(lambda _: reply), judging=Judging(mode="all"))
    assert kinds(await judge.judge(rubric_of("a"), ROLLOUT)) == ["StructuredOutputError"]


async def test_a_verdict_too_many_costs_the_others_nothing() -> None:
    reply = batch(("c1", True), ("c2", False), ("c9", True))
    model = FunctionProvider(lambda _: reply)
    verdicts = await Judge(model, judging=Judging(mode="all")).judge(rubric_of("a", "b"), ROLLOUT)
    assert [v.met for v in verdicts] == [True, False]
    assert len(model.requests) == 1


async def test_an_unreadable_verdict_of_a_batch_is_asked_for_again_alone() -> None:
    def script(request: Request) -> str:
        shown = [text.split("\n")[0].removeprefix("id: ") for text in criteria_shown(request)]
        said_of = {"c1": said(True), "c2": said("partially"), "c3": said(False)}
        return json.dumps({"verdicts": [{"id": name, **said_of[name]} for name in shown]})

    model = FunctionProvider(script)
    verdicts = await Judge(model, judging=Judging(mode="all")).judge(RUBRIC, ROLLOUT)
    assert [v.met for v in verdicts] == [True, None, False]
    assert kinds(verdicts) == [None, "StructuredOutputError", None]
    assert "partially" in str(verdicts[1].failure)
    assert [criteria_shown(request) for request in model.requests[1:]] == [["id: c2\nbeta"]]
    assert sum(len(v.calls) for v in verdicts) == 2


async def test_a_quote_of_latex_counts_as_it_stands_in_the_response() -> None:
    reply = r'{"evidence":"x \frac{1}{2}","reason":"r","verdict":"yes"}'
    model = FunctionProvider(lambda _: reply)
    response = rollout_of(r"it is x \frac{1}{2}\times\beta in all")
    (verdict,) = await Judge(model).judge(rubric_of("a"), response)
    assert (verdict.met, verdict.evidence, verdict.quoted) == (True, r"x \frac{1}{2}", True)


async def test_a_whole_object_in_a_reply_that_was_cut_is_not_a_verdict() -> None:
    cut = Completion(text=json.dumps(said(True)), finish_reason="length")
    (verdict,) = await Judge(FunctionProvider(lambda _: cut)).judge(rubric_of("a"), ROLLOUT)
    assert verdict.met is None
    assert "cut at its token limit" in str(verdict.failure)


async def test_a_criterion_with_two_verdicts_is_refused() -> None:
    reply = batch(("c1", True), ("c1", False))
    judge = Judge(FunctionProvider(lambda _: reply), judging=Judging(mode="all"))
    assert kinds(await judge.judge(rubric_of("a"), ROLLOUT)) == ["StructuredOutputError"]


async def test_a_seed_shuffles_criteria_alike_for_every_response() -> None:
    rubric = rubric_of(*"abcdefgh")

    async def order(seed: int | None, text: str) -> list[str]:
        model = contains_judge()
        judge = Judge(model, judging=Judging(mode="all", seed=seed))
        verdicts = await judge.judge(rubric, rollout_of(text))
        assert [v.criterion_id for v in verdicts] == [c.id for c in rubric.criteria]
        return criteria_shown(model.requests[0])

    plain = await order(None, "x")
    assert await order(1, "x") == await order(1, "y") != plain
    assert await order(2, "x") != await order(1, "x")
    assert sorted(await order(1, "x")) == plain


@MODES
async def test_equal_verdicts_in_flight_are_asked_for_once(mode: Any) -> None:
    model = contains_judge()
    model.script = held = Held(model.script)
    judge = Judge(model, judging=Judging(mode=mode))
    results: list[tuple[Verdict, ...]] = []

    async def run(ctx: Context) -> None:
        results.append(await judge.judge(RUBRIC, ROLLOUT, ctx))

    with anyio.fail_after(5):
        async with context_of(Client()) as ctx, anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(run, ctx)
            await held.started.wait()
            await anyio.wait_all_tasks_blocked()
            held.may_end.set()
    assert len(model.requests) == (3 if mode == "each" else 1)
    assert {tuple(v.met for v in verdicts) for verdicts in results} == {(True, False, True)}
    calls = sum(len(v.calls) for verdicts in results for v in verdicts)
    assert calls == len(model.requests)
    assert sum(v.shared for verdicts in results for v in verdicts) == 19 * 3


@MODES
async def test_after_an_edit_only_changed_criteria_are_asked_for(mode: Any) -> None:
    model = contains_judge()
    judge = Judge(model, judging=Judging(mode=mode))
    edited = RUBRIC.revised([*RUBRIC.criteria[:2], *rubric_of("a", "b", "c", "here").criteria[3:]])
    async with context_of(Client()) as ctx:
        await judge.judge(RUBRIC, ROLLOUT, ctx)
        model.requests.clear()
        verdicts = await judge.judge(edited, ROLLOUT, ctx)
    assert [v.met for v in verdicts] == [True, False, True]
    assert [text for each in model.requests for text in criteria_shown(each)] == [
        "here" if mode == "each" else "id: c4\nhere"
    ]


async def test_verdicts_are_not_shared_between_models_prompts_or_responses() -> None:
    one, two = contains_judge(name="one"), contains_judge(name="two")
    rubric = rubric_of("alpha")
    async with context_of(Client()) as ctx:
        for judge in (Judge(one), Judge(two)):
            for text in ("alpha", "beta"):
                await judge.judge(rubric, rollout_of(text), ctx)
                await judge.judge(rubric, rollout_of(text), ctx)
    assert (len(one.requests), len(two.requests)) == (2, 2)


async def test_a_failed_verdict_is_not_remembered() -> None:
    replies = iter(["?", "?", json.dumps(said(True))])
    judge = Judge(FunctionProvider(lambda _: next(replies)))
    async with context_of(Client()) as ctx:
        assert [v.met for v in await judge.judge(rubric_of("a"), ROLLOUT, ctx)] == [None]
        assert [v.met for v in await judge.judge(rubric_of("a"), ROLLOUT, ctx)] == [True]


async def test_a_cancelled_request_leaves_its_work_to_those_who_wait() -> None:
    started, released = anyio.Event(), anyio.Event()

    async def script(_: Request) -> str:
        started.set()
        await released.wait()
        return json.dumps(said(True))

    model = FunctionProvider(script)
    judge = Judge(model)
    with anyio.fail_after(5):
        async with context_of(Client()) as ctx, anyio.create_task_group() as tasks:
            first = anyio.CancelScope()

            async def leader() -> None:
                with first:
                    await judge.judge(rubric_of("a"), ROLLOUT, ctx)

            async def follower() -> None:
                assert (await judge.judge(rubric_of("a"), ROLLOUT, ctx))[0].met is True

            tasks.start_soon(leader)
            await started.wait()
            tasks.start_soon(follower)
            await anyio.wait_all_tasks_blocked()
            first.cancel()
            released.set()
    assert len(model.requests) == 2


async def test_a_judge_that_remembers_nothing_asks_each_time() -> None:
    model = contains_judge()
    judge = Judge(model, remember=False)
    async with context_of(Client()) as ctx:
        for _ in range(2):
            await judge.judge(rubric_of("alpha"), ROLLOUT, ctx)
    assert len(model.requests) == 2


async def test_a_long_response_is_sent_once_ahead_and_then_by_all() -> None:
    model = contains_judge()
    model.script = held = Held(model.script)
    long = rollout_of("alpha " * 2_000)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Judge(model).judge, RUBRIC, long)
            await held.started.wait()
            await anyio.wait_all_tasks_blocked()
            assert len(model.requests) == 1
            held.may_end.set()
    assert len(model.requests) == 3


@pytest.mark.parametrize("mode", ["each", "all"])
async def test_calls_that_share_a_text_share_the_beginning_of_their_prompt(mode: Any) -> None:
    model = contains_judge()
    judge = Judge(model, judging=Judging(mode=mode))
    await judge.judge(RUBRIC, rollout_of("alpha"))
    if mode == "all":
        await judge.judge(RUBRIC, rollout_of("beta"))
    firsts = {(r.messages[0].text, r.messages[1].content[0]) for r in model.requests}
    assert len(model.requests) > 1
    assert len(firsts) == 1


@pytest.mark.parametrize(
    ("able", "sent"),
    [
        (Capabilities(json_schema=True, tools=True), "native"),
        (Capabilities(tools=True), "tool"),
        (Capabilities(), None),
    ],
)
async def test_the_best_way_to_ask_for_a_form_is_taken(able: Capabilities, sent: Any) -> None:
    model = contains_judge(able)
    judge = Judge(model, judging=Judging(route="auto" if sent else "json"))
    assert (await judge.judge(rubric_of("alpha"), ROLLOUT))[0].met is True
    (request,) = model.requests
    assert (request.schema_by if request.json_schema else None) == sent


async def test_xml_is_asked_for_and_read_on_its_route() -> None:
    reply = "<answer><evidence>alpha</evidence><reason>r</reason><verdict>yes</verdict></answer>"
    model = FunctionProvider(lambda _: reply)
    (verdict,) = await Judge(model, judging=Judging(route="xml")).judge(rubric_of("a"), ROLLOUT)
    assert (verdict.met, verdict.evidence) == (True, "alpha")
    assert "Answer with this XML" in model.requests[0].messages[0].text


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(InvalidInputError, match="mode is 'some'"):
        Judging(mode="some")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="attempts is 0"):
        Judging(attempts=0)
