"""Verdicts: matrices of criteria and rollouts, with quotes and statistics of each criterion."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

from catsdk.core.types import Criterion, Provenance, Rubric, Score, Verdict
from catsdk.rubrics.judged import verdict_of, word_of
from catsdk.rubrics.quality import CriterionReport, report, twins
from catsdk.view.entry import Entry
from catsdk.view.shown.pieces import Piece, shown_of, spans_of_quote

__all__ = ["matrices_of"]


def matrices_of(entry: Entry) -> list[dict[str, Any]]:
    """Make a matrix for each rubric of an entry; verdicts without a rubric get their own.

    Args:
        entry: The judged entry.
    """
    scores = _judged(entry.scores)
    if not scores:
        return []
    known = {v.criterion_id for score in scores for v in score.verdicts}
    rubrics = [r for r in entry.rubrics if known & {c.id for c in r.criteria}]
    named = {c.id for rubric in rubrics for c in rubric.criteria}
    if known - named:
        criteria = tuple(Criterion(id=id, text=id) for id in sorted(known - named))
        rubrics.append(Rubric(criteria=criteria, provenance=Provenance(method="not recorded")))
    texts = {r.index: r.text for r in entry.group.rollouts} if entry.group else {}
    return [_matrix(rubric, scores, texts) for rubric in rubrics]


def _judged(scores: tuple[Score, ...]) -> list[Score]:
    """The scores based on verdicts; for a sum, those of its parts."""
    found: list[Score] = []
    for score in scores:
        parts = [score, *score.parts.values()]
        verdicts = tuple(verdict for part in parts for verdict in part.verdicts)
        if verdicts:
            found.append(score.model_copy(update={"verdicts": verdicts}))
    return found


def _matrix(rubric: Rubric, scores: list[Score], texts: dict[int, str]) -> dict[str, Any]:
    rows = [_row(each, scores, texts) for each in report(rubric, scores)]
    pairs = combinations(rubric.criteria, 2)
    lost = Counter(
        v.failure.kind if v.failure else "no answer"
        for score in scores
        for v in score.verdicts
        if v.met is None and v.grade is None
    )
    return {
        "id": rubric.id,
        "version": rubric.version,
        "method": rubric.provenance.method,
        "model": rubric.provenance.model,
        "columns": [
            {
                "index": score.index,
                "reward": score.value,
                "coverage": score.coverage,
                "reasons": list(score.reasons),
                "failure": None if score.failure is None else str(score.failure),
            }
            for score in scores
        ],
        "rows": rows,
        "twins": [[one.id, two.id] for one, two in pairs if twins(one.text, two.text)],
        "missing": dict(lost.most_common()),
    }


def _row(told: CriterionReport, scores: list[Score], texts: dict[int, str]) -> dict[str, Any]:
    criterion = told.criterion
    degrees = [
        verdict.degree
        for score in scores
        if (verdict := verdict_of(score, criterion)) is not None and verdict.degree is not None
    ]
    mean = sum(degrees) / len(degrees) if degrees else 0.0
    spread = (sum((d - mean) ** 2 for d in degrees) / len(degrees)) ** 0.5 if degrees else None
    return {
        "id": criterion.id,
        "text": criterion.text,
        "kind": criterion.kind,
        "weight": criterion.weight,
        "judged": told.judged,
        "met": told.met,
        "spread": spread,
        "tells_apart": told.signal,
        "discrimination": told.discrimination,
        "agreement": told.agreement,
        "cells": [_cell(verdict_of(s, criterion), texts.get(s.index, "")) for s in scores],
    }


def _cell(verdict: Verdict | None, text: str) -> dict[str, Any]:
    if verdict is None:
        return {"word": "", "why": "not judged"}
    spans = spans_of_quote(verdict.evidence, text) if verdict.evidence else []
    pieces: list[Piece] = shown_of(text, spans, "quote")
    usage = verdict.usage
    return {
        "word": word_of(verdict),
        "degree": verdict.degree,
        "evidence": verdict.evidence,
        "quoted": verdict.quoted,
        "found": bool(spans),
        "reason": verdict.reason,
        "failure": None if verdict.failure is None else str(verdict.failure),
        "judge": verdict.judge,
        "votes": [
            {"judge": v.judge, "word": word_of(v), "reason": v.reason} for v in verdict.votes
        ],
        "pieces": pieces if spans else None,
        "tokens": usage.tokens,
        "cost": usage.cost,
    }
