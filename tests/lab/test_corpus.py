"""The teaching examples and the tokenizer of the model in the box."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("transformers")

import catsdk_providers.box.problems as box
from catsdk.prompts.reply import read_verdict
from catsdk_providers.box.problems import Problem, parse, problems, response, solve
from examples.lab.batches import as_prompt
from examples.lab.corpus import (
    Example,
    Noise,
    after,
    combine_prompt,
    criteria,
    judge_example,
    noisy_solution,
    quote_example,
    reconciled,
    relabel,
    relabelling,
    synthesis_example,
    verdict,
)
from examples.lab.own_samples import TARGETS
from examples.lab.tokenizer import build_tokenizer

PROBLEM = parse("482+395")
RIGHT = response(solve(PROBLEM))
WEIGHTS = Path(box.__file__).parent / "weights"


def test_the_request_to_combine_numbers_the_responses() -> None:
    assert combine_prompt([RIGHT, "\\boxed{5}"]) == f"Combine:\n#1\n{RIGHT}\n#2\n\\boxed{{5}}"


def test_criteria_are_one_for_each_column_and_one_for_the_answer() -> None:
    assert criteria(RIGHT) == ["shows c3=7", "shows c2=17", "shows c1=8", "answers 877"]


def test_a_relabelling_renames_every_digit_differently_and_keeps_the_carry() -> None:
    names = relabelling(random.Random(0))
    assert set(names) == set(names.values()) == set(map(ord, "023456789"))


def test_relabelling_keeps_columns_and_can_be_undone() -> None:
    names = relabelling(random.Random(0))
    renamed = relabel(RIGHT, names)
    assert [line.partition(":")[0] for line in renamed.split("\n")[:-1]] == ["c3", "c2", "c1"]
    assert renamed != RIGHT
    assert relabel(renamed, {new: old for old, new in names.items()}) == RIGHT


def test_a_synthesis_example_renames_rollouts_and_target_alike() -> None:
    example = synthesis_example([RIGHT], RIGHT, random.Random(0))
    assert example.user == f"Combine:\n#1\n{example.assistant}"
    assert example.assistant != RIGHT


def test_the_correct_target_is_put_together_from_lines_that_were_shown() -> None:
    first = "c3: 5+2=7\nc2: 8+9=16\nc1: 4+3+1=8\n\\boxed{867}"
    second = "c3: 2+5=8\nc2: 9+8=17\nc1: 4+3=7\n\\boxed{778}"
    wanted = "c3: 5+2=7\nc2: 9+8=17\nc1: 4+3+1=8\n\\boxed{877}"
    assert reconciled(PROBLEM, [first, second]) == wanted
    assert reconciled(PROBLEM, [first]) is None


def test_the_agreed_target_is_a_rollout_and_asks_nobody_what_is_right() -> None:
    wrong, other = "c1: 1\n\\boxed{1}", "c1: 2\n\\boxed{2}"
    assert TARGETS["agreed"](PROBLEM, [other, wrong, wrong]) == wrong
    assert TARGETS["agreed"](PROBLEM, [RIGHT, wrong]) is None
    assert TARGETS["agreed"](PROBLEM, [wrong]) == wrong


def test_noise_is_seeded_and_a_column_takes_the_carry_that_was_written_or_forgets_it() -> None:
    noise = Noise(slip=0.3, forgotten=0.3)
    wrong = forgotten = 0
    for problem in problems("pretrain", 100, 0):
        solution = noisy_solution(problem, noise, random.Random(3))
        assert solution == noisy_solution(problem, noise, random.Random(3))
        for step, following in zip(solution.steps, solution.steps[1:], strict=False):
            assert not following.carry or step.total > 9
            forgotten += step.total > 9 and not following.carry
        wrong += solution != solve(problem)
    assert wrong > 50
    assert forgotten > 20


def test_some_sums_are_mislearnt_in_one_order_only() -> None:
    noise, rng = Noise(slip=0.0, forgotten=0.0, mislearnt=1.0), random.Random(0)
    lines = {str(noisy_solution(parse("7+8"), noise, rng).steps[0]) for _ in range(50)}
    assert lines == {"c1: 7+8=16", "c1: 8+7=15"}


@pytest.mark.parametrize("make", [quote_example, judge_example])
def test_a_careful_judge_quotes_the_response_and_says_met_of_what_it_shows(
    make: Callable[[Problem, Noise, random.Random], Example],
) -> None:
    rng = random.Random(0)
    met = 0
    for problem in problems("pretrain", 200, 0):
        example = make(problem, Noise(confused=0.0), rng)
        judged, asked = example.user.removeprefix("Check:\n").rsplit("\n", 1)
        said, evidence, _ = read_verdict(example.assistant, key="met")
        assert said == (asked in criteria(judged))
        assert evidence is not None
        assert evidence in judged
        met += bool(said)
    assert 80 < met < 120


@pytest.mark.parametrize(
    ("criterion", "digits", "met"),
    [
        ("shows c2=17", "11= 77=", True),
        ("shows c2=18", "11= 87!", False),
        ("shows c2=7", "71!", False),
        ("shows c3=17", "17!", False),
        ("shows c3=77", "77= 7_!", False),
        ("answers 877", "88= 77= 77=", True),
        ("answers 867", "88= 67!", False),
        ("answers 8777", "88= 77= 77= 7_!", False),
    ],
)
def test_a_verdict_compares_digit_by_digit_up_to_the_first_difference(
    criterion: str, digits: str, met: bool
) -> None:
    reply = json.loads(verdict(RIGHT, criterion))
    assert (reply["digits"], reply["met"]) == (digits, met)


def test_the_judge_of_the_corpus_takes_some_digits_for_others_in_one_order_only() -> None:
    confused = Noise(slip=0.0, forgotten=0.0, mislearnt=1.0, confused=1.0)
    examples = [judge_example(p, confused, random.Random(0)) for p in problems("pretrain", 800, 0)]
    marks = {m for e in examples for m in json.loads(e.assistant)["digits"].split()}
    wrong = {mark for mark in marks if (mark[0] == mark[1]) != (mark[2] == "=")}
    assert {"67="} <= wrong <= {"67=", "32=", "89=", "01="}
    assert "76!" in marks


def test_what_is_given_is_not_taught() -> None:
    example = after('"digits": ', Example("Check", verdict(RIGHT, "shows c3=7")))
    assert example.given == '{"evidence": "c3: 2+5=7", "digits": '
    assert example.assistant == '"77=", "met": true}'


@pytest.mark.parametrize("text", ["héllo 世界 🎉", " \x00<a>\n\n\t 007", "١٢٣ \\boxed{-1}{", ""])
def test_the_tokenizer_keeps_any_text(text: str) -> None:
    tokenizer = build_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_digits_columns_totals_and_the_box_are_single_tokens() -> None:
    pieces = build_tokenizer().tokenize("c2: 1+8+1=17\\boxed{134}")
    assert pieces == ["c2", ":Ġ", "1", "+", "8", "+", "1", "=", "17", "\\boxed{", "13", "4", "}"]


def test_the_chat_template_is_what_the_model_was_taught() -> None:
    said = [{"role": "user", "content": "1+2"}]
    rendered = build_tokenizer().apply_chat_template(
        said, add_generation_prompt=True, tokenize=False
    )
    assert rendered == as_prompt("1+2")


def test_the_shipped_model_is_small_and_its_tokenizer_is_that_of_the_recipe() -> None:
    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) < 8_000_000
    transformers = pytest.importorskip("transformers")
    shipped = transformers.AutoTokenizer.from_pretrained(WEIGHTS)
    assert shipped.get_vocab() == build_tokenizer().get_vocab()
