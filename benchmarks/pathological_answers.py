"""Answers that make graders hang, exhaust memory or crash, as (name, gold, prediction)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

__all__ = ["ANSWERS", "Answer", "read_answers"]

Answer = tuple[str, str, str]


def _deep(opening: str, inner: str, closing: str, depth: int) -> str:
    return "\\boxed{" + opening * depth + inner + closing * depth + "}"


# Each stands for a kind of failure, at a size at which a grader was seen to fail.
ANSWERS: list[Answer] = [
    ("tower of powers", "$1$", "\\boxed{9^{9^{9^9}}}"),
    ("tower in plain text", "1", "The answer is 9^9^9^9"),
    ("power of ten to a power of ten", "$1$", "\\boxed{10^{10^{10}}}"),
    ("scientific notation", "$1$", "\\boxed{1.5 \\times 10^{1000000000}}"),
    ("small powers apart by a factor of two", "$\\frac{1}{2^{100001}}$", "$\\frac{1}{2^{100000}}$"),
    ("factorial", "$1$", "\\boxed{1000000!}"),
    ("factorial of factorials", "$1$", "\\boxed{((10!)!)!}"),
    ("gamma function", "$1$", "\\boxed{\\Gamma(1000000)}"),
    ("binomial", "$1$", "\\boxed{\\binom{10^{9}}{5 \\cdot 10^{8}}}"),
    ("fractions in fractions", "$1$", _deep("\\frac{1}{1+", "1", "}", 2_000)),
    ("roots in roots", "$2$", _deep("\\sqrt{2+", "\\sqrt{2}", "}", 30)),
    ("many opening brackets", "$1$", _deep("\\left(", "1", "", 2_000)),
    ("many minus signs", "$1$", _deep("-", "1", "", 10_000)),
    ("many factors", "$x^{2000}$", _deep("x ", "x", "", 2_000)),
    ("many digits", "$1$", _deep("1", "1", "", 100_000)),
    ("many digits on both sides", f"${'1' * 100_000}$", _deep("1", "2", "", 100_000)),
    ("a long list", f"${','.join(map(str, range(2_000)))}$", _deep("1,", "1", "", 2_000)),
    ("a chain of equations", "$1$", _deep("x=", "1", "", 300)),
    ("a megabyte of prose", "$1$", "word " * 200_000),
    ("many dollars", "$1$", "$a$ and " * 2_500),
    ("the same phrase again and again", "$1$", "final answer is " * 3_000),
    ("boxes that never close", "$1$", "\\boxed{" * 10_000),
    ("brackets and spaces", "$1$", " [ " * 17_000),
    ("digits and commas", "$1$", "1," * 25_000),
    ("groups of digits", "$1$", "111 " * 12_500),
    ("an integral", "$0.5$", "$\\int_0^\\infty \\frac{\\sin(x)^7 e^{-x^2}}{\\sqrt{1+x^9}} dx$"),
    ("a sum of a million terms", "$1.5$", "$\\sum_{k=1}^{1000000} \\frac{1}{k^2+\\sin(k)}$"),
    ("a limit", "$1$", "$\\lim_{x\\to 0} \\frac{\\sin(\\tan x)-\\tan(\\sin x)}{x^7+x^9}$"),
    ("a power of a polynomial", "$(x+y+2z)^{100}$", "\\boxed{(x+y+z)^{100}}"),
    ("a sparse polynomial", "$x^{1000000}+2$", "\\boxed{x^{1000000}+1}"),
    ("an inequality", "$x^{12}-3x^7+2x^3-2>0$", "$x^{12}-3x^7+2x^3-1>0$"),
    ("an interval to a tower", "$[1,2]$", "\\boxed{[1,10^{10^{10}}]}"),
    ("a cosine of a tower", "$0.5$", "\\boxed{\\cos(10^{10^{10}})}"),
    ("exponentials of exponentials", "$1.5$", "\\boxed{e^{e^{e^{e^{e}}}}}"),
    ("a tower modulo ten", "$3$", "\\boxed{7^{7^{7^7}} \\mod 10}"),
    ("a power of a matrix", "$1$", "$\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}^{10^{10}}$"),
    ("zero over zero", "$0$", "\\boxed{\\frac{0}{0}}"),
    ("a tangent without a value", "$\\infty$", "\\boxed{\\tan(\\frac{\\pi}{2})}"),
    ("a lone surrogate", "$1$", "\\boxed{\ud800 1}"),
    ("code", "0", "The answer is __import__('os').system('touch owned')"),
]


def read_answers(file: Path) -> list[Answer]:
    """Read answers from a JSON-lines file; long texts are cut in it, and rebuilt here by name."""
    with file.open(encoding="utf-8") as lines:
        return [_whole(json.loads(line)) for line in lines]


def _whole(row: dict[str, str]) -> Answer:
    name, gold, pred = row["name"], row["gold"], row["pred"]
    if name in _CUT:
        pred = _CUT[name]()
    if name == "digits_100k_both":
        gold = f"${'1' * 100_000}$"
    elif name == "list_2000":
        gold = f"${','.join(map(str, range(2_000)))}$"
    elif name == "matrix_20_symbolic":
        gold = f"${_matrix(lambda row, column: f'a_{{{column}{row}}}')}$"
    elif len(pred) < int(row["pred_len"]) and name not in _CUT:
        pred = (pred * (int(row["pred_len"]) // len(pred) + 1))[: int(row["pred_len"])]
    return name, gold, pred


def _matrix(cell: Callable[[int, int], str]) -> str:
    rows = ("&".join(cell(row, column) for column in range(20)) for row in range(20))
    return "\\begin{pmatrix}" + "\\\\".join(rows) + "\\end{pmatrix}"


_CUT: dict[str, Callable[[], str]] = {
    "frac_nested_200": lambda: _deep("\\frac{1}{1+", "1", "}", 200),
    "frac_nested_2000": lambda: _deep("\\frac{1}{1+", "1", "}", 2_000),
    "sqrt_nested_30_vs_2": lambda: _deep("\\sqrt{2+", "\\sqrt{2}", "}", 30),
    "left_2000": lambda: _deep("\\left(", "1", "", 2_000),
    "minus_10000": lambda: _deep("-", "1", "", 10_000),
    "prod_x_2000": lambda: _deep("x ", "x", "", 1_999),
    "digits_100k": lambda: _deep("1", "1", "", 99_999),
    "digits_100k_both": lambda: _deep("1", "2", "", 99_999),
    "list_2000": lambda: "\\boxed{" + ",".join(map(str, range(2_000))) + "}",
    "eq_chain_300": lambda: _deep("x=", "1", "", 300),
    "matrix_20_symbolic": lambda: (
        "\\boxed{" + _matrix(lambda row, column: f"a_{{{row}{column}}}") + "}"
    ),
    "prose_100kB": lambda: "word " * 20_000,
    "prose_1MB": lambda: "word " * 200_000,
    "rce_plain": lambda: "The answer is __import__('os').system('touch RCE_MARKER_FILE')",
}
