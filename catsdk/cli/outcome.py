"""The exit code of an evaluation, and the reason if it is not 0."""

from __future__ import annotations

from catsdk.cli.exit_codes import ExitCode
from catsdk.core.errors import BudgetExceededError
from catsdk.evaluate.patience import OF_ONE_REQUEST
from catsdk.evaluate.report import Report

__all__ = ["exit_code"]

_BUDGET = BudgetExceededError.__name__
# An estimator fails on every item with one of these if the model lacks what it needs; the results
# of the other estimators are still valid.
_EXPECTED = {kind.__name__ for kind in OF_ONE_REQUEST}


def exit_code(report: Report) -> tuple[ExitCode, str | None]:
    """Give the command's exit code, and a sentence with the reason if it is not 0."""
    over = _BUDGET in {_kind(what) for what in report.failures}
    if over:
        cause = next(text for what, text in report.causes.items() if _kind(what) == _BUDGET)
        return (
            ExitCode.PARTIAL,
            f"partial: {cause}. Run the same command with a larger budget to resume.",
        )
    if not report.rollouts:
        return ExitCode.FAILED, f"no rollout was drawn. {_first_cause(report)}"
    if report.unranked is not None:
        return ExitCode.WRONG_SET_UP, report.unranked
    if lost := _lost(report):
        return (
            ExitCode.FAILED,
            f"{', '.join(lost)} failed on every item. {_first_cause(report, lost)}",
        )
    return ExitCode.DONE, None


def _kind(what: str) -> str:
    return what.rpartition(": ")[2]


def _lost(report: Report) -> list[str]:
    """The estimators that failed on every item, for another reason than what a model lacks."""
    names = dict.fromkeys(point.estimator for point in report.points)
    never_worked = [
        name
        for name in names
        if all(p.failed == p.items for p in report.points if p.estimator == name)
    ]
    return [
        name
        for name in never_worked
        if not all(
            _kind(what) in _EXPECTED for what in report.failures if what.startswith(f"{name}: ")
        )
    ]


def _first_cause(report: Report, names: list[str] | None = None) -> str:
    wanted = tuple(f"{name}: " for name in names or ["rollout"])
    return next((t for what, t in report.causes.items() if what.startswith(wanted)), "")
