"""The documentation says what the model of each estimator is really shown."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import catsdk.estimators
from docs import shown_table

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.allow_blocking
def test_the_table_is_what_the_estimators_show() -> None:
    page = shown_table.PAGE.read_text(encoding="utf-8")
    assert shown_table.rewritten(page) == page, "run `make maps`"


def test_every_estimator_stands_in_the_table() -> None:
    named = {name for row in shown_table.ESTIMATORS for name in re.findall(r"\w+", row)}
    for name in catsdk.estimators.__all__:
        kind = getattr(catsdk.estimators, name)
        if inspect.isclass(kind) and ({"estimate", "rate"} & set(dir(kind))):
            assert name in named, f"{name} is not in docs/shown_table.py"
