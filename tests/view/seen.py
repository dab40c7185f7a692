"""Evaluations as catsdk writes them, made by hand: the items, and the report beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import catsdk as cat
from catsdk.core.types import Call, Group, Provenance, Reference
from catsdk.evaluate import ItemFiles, Observation, Seen, item_of

CALL = Call(stage="sample", model="m", usage=cat.Usage(input_tokens=9, output_tokens=4, requests=1),
            latency=0.5)  # fmt: skip


def seen_of(
    question: str,
    gold: str,
    texts: Sequence[str],
    *,
    synthesis: str,
    majority: str | None,
    id: str | None = None,
) -> Seen:
    """An item whose rollouts are `texts`, each with its answer behind the last space."""
    drawn = cat.group_of(question, texts)
    group = Group(
        prompt=drawn.prompt,
        rollouts=tuple(
            r.model_copy(update={"answer": r.text.rpartition(" ")[2], "answer_rule": "boxed"})
            for r in drawn.rollouts
        ),
        calls=(CALL,),
    )
    answers = [rollout.answer for rollout in group.rollouts]
    right = {r.index: float(r.answer == gold) for r in group.rollouts}
    share = answers.count(majority) / len(answers) if majority else 1 / len(answers)
    item = item_of(question, gold, id=id)

    def reference(method: str, answer: str) -> Reference:
        return Reference(
            text=f"The answer is {answer}", answer=answer, group=group, agreement=share,
            majority=majority, disagrees=None if majority is None else answer != majority,
            provenance=Provenance(method=method), calls=(CALL,) if method == "synthesis" else (),
        )  # fmt: skip

    def observation(name: str, answer: str) -> Observation:
        return Observation(
            estimator=name, item=item.id, size=len(texts), draw=0, answer=answer,
            score=float(answer == gold), departs=None if majority is None else answer != majority,
            majority_score=None if majority is None else float(majority == gold),
            all_wrong=not any(right.values()), tied=name == "majority" and majority is None,
        )  # fmt: skip

    voted = majority or str(answers[0])
    pairs = (("synthesis", synthesis), ("majority", voted))
    return Seen(
        item=item,
        group=group,
        scores=right,
        observations=tuple(observation(*pair) for pair in pairs),
        references={name: {len(texts): reference(name, answer)} for name, answer in pairs},
    )


def four() -> list[Seen]:
    """Plain; the synthesis beats the majority; it loses; right though all are wrong; a tie."""
    said = "So it is"
    return [
        seen_of("1+1", "2", [f"{said} 2", f"{said} 2", f"{said} 3"], synthesis="2", majority="2"),
        seen_of("2+2", "4", [f"{said} 5", f"{said} 5", f"{said} 4"], synthesis="4", majority="5"),
        seen_of("3+3", "6", [f"{said} 6", f"{said} 6", f"{said} 7"], synthesis="7", majority="6"),
        seen_of("4+4", "8", [f"{said} 9", f"{said} 9", f"{said} 7"], synthesis="8", majority="9"),
        seen_of("5+5", "10", [f"{said} 10", f"{said} 11"], synthesis="10", majority=None),
    ]


def write(folder: Path, seen: Iterable[Seen], *, title: str = "Sums") -> Path:
    """Write the items, and a report without points, as an evaluation that has ended does."""
    files = ItemFiles(folder)
    for each in seen:
        files.add(each)
    files.finish()
    report = {"title": title, "data": "by hand", "models": {"policies": "m"}, "points": []}
    (folder / "report.json").write_text(json.dumps(report), "utf-8")
    return folder
