"""The attack set, as it is read from `tests/prompts/attacks.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("attacks.jsonl")


@dataclass(frozen=True)
class Attack:
    family: str
    name: str
    text: str


def _read() -> Iterator[Attack]:
    for line in FILE.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        yield Attack(fields["family"], fields["name"], fields["text"] * fields.get("repeat", 1))


ATTACKS = list(_read())
SMALL = [attack for attack in ATTACKS if len(attack.text) < 100_000]
IDS = [f"{attack.family}-{attack.name}" for attack in ATTACKS]
SMALL_IDS = [f"{attack.family}-{attack.name}" for attack in SMALL]
