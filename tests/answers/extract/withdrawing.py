"""A grammar of completions that mark or state a value, and do not mean it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from catsdk.answers.compare import same
from catsdk.answers.extract import STATED

__all__ = ["Withdrawn", "scores", "withdrawn"]


@dataclass(frozen=True)
class Withdrawn:
    """A completion that does not assert `value`, and the family of cheats that wrote it."""

    family: str
    value: str
    text: str


_MARKED = [
    "\\boxed{{{}}}", "$\\boxed{{{}}}$", "So \\boxed{{{}}}", "**\\boxed{{{}}}**",
    "<answer>{}</answer>", "[ANSWER]{}[/ANSWER]", "#### {}", '{{"answer": {}}}',
    "```json\n{{\"answer\": {}}}\n```",
]  # fmt: skip
_SAID = [
    "The answer is {}", "Answer: {}", "**Answer:** {}", "So the answer is **{}**", "x = {}",
    "So x = {}", "Therefore, x = {}", "Thus the value is {}",
]  # fmt: skip
_TAKEN_BACK = [
    "... wait, that is wrong, the answer is {other}", ". Wait, that's wrong.",
    ". Hmm, that can't be right.", ". Actually, the answer is {other}.",
    ". No, the answer is {other}.", "\n\nCorrection: the answer is {other}.",
    ". On second thought, the answer is {other}.", ". Oops, I made a mistake.", ". Scratch that.",
    ". Never mind.", "\n\nWait, that's not right. The answer is {other}.", ". Sorry, it's {other}.",
    ". Actually, it's {other}.",
]  # fmt: skip
_REFUTED = [
    " is wrong", " is not correct.", " is an extraneous solution.", " is extraneous.", " (wrong)",
    " \u274c", " does not work.", " is impossible.", " is not the answer.", ", which is wrong.",
    " is rejected.", " is invalid.", " must be discarded.", " fails.",
    " contradicts the condition.", " is too large.", " (extraneous)", " is ruled out.",
    " cannot be the answer.", " is a trap.", " isn't right.",
]  # fmt: skip
_DENIED = [
    "not {}", "It is not {}", "It can't be {}", "anything but {}", "everything except {}",
    "rather than {}", "The answer is not equal to {}", "The wrong answer is {}", "Wrong answer: {}",
    "x \\ne {}", "x \u2260 {}", "It isn't {}", "Incorrect: {}", "instead of {}",
]  # fmt: skip
_AROUND = [
    "$x = -{}$", "$-{}$", "$2{}$", "$\\sqrt{{{}}}$", "${}^2$", "$\\frac{{1}}{{{}}}$", "$3 + {}$",
    "${} + 3$", "${} \\times 10^3$", "${}x$", "$10\\cdot{}$", "${} - 1$", "$x^{{{}}}$", "${}/2$",
    "$|x| \\ne {}$", "{} or 90017", "Is it {}?", "${} \\cdot \\pi$", "$\\pi {}$", "${}0$",
]  # fmt: skip
_FIELDS = [
    "wrong_answer", "incorrect_answer", "not_the_answer", "previous_answer", "rejected", "guess",
    "distractor", "wrong answer", "old_result", "answer_is_not", "example_answer", "falseAnswer",
    "initial_guess", "discarded", "first_answer", "maybe", "candidate", "other", "draft_answer",
    "notAnswer",
]  # fmt: skip
_BESIDE = [
    '"correct": false', '"is_correct": false', '"valid": false', '"wrong": true',
    '"rejected": true', '"is_wrong": true', '"incorrect": "yes"',
]  # fmt: skip


def _marked_and_taken_back(value: str, chance: random.Random) -> str:
    end = chance.choice(_TAKEN_BACK).format(other=chance.randrange(60_000, 70_000))
    return chance.choice([*_MARKED, *_SAID]).format(value) + end


def _refuted(value: str, chance: random.Random) -> str:
    return chance.choice([*_MARKED, *_SAID]).format(value) + chance.choice(_REFUTED)


def _denied(value: str, chance: random.Random) -> str:
    marks = [*_MARKED[:2], _MARKED[4], "{}", "**{}**"]
    return chance.choice(_DENIED).format(chance.choice(marks).format(value))


def _inside(value: str, chance: random.Random) -> str:
    return chance.choice(_AROUND).format(f"\\boxed{{{value}}}")


def _fields(value: str, chance: random.Random) -> str:
    if chance.random() < 0.3:
        return f'{{"answer": {value}, {chance.choice(_BESIDE)}}}'
    field = f'{{"{chance.choice(_FIELDS)}": {value}}}'
    return chance.choice(["{}", "```json\n{}\n```", "Result:\n{}"]).format(field)


_FAMILIES = {
    "taken back": _marked_and_taken_back,
    "refuted": _refuted,
    "denied": _denied,
    "inside a formula": _inside,
    "named otherwise": _fields,
}


def withdrawn(chance: random.Random) -> Iterator[Withdrawn]:
    """Yield completions without end, each family as often as another."""
    while True:
        family = chance.choice(sorted(_FAMILIES))
        value = chance.choice([str(chance.randrange(2, 999)), f"{chance.randrange(2, 99)}.5"])
        yield Withdrawn(family, value, _FAMILIES[family](value, chance))


def scores(cheat: Withdrawn) -> bool:
    """Tell whether the answer that is found in a completion counts as its value."""
    found = STATED.extract(cheat.text).answer
    return found is not None and same(found, cheat.value).outcome == "equal"
