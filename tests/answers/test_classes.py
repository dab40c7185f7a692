"""Answers in classes, with few comparisons, and their votes."""

from catsdk.answers.answers import Answers
from catsdk.answers.classes import Classes, equivalence_classes
from catsdk.answers.compare import same
from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict


def test_equal_answers_share_a_class_numbered_by_first_appearance() -> None:
    classes = equivalence_classes(["1/2", "x+1", "0.5", "1+x", r"\frac12", "7"])
    assert classes == Classes((0, 1, 0, 1, 0, 2), ("1/2", "x+1", "7"), classes.comparisons)
    assert classes.sizes == (3, 2, 1)


def test_equal_texts_and_plain_numbers_need_no_comparison() -> None:
    answers = [str(number % 50) for number in range(1_000)]
    assert equivalence_classes(answers).comparisons == 0


def test_n_answers_of_c_classes_need_fewer_than_n_times_c_comparisons() -> None:
    answers = [rf"\frac{{{k * n}}}{{{k * 7}}}x" for k in range(1, 9) for n in range(1, 5)]
    classes = equivalence_classes(answers)
    assert len(classes.representatives) == 4
    assert classes.comparisons < len(answers) * 4


def test_an_unknown_verdict_keeps_two_answers_apart() -> None:
    assert equivalence_classes(["f(2)", "5"]).labels == (0, 1)


def test_another_comparison_may_decide() -> None:
    asked: list[tuple[str, str]] = []

    def compare(answer: str, reference: str, options: Options) -> Verdict:
        asked.append((answer, reference))
        return same(answer.upper(), reference.upper(), options)

    assert equivalence_classes(["ab c", "AB C"], compare=compare).labels == (0, 0)
    assert asked == [("AB C", "ab c")]


async def test_abstentions_do_not_vote_and_a_tie_has_no_majority() -> None:
    votes = [
        await Answers().votes(each) for each in (["0.5", None, "1/2", "7"], ["1", "2"], [None])
    ]
    assert [(each.majority, each.share) for each in votes] == [
        ("0.5", 2 / 3),
        (None, 0.5),
        (None, None),
    ]
