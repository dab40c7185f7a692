"""Answers that are written to hang, to swallow memory, to crash or to run as code."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from benchmarks.pathological_answers import ANSWERS
from catsdk.answers.compare import compare, compare_sync, same
from catsdk.answers.engine.symbolic import close_workers
from catsdk.answers.extract import ANYWHERE, STATED, load_rules
from catsdk.answers.options import DEFAULT
from catsdk.answers.verdict import Verdict
from tests.answers.soak import check_pair, some_pair

QUICK = replace(DEFAULT, seconds=0.2)
BY_NAME = {name: (gold, pred) for name, gold, pred in ANSWERS}
# Equal to the gold answer where the last number, or the end of the chain, is taken for the answer.
MAY_BE_EQUAL = {
    "many factors",
    "a tower modulo ten",
    "fractions in fractions",
    "many opening brackets",
    "a chain of equations",
    "a lone surrogate",
}

# Each in reach of a rule of extraction or of reading that looks around it, or ahead.
REPEATED = {
    "units": "mWmW MB ",
    "boxes": "-\\boxed{5} or maybe ",
    "taken back": "\\boxed{5}. Wait, no, actually, ",
    "denied": "not wrong unless Bob's answer is 5 if ",
    "nested sets": "{{1},[[2],",
    "crosses": "a \\times ",
    "money": "\\$5, ",
    "names of fields": '{"wrong_answer": 5, "answer":',
    "tags": "<wrong_answer><answer>5</answer>",
    "lines": "#### 5 is wrong.\n",
    "dashes": "-- ",
    "connectives": "x=1 or x=2 and ",
}

ATTACKS = [
    "__import__('os').system('touch owned')",
    "\\boxed{__import__('os').system('touch owned')}",
    "$\\text{__import__('os').system('touch owned')}$",
    "().__class__.__bases__[0].__subclasses__()",
    "open('owned', 'w').write('x')",
    "eval(\"open('owned','w')\")",
    "Symbol('x').__class__.__init__.__globals__['__builtins__']",
    "x.subs(x, __import__('os').system('touch owned'))",
    "lambda: exec(\"import os; os.system('touch owned')\")",
    'f\'{__import__("os").system("touch owned")}\'',
    "{{7*7}}",
    "${jndi:ldap://localhost/a}",
    "\\input{/etc/passwd}",
    "\\write18{touch owned}",
    "'; touch owned; '",
    "$(touch owned)",
    "`touch owned`",
    '{"answer": {"$ref": "file:///etc/passwd"}}',
    "!!python/object/apply:os.system ['touch owned']",
    "\x80\x04\x95cposix\nsystem\n(S'touch owned'\ntR.",
    "\u202e0\u202c",
    "0\x00; touch owned",
]


@pytest.fixture(autouse=True, scope="module")
def workers() -> Iterator[None]:
    """End the workers after these tests."""
    yield
    close_workers()


def _ask(name: str) -> Verdict:
    gold, pred = BY_NAME[name]
    return compare_sync(ANYWHERE.extract(pred).answer or "", gold, QUICK)


def _is_sound(name: str, verdict: Verdict) -> bool:
    return verdict.outcome in ("different", "unknown") or name in MAY_BE_EQUAL


@pytest.mark.behaviour("output-is-bounded")
@pytest.mark.parametrize("name", BY_NAME)
def test_it_ends_on_the_main_thread(name: str) -> None:
    assert _is_sound(name, _ask(name))


@pytest.mark.behaviour("output-is-bounded")
@pytest.mark.parametrize("name", BY_NAME)
def test_it_ends_on_another_thread(name: str) -> None:
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(_ask(name)))
    thread.start()
    thread.join(60)
    assert _is_sound(name, *verdicts)


async def test_all_end_when_64_are_asked_at_once() -> None:
    names = [list(BY_NAME)[at % len(BY_NAME)] for at in range(64)]
    verdicts: list[tuple[str, Verdict]] = []

    async def ask(name: str) -> None:
        gold, pred = BY_NAME[name]
        answer = ANYWHERE.extract(pred).answer or ""
        verdicts.append((name, await compare(answer, gold, QUICK)))

    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(ask, name)
    assert len(verdicts) == 64
    assert all(_is_sound(*each) for each in verdicts)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_only_a_wrong_answer(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for gold in ("23", "$y$", attack):
        verdict = compare_sync(ANYWHERE.extract(attack).answer or "", gold, QUICK)
        assert verdict.outcome != "equal" or gold == attack
    assert os.listdir(tmp_path) == []


def test_what_has_no_value_at_a_point_has_none_there_in_either_order() -> None:
    # The floor of a whole number is undecided, and i is not real.
    one, other = "\\lfloor y \\rfloor", "i"
    assert same(one, other).outcome == same(other, one).outcome == "different"


@pytest.mark.parametrize("seed", range(5))
def test_random_pairs_raise_nothing_and_are_symmetric_and_reflexive(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        check_pair(*some_pair(chance), ask=False)


@pytest.mark.parametrize("name", REPEATED)
def test_no_text_that_repeats_itself_takes_50_ms(name: str) -> None:
    text = (REPEATED[name] * 50_000)[:50_000]
    calls: list[Callable[[], object]] = [
        lambda: STATED.extract(text),
        lambda: ANYWHERE.extract(text),
        lambda: same(text, "5"),
        lambda: same(text, f"{text} "),
        lambda: same(text[:900], text[:899]),
    ]
    load_rules()
    for call in calls:
        spent = []
        for _ in range(3):  # the first call may load what it needs
            start = time.thread_time()
            call()
            spent.append(time.thread_time() - start)
        assert min(spent) < 0.05
