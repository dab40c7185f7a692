"""Take the pictures of docs/viewer.md anew: `python docs/screenshots.py`, in a few minutes.

The runs are real ones of the model in the box, the browser is the system's Chromium.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "providers"), str(ROOT / "trainers")]

from tests.view.conftest import chromium, made, serving

INTO = ROOT / "docs" / "viewer"
ITEM = "run=sums&by=synthesis%2F4&filter=gained&id=77097630%2B44482529"
SCREENS = {
    "runs": "runs",
    "items": "items?run=sums",
    "group": f"item?{ITEM}",
    "rubric": "rubric?run=judged.jsonl&id=0&cell=0.0.0",
    "compare": "compare?left=sums&right=sums&left_by=majority%2F4&right_by=synthesis%2F4",
    "training": "training?run=trained",
    "money": "money?run=sums",
}


def shoot(page: Page, address: str) -> None:
    """Take a picture of each screen, and one of the heart of it in the dark."""
    page.goto(address)
    page.locator("tr.open").first.wait_for()
    page.locator("text=/^indexing, /").first.wait_for(state="detached")
    for name, screen in SCREENS.items():
        page.goto(f"{address}/#/{screen}")
        page.locator("main[aria-busy]").wait_for(state="detached")
        page.locator("main h1").first.wait_for()
        page.wait_for_url(re.compile(re.escape(screen.partition("?")[0])))
        page.screenshot(path=INTO / f"{name}.png")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}/#/item?{ITEM}")
    page.locator(".cards").first.wait_for()
    page.screenshot(path=INTO / "group-dark.png")


def main() -> None:
    """Make the runs, serve them, and take the pictures."""
    INTO.mkdir(exist_ok=True)
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place) / "runs"
        folder.mkdir()
        made("evaluation", folder / "sums")
        made("rubrics", folder / "judged.jsonl")
        made("training", folder / "trained")
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        with serving(Path("runs"), at=folder.parent) as address:
            shoot(page, address)
        browser.close()


if __name__ == "__main__":
    main()
