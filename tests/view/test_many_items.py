"""A run of 100,000 items is looked through page by page; no page holds more than one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.view.conftest import serving, shown
from tests.view.many import many

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("pyarrow")


@pytest.mark.slow
def test_a_hundred_thousand_items_are_listed_filtered_searched_and_opened(
    page: Page, tmp_path: Path
) -> None:
    many(tmp_path / "many")
    with serving(tmp_path) as address:
        # The first page is there while the rest is still being read.
        page.goto(f"{address}/#/items?run=many")
        page.locator("tr.open").first.wait_for()
        page.locator("text=/^indexing, /").wait_for(state="detached", timeout=300_000)
        page.get_by_text("of 100,000").wait_for()
        assert page.locator("tr.open").count() == 100
        page.get_by_role("button", name="reference right, majority wrong").click()
        page.get_by_text("1–100 of 40,000").wait_for()
        page.keyboard.press("n")
        shown(page, "offset=100")
        page.get_by_text("101–200 of 40,000").wait_for()
        page.locator("input[type=search]").fill("99996")
        page.get_by_text("1–1 of 1").wait_for()
        page.locator("tr.open").click()
        page.locator('[data-card="Reference"]').wait_for()
        page.goto(f"{address}/#/items?run=many&sort=pass&way=down&offset=99900")
        page.get_by_text("99,901–100,000 of 100,000").wait_for()
