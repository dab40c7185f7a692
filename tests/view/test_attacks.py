"""In a real browser, no text of a model, a name or a file acts on the page that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from catsdk.view import export_page
from tests.view.conftest import Serve, shown
from tests.view.hostile import ATTACK, NAMED, runs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("pyarrow")

SUMS, RESULTS, TRAINING = f"{NAMED}/sums", f"{NAMED}/results.jsonl", f"{NAMED}/training"
BATCH, JUDGED = f"{NAMED}/batch", f"{NAMED}/judged"
SCREENS = {
    "runs": ("runs", {}),
    "items": ("items", {"run": SUMS}),
    "results": ("items", {"run": RESULTS}),
    "group": ("item", {"run": SUMS, "id": ATTACK}),
    "result": ("item", {"run": RESULTS, "id": "0"}),
    "rubric": ("rubric", {"run": RESULTS, "id": "0", "cell": "0.0.0"}),
    "cannot-tell": ("rubric", {"run": RESULTS, "id": "0", "cell": "0.0.1"}),
    "compare": ("compare", {"left": SUMS, "right": SUMS, "show": "all"}),
    "training": ("training", {"run": TRAINING}),
    "trained-group": ("item", {"run": TRAINING, "id": "step 1, group 1"}),
    "trained-rubric": ("rubric", {"run": TRAINING, "id": "step 1, group 1", "cell": "0.0.0"}),
    "money": ("money", {"run": RESULTS}),
    "batch": ("items", {"run": BATCH}),
    "batch-rewards": ("item", {"run": BATCH, "id": ATTACK}),
    "batch-reference": ("item", {"run": BATCH, "id": f"{ATTACK} 2"}),
    "batch-failed": ("item", {"run": BATCH, "id": f"{ATTACK} 3"}),
    "batch-money": ("money", {"run": BATCH}),
    "judged": ("items", {"run": JUDGED}),
    "judged-group": ("item", {"run": JUDGED, "id": NAMED}),
    "judged-rubric": ("rubric", {"run": JUDGED, "id": NAMED, "cell": "0.0.0"}),
    "search": ("items", {"run": SUMS, "q": ATTACK}),
    "nowhere": ("items", {"run": ATTACK}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs(tmp_path_factory.mktemp("hostile"))


def check(page: Page) -> None:
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("window.hit") is None
    made = "main img, main script, main iframe, main object, main [onerror], main style, main form"
    assert page.locator(made).count() == 0
    assert page.locator("main h1, main .question").count() >= 1


@pytest.mark.parametrize("screen", SCREENS)
def test_hostile_texts_are_shown_and_nothing_more(
    page: Page, serve: Serve, folder: Path, screen: str
) -> None:
    name, state = SCREENS[screen]
    page.goto(serve(folder))
    page.get_by_role("row").filter(has_text="training").first.wait_for()
    page.goto(f"{serve(folder)}/#/{name}?{urlencode(state, quote_via=quote)}")
    shown(page, f"#/{name}")
    check(page)
    if screen not in ("training", "search", "nowhere"):
        page.get_by_text("onerror=", exact=False).first.wait_for()


def test_hostile_texts_in_an_exported_file_are_shown_and_nothing_more(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    export_page(folder, path)
    assert ATTACK not in path.read_text("utf-8")
    for name, state in SCREENS.values():
        page.goto(f"{path.as_uri()}#/{name}?{urlencode(state, quote_via=quote)}")
        page.reload()
        page.locator("main h1").first.wait_for()
        check(page)


def test_an_assignment_of_html_is_refused_by_the_policy(
    browser: Browser, serve: Serve, folder: Path
) -> None:
    page = browser.new_page()
    page.goto(serve(folder))
    page.locator("main h1").wait_for()
    assign = "document.body.innerHTML = '<p>x</p>'"
    code = f"() => {{ try {{ {assign}; return 'done' }} catch {{ return 'refused' }} }}"
    assert page.evaluate(code) == "refused"
    page.close()
