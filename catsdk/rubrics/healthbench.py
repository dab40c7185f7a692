"""HealthBench's form of rubrics: criteria with points, negative ones for what should be absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_chat
from catsdk.core.types import Criterion, Message, Provenance, Rubric
from catsdk.data import read_rows

__all__ = ["Example", "from_healthbench", "overall", "read_healthbench"]


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a HealthBench file: the conversation that is to be answered, and its rubric."""

    prompt: tuple[Message, ...]
    rubric: Rubric


def from_healthbench(line: Mapping[str, object]) -> Rubric:
    """The rubric of one example: `rubrics` with `criterion` and `points` (arXiv 2505.08775).

    Points are weights. A criterion with negative points is met by a response that does the wrong
    thing, and takes its points off. Scored by `scoring.points`, clipped for one response by
    `scoring.score`.

    Raises:
        InvalidInputError: a criterion lacks its text or its points.
    """
    listed = line.get("rubrics")
    items = cast("list[object]", listed) if isinstance(listed, list) else []
    if not items:
        raise InvalidInputError("the example holds no list 'rubrics' with criterion and points")
    criteria = tuple(_criterion(at, item) for at, item in enumerate(items, 1))
    name = line.get("prompt_id")
    return Rubric(
        id=str(name) if name else "",
        criteria=criteria,
        provenance=Provenance(method="HealthBench file"),
    )


def read_healthbench(path: str | Path) -> Iterator[Example]:
    """Yield the examples of a HealthBench file, one a line.

    Args:
        path: The file.

    Raises:
        InvalidInputError: the file cannot be read, or a line is not an example; the message says
            which.

    Example:
        >>> import json
        >>> from pathlib import Path
        >>> from catsdk.rubrics import read_healthbench
        >>> line = {
        ...     "prompt": [{"role": "user", "content": "Why does it rain?"}],
        ...     "rubrics": [{"criterion": "Names clouds.", "points": 5}],
        ... }
        >>> written = Path("examples.jsonl").write_text(json.dumps(line))
        >>> next(iter(read_healthbench("examples.jsonl"))).rubric.criteria[0].weight
        5.0
    """
    for row in read_rows(path):
        try:
            yield Example(_prompt(row.values.get("prompt")), from_healthbench(row.values))
        except ValueError as error:
            raise InvalidInputError(f"{row.place}: {error}") from error


def overall(scores: Iterable[float | None]) -> float | None:
    """HealthBench's score of a model: the mean of the examples' unclipped scores, clipped to 0..1.

    Examples without a score are left out; `None` without any.
    """
    there = [score for score in scores if score is not None]
    return min(1.0, max(0.0, sum(there) / len(there))) if there else None


def _criterion(at: int, item: object) -> Criterion:
    fields = cast("dict[str, object]", item) if isinstance(item, dict) else {}
    text, worth = fields.get("criterion"), fields.get("points")
    if not isinstance(text, str) or not isinstance(worth, int | float) or isinstance(worth, bool):
        raise InvalidInputError(
            f"rubrics.{at - 1} is {str(fields)[:200]}: no criterion with points"
        )
    return Criterion(
        id=f"r{at}", text=text, kind="pitfall" if worth < 0 else None, weight=float(worth)
    )


def _prompt(listed: object) -> tuple[Message, ...]:
    return check_chat(cast("list[object]", listed) if isinstance(listed, list) else [])
