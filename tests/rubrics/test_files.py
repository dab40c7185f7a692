"""Rubrics survive files, and an edit by hand is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Criterion, Provenance, Rubric
from catsdk.rubrics.files import dumps, load, loads, save
from catsdk.rubrics.healthbench import read_healthbench
from catsdk.rubrics.judged import Judged
from tests.rubrics.scripted import group_of

RUBRIC = Rubric(
    id="rubric-1",
    version=3,
    criteria=(
        Criterion(id="c1", text='Gives the dose: "50 mg"', kind="essential", weight=1.0),
        Criterion(id="c2", text="Sagt, da\u00df man warten soll\nzwei Stunden", weight=0.5),
        Criterion(id="c3", text="yes", kind="pitfall", weight=-0.9),
    ),
    provenance=Provenance(method="rubric from reference", model="m", settings={"weighted": True}),
)


@pytest.mark.parametrize("name", ["r.yaml", "r.yml", "r.json"])
def test_a_rubric_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    save(RUBRIC, tmp_path / name)
    assert load(tmp_path / name) == RUBRIC


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_edit_by_hand_is_the_next_version_and_says_so(form: str) -> None:
    edited = loads(dumps(RUBRIC, form=form).replace("50 mg", "5 mg"), form=form)
    assert (edited.id, edited.version) == ("rubric-1", 4)
    assert edited.criteria[0].text == 'Gives the dose: "5 mg"'
    assert edited.provenance.settings["edited"] is True
    assert edited.provenance.settings["edited_from"] == RUBRIC.digest
    assert edited.criteria[1:] == RUBRIC.criteria[1:]
    assert loads(dumps(edited, form=form), form=form) == edited


def test_a_rubric_by_hand_needs_only_its_criteria() -> None:
    rubric = loads("criteria:\n- Gives the dose\n- {text: Warns of sleep, weight: 2}\n")
    assert [(c.id, c.text, c.weight) for c in rubric.criteria] == [
        ("r1", "Gives the dose", 1.0),
        ("r2", "Warns of sleep", 2.0),
    ]
    assert rubric.provenance.method == "written by hand"


def test_an_example_in_healthbench_s_form_is_a_rubric_too() -> None:
    line = {"rubrics": [{"criterion": "a", "points": 5}, {"criterion": "b", "points": -2}]}
    assert [c.weight for c in loads(json.dumps(line), form="json").criteria] == [5, -2]


LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\ncriteria: [*a]\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no list of criteria"),
        ("criteria: []", "no list of criteria"),
        ("criteria: [3]", "criteria.0"),
        ("criteria: [{text: a, weight: heavy}]", "criteria.0.weight is 'heavy'"),
        ("criteria: [{text: a, weight: .nan}]", "criteria.0.weight"),
        ("criteria: [{text: a, kind: nice}]", "criteria.0.kind is 'nice'"),
        ("criteria: [{text: a, colour: red}]", "colour"),
        ("criteria: [{text: a, id: 'no spaces'}]", "criteria.0.id"),
        ("criteria: [{text: a, id: x}, {text: b, id: x}]", "each its own"),
        ("criteria: [a, b]\nname: x", "name"),
        (LAUGHS, "has the YAML alias"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
        ("criteria: [", "is not YAML"),
    ],
)
def test_a_file_that_is_no_rubric_says_where(text: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        loads(text)
    assert says in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="nothing.yaml"):
        load(tmp_path / "nothing.yaml")
    with pytest.raises(InvalidInputError, match="name it .yaml"):
        save(RUBRIC, tmp_path / "r.txt")
    (tmp_path / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InvalidInputError, match="is not JSON"):
        load(tmp_path / "deep.json")


def test_an_edit_keeps_the_id_and_raises_the_version() -> None:
    revised = RUBRIC.revised(RUBRIC.criteria[:2])
    assert (revised.id, revised.version) == ("rubric-1", 4)
    assert revised.digest != RUBRIC.digest
    assert RUBRIC.revised(RUBRIC.criteria).digest == RUBRIC.digest


@pytest.mark.parametrize("name", ["rubric.yaml", "rubric.json"])
def test_a_byte_order_mark_is_not_part_of_a_rubric(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    text = '{"criteria": ["Names the dose"]}'
    file.write_text(text, encoding="utf-8-sig")
    assert load(file) == loads("\ufeff" + text, form="json")
    examples = tmp_path / "examples.jsonl"
    line = {
        "prompt": [{"role": "user", "content": "q", "name": None}],
        "rubrics": [{"criterion": "a", "points": 1}],
    }
    examples.write_text(json.dumps(line), encoding="utf-8-sig")
    assert [example.prompt[0].text for example in read_healthbench(examples)] == ["q"]


def test_a_judged_group_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    rubric = loads('{"criteria": ["a"]}', form="json")
    judged = Judged(rubric=rubric, group=group_of("x"), scores=())
    file = tmp_path / "judged.json"
    file.write_text(judged.model_dump_json(), encoding="utf-8-sig")
    assert Judged.load(file) == judged


@pytest.mark.parametrize("piece", ["[", "{", "- ", "{a: ", "? ", "[[a], "])
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_file_that_is_nested_deep_is_refused_at_once(piece: str, form: str) -> None:
    start = process_time()
    with pytest.raises(InvalidInputError):
        loads(piece * (100_000 // len(piece)), form=form)
    assert process_time() - start < 2


@pytest.mark.parametrize("digest", ["[1]", "{a: 1}", "7", "true"])
def test_a_digest_that_is_not_a_text_is_named(digest: str) -> None:
    with pytest.raises(InvalidInputError, match="the text: digest is"):
        loads(f"criteria: [a]\ndigest: {digest}\n")
