"""The documentation says what the model of each estimator is really shown."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import catsdk.estimators

ROOT = Path(__file__).resolve().parent.parent


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shown_table", ROOT / "docs/shown_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.allow_blocking
def test_the_table_is_what_the_estimators_show() -> None:
    shown = loaded()
    page = shown.PAGE.read_text(encoding="utf-8")
    assert shown.rewritten(page) == page, "run `make maps`"


def test_every_estimator_stands_in_the_table() -> None:
    named = {name for row in loaded().ESTIMATORS for name in re.findall(r"\w+", row)}
    for name in catsdk.estimators.__all__:
        kind = getattr(catsdk.estimators, name)
        if inspect.isclass(kind) and ({"estimate", "rate"} & set(dir(kind))):
            assert name in named, f"{name} is not in docs/shown_table.py"
