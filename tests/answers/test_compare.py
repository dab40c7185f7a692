"""The verdict: what is open goes to the symbolic tier, and an unknown one says why."""

import anyio

from catsdk.answers.compare import Settings, compare, compare_sync, same
from catsdk.answers.engine.tree import JsonTree
from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict


def test_an_unknown_verdict_says_on_which_side_the_text_is_unreadable() -> None:
    assert same(r"\frac{1}{2", "3").cause == "unparseable"
    assert same("3", r"\frac{1}{2").cause == "reference unparseable"
    assert same("1/0", "3").cause == "undefined"
    assert same("1" * 9_000, "3").cause == "limit"


def test_a_verdict_names_its_tier_and_takes_time() -> None:
    assert same("1/2", "0.5").tier == "exact"
    assert same(r"\sin 2x", r"2\sin x\cos x").tier == "numeric"
    assert same("(1,2)", "(1,3)").tier == "structure"
    assert same("Evelyn", "Briana").tier == "text"
    assert same("x", "y").seconds > 0


def test_what_the_bounded_tiers_leave_open_is_asked_of_the_symbolic_tier() -> None:
    asked: list[tuple[JsonTree, JsonTree]] = []

    def decide(left: JsonTree, right: JsonTree, settings: Settings) -> Verdict:
        asked.append((left, right))
        assert settings["seconds"] == 7
        return Verdict("equal", "symbolic")

    verdict = compare_sync("(1, f(2))", "(1, 5)", Options(seconds=7), symbolic=decide)
    assert (verdict.outcome, len(asked)) == ("equal", 1)
    assert asked[0][1] == ["Number", "5", "1", None]
    assert compare_sync("(2, f(2))", "(1, 5)", symbolic=decide).outcome == "different"
    assert len(asked) == 1


def test_an_unknown_ruling_of_the_symbolic_tier_is_the_verdict() -> None:
    def decide(left: JsonTree, right: JsonTree, settings: Settings) -> Verdict:
        return Verdict("unknown", cause="timeout")

    assert compare_sync("g(2)", "5", symbolic=decide).cause == "timeout"


def test_an_undecided_question_lets_the_next_ones_be_asked_up_to_a_bound() -> None:
    asked: list[JsonTree] = []

    def decide(left: JsonTree, right: JsonTree, settings: Settings) -> Verdict:
        asked.append(left)
        return Verdict("unknown", cause="undecided" if len(asked) < 9 else "timeout")

    many = [f"({', '.join(f'{name}({at})' for at in range(2, 9))})" for name in "fg"]
    assert compare_sync(many[0], many[1], symbolic=decide).cause == "undecided"
    assert len(asked) == 4


def test_what_no_tier_can_read_is_the_same_as_itself_alone() -> None:
    verdict = same(r"\frac{1}{2", r" \frac{1}{2 ")
    assert (verdict.outcome, verdict.tier) == ("equal", "text")
    assert same("1/0", "1/0 ").outcome == "unknown"


async def test_the_async_form_waits_for_the_symbolic_tier_without_blocking() -> None:
    asked, go_on = anyio.Event(), anyio.Event()
    verdicts: list[Verdict] = []

    async def decide(left: JsonTree, right: JsonTree, settings: Settings) -> Verdict:
        asked.set()
        await go_on.wait()
        return Verdict("different", "symbolic")

    async def ask() -> None:
        verdicts.append(await compare("h(3)", "5", symbolic=decide))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await asked.wait()
            verdicts.append(await compare("2/4", "1/2"))
            go_on.set()
    assert [verdict.outcome for verdict in verdicts] == ["equal", "different"]
