"""Labels that people give to references and verdicts, in a separate file beside the run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from pydantic import Field, ValidationError

from catsdk.core.errors import ConfigurationError
from catsdk.core.value import Value

__all__ = ["LABELS", "MOST_BYTES", "Label", "add_label", "by_item", "labels_file", "labels_in"]

LABELS: Final = "labels.jsonl"
MOST_BYTES: Final = 16_000
"""The largest label, as JSON."""

_WRITING = Lock()


class Label(Value):
    """A person's judgment of one reference or one verdict.

    Args:
        item: The item's id.
        contender: The estimator and size that made the reference, as `NAME/SIZE`; empty for a
            verdict.
        criterion: The id of the criterion; empty for a reference.
        rollout: The index of the rollout that was judged by the criterion.
        says: Whether the reference is right, or the criterion met; `None` withdraws the label.
        note: Why.
        time: When it was given, in seconds since the epoch.

    Example:
        >>> from catsdk.view import Label
        >>> Label(item="7", contender="synthesis/8", says=False).about
        ('7', 'synthesis/8', '', None)
    """

    item: str = Field(max_length=4000)
    contender: str = Field(default="", max_length=1000)
    criterion: str = Field(default="", max_length=1000)
    rollout: int | None = None
    says: bool | None
    note: str = Field(default="", max_length=4000)
    time: float = 0.0

    @property
    def about(self) -> tuple[str, str, str, int | None]:
        """What it is about; of two labels about the same thing, the later one counts."""
        return self.item, self.contender, self.criterion, self.rollout


def labels_file(run: Path) -> Path:
    """The path of a run's labels.

    Args:
        run: Its folder, or its file.
    """
    return run / LABELS if run.is_dir() else run.with_name(f"{run.name}.{LABELS}")


def add_label(run: Path, label: Label) -> None:
    """Save a label; the run itself is not changed.

    Args:
        run: Its folder, or its file.
        label: The label.

    Raises:
        ConfigurationError: the file cannot be written.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.view import Label, add_label, labels_in
        >>> add_label(Path("."), Label(item="7", contender="synthesis/8", says=False))
        >>> [label.says for label in labels_in(Path("."))]
        [False]
    """
    path = labels_file(run)
    line = label.model_dump_json(exclude_defaults=True) + "\n"
    try:
        with _WRITING, path.open("a+b") as file:
            file.seek(0, 2)
            if file.tell():
                # A killed process may have left half a line.
                file.seek(-1, 2)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(line.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error}; labels are saved next to the run, so its folder"
            " must be writable"
        ) from error


def labels_in(run: Path) -> list[Label]:
    """The current labels of a run, in the order in which they were given.

    Args:
        run: Its folder, or its file.

    Returns:
        The last label of each reference and verdict, without those that were withdrawn. Lines that
        are not labels are skipped.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.view import Label, add_label, labels_in
        >>> add_label(Path("."), Label(item="7", contender="synthesis/8", says=True))
        >>> add_label(Path("."), Label(item="7", contender="synthesis/8", says=None))
        >>> labels_in(Path("."))
        []
    """
    try:
        lines = labels_file(run).read_bytes().splitlines()
    except OSError:
        return []
    found: dict[object, Label] = {}
    for line in lines:
        try:
            label = Label.model_validate(json.loads(line))
        except (ValueError, ValidationError, RecursionError):
            continue
        found.pop(label.about, None)
        found[label.about] = label
    return [label for label in found.values() if label.says is not None]


def by_item(labels: Iterable[Label]) -> Mapping[str, list[Label]]:
    """Group labels by item.

    Args:
        labels: The labels of a run.
    """
    found: dict[str, list[Label]] = {}
    for label in labels:
        found.setdefault(label.item, []).append(label)
    return found
