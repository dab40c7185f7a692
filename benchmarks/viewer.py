"""How long the viewer takes over a run of very many items: `python -m benchmarks.viewer`.

Needs the tests' environment and a Chromium. Times are of one start on this machine; the load beside
them says how much else it did.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.questions import answer
from tests.view.conftest import chromium, serving
from tests.view.many import many

QUESTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "a page of the list": ("items", {"run": "many"}),
    "a page of a filter": ("items", {"run": "many", "filter": "gained"}),
    "a page of a search": ("items", {"run": "many", "q": "99996"}),
    "a page, sorted": ("items", {"run": "many", "sort": "pass", "way": "down"}),
    "one item": ("item", {"run": "many", "id": "sum 50000"}),
}
LISTS = {
    "first page": "",
    "a filter": "&filter=gained",
    "a search": "&q=99996",
    "sorted": "&sort=pass&way=down",
    "last page, sorted": "&sort=pass&way=down&offset=99900",
}


def without_browser(folder: Path) -> None:
    """The seconds of CPU that the server needs, which a busy machine changes little."""
    index = Index(folder / "index.sqlite")
    library = Library(folder, index)
    began = time.process_time()
    library.refresh()
    print(f"CPU to read the run for the first time: {time.process_time() - began:.1f} s")
    for name, (question, given) in QUESTIONS.items():
        began = time.process_time()
        answer(library, question, given)
        print(f"CPU of {name}: {time.process_time() - began:.2f} s")
    index.close()


def measure(count: int) -> None:
    """Make the run, open it while it is read for the first time, and then its lists."""
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        many(folder / "many", count)
        print(f"{count:,} items; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        without_browser(folder)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(600_000)
        with serving(folder) as address:
            began = time.perf_counter()
            page.goto(f"{address}/#/items?run=many")
            page.locator("tr.open").first.wait_for()
            print(f"first paint, while the run is read: {time.perf_counter() - began:.2f} s")
            page.locator("text=/^indexing, /").wait_for(state="detached")
            print(f"all of it read: {time.perf_counter() - began:.1f} s")
            for name, query in LISTS.items():
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
