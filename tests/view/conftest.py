"""An empty index, a real Chromium, and the viewer as its command serves it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from catsdk.view.index import Index

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
MAIN = "from catsdk.cli import main; main()"
AXE = Path(sys.prefix) / "axe.min.js"

Serve = Callable[[Path], str]


@pytest.fixture
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of nothing yet, beside the folder of runs."""
    index = Index(tmp_path_factory.mktemp("index") / "index.sqlite")
    yield index
    index.close()


def chromium() -> str:
    """The browser of this machine; without one, the test fails with the line that installs it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.fail(
            "the viewer is tested in a real browser, and there is no chromium here:"
            " apt-get install -y chromium",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for the tests of one module."""
    if os.environ.get("CI"):
        # There the environment is the whole one: nothing is left out in silence.
        import playwright.sync_api as driver
    else:
        driver = pytest.importorskip("playwright.sync_api")
    path = chromium()
    with driver.sync_playwright() as playwright:
        # A container's root has no namespaces of its own for the sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1280 pixels; an error of its scripts, or of its policy, fails the test."""
    errors: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if _is_error(told) else None)
    yield page
    context.close()
    assert errors == []


def shown(page: Page, address: str) -> None:
    """Wait until the screen of an address that matches stands there whole."""
    from playwright.sync_api import expect

    main = page.locator("main:not([aria-busy])")
    expect(main).to_have_attribute("data-shows", re.compile(address), timeout=60_000)


def _is_error(told: Any) -> bool:
    # That a request had no success is told by the page itself.
    return told.type == "error" and "Failed to load resource" not in told.text


def made(what: str, path: Path) -> Path:
    """Make a real run in a process of its own: here the browser's driver has the event loop."""
    subprocess.run(
        [sys.executable, "-m", "tests.view.real", what, str(path)],
        check=True,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    return path


def environment() -> dict[str, str]:
    """The environment of a command: no settings of whoever runs the tests, and our packages."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CATSDK_")}
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "providers", ROOT / "trainers"))
    return {**clean, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"}


@contextmanager
def serving(folder: Path, *options: str, at: Path | None = None) -> Iterator[str]:
    """Run `catsdk view`, where one works being `at`; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "view", str(folder), "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=at,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("viewer at http"), line
        yield line.removeprefix("viewer at ").strip()
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serves folders until the tests of the module end; one server a folder."""
    with ExitStack() as stack:
        served: dict[Path, str] = {}

        def address(folder: Path) -> str:
            if folder not in served:
                served[folder] = stack.enter_context(serving(folder))
            return served[folder]

        yield address


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people from using a page."""
    if not AXE.exists():
        pytest.fail(f"{AXE} is not there: make install (or python tests/view/fetch_axe.py)",
                    pytrace=False)  # fmt: skip
    return AXE.read_text("utf-8")
