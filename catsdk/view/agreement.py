"""Agreement of people's labels with the verdicts and grades of runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Verdict
from catsdk.rubrics.kappa import Agreement, agreement
from catsdk.view.entry import Entry
from catsdk.view.finding import Finder
from catsdk.view.labels import Label, by_item, labels_in

__all__ = ["PEOPLE", "Labelled", "people_and_judges"]

PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labels that people gave to the runs in a folder, compared with judges and grades.

    Args:
        verdicts: Each judge's agreement with people, over the labelled verdicts; `None` if no
            verdict was labelled, or no judge answered one that was.
        references: The same for the grades of references, by known answers or criteria; `None` if
            no labelled reference has a grade.
        right: For each estimator and size, how many references people call right, and of how many.
        gone: How many labels refer to something that no longer exists.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.view import people_and_judges
        >>> people_and_judges(Path(".")).gone
        0
    """

    verdicts: Agreement | None
    references: Agreement | None
    right: Mapping[str, tuple[int, int]]
    gone: int


def people_and_judges(folder: str | Path) -> Labelled:
    """Compare judges and grades with the labels that people gave in the viewer.

    Kappa needs the extra `agreement`, and answers that are not all the same.

    Args:
        folder: A folder that catsdk wrote; all runs below it are counted together.

    Returns:
        The agreement of each judge, and of grades, with people.

    Raises:
        InvalidInputError: there is no such folder.
        MissingExtraError: the extra is not installed.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.view import people_and_judges
        >>> people_and_judges(Path(".")).verdicts is None
        True
    """
    root = Path(folder)
    if not root.exists():
        raise InvalidInputError(f"{root} does not exist; give a folder that catsdk wrote")
    judged: list[tuple[bool, dict[str, bool | None]]] = []
    graded: list[tuple[bool, dict[str, bool | None]]] = []
    right: dict[str, tuple[int, int]] = {}
    gone = 0
    for label, entry in _labelled(root):
        assert label.says is not None
        if entry is None:
            gone += 1
        elif label.criterion:
            answers = _answers(entry, label)
            gone += not answers
            judged.append((label.says, answers))
        else:
            good, every = right.get(label.contender, (0, 0))
            right[label.contender] = good + label.says, every + 1
            graded.append((label.says, _grade(entry, label.contender)))
    return Labelled(_compared(judged), _compared(graded), right, gone)


def _labelled(root: Path) -> Iterator[tuple[Label, Entry | None]]:
    """Each label with its item, or `None` if the item is gone."""
    for run in Finder(root).runs().values():
        labels = by_item(labels_in(run.path))
        if not labels:
            continue
        places = {outline.id: place for place, outline in run.news() if outline.id in labels}
        for item, of_item in labels.items():
            entry = run.entry(places[item]) if item in places else None
            yield from ((label, entry) for label in of_item)


def _answers(entry: Entry, label: Label) -> dict[str, bool | None]:
    """Each judge's verdict on the criterion that a label is about."""
    return {
        verdict.judge or "judge": verdict.met
        for score in entry.all_scores
        if score.index == label.rollout
        for given in score.verdicts
        if given.criterion_id == label.criterion
        for verdict in _members(given)
    }


def _members(verdict: Verdict) -> tuple[Verdict, ...]:
    """The verdict and, if it is a panel's, those of its members."""
    return verdict, *verdict.votes


def _grade(entry: Entry, contender: str) -> dict[str, bool | None]:
    made = next((made for made in entry.made if made.contender == contender), None)
    return {"grades": None if made is None else made.outline.right}


def _compared(said: list[tuple[bool, dict[str, bool | None]]]) -> Agreement | None:
    names = list(dict.fromkeys(name for _, answers in said for name in answers))
    columns = {name: [answers.get(name) for _, answers in said] for name in names}
    there = {name: column for name, column in columns.items() if set(column) != {None}}
    if not there:
        return None
    return agreement({PEOPLE: [says for says, _ in said], **there})
