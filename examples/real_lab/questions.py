"""Short questions in plain English with one right answer, for training and for held-out tests.

    python -m examples.real_lab.questions DIR

writes `train.jsonl` (prompts only, for training without labels), `held_out.jsonl` (the same kinds,
with answers) and `untrained.jsonl` (a kind that is not trained on, with answers).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final, Literal

__all__ = ["KINDS", "TRAINED", "UNTRAINED", "Question", "Split", "questions"]

Split = Literal["train", "held_out"]
_HELD_OUT_SHARE: Final = 1 / 3

_CAPITALS: Final = """
Afghanistan: Kabul; Albania: Tirana; Algeria: Algiers; Angola: Luanda; Argentina: Buenos Aires;
Armenia: Yerevan; Austria: Vienna; Azerbaijan: Baku; Bangladesh: Dhaka; Belarus: Minsk;
Belgium: Brussels; Bhutan: Thimphu; Bosnia and Herzegovina: Sarajevo; Botswana: Gaborone;
Brazil: Brasilia; Bulgaria: Sofia; Cambodia: Phnom Penh; Canada: Ottawa; Chad: N'Djamena;
Chile: Santiago; China: Beijing; Colombia: Bogota; Croatia: Zagreb; Cuba: Havana; Cyprus: Nicosia;
Denmark: Copenhagen; Ecuador: Quito; Egypt: Cairo; Eritrea: Asmara; Estonia: Tallinn;
Ethiopia: Addis Ababa; Fiji: Suva; Finland: Helsinki; France: Paris; Gabon: Libreville;
Georgia: Tbilisi; Germany: Berlin; Ghana: Accra; Greece: Athens; Guyana: Georgetown;
Haiti: Port-au-Prince; Honduras: Tegucigalpa; Hungary: Budapest; Iceland: Reykjavik;
India: New Delhi; Indonesia: Jakarta; Iran: Tehran; Iraq: Baghdad; Ireland: Dublin; Italy: Rome;
Jamaica: Kingston; Japan: Tokyo; Jordan: Amman; Kenya: Nairobi; Kyrgyzstan: Bishkek;
Laos: Vientiane; Latvia: Riga; Lebanon: Beirut; Libya: Tripoli; Lithuania: Vilnius;
Madagascar: Antananarivo; Malawi: Lilongwe; Malaysia: Kuala Lumpur; Mali: Bamako; Malta: Valletta;
Mexico: Mexico City; Moldova: Chisinau; Mongolia: Ulaanbaatar; Morocco: Rabat; Mozambique: Maputo;
Namibia: Windhoek; Nepal: Kathmandu; New Zealand: Wellington; Nicaragua: Managua; Niger: Niamey;
Nigeria: Abuja; North Korea: Pyongyang; Norway: Oslo; Oman: Muscat; Pakistan: Islamabad;
Paraguay: Asuncion; Peru: Lima; Poland: Warsaw; Portugal: Lisbon; Qatar: Doha; Romania: Bucharest;
Russia: Moscow; Rwanda: Kigali; Saudi Arabia: Riyadh; Senegal: Dakar; Serbia: Belgrade;
Slovakia: Bratislava; Slovenia: Ljubljana; Somalia: Mogadishu; South Korea: Seoul; Spain: Madrid;
Sudan: Khartoum; Sweden: Stockholm; Syria: Damascus; Taiwan: Taipei; Thailand: Bangkok;
the Czech Republic: Prague; the Netherlands: Amsterdam; the Philippines: Manila;
the United Kingdom: London; the United States: Washington, D.C.; Tunisia: Tunis; Turkey: Ankara;
Uganda: Kampala; Ukraine: Kyiv; Uruguay: Montevideo; Uzbekistan: Tashkent; Venezuela: Caracas;
Vietnam: Hanoi; Yemen: Sanaa; Zambia: Lusaka; Zimbabwe: Harare
"""
_PAIRS: Final = " ".join(_CAPITALS.split()).split("; ")
CAPITALS: Final = {country: city for country, _, city in (pair.partition(": ") for pair in _PAIRS)}
"""Capitals, in English spelling without accents."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its right answer.

    Args:
        kind: One of `KINDS`.
        prompt: The text of the question.
        answer: The right answer.
        about: What the question is about, regardless of the order of its numbers. All questions
            about the same thing are on the same side of the split.
    """

    kind: str
    prompt: str
    answer: str
    about: str


def _pairs(
    kind: str,
    first: range,
    second: range,
    words: str,
    answer: Callable[[int, int], int | None],
) -> list[Question]:
    """A question for each ordered pair that has an answer."""
    return [
        Question(kind, words.format(a, b), str(right), f"{kind} {min(a, b)} {max(a, b)}")
        for a in first
        for b in second
        if (right := answer(a, b)) is not None
    ]


def _capitals() -> list[Question]:
    return [
        Question(
            "capital",
            f"What is the capital of {country}? Reply with the name of the city only.",
            city,
            f"capital {country}",
        )
        for country, city in CAPITALS.items()
    ]


_NUMBER: Final = "Reply with the number only."

KINDS: Final[dict[str, Callable[[], list[Question]]]] = {
    "sum": lambda: _pairs(
        "sum", range(1, 16), range(1, 16), f"What is {{}} plus {{}}? {_NUMBER}", lambda a, b: a + b
    ),
    "product": lambda: _pairs(
        "product", range(2, 13), range(2, 13), f"What is {{}} times {{}}? {_NUMBER}",
        lambda a, b: a * b,
    ),
    "larger": lambda: _pairs(
        "larger", range(11, 100), range(11, 100), f"Which is larger, {{}} or {{}}? {_NUMBER}",
        lambda a, b: max(a, b) if a != b else None,
    ),
    "capital": _capitals,
    "difference": lambda: _pairs(
        "difference", range(3, 21), range(1, 16), f"What is {{}} minus {{}}? {_NUMBER}",
        lambda a, b: a - b if a > b else None,
    ),
}  # fmt: skip
"""A function for each kind that makes all its questions."""
TRAINED: Final = ("sum", "product", "larger", "capital")
UNTRAINED: Final = ("difference",)


def questions(
    split: Split, count: int, seed: int, kinds: Sequence[str] = TRAINED
) -> list[Question]:
    """Draw `count` questions of each kind, and shuffle them.

    Args:
        split: Training or held-out questions. What a question is about decides its side, which is
            the same for every seed.
        count: How many of each kind; if a kind has fewer, all of them.
        seed: Of the draw and the shuffle.
        kinds: Some of `KINDS`.
    """
    chosen: list[Question] = []
    for kind in kinds:
        found = [each for each in KINDS[kind]() if _split_of(each) == split]
        Random(f"{seed} {kind}").shuffle(found)
        chosen += found[:count]
    Random(f"{seed} order").shuffle(chosen)
    return chosen


def _split_of(question: Question) -> Split:
    drawn = int(sha256(question.about.encode()).hexdigest()[:8], 16) / 16**8
    return "held_out" if drawn < _HELD_OUT_SHARE else "train"


def _write(file: Path, asked: Sequence[Question], *, answered: bool) -> None:
    rows = [
        {"prompt": each.prompt, **({"answer": each.answer, "kind": each.kind} if answered else {})}
        for each in asked
    ]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def main(folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "train.jsonl", questions("train", 70, 0), answered=False)
    _write(folder / "held_out.jsonl", questions("held_out", 40, 0), answered=True)
    _write(folder / "untrained.jsonl", questions("held_out", 40, 0, UNTRAINED), answered=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
