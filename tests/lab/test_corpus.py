"""The teaching examples and the tokenizer of the model in the box."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("transformers")

import catsdk_providers.box.problems as box
from catsdk_providers.box.problems import parse, problems, response, solve
from examples.lab.batches import as_prompt
from examples.lab.corpus import (
    Noise,
    combine_prompt,
    criteria,
    judge_example,
    noisy_solution,
    reachable,
    relabel,
    relabelling,
    synthesis_example,
)
from examples.lab.tokenizer import build_tokenizer

RIGHT = response(solve(parse("47+38-29")))
WEIGHTS = Path(box.__file__).parent / "weights"


def test_the_request_to_combine_numbers_the_responses() -> None:
    assert combine_prompt([RIGHT, "\\boxed{5}"]) == f"Combine:\n#1\n{RIGHT}\n#2\n\\boxed{{5}}"


def test_criteria_are_one_for_each_step_and_one_for_the_answer() -> None:
    assert criteria(RIGHT) == ["shows 47+38=85", "shows 85-29=56", "answers 56"]


def test_a_relabelling_renames_every_number_differently() -> None:
    names = relabelling(random.Random(0))
    assert set(names) == set(names.values()) == {str(number) for number in range(100)}


def test_relabelling_keeps_structure_and_can_be_undone() -> None:
    names = relabelling(random.Random(0))
    renamed = relabel(RIGHT, names)
    assert [c for c in renamed if not c.isdigit()] == [c for c in RIGHT if not c.isdigit()]
    assert relabel(renamed, {new: old for old, new in names.items()}) == RIGHT


def test_a_synthesis_example_renames_rollouts_and_target_alike() -> None:
    example = synthesis_example([RIGHT], RIGHT, random.Random(0))
    assert example.user == f"Combine:\n#1\n{example.assistant}"
    assert example.assistant != RIGHT


def test_a_target_is_reachable_only_from_lines_that_were_shown() -> None:
    assert reachable(RIGHT, ["47+38=75\n85-29=56\n\\boxed{5}", "47+38=85\n\\boxed{56}"])
    assert not reachable(RIGHT, ["47+38=75\n75-29=46\n\\boxed{46}"])


def test_noise_is_seeded_and_later_steps_follow_from_a_wrong_value() -> None:
    noise = Noise(easy=0.5, hard=0.5)
    wrong = 0
    for problem in problems("pretrain", 100, 0):
        solution = noisy_solution(problem, noise, random.Random(3))
        assert solution == noisy_solution(problem, noise, random.Random(3))
        assert all(0 <= step.after <= box.LARGEST for step in solution.steps)
        for step, following in zip(solution.steps, solution.steps[1:], strict=False):
            assert step.after == following.before
        wrong += solution != solve(problem)
    assert wrong > 50


def test_a_judge_example_says_yes_only_to_a_line_of_the_response() -> None:
    rng = random.Random(0)
    for problem in problems("pretrain", 200, 0):
        example = judge_example(problem, Noise(), rng)
        asked, judged = example.user.split("\n", 1)
        met = asked.removeprefix("Check: ") in criteria(judged)
        assert example.assistant == ("yes" if met else "no")


@pytest.mark.parametrize("text", ["héllo 世界 🎉", " \x00<a>\n\n\t 007", "١٢٣ \\boxed{-1}{", ""])
def test_the_tokenizer_keeps_any_text(text: str) -> None:
    tokenizer = build_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_numbers_and_the_box_are_single_tokens() -> None:
    tokenizer = build_tokenizer()
    assert all(len(tokenizer.encode(str(number))) == 1 for number in range(100))
    assert tokenizer.tokenize("47+38=85\\boxed{7}") == [
        "47",
        "+",
        "38",
        "=",
        "85",
        "\\boxed{",
        "7",
        "}",
    ]


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
