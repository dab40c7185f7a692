"""The final answer is found by the first rule that fires, and the rule is recorded."""

import pytest

from catsdk.equivalence.extract import ANYWHERE, STATED, Extraction, Extractor, extract_answer


@pytest.mark.parametrize(
    ("text", "answer", "rule"),
    [
        (r"So \boxed{1}, no: \boxed{\frac{1}{2}} and \boxed{3", r"\frac{1}{2}", "boxed"),
        (r"\boxed{\{1,2\}}.", r"\{1,2\}", "boxed"),
        (r"\fbox{7}", "7", "boxed"),
        (r"\boxed{1} and \boxed{2}", "1, 2", "boxed"),
        (r"\boxed{1},\boxed{2}, \boxed{3}", "1, 2, 3", "boxed"),
        (r"$y_1 = \boxed{2x}$ and $y_2 = \boxed{3x}$", "2x, 3x", "boxed"),
        (r"First \boxed{1}. Later we correct it to \boxed{2}.", "2", "boxed"),
        (r"\boxed{4} is the answer. **Final answer** \boxed{4}", "4", "boxed"),
        ("<answer>12</answer> and words", "12", "tag"),
        ("steps\n#### 1,234\n", "1,234", "hashes"),
        ("The answer is: 4.", "4", "said"),
        ("Final Answer: The final answer is $(0, 1)$. I hope it is correct.", "(0, 1)", "said"),
        ("Final answer: **42**", "42", "said"),
        ("Final Answer: Jane started growing Sphere 3 hours ago. Good.", "3", "said"),
        ("Therefore, answer is 189.\n\nAnother thought: no.", "189", "said"),
        ("The answer is 90 degrees.", "90 degrees", "said"),
        ("la réponse est 12", "12", "said"),
        ("La respuesta es 3,5.", "3,5", "said"),
        ("Die Antwort lautet 7", "7", "said"),
        ("答案是 15。", "15", "said"),
        ('```json\n{"reasoning": "2+2", "answer": "4"}\n```', "4", "json"),
    ],
)
def test_the_stated_answer_is_found_with_its_rule(text: str, answer: str, rule: str) -> None:
    assert STATED.extract(text) == Extraction(answer, rule)


@pytest.mark.parametrize("text", ["no result", "", r"\boxed{3", "We get 3 apples and 4 pears."])
def test_without_a_statement_there_is_no_answer(text: str) -> None:
    assert extract_answer(text) is None
    assert STATED.extract(text) == Extraction(None, None)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("We get $x = 2$, so it is $x^2 = 4$", "x^2 = 4"),
        ("There are 3 and then 1,234.5 of them", "1,234.5"),
        ("with $n$ people it is 19", "19"),
        ("总共有13只鸟", "13"),
        ("no number at all", None),
    ],
)
def test_the_last_expression_is_a_fallback_that_is_asked_for(text: str, answer: str | None) -> None:
    found = ANYWHERE.extract(text)
    assert found.answer == answer
    assert found.rule == ("last expression" if answer else None)


def test_your_own_rule_stands_among_the_others() -> None:
    extractor = Extractor((("mine", lambda text: text.partition("=>")[2] or None), *STATED.rules))
    assert extractor.extract("so => 5") == Extraction("5", "mine")
    assert extractor.extract("#### 6") == Extraction("6", "hashes")


def test_an_answer_of_over_a_thousand_characters_is_none() -> None:
    assert extract_answer(r"\boxed{" + "1" * 1_001 + "}") is None
    assert extract_answer("x" * 1_000_000 + r"\boxed{1}") == "1"
