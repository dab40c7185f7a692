"""The quick path for plain numbers says what the reading of them as mathematics says."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from catsdk.answers.engine.attempt import attempt
from catsdk.answers.engine.plain_numbers import quick
from catsdk.answers.options import DEFAULT, Options

WHOLE = st.integers(-2_000, 2_000).map(str) | st.integers(0, 10**15 - 1).map(str)
GROUPED = st.integers(0, 10**13).map(lambda value: f"{value:,}")
PLACES = st.sampled_from(["", ".0", ".5", ".50", ".00001", ".12345", ".1", ".20000"])
SEPARATED = st.tuples(GROUPED, st.sampled_from(["{,}", ",\\!"])).map(
    lambda parts: parts[0].replace(",", parts[1])
)
NUMBERS = st.tuples(st.sampled_from(["", "$"]), WHOLE | GROUPED | SEPARATED, PLACES).map("".join)


@given(NUMBERS, NUMBERS)
def test_two_numbers_have_the_verdict_of_the_exact_tier(left: str, right: str) -> None:
    verdict = quick(left, right, DEFAULT)
    assert verdict is not None
    assert verdict.outcome == attempt(left, right, DEFAULT, {})[0].outcome


LONG = st.tuples(
    st.integers(-9, 2_000),
    st.integers(0, 10**9 - 1),
    st.sampled_from(["", "0", "3333333", "49999"]),
).map(lambda parts: f"{parts[0]}.{parts[1]:09}{parts[2]}")


@given(LONG, LONG | NUMBERS, st.sampled_from([None, 4, 6, 7, 9]))
def test_where_a_long_decimal_is_decided_it_is_as_the_exact_tier_does(
    left: str, other: str, cut: int | None
) -> None:
    right = other if cut is None else left[: left.index(".") + 1 + cut]
    verdict = quick(left, right, DEFAULT)
    if verdict is not None:
        assert verdict.outcome == attempt(left, right, DEFAULT, {})[0].outcome


def test_a_long_decimal_is_told_from_a_number_far_from_it_and_not_from_one_near_it() -> None:
    far = quick("5.333333333333333", "36", DEFAULT)
    assert far is not None
    assert far.outcome == "different"
    assert quick("5.333333333333333", "5.333333", DEFAULT) is None


PART = st.integers(1, 60).map(str) | st.integers(1, 10**15 - 1).map(str)
FRACTIONS = st.tuples(
    st.sampled_from(
        ["{}/{}", "\\frac{{{}}}{{{}}}", "\\dfrac{{{}}}{{{}}}", "\\frac {{{}}} {{{}}}", "{}"]
    ),
    st.sampled_from(["", "-"]),
    PART,
    PART,
    st.sampled_from(["{}", "${}$", "$ {} $", "{}."]),
).map(lambda parts: parts[4].format(parts[1] + parts[0].format(parts[2], parts[3])))


MIXED = st.tuples(
    st.sampled_from(["", "-", "$", "$-"]),
    st.integers(0, 40),
    st.sampled_from(["\\frac{{{}}}{{{}}}", " \\frac{{{}}}{{{}}}", "\\tfrac{{{}}}{{{}}}"]),
    st.integers(2, 40).flatmap(
        lambda bottom: st.tuples(st.integers(1, bottom - 1), st.just(bottom))
    ),
).map(lambda parts: f"{parts[0]}{parts[1]}{parts[2].format(*parts[3])}{parts[0][:1].strip('-')}")


@given(FRACTIONS | MIXED, FRACTIONS | MIXED)
def test_two_fractions_have_the_verdict_of_the_exact_tier(left: str, right: str) -> None:
    verdict = quick(left, right, DEFAULT)
    assert verdict is not None
    assert verdict.outcome == attempt(left, right, DEFAULT, {})[0].outcome


@given(NUMBERS, st.sampled_from(["", "$", ".0", "0", "00"]))
def test_a_number_equals_itself_in_another_dress(number: str, tail: str) -> None:
    other = f"${number.removeprefix('$')}" if tail == "$" else number
    if "." in number and tail in ("0", "00") and len(number.partition(".")[2]) < 4:
        other = number + tail
    verdict = quick(number, other, DEFAULT)
    assert verdict is not None
    assert verdict.outcome == "equal"


UNITS = st.sampled_from(
    ["\\%", " \\%", "%", "^\\circ", "^{\\circ}"]
    + [
        dress.format(unit)
        for dress in (
            "\\text{{ {}}}",
            "\\text{{{}}}",
            "\\,\\text{{ square {}}}",
            "\\text{{cubic {}}}",
        )
        for unit in ("cm", "feet", "units", "hours", "min", "degrees", "cents", "percent", "times")
    ]
)
UNSIGNED = st.integers(0, 10**15 - 1).map(str) | st.decimals(0, 9_999, places=2).map(str)


@given(UNSIGNED, UNITS, st.sampled_from([DEFAULT, replace(DEFAULT, units="ignore")]))
def test_a_number_with_a_unit_equals_that_number_as_the_exact_tier_says(
    number: str, unit: str, options: Options
) -> None:
    for pair in ((number + unit, number), (number, number + unit)):
        verdict = quick(*pair, options)
        assert verdict is not None
        assert verdict == attempt(*pair, options, {})[0]


def test_a_unit_that_may_change_the_number_or_that_a_policy_asks_for_is_left_alone() -> None:
    for unit in ("dozen", "squared", "apples", "sec", "x", "or more", "p.m."):
        assert quick(f"5\\text{{ {unit}}}", "5", DEFAULT) is None
    assert quick("5\\text{ cm}", "6", DEFAULT) is None
    assert quick("-5\\text{ cm}", "-5", DEFAULT) is None
    assert quick("5\\text{ cm}", "5", replace(DEFAULT, units="strict")) is None
    assert quick("5\\%", "5", replace(DEFAULT, percent="fraction")) is None


def test_what_a_policy_or_another_kind_decides_is_left_alone() -> None:
    for options in (
        replace(DEFAULT, absolute=0.1),
        replace(DEFAULT, relative=0.1),
        replace(DEFAULT, rounded_places=2),
    ):
        assert quick("1.25", "1.3", options) is None
    for text in (
        "",
        "1/0",
        "1/2/3",
        "$1/2",
        "1/2$",
        "\\frac12",
        "3:4",
        "1,23",
        "12,34,567",
        "01,234",
        "1e5",
        "5 cm",
        "28%",
        "1\\frac{5}{4}",
        "1\\frac{0}{4}",
        "1,\\!23",
        "1 1/2",
        "x",
    ):
        assert quick(text, "7", DEFAULT) is None
        assert quick("7", text, DEFAULT) is None
