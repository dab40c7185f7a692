"""Time the viewer on a run with very many items: `python -m benchmarks.viewer`.

It needs the test environment and Chromium. Times are those of one run; the load average printed
with them shows how busy the machine was.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.questions import answer
from tests.view.conftest import chromium, serving
from tests.view.many import many

Question = tuple[str, dict[str, str]]
STARTS = 3


def questions(count: int) -> dict[str, Question]:
    """The requests to the server without a browser, by description."""
    last = str(count - 4)
    return {
        "a page of the list": ("items", {"run": "many"}),
        "a page of a filter": ("items", {"run": "many", "filter": "gained"}),
        "a page of a search": ("items", {"run": "many", "q": last}),
        "a page, sorted": ("items", {"run": "many", "sort": "pass", "way": "down"}),
        "one item": ("item", {"run": "many", "id": f"sum {count // 2}"}),
    }


def lists(count: int) -> dict[str, str]:
    """The lists that a browser opens, by description."""
    return {
        "first page": "",
        "a filter": "&filter=gained",
        "a search": f"&q={count - 4}",
        "sorted": "&sort=pass&way=down",
        "last page, sorted": f"&sort=pass&way=down&offset={count - 100}",
    }


def without_browser(folder: Path, count: int) -> None:
    """Print the server's CPU seconds, which depend little on how busy the machine is."""
    index = Index(folder / "index.sqlite")
    library = Library(folder, index)
    began = time.process_time()
    library.refresh()
    print(f"CPU to read the run for the first time: {time.process_time() - began:.1f} s")
    began = time.process_time()
    library.refresh()
    print(f"CPU to check an unchanged run: {1000 * (time.process_time() - began):.1f} ms")
    for name, (question, given) in questions(count).items():
        began = time.process_time()
        answer(library, question, given)
        print(f"CPU of {name}: {time.process_time() - began:.2f} s")
    index.close()


def first_paint(page: Page, address: str) -> float:
    """Open the list of the run; return the seconds until its first row appears."""
    began = time.perf_counter()
    page.goto(f"{address}/#/items?run=many")
    page.locator("tr.open").first.wait_for()
    return time.perf_counter() - began


def measure(count: int) -> None:
    """Make the run, open it while it is read for the first time, then open its lists."""
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        many(folder / "many", count)
        print(f"{count:,} items; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        without_browser(folder, count)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(600_000)
        for start in range(STARTS):
            with serving(folder) as address:
                waited = first_paint(page, address)
                print(f"first paint of start {start + 1}, while the run is read: {waited:.2f} s")
                page.goto("about:blank")
        with serving(folder) as address:
            began = time.perf_counter()
            first_paint(page, address)
            page.locator("text=/^indexing, /").wait_for(state="detached")
            print(f"all of it read: {time.perf_counter() - began:.1f} s")
            for name, query in lists(count).items():
                page.goto("about:blank")
                began = time.perf_counter()
                page.goto(f"{address}/#/items?run=many{query}")
                page.locator("tr.open").first.wait_for()
                print(f"{name}: {time.perf_counter() - began:.2f} s")
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    measure(parser.parse_args().items)
