"""What people say of references and verdicts is kept beside a run, and compared with its judges."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import catsdk as cat
from catsdk.cli.rubrics.commands import agreement
from catsdk.core.types import Criterion, Provenance, Rubric, Verdict
from catsdk.evaluate import item_of
from catsdk.rubrics import Judged
from catsdk.view import Label, add_label, labels_in, people_and_judges
from catsdk.view.index import Index
from catsdk.view.labels import labels_file
from catsdk.view.library import Library
from catsdk.view.queries import Asked, page
from tests.view.seen import four, write
from tests.view.test_site import asking, ready

pytest.importorskip("pyarrow")

SUM = "synthesis/3"


@pytest.fixture
def library(tmp_path: Path, index: Index) -> Library:
    """A library of one run, `sums`."""
    write(tmp_path / "sums", four())
    library = Library(tmp_path, index)
    library.refresh()
    return library


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "labels.jsonl"
    }


def test_the_last_label_counts_and_one_can_be_taken_back(tmp_path: Path) -> None:
    for says in (True, False):
        add_label(tmp_path, Label(item="a", contender=SUM, says=says, note="why"))
    add_label(tmp_path, Label(item="b", contender=SUM, says=True))
    add_label(tmp_path, Label(item="b", contender=SUM, says=None))
    add_label(tmp_path, Label(item="a", criterion="r1", rollout=0, says=True))
    said = [(label.item, label.contender, label.says) for label in labels_in(tmp_path)]
    assert said == [("a", SUM, False), ("a", "", True)]


def test_half_a_line_and_lines_that_are_no_labels_are_passed_over(tmp_path: Path) -> None:
    labels_file(tmp_path).write_text('[]\n{"item": 3}\nnull\n{"item": "x", "sa', "utf-8")
    add_label(tmp_path, Label(item="a", contender=SUM, says=False))
    assert [label.item for label in labels_in(tmp_path)] == ["a"]


def test_labels_of_a_file_stand_beside_it(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text("{}\n", "utf-8")
    add_label(tmp_path / "results.jsonl", Label(item="0", contender=SUM, says=False))
    assert (tmp_path / "results.jsonl.labels.jsonl").is_file()
    assert len(labels_in(tmp_path / "results.jsonl")) == 1


def test_references_that_people_called_wrong_are_found_by_a_filter(
    library: Library, index: Index
) -> None:
    ids = [row["id"] for row in page(index, Asked("sums"))]
    wrong = Asked("sums", SUM, ("doubted",))
    assert page(index, wrong) == []
    library.label("sums", Label(item=ids[1], contender=SUM, says=False))
    library.label("sums", Label(item=ids[2], contender="majority/3", says=False))
    library.refresh()
    assert [row["id"] for row in page(index, wrong)] == [ids[1]]
    library.label("sums", Label(item=ids[1], contender=SUM, says=None))
    library.refresh()
    assert page(index, wrong) == []


@pytest.mark.parametrize(
    "about",
    [
        {"item": "nobody", "contender": SUM},
        {"contender": "nobody/3"},
        {"criterion": "r1", "rollout": 0},
        {},
        {"contender": SUM, "rollout": 1},
    ],
)
def test_what_is_not_there_cannot_be_labelled(
    tmp_path: Path, library: Library, index: Index, about: dict[str, Any]
) -> None:
    id = page(index, Asked("sums"))[0]["id"]
    with pytest.raises(LookupError, match="there is no"):
        library.label("sums", Label(says=False, **{"item": id, **about}))
    assert not labels_file(tmp_path / "sums").exists()


BODY = {"run": "sums", "contender": SUM, "says": False, "note": "it is 5"}
OTHERS = [
    ({"host": "evil.example"}, 403),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 403),
    ({"content-type": "text/plain"}, 415),
    ({"content-type": "application/x-www-form-urlencoded"}, 415),
]


@pytest.mark.allow_blocking  # the run is written and read by the test itself
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_label_is_kept_beside_the_run_and_nothing_else_changes(tmp_path: Path) -> None:
    async with asking(tmp_path) as (session, address):
        await ready(session)
        before = digests(tmp_path)
        async with session.get("/api/items?run=sums") as response:
            id = (await response.json())["rows"][1]["id"]
        for headers, status in OTHERS:
            data = json.dumps({**BODY, "item": id})
            headers = {"content-type": "application/json", **headers}
            async with session.post("/api/label", data=data, headers=headers) as response:
                assert response.status == status, headers
        assert labels_in(tmp_path / "sums") == []
        own = {"origin": address, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
        async with session.post("/api/label", json={**BODY, "item": id}, headers=own) as response:
            assert response.status == 200
        async with session.get("/api/item", params={"run": "sums", "id": id}) as response:
            (told,) = (await response.json())["labels"]
        assert (told["contender"], told["says"], told["note"]) == (SUM, False, "it is 5")
        assert digests(tmp_path) == before


NO_LABELS = [
    "{",
    "[]",
    '{"run": "sums"}',
    '{"run": "sums", "item": "x", "says": "perhaps so"}',
    '{"run": "sums", "item": "x", "says": false, "path": "/etc"}',
    "[" * 15_000,
]


@pytest.mark.allow_blocking  # as above
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        *((body, 400, "not a label") for body in NO_LABELS),
        ('{"run": "../sums", "item": "x", "says": false}', 404, "no item"),
        (" " * 20_000, 413, "longer"),
    ],
)
async def test_what_is_no_label_is_refused(
    tmp_path: Path, body: str, status: int, words: str
) -> None:
    async with asking(tmp_path) as (session, _):
        await ready(session)
        headers = {"content-type": "application/json"}
        async with session.post("/api/label", data=body, headers=headers) as response:
            assert response.status == status
            assert words in (await response.json())["detail"]
    assert labels_in(tmp_path / "sums") == []


@pytest.mark.allow_blocking  # as above
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_with_a_token_only_those_who_have_it_may_label(tmp_path: Path) -> None:
    async with (
        asking(tmp_path, token="a secret") as (session, _),
        session.post("/api/label", json=BODY) as response,
    ):
        assert response.status == 401


def judged(path: Path, met: dict[str, list[bool | None]]) -> None:
    """A judged group; each judge's verdicts on r1, by rollout."""
    names = list(met)
    count = len(met[names[0]])
    rubric = Rubric(criteria=(Criterion(id="r1", text="It is 4."),),
                    provenance=Provenance(method="by hand"))  # fmt: skip
    scores = []
    for at in range(count):
        votes = [Verdict(criterion_id="r1", met=met[name][at], judge=name) for name in names]
        whole = votes[0] if len(votes) == 1 else votes[0].model_copy(
            update={"judge": "panel", "votes": tuple(votes)})  # fmt: skip
        scores.append(cat.Score(index=at, value=1.0, verdicts=(whole,)))
    group = cat.group_of("2+2?", ["It is 4"] * count)
    Judged(rubric=rubric, group=group, scores=tuple(scores)).save(path)


