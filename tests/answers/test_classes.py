"""Answers in classes, with few comparisons, and their votes."""

from catsdk.answers.answers import Answers
from catsdk.answers.classes import Classes, equivalence_classes
from catsdk.answers.compare import same
from catsdk.answers.graders.functions import FunctionGrader
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


async def test_the_leader_of_a_vote_is_the_first_of_the_largest_class_and_none_at_a_tie() -> None:
    votes = await Answers().votes([None, "7", "1/2", "0.5"])
    assert (votes.leader, votes.majority) == (2, "1/2")
    tied = await Answers().votes(["7", "1/2"])
    assert (tied.leader, tied.majority) == (None, None)
    assert (await Answers().votes([None])).leader is None


async def test_one_of_several_accepted_answers_is_enough_and_an_open_one_leaves_it_open() -> None:
    answers = Answers(
        grader=FunctionGrader(lambda answer, other: {"a": True, "b": None}.get(other, False))
    )
    outcomes = {
        accepted: (await answers.grade_any("x", accepted)).equal
        for accepted in (("c", "a"), ("b", "a"), ("c", "b"), ("b", "c"), ("c", "d"))
    }
    assert outcomes == {
        ("c", "a"): True,
        ("b", "a"): True,
        ("c", "b"): None,
        ("b", "c"): None,
        ("c", "d"): False,
    }
