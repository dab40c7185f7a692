"""Rubrics in YAML and JSON files, for people to read and edit: an edit is noticed and recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Provenance, Rubric
from catsdk.core.yaml_text import data_of, yaml_of
from catsdk.rubrics.healthbench import from_healthbench

__all__ = ["dumps", "form_of", "load", "loads", "save"]

MAX_BYTES = 5_000_000
_YAML = {".yaml", ".yml"}


def save(rubric: Rubric, path: str | Path) -> None:
    """Write a rubric to a file, without its calls.

    Args:
        rubric: The rubric.
        path: A file whose name ends in `.yaml`, `.yml` or `.json`.

    Raises:
        InvalidInputError: the file's name ends otherwise.

    Example:
        >>> from catsdk.rubrics import load, loads, save
        >>> save(loads("criteria: [Names clouds., Is brief.]"), "rain.yaml")
        >>> [criterion.text for criterion in load("rain.yaml").criteria]
        ['Names clouds.', 'Is brief.']
    """
    target = Path(path)
    target.write_text(dumps(rubric, form=form_of(target)), encoding="utf-8")


def load(path: str | Path) -> Rubric:
    """Return the rubric of a file, by `save` or written by hand.

    An example in HealthBench's form is taken, too. A rubric whose criteria differ from those that
    were saved becomes the next version, and its provenance says `edited`.

    Args:
        path: A file whose name ends in `.yaml`, `.yml` or `.json`.

    Raises:
        InvalidInputError: the file cannot be read, or holds no rubric; the message says where.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.rubrics import load
        >>> written = Path("rain.yaml").write_text("criteria: [Names clouds., Is brief.]")
        >>> load("rain.yaml").criteria[1].text
        'Is brief.'
    """
    source = Path(path)
    try:
        if source.stat().st_size > MAX_BYTES:
            raise InvalidInputError(f"{source} is over {MAX_BYTES:,} bytes, too large for a rubric")
        return loads(source.read_text(encoding="utf-8-sig"), form=form_of(source), name=str(source))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{source} cannot be read: {error}") from error


def dumps(rubric: Rubric, *, form: str = "yaml") -> str:
    """Return a rubric as text.

    Args:
        rubric: The rubric.
        form: `yaml` or `json`.

    Example:
        >>> from catsdk.rubrics import dumps, loads
        >>> rubric = loads("criteria: [Names clouds.]")
        >>> loads(dumps(rubric, form="json"), form="json").criteria == rubric.criteria
        True
    """
    data = {
        "id": rubric.id,
        "version": rubric.version,
        "digest": rubric.digest,
        "provenance": rubric.provenance.model_dump(mode="json", exclude_defaults=True),
        "criteria": [c.model_dump(mode="json", exclude_defaults=True) for c in rubric.criteria],
    }
    if form == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    return yaml_of(data)


def loads(text: str, *, form: str = "yaml", name: str = "the text") -> Rubric:
    """Return the rubric of a text; criteria may be plain texts, and ids may be left out.

    Args:
        text: The text.
        form: `yaml` or `json`.
        name: Where it came from, for errors.

    Raises:
        InvalidInputError: it holds no rubric.

    Example:
        >>> from catsdk.rubrics import loads
        >>> [criterion.text for criterion in loads("criteria: [Names clouds., Is brief.]").criteria]
        ['Names clouds.', 'Is brief.']
    """
    try:
        data = data_of(text, name) if form == "yaml" else json.loads(text.removeprefix("\ufeff"))
        fields = cast("dict[str, object]", data) if isinstance(data, dict) else {}
        if "rubrics" in fields:
            return from_healthbench(fields)
        return _rubric(fields, name)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInputError(f"{name}: {where} is {first['input']!r}: {first['msg']}") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidInputError(f"{name} is not JSON: {error}") from error


def _rubric(fields: dict[str, object], name: str) -> Rubric:
    listed = fields.get("criteria")
    if not isinstance(listed, list) or not listed:
        raise InvalidInputError(f"{name} holds no list of criteria under 'criteria'")
    criteria = [_criterion(at, item) for at, item in enumerate(cast("list[object]", listed), 1)]
    data = {key: value for key, value in fields.items() if key != "digest"}
    provenance = data.get("provenance") or {"method": "written by hand"}
    rubric = Rubric.model_validate({**data, "criteria": criteria, "provenance": provenance})
    ids = [criterion.id for criterion in rubric.criteria]
    if len(set(ids)) < len(ids):
        raise InvalidInputError(f"{name}: the criteria have the ids {ids}; give each its own")
    saved = fields.get("digest")
    if saved is not None and not isinstance(saved, str):
        raise InvalidInputError(
            f"{name}: digest is {saved!r:.80}; leave it unchanged, or remove it"
        )
    return rubric if saved in {None, rubric.digest} else _edited(rubric, str(saved))


def _criterion(at: int, item: object) -> object:
    if isinstance(item, str):
        return {"id": f"r{at}", "text": item}
    if isinstance(item, dict):
        return {"id": f"r{at}", **cast("dict[str, object]", item)}
    return item


def _edited(rubric: Rubric, saved: str) -> Rubric:
    settings = {**rubric.provenance.settings, "edited": True, "edited_from": saved}
    provenance: Provenance = rubric.provenance.model_copy(update={"settings": settings})
    return rubric.revised(rubric.criteria).model_copy(update={"provenance": provenance})


def form_of(path: Path) -> str:
    """The form of a rubric file, `yaml` or `json`, by its name.

    Raises:
        InvalidInputError: it ends in neither.
    """
    if path.suffix.lower() in _YAML:
        return "yaml"
    if path.suffix.lower() == ".json":
        return "json"
    raise InvalidInputError(f"{path} ends in {path.suffix!r}; name it .yaml, .yml or .json")
