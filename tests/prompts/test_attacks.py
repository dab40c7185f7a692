"""Hostile text can neither forge a prompt nor a verdict, nor crash or stall what reads it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import process_time
from typing import Any
from xml.sax.saxutils import escape

import pytest

from catsdk.core.errors import StructuredOutputError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion, Request
from catsdk.prompts.prompt import load
from catsdk.prompts.reply import (
    Answer,
    read_choice,
    read_criteria,
    read_grade,
    read_rubric_grade,
    read_verdict,
    read_verdicts,
)
from catsdk.rubrics.judge import Judge, Judging
from catsdk.runtime.structured import Route
from catsdk.testing import FunctionProvider
from tests.prompts.attacks import ATTACKS, IDS, SMALL, SMALL_IDS, Attack
from tests.rubrics.scripted import rollout_of, rubric_of, said

EACH = pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
EACH_SMALL = pytest.mark.parametrize("attack", SMALL, ids=SMALL_IDS)
READERS: dict[str, Callable[[str], object]] = {
    "verdict": read_verdict,
    "verdicts": partial(read_verdicts, ids={"c1", "c2", "c3"}),
    "criteria": partial(read_criteria, at_least=5),
    "grade": read_grade,
    "rubric grade": read_rubric_grade,
    "choice": partial(read_choice, count=3),
}
# What each prompt shows of model text, and what else it needs.
SHOWN: list[tuple[str, str, dict[str, Any]]] = [
    ("judge", "response", {"criterion": "is kind"}),
    ("judge", "criterion", {"response": "hello"}),
    ("judge_all", "response", {"criteria": ["id: c1\nis kind"]}),
    ("grade", "response", {"question": "Who?"}),
    ("grade_by_rubric", "response", {"criteria": ["is kind"]}),
    ("equivalent", "first", {"second": "hello"}),
    ("equivalent", "second", {"first": "hello"}),
    ("paraphrase", "question", {}),
    ("propose", "reference", {"task": "Write 5."}),
    ("propose_from_question", "question", {"task": "Write 5."}),
]
# Far above what an honest text of this size takes, far below what an attack aims at.
# Code whose branches are counted is several times slower.
MOST_SECONDS = 20.0 if "coverage" in sys.modules else 2.0


def test_the_set_is_wide_enough() -> None:
    families = Counter(attack.family for attack in ATTACKS)
    assert len(ATTACKS) >= 60
    assert len(families) >= 10
    assert min(families.values()) >= 5
    assert len(set(IDS)) == len(IDS)


@EACH
@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_prompt_around_hostile_text_is_the_prompt_around_any_text(
    attack: Attack, form: str
) -> None:
    for task, slot, rest in SHOWN:
        prompt = load("english", task)
        weighted = f"{form}_weighted" if task.startswith("propose") else form
        hostile = prompt.messages(form=weighted, **{slot: attack.text}, **rest)
        harmless = prompt.messages(form=weighted, **{slot: "@harmless@"}, **rest)
        assert [message.role for message in hostile] == [message.role for message in harmless]
        whole = "\0".join(message.text for message in hostile)
        assert whole.count(attack.text) >= 1
        keys = keys_of(prompt, {slot: attack.text, **rest})
        assert not any(key in attack.text for key in keys)
        expected = "\0".join(message.text for message in harmless)
        old = keys_of(prompt, {slot: "@harmless@", **rest})
        for before, after in zip(old, keys, strict=True):
            expected = expected.replace(before, after)
        assert whole == expected.replace("@harmless@", attack.text)


def keys_of(prompt: Any, slots: dict[str, Any]) -> list[str]:
    """The keys of the fences around `slots`, as a prompt of keys alone shows them."""
    names = ["key", *(f"key_of_{name}" for name in sorted(slots))]
    bare = type(prompt).parse(
        "keys", "---\nversion: 1\n---\n=== user ===\n" + " ".join(f"{{{{{n}}}}}" for n in names)
    )
    found: list[str] = bare.messages(**slots)[0].text.split(" ")
    return found


@pytest.mark.behaviour("output-is-bounded")
@EACH
def test_a_reply_of_hostile_text_is_read_or_refused_in_bounded_time(attack: Attack) -> None:
    for reader in READERS.values():
        start = process_time()
        try:
            reader(attack.text)
        except StructuredOutputError as error:
            assert len(str(error)) < 2_000
        assert process_time() - start < MOST_SECONDS


@pytest.mark.parametrize(
    "piece", ["//", '"#', '"</', '\\"', "/*", "{", "[", "a:", '"', "'", "&", "<"]
)
@pytest.mark.parametrize("length", [3_900, 190_000])
def test_a_reply_made_to_be_slow_to_mend_is_not(piece: str, length: int) -> None:
    body = piece * (length // len(piece))
    for reply in (f"{{{body}}}", f'{{"{body}}}', f'{{"verdict": "no", "evidence": "{body}"}}'):
        start = process_time()
        with suppress(StructuredOutputError):
            assert read_verdict(reply).met is False
        assert process_time() - start < MOST_SECONDS


def honest(attack: Attack) -> dict[str, str]:
    return {
        "JSON": json.dumps(said(False, attack.text)),
        "fenced JSON": f"```json\n{json.dumps(said(False, attack.text))}\n```",
        "raw JSON": f'{{"evidence": "{attack.text}", "reason": "no", "verdict": "no"}}',
        "loose JSON": f"{{evidence: '{attack.text}', reason: 'no', verdict: 'no'}}",
        "XML": f"<answer><evidence>{escape(attack.text)}</evidence><verdict>no</verdict></answer>",
        "raw XML": f"<answer><evidence>{attack.text}</evidence><verdict>no</verdict></answer>",
        "prose": f"The response says {attack.text}\nMy verdict is no.",
        "prose first": f"My verdict is no. The response says:\n{attack.text}",
    }


@EACH_SMALL
def test_a_no_that_quotes_hostile_text_never_becomes_a_yes(attack: Attack) -> None:
    for form, reply in honest(attack).items():
        try:
            met = read_verdict(reply).met
        except StructuredOutputError:
            assert form not in {"JSON", "fenced JSON"}
            continue
        assert met is False, f"the {form} reply was read as {met}"


@EACH_SMALL
def test_a_batch_that_quotes_hostile_text_gains_no_yes(attack: Attack) -> None:
    item = f'{{"id": "c1", "evidence": "{attack.text}", "reason": "", "verdict": "no"}}'
    good = json.dumps({"verdicts": [{"id": "c1", **said(False, attack.text)}]})
    xml = f"<item><id>c1</id><evidence>{attack.text}</evidence><verdict>no</verdict></item>"
    replies = [
        f'{{"verdicts": [{item}]}}',
        f"<answer><verdicts>{xml}</verdicts></answer>",
        f"{attack.text}\n{good}",
        good,
    ]
    for reply in replies:
        try:
            answers = read_verdicts(reply, {"c1", "c2", "c3"})
        except StructuredOutputError:
            assert reply != good
            continue
        read = {name: each.met for name, each in answers.items() if isinstance(each, Answer)}
        assert read == {"c1": False}


def honest_judge(route: Route, able: Capabilities) -> FunctionProvider:
    """Says no, and quotes the first words of what it was shown."""

    def script(request: Request) -> Completion:
        shown = request.messages[1].text.split(">\n", 1)[1]
        quote = shown[:60].split("\n")[0]
        if route == "xml":
            text = f"<answer><evidence>{escape(quote)}</evidence><verdict>no</verdict></answer>"
        else:
            text = json.dumps(said(False, quote))
        return Completion(text=text)

    return FunctionProvider(script, capabilities=able)


ROUTES: list[Route] = ["schema", "tool", "json", "xml"]


@pytest.mark.behaviour("output-never-speaks-as-the-judge")
@EACH
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_on_every_route_a_hostile_response_gets_its_verdict(
    attack: Attack, route: Route
) -> None:
    model = honest_judge(route, Capabilities(json_schema=True, tools=True))
    judge = Judge(model, judging=Judging(route=route, evidence="off", max_response=2_000_000))
    (verdict,) = await judge.judge(rubric_of("is kind"), rollout_of(attack.text))
    # Control characters have no place in XML, escaped or not: then there is no verdict.
    assert verdict.met is False or (route == "xml" and verdict.met is None)
    assert all(
        message.role in {"system", "user", "assistant"} for message in model.requests[0].messages
    )
    assert len(model.requests[0].messages) == 2
