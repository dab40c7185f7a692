"""The final answer is found by the first rule that fires, and the rule is recorded."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catsdk.answers import extract
from catsdk.answers.extract import Extraction, Extractor, extract_answer
from catsdk.core.errors import InvalidInputError

FOLDER = Path(__file__).parent


def rows(name: str) -> list[dict[str, str]]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def styles(name: str) -> list[str]:
    return list(dict.fromkeys(row["style"] for row in rows(name)))


@pytest.mark.parametrize("style", styles("answers.jsonl"))
def test_what_a_text_asserts_is_found(style: str) -> None:
    wrong = [
        (row["text"], row["answer"], found)
        for row in rows("answers.jsonl")
        if row["style"] == style and (found := extract_answer(row["text"])) != row["answer"]
    ]
    assert wrong == []


@pytest.mark.parametrize("style", styles("no_answers.jsonl"))
def test_nothing_is_found_in_a_text_that_asserts_nothing(style: str) -> None:
    wrong = [
        (row["text"], found)
        for row in rows("no_answers.jsonl")
        if row["style"] == style and (found := extract_answer(row["text"])) is not None
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "answer", "rule"),
    [
        (r"So \boxed{1}, no: \boxed{\frac{1}{2}} and \boxed{3", r"\frac{1}{2}", "boxed"),
        (r"\boxed{\{1,2\}}.", r"\{1,2\}", "boxed"),
        (r"\boxed{1} and \boxed{2}", "1, 2", "boxed"),
        (r"\boxed{1},\boxed{2}, \boxed{3}", "1, 2, 3", "boxed"),
        (r"$y_1 = \boxed{2x}$ and $y_2 = \boxed{3x}$", "2x, 3x", "boxed"),
        (r"First \boxed{1}. Later we correct it to \boxed{2}.", "2", "boxed"),
        (r"\boxed{4} is the answer. **Final answer** \boxed{4}", "4", "boxed"),
        (r"\boxed{\boxed{4}}", r"\boxed{4}", "boxed"),
        ("<answer>12</answer> and words", "12", "tag"),
        ("steps\n#### 1,234\n", "1,234", "hashes"),
        ('```json\n{"reasoning": "2+2", "answer": "4"}\n```', "4", "json"),
        ("The answer is: 4.", "4", "said"),
        ("### Answer\n\n**4**", "4", "said"),
        ("**4**", "4", "whole"),
        ("(B) because it is even.", "B", "choice"),
        ("7 * 9 = 62, no.\n\nSo the product is **63**.", "63", "concluded"),
        ("The result is 4.\n\nThe steps are above and they are fun to read.", "4", "result"),
    ],
)
def test_the_rule_that_found_an_answer_is_recorded(text: str, answer: str, rule: str) -> None:
    assert extract.STATED.extract(text) == Extraction(answer, rule)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"so \boxed{4}", (True, True, True, True)),
        ("#### 4", (False, True, True, True)),
        ('{"answer": 4}', (False, True, True, True)),
        ("The answer is 4.", (False, False, True, True)),
        ("2 + 2 = 4", (False, False, True, True)),
        ("We get 3 apples and 4 pears.", (False, False, False, True)),
    ],
)
def test_each_extractor_finds_what_a_stricter_one_finds(
    text: str, found: tuple[bool, bool, bool, bool]
) -> None:
    extractors = (extract.BOXED, extract.MARKED, extract.STATED, extract.ANYWHERE)
    assert tuple(each.extract(text).answer == "4" for each in extractors) == found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("We get $x = 2$, or in full $x^2 = 4$", "x^2 = 4"),
        ("There are 3 and then 1,234.5 of them", "1,234.5"),
        ("The answer is not 5.", "5"),
        ("no number at all", None),
    ],
)
def test_the_last_expression_is_a_fallback_that_is_asked_for(text: str, answer: str | None) -> None:
    found = extract.ANYWHERE.extract(text)
    assert found.answer == answer
    assert found.rule == ("last expression" if answer else None)


def test_your_own_rule_stands_among_the_others() -> None:
    extractor = Extractor(
        (("mine", lambda text: text.partition("=>")[2] or None), *extract.STATED.rules)
    )
    assert extractor.extract("so => 5") == Extraction("5", "mine")
    assert extractor.extract("#### 6") == Extraction("6", "hashes")


def test_a_rule_that_returns_an_empty_text_ends_the_search() -> None:
    extractor = Extractor(
        (("mine", lambda text: "" if "?" in text else None), *extract.STATED.rules)
    )
    assert extractor.extract("#### 6") == Extraction("6", "hashes")
    assert extractor.extract("#### 6 ?") == Extraction(None, None)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 39", None),
        ("17 × 23 = 39", None),
        ("#### 39", None),
        ("<answer>39", None),
        (r"\boxed{39", None),
        ("The total is 391. Let me", None),
        ("The answer is 391. Let me", "391"),
        (r"so \boxed{391}", "391"),
        ('{"answer": "391"}', "391"),
        ("<answer>391</answer>", "391"),
    ],
)
def test_of_a_text_that_was_cut_only_an_answer_that_is_whole_counts(
    text: str, answer: str | None
) -> None:
    assert extract.STATED.extract(text, cut=True).answer == answer


@pytest.mark.parametrize("given", [5, 0, True, b"5", ["5"]])
def test_a_rule_of_ones_own_that_gives_no_text_is_named(given: Any) -> None:
    mine = Extractor((("mine", lambda _: given),))
    with pytest.raises(InvalidInputError, match="the rule 'mine' gave"):
        mine.extract("so it is 5")


def test_the_rules_are_loaded_by_the_first_text_or_on_demand() -> None:
    code = (
        "import sys, catsdk.answers.extract as e\n"
        "name = 'catsdk.answers.extract.cues'\n"
        "before = name in sys.modules\n"
        "e.load_rules()\n"
        "print(before, name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_what_follows_or_precedes_an_answer_can_take_it_back() -> None:
    assert extract_answer("The answer is 5. No, wait, that's wrong. The answer is 6.") == "6"
    assert extract_answer("The answer is 5. No, wait, that's wrong.") is None
    assert extract_answer("So the product is **5**. Hmm, that can't be right.") is None
    assert extract_answer("Option (A) is wrong. The answer is (B).") == "B"
