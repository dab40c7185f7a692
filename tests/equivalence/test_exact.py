"""Equal answers have one normal form; a tie has no majority."""

from catsdk.equivalence.exact import Majority, majority_of, same_answer
from catsdk.equivalence.extract import extract_answer


def test_writing_does_not_make_a_number_different() -> None:
    assert same_answer("1,000", "$1000.0$")
    assert same_answer(r"\dfrac{1}{2}", r"\frac{1}{2}.")
    assert not same_answer("1", "2")


def test_abstentions_do_not_vote_and_a_tie_has_no_majority() -> None:
    assert majority_of(["0.5", None, "0.50", "7", None]) == Majority("0.5", 2 / 3)
    assert majority_of(["1", "2"]) == Majority(None, 0.5)
    assert majority_of([None]) == Majority(None, None)


def test_the_last_balanced_box_is_the_answer() -> None:
    assert extract_answer(r"\boxed{1} then \boxed{\frac{1}{2}} and \boxed{3") == r"\frac{1}{2}"
    assert extract_answer("The answer is: 4.") == "4"
    assert extract_answer("no result") is None
