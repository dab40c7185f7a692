"""An evaluation takes estimators of one's own and whole CaTs, and stops where nothing answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ContextTooLongError,
    InvalidInputError,
    ServerError,
)
from catsdk.core.ports import OnText
from catsdk.core.sending import Budget, Retry
from catsdk.core.types import Completion, Group, Reference, Request
from catsdk.evaluate.contenders import Contender
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.items import Item, item_of
from catsdk.evaluate.report import Report
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context
from catsdk.testing import FunctionProvider

pytest.importorskip("numpy")

ITEMS = [item_of(f"question {at}?", "4") for at in range(3)]


class Longest:
    """The README's estimator of one's own."""

    async def estimate(self, group: Group, ctx: Context) -> Reference:
        return ctx.reference(max(group.rollouts, key=lambda rollout: len(rollout.text)))


@dataclass
class Asking:
    """An estimator that asks a model by the context, twice the same."""

    async def estimate(self, group: Group, ctx: Context) -> Reference:
        model = await ctx.model()
        request = Request(messages=group.prompt)
        first, _ = [(await model.complete(request))[0].text for _ in range(2)]
        return ctx.reference(first)


async def report_on(evaluation: Evaluation, items: Sequence[Item] = ITEMS) -> Report:
    with anyio.fail_after(30):
        report, _ = await evaluation.run(items, title="t", data="d")
    return report


def letters() -> FunctionProvider:
    return FunctionProvider(lambda _: "well \\boxed{4}", name="policy")


async def test_any_object_with_estimate_is_compared_under_its_class_or_a_given_name() -> None:
    policy, anchor = letters(), FunctionProvider(lambda _: "\\boxed{5}", name="anchor")
    evaluation = Evaluation(
        [policy],
        anchor,
        names=("majority",),
        extra=[Longest(), Asking(), Contender("also longest", Longest(), free=True)],
        sweep=Sweep(sizes=(2,)),
    )
    report = await report_on(evaluation)
    found = {p.estimator: (p.score.mean if p.score else None, p.requests) for p in report.points}
    assert found == {
        "majority": (1.0, 2.0),
        "Longest": (1.0, 2.0),
        "Asking": (0.0, 4.0),
        "also longest": (1.0, 2.0),
    }
    # Each of its requests is one of the anchor's.
    assert len(anchor.requests) == 2 * len(ITEMS)


async def test_an_estimator_is_found_by_class_name_and_by_module_and_class() -> None:
    names = ("Majority", f"{__name__}:Longest")
    report = await report_on(Evaluation([letters()], names=names, sweep=Sweep(sizes=(2,))))
    assert [point.estimator for point in report.points] == ["Majority", "Longest"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("magic", "unknown estimator magic"),
        ("Gold", "is not an estimator"),
        ("no_such_module:Mine", "cannot be imported"),
        (f"{__name__}:Nobody", "cannot be imported"),
        ("Cascade", "Cascade"),
    ],
)
async def test_what_cannot_be_an_estimator_is_refused_before_anything_is_sent(
    name: str, message: str
) -> None:
    policy = letters()
    with pytest.raises(InvalidInputError, match=message):
        await report_on(Evaluation([policy], names=(name,)))
    assert policy.requests == []


async def test_a_cat_is_evaluated_with_its_own_roles() -> None:
    policy, anchor = letters(), FunctionProvider(lambda _: "\\boxed{5}", name="anchor")
    client = Client(budget=Budget(requests=100))
    method = cat.CaT(cat.Sampler(policy), estimator=cat.Synthesizer(anchor), client=client)
    evaluation = Evaluation.of(method, names=("majority",), sweep=Sweep(sizes=(1, 2)))
    report = await report_on(evaluation)
    scores = {p.estimator: p.score.mean for p in report.points if p.score and p.size == 2}
    assert scores == {"majority": 1.0, "Synthesizer": 0.0}
    assert (report.models["policies"], report.models["anchor"]) == ("policy", "anchor")
    assert client.account is not None
    assert client.account.requests == len(policy.requests) + len(anchor.requests) == 3 * (2 + 2)


async def test_a_client_with_a_cache_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="cache"):
        await report_on(Evaluation([letters()], client=Client(cache="memory")))


def failing(error: Exception, name: str = "policy") -> FunctionProvider:
    def script(_: Request) -> str:
        raise error

    return FunctionProvider(script, name=name)


@pytest.mark.parametrize("role", ["policy", "anchor"])
@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("the key sk-x is wrong", status=401),
        ConnectionFailedError("nobody listens at port 9"),
    ],
    ids=["wrong key", "dead port"],
)
async def test_a_model_that_never_answers_ends_the_evaluation_with_its_message(
    role: str, error: Exception
) -> None:
    broken = failing(error, role)
    policy = broken if role == "policy" else letters()
    many = [item_of(f"question {at}?", "4") for at in range(200)]
    evaluation = Evaluation(
        [policy], broken, sweep=Sweep(sizes=(2,)), client=Client(retry=Retry(times=0))
    )
    with pytest.raises(type(error), match=f"{role} has not answered once.*{error}") as raised:
        await report_on(evaluation, many)
    assert "stopped" in str(raised.value)
    # Those that were under way when it gave up, and none after.
    assert len(broken.requests) < 200


async def test_failures_of_single_requests_or_after_an_answer_end_nothing() -> None:
    long = Evaluation([failing(ContextTooLongError("too long"))], patience=1)
    assert (await report_on(long)).rollouts == 0
    outcomes = iter(["\\boxed{4}"])

    def script(_: Request) -> str:
        answer = next(outcomes, None)
        if answer is None:
            raise AuthenticationError("the key was withdrawn", status=401)
        return answer

    later = Evaluation(
        [FunctionProvider(script)],
        names=("majority",),
        sweep=Sweep(sizes=(1,), at_once=1),
        patience=2,
    )
    report = await report_on(later)
    assert (report.rollouts, report.failed_rollouts) == (1, 2)
    assert report.causes["rollout: AuthenticationError"] == "the key was withdrawn"


async def test_without_patience_every_item_is_tried() -> None:
    broken = failing(AuthenticationError("no", status=401))
    report = await report_on(
        Evaluation([broken], names=("majority",), sweep=Sweep(sizes=(1,)), patience=None),
        [item_of(str(at), "4") for at in range(30)],
    )
    assert report.failed_rollouts == len(broken.requests) == 30


class Unsteady:
    """A model that fails whenever it is asked something for the first time."""

    name = "unsteady"

    def __init__(self) -> None:
        self.calls = 0
        self.asked: set[str] = set()

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        self.calls += 1
        asked = request.model_dump_json()
        if asked not in self.asked:
            self.asked.add(asked)
            raise ServerError("down", status=500)
        return await letters().complete(request)


async def test_a_resumed_run_reports_the_usage_of_an_uninterrupted_one(tmp_path: Path) -> None:
    names = ("majority", "synthesis", "generative")

    def evaluation(model: Unsteady, store: str, count: int) -> Evaluation:
        client = Client(retry=Retry(times=2), budget=Budget(requests=100))
        sweep = Sweep(sizes=(1, 2), at_once=1)
        return Evaluation(
            [model], names=names[:count], sweep=sweep, store=tmp_path / store, client=client
        )

    whole = await report_on(evaluation(Unsteady(), "whole", 3), ITEMS[:1])
    model = Unsteady()
    await report_on(evaluation(model, "parts", 1), ITEMS[:1])
    await report_on(evaluation(model, "parts", 2), ITEMS[:1])
    done = await report_on(evaluation(model, "parts", 3), ITEMS[:1])
    calls = model.calls
    again = await report_on(evaluation(model, "parts", 3), ITEMS[:1])
    assert model.calls == calls
    assert again == done == whole
    assert calls == 2 * (2 + 2 + 2)
    assert whole.paid is not None and whole.paid.requests == calls


async def test_each_start_may_spend_the_budget_and_goes_on_where_the_last_one_ended(
    tmp_path: Path,
) -> None:
    model, served = letters(), 0
    many = [item_of(f"question {at}?", "4") for at in range(8)]
    for start in range(4):
        client = Client(budget=Budget(requests=5))
        evaluation = Evaluation(
            [model],
            names=("majority",),
            sweep=Sweep(sizes=(2,)),
            store=tmp_path / "run.sqlite",
            client=client,
        )
        report = await report_on(evaluation, many)
        assert len(model.requests) - served <= 5
        served = len(model.requests)
        assert report.rollouts == min(16, 5 * (start + 1))
    assert served == 16


async def test_a_report_is_the_same_where_what_was_seen_keeps_no_texts(tmp_path: Path) -> None:
    many = [item_of(f"question {at}?", "4") for at in range(6)]
    named: dict[str, Any] = {"names": ("majority", "synthesis"), "sweep": Sweep(sizes=(1, 4))}
    made = {
        keeps_texts: await Evaluation(
            [letters()], **named, store=tmp_path / f"{keeps_texts}", keeps_texts=keeps_texts
        ).run(many, title="t", data="d")
        for keeps_texts in (True, False)
    }
    (whole, seen), (lean, bare) = made[True], made[False]
    assert lean == whole
    assert [each.observations for each in bare] == [each.observations for each in seen]
    assert all(rollout.text for each in seen for rollout in each.group.rollouts)
    assert all(each.references and each.group.calls for each in seen)
    for each in bare:
        assert [rollout.text for rollout in each.group.rollouts] == [""] * 4
        assert not (each.references or each.group.calls or each.group.prompt)


async def test_a_wrapped_model_is_kept_as_any_other(tmp_path: Path) -> None:
    from catsdk.runtime.wrappers.wrapper import Wrapper

    model = letters()
    evaluation = Evaluation(
        [Wrapper(model)], names=("majority",), store=tmp_path / "s", sweep=Sweep(sizes=(2,))
    )
    assert await report_on(evaluation) == await report_on(evaluation)
    assert len(model.requests) == 2 * len(ITEMS)


@pytest.mark.parametrize(("silent", "ranked"), [(2, True), (3, False)])
async def test_where_many_rollouts_have_no_answer_nothing_is_ranked(
    silent: int, ranked: bool
) -> None:
    texts = iter(["who knows"] * silent + ["\\boxed{4}"] * (10 - silent))
    model = FunctionProvider(lambda _: next(texts), name="policy")
    evaluation = Evaluation([model], names=("majority",), sweep=Sweep(sizes=(10,)))
    report = await report_on(evaluation, ITEMS[:1])
    assert report.unanswered is not None and report.unanswered.without == silent
    assert (report.unranked is None) is ranked
    assert any(point.on_frontier for point in report.points) is ranked
    if not ranked:
        assert "3 of 10 rollouts (30%)" in (report.unranked or "")
        assert "boxed" in (report.unranked or "")


async def test_the_fix_for_answers_that_were_cut_is_more_room() -> None:
    def script(_: Request) -> Completion:
        return Completion(text="and so on", finish_reason="length")

    report = await report_on(Evaluation([FunctionProvider(script)], names=("majority",)))
    assert "--max-tokens" in (report.unranked or "")


async def test_tasks_without_known_answers_need_no_final_answers() -> None:
    judge = FunctionProvider(lambda _: "yes", name="judge")
    model = FunctionProvider(lambda _: "a poem", name="policy")
    evaluation = Evaluation([model], judge=judge, names=("synthesis",), sweep=Sweep(sizes=(2,)))
    report = await report_on(evaluation, [item_of("write", criteria=["rhymes"])])
    assert report.unranked is None
    assert report.single is not None and report.single.mean == 1.0


def by_stage(synthesis: str) -> Evaluation:
    """A policy that is right in three of four rollouts, and an anchor that writes `synthesis`."""

    def drawn(request: Request) -> str:
        return "\\boxed{5}" if request.sample_index == 0 else "\\boxed{4}"

    return Evaluation(
        [FunctionProvider(drawn, name="policy")],
        FunctionProvider(lambda _: f"# UNIFIED RESPONSE\n{synthesis}", name="anchor"),
        names=("majority", "synthesis"),
        sweep=Sweep(sizes=(4,)),
    )


async def test_an_estimator_that_loses_to_the_vote_is_reported_with_what_to_take() -> None:
    items = [item_of(f"{at}+{4 - at}?", "4") for at in range(5)]
    report = await report_on(by_stage("\\boxed{5}"), items)
    (told,) = report.below_majority
    assert told.startswith("synthesis is right less often than the majority of the same 4")
    assert "by 1.00, 95 % interval 1.00 to 1.00" in told
    assert "cat.estimator=Majority" in told
    assert "compare small-synthesis" in told
    better = await report_on(by_stage("\\boxed{4}"), items)
    assert better.below_majority == better.not_above_majority == ()


async def test_the_vote_is_named_too_where_too_many_answers_are_missing_for_a_ranking() -> None:
    def drawn(request: Request) -> str:
        return "who knows" if (request.sample_index or 0) < 2 else "\\boxed{4}"

    evaluation = Evaluation(
        [FunctionProvider(drawn, name="policy")],
        FunctionProvider(lambda _: "\\boxed{5}", name="anchor"),
        names=("majority", "small-synthesis"),
        sweep=Sweep(sizes=(4,)),
    )
    report = await report_on(evaluation, [item_of(f"{at}+{4 - at}?", "4") for at in range(5)])
    assert report.unranked is not None
    (told,) = report.below_majority
    assert "cat.estimator=Majority" in told
    # It is the one that would be advised.
    assert "compare small-synthesis" not in told


async def test_an_estimator_that_may_lose_by_chance_is_not_advised_either() -> None:
    def drawn(request: Request) -> str:
        return f"{request.messages[-1].text}\n\\boxed{{4}}"

    def anchor(request: Request) -> str:
        wrong = "0+4?" in request.messages[-1].text
        return f"# UNIFIED RESPONSE\n\\boxed{{{5 if wrong else 4}}}"

    evaluation = Evaluation(
        [FunctionProvider(drawn, name="policy")],
        FunctionProvider(anchor, name="anchor"),
        names=("majority", "synthesis"),
        sweep=Sweep(sizes=(4,)),
    )
    report = await report_on(evaluation, [item_of(f"{at}+{4 - at}?", "4") for at in range(5)])
    assert report.below_majority == ()
    (told,) = report.not_above_majority
    assert "may be chance on 5 items" in told
    assert "by 0.20, 95 % interval 0.00" in told
    assert "cat.estimator=Majority" in told
