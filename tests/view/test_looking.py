"""A look at a folder reads what has changed since the last one, and nothing else."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

import catsdk as cat
from catsdk.core.types import Result
from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.outline import Outline
from catsdk.view.questions import StillLookingError, answer
from catsdk.view.runs.run import About, News, Run
from tests.view.seen import four, write

pytest.importorskip("pyarrow")


OPENED: Counter[str] = Counter()
LISTED: Counter[str] = Counter()


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event in ("open", "sqlite3.connect"):
        OPENED[str(args[0])] += 1
    elif event == "os.scandir":
        LISTED[str(args[0])] += 1


sys.addaudithook(_hook)


@contextmanager
def watched(folder: Path) -> Generator[tuple[Callable[[], list[str]], Callable[[], list[str]]]]:
    """What of a folder is opened, and which of its folders are listed, meanwhile."""
    OPENED.clear()
    LISTED.clear()

    def below(counter: Counter[str]) -> Callable[[], list[str]]:
        return lambda: [path for path in counter if str(folder) in path]

    yield below(OPENED), below(LISTED)


def settled(folder: Path) -> None:
    """Let all of it have been written a minute ago: what is new may change without a mark."""
    for path in [folder, *folder.rglob("*")]:
        state = path.stat()
        os.utime(path, ns=(state.st_atime_ns - 60_000_000_000, state.st_mtime_ns - 60_000_000_000))


def result(answer: str) -> str:
    return Result(group=cat.group_of("2+2?", [answer])).model_dump_json() + "\n"


def test_a_second_look_opens_nothing_and_walks_through_no_folder(
    tmp_path: Path, index: Index
) -> None:
    for at in range(3):
        write(tmp_path / f"run-{at}", four())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data.jsonl").write_text('{"prompt": "2+2?"}\n', "utf-8")
    settled(tmp_path)
    library = Library(tmp_path, index)
    library.refresh()
    assert len(library.runs) == 3
    with watched(tmp_path) as (opened, listed):
        library.refresh()
    assert opened() == []
    # The files of a run have marks, which say that nothing of it is new.
    assert sorted(listed()) == [str(tmp_path / f"run-{at}") for at in range(3)]


def test_only_the_run_that_has_changed_is_read_again(tmp_path: Path, index: Index) -> None:
    write(tmp_path / "still", four())
    (tmp_path / "grows.jsonl").write_text(result("4"), "utf-8")
    settled(tmp_path)
    library = Library(tmp_path, index)
    library.refresh()
    with (tmp_path / "grows.jsonl").open("a", encoding="utf-8") as file:
        file.write(result("5"))
    with watched(tmp_path) as (opened, _):
        library.refresh()
    assert {Path(path).name for path in opened()} == {"grows.jsonl", "grows.jsonl.labels.jsonl"}
    assert library.runs["grows.jsonl"].sums(index, "grows.jsonl")["items"] == 2


def test_a_file_that_becomes_a_run_is_found_though_its_folder_did_not_change(
    tmp_path: Path, index: Index
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("", "utf-8")
    settled(tmp_path)
    library = Library(tmp_path, index)
    library.refresh()
    assert library.runs == {}
    path.write_text(result("4"), "utf-8")
    library.refresh()
    assert list(library.runs) == ["results.jsonl"]


def test_a_folder_that_becomes_a_run_of_another_kind_is_read_anew(
    tmp_path: Path, index: Index
) -> None:
    write(tmp_path / "made", four())
    library = Library(tmp_path, index)
    library.refresh()
    assert library.runs["made"].about.kind == "eval"
    (tmp_path / "made" / "manifest.json").write_text('{"plan": {}}', "utf-8")
    library.refresh()
    assert library.runs["made"].about.kind == "batch"
    assert library.runs["made"].sums(index, "made")["items"] == 0


class Slow(Run):
    """A run whose second item comes when the test says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.first, self.go_on = Event(), Event()

    def news(self) -> News:
        for at in range(100):
            yield str(at), Outline(id=str(at))
        self.first.set()
        self.go_on.wait(60)
        yield "last", Outline(id="last")

    def entry(self, place: str) -> None:
        return None

    def about(self) -> About:
        return About(kind="results", title="slow")

    def count(self) -> int:
        return 101


def test_what_is_known_is_listed_while_the_rest_is_read_and_how_much_there_is(
    tmp_path: Path, index: Index
) -> None:
    library, slow = Library(tmp_path, index), Slow(tmp_path)
    library._finder.runs = lambda: {"slow": slow}  # type: ignore[method-assign]
    with pytest.raises(StillLookingError, match="still looking"):
        answer(library, "items", {"run": "slow"})
    looking = Thread(target=library.refresh)
    looking.start()
    try:
        assert slow.first.wait(60)
        told = answer(library, "run", {"run": "slow"})
        assert (told["indexed"], told["items"], told["expected"]) == (False, 100, 101)
        assert answer(library, "items", {"run": "slow"})["total"] == 100
    finally:
        slow.go_on.set()
        looking.join()
    told = answer(library, "run", {"run": "slow"})
    assert (told["indexed"], told["items"]) == (True, 101)
    with pytest.raises(LookupError, match="no run 'other'"):
        answer(library, "items", {"run": "other"})