def test_judges_are_compared_with_what_people_said(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    judged(tmp_path / "one.json", {"a": [True, True, False, False], "b": [True, False, None, True]})
    for at, says in enumerate([True, False, False, False]):
        add_label(tmp_path, Label(item="one", criterion="r1", rollout=at, says=says))
    add_label(tmp_path, Label(item="gone", criterion="r1", rollout=0, says=True))
    told = people_and_judges(tmp_path)
    assert told.verdicts is not None and told.gone == 1
    assert told.verdicts.judges == ("people", "panel", "a", "b")
    assert told.verdicts.cohen["people", "a"] == pytest.approx(0.5)
    assert told.verdicts.items == 4
    assert told.references is None


def test_grades_of_references_are_compared_with_what_people_said(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    write(tmp_path / "sums", four())
    for question, says in (("1+1", True), ("2+2", False), ("3+3", False)):
        id = item_of(question, "0").id
        add_label(tmp_path / "sums", Label(item=id, contender=SUM, says=says))
    told = people_and_judges(tmp_path)
    assert told.right == {SUM: (1, 3)}
    assert told.references is not None
    # The synthesis is right, right and wrong by the known answers.
    assert told.references.raw == pytest.approx(2 / 3)


def test_the_command_shows_each_judge_against_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    judged(tmp_path / "one.json", {"a": [True, True, False, False]})
    for at, says in enumerate([True, False, False, False]):
        add_label(tmp_path, Label(item="one", criterion="r1", rollout=at, says=says))
    agreement(tmp_path)
    told = capsys.readouterr().out
    assert "4 verdicts" in told.replace("\n", " ")
    assert "0.75" in told and "0.50" in told


def test_the_command_says_that_nothing_is_labelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agreement(tmp_path)
    assert "nothing is labelled yet" in capsys.readouterr().out
