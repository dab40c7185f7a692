"""Build the site, and check it: `python -m docs.site.build`, or `make site`.

The pages are those of `docs/`, the README as the first, the notebooks as they last ran, and a
reference that is made from the sources. `out/site/pages` has what they come to, `out/site/html`
the site with each page's Markdown beside it, `llms.txt` and `llms-full.txt`. Ends with 1 where a
link or an anchor leads nowhere, a page stands in no menu, or a public name has no entry.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

import yaml

from docs.site import llms, notebooks, reference

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "out" / "site"
PAGES, HTML = OUT / "pages", OUT / "html"
CONFIG = HERE / "mkdocs.yml"
BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md")
"""Pages that do not lie in `docs/`."""
LINK = re.compile(r"(?<!!)\[((?:[^][]|\[[^][]*\])*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
BLOCK = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def gather() -> None:
    """Put together the pages: the README first, those of `docs/`, and the reference."""
    shutil.rmtree(OUT, ignore_errors=True)
    ignored = shutil.ignore_patterns("*.py", "*.json", "*.ipynb", "__pycache__", "logs", "site")
    shutil.copytree(ROOT / "docs", PAGES, ignore=ignored)
    for name in BESIDE:
        shutil.copy(ROOT / name, PAGES / name)
    shutil.copy(ROOT / "README.md", PAGES / "index.md")
    shutil.copy(CONFIG, OUT / CONFIG.name)
    for source in sorted(notebooks.SOURCES.glob("*.ipynb")):
        if not notebooks.write_page(source, PAGES / "notebooks"):
            sys.stderr.write(f"{source.name} is shown without outputs: `make notebooks` runs it\n")
    for page in PAGES.rglob("*.md"):
        came_from_root = page.parent == PAGES and page.name in (*BESIDE, "index.md")
        folder = ROOT if came_from_root else ROOT / "docs" / _below(page)
        page.write_text(_with_links(page, folder), "utf-8")
    for path, text in reference.pages().items():
        target = PAGES / "reference" / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, "utf-8")


def _below(page: Path) -> Path:
    return page.parent.relative_to(PAGES)


def _with_links(page: Path, folder: Path) -> str:
    """The page's text, with links to pages as the site has them, and none to other files."""

    def moved(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        address = _address((folder / target).resolve().relative_to(ROOT), page)
        return text if address is None else f"[{text}]({address}{anchor})"

    parts = BLOCK.split(page.read_text("utf-8"))
    return "".join(part if at % 2 else LINK.sub(moved, part) for at, part in enumerate(parts))


def _address(path: Path, page: Path) -> str | None:
    """The address of a file of the repository as seen from a page; `None` where it is no page."""
    places = {Path("README.md"): Path("index.md"), Path("docs/adr"): Path("adr/index.md")}
    places |= {Path(name): Path(name) for name in BESIDE}
    inside = path.relative_to("docs") if path.is_relative_to("docs") else None
    if inside is not None and inside.suffix == ".ipynb" and page.stem != inside.stem:
        inside = inside.with_suffix(".md")
    place = places.get(path, inside)
    if place is None or (path not in places and not (PAGES / place).is_file()):
        return None
    return Path(*[".."] * len(_below(page).parts), place).as_posix()


def decisions() -> None:
    """Write the list of decisions, which is a folder in the repository."""
    folder = PAGES / "adr"
    titles = {
        page.name: page.read_text("utf-8").partition("\n")[0][2:] for page in folder.iterdir()
    }
    lines = [f"- [{title}]({name})" for name, title in sorted(titles.items())]
    (folder / "index.md").write_text("\n".join(["# Decisions", "", *lines, ""]), "utf-8")


def for_readers_that_are_programs() -> None:
    """Put each page's Markdown beside it; list all in `llms.txt`, join them in `llms-full.txt`."""
    for page in sorted(PAGES.rglob("*.md")):
        name = page.relative_to(PAGES)
        (HTML / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, HTML / name)
    (HTML / "llms.txt").write_text(llms.index(_config(), PAGES), "utf-8")
    (HTML / "llms-full.txt").write_text(llms.full(_config(), PAGES), "utf-8")


def _config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CONFIG.read_text("utf-8"))
    return found


# --- checks -------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The anchors of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        """Read the page."""
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the anchor or the link of an element."""
        told = dict(attrs)
        self.anchors |= {each for each in (told.get("id"), told.get("name")) if each}
        wanted = {"a": "href", "img": "src", "script": "src", "link": "href"}.get(tag, "")
        if link := told.get(wanted):
            self.links.append(link)


def faults() -> Iterator[str]:
    """Give what is wrong with the site that was built, one sentence each."""
    found = {path: Page(path.read_text("utf-8")) for path in HTML.rglob("*.html")}
    for path, page in found.items():
        if path.name != "404.html":
            for link in page.links:
                yield from _fault(path, link, found)
    anchors = set[str]().union(*(page.anchors for page in found.values()))
    for face in reference.FACES:
        for name in reference.names_of(face):
            if name.defined not in anchors:
                yield f"{face}.{name.name} has no entry in the reference"
    yield from _faults_of_llms()
    menus = CONFIG.read_text("utf-8")
    for source in PAGES.rglob("*.md"):
        place = source.relative_to(PAGES).as_posix()
        if source.parent.name not in ("adr", "reference") and f" {place}\n" not in menus:
            yield f"{place} stands in no menu of {CONFIG.relative_to(ROOT)}"


def _faults_of_llms() -> Iterator[str]:
    listed = (HTML / "llms.txt").read_text("utf-8")
    for link in re.findall(r"^- \[.*?\]\(([^)]*)\)", listed, re.MULTILINE):
        if not (HTML / link).is_file():
            yield f"llms.txt links to {link}, which is not there"


def _fault(path: Path, link: str, found: dict[Path, Page]) -> Iterator[str]:
    if ":" in link.partition("/")[0]:
        return
    here = path.relative_to(HTML).as_posix()
    address, anchor = urldefrag(urljoin(f"/{here}", link))
    target = HTML / unquote(address).lstrip("/")
    target = target / "index.html" if target.is_dir() else target
    if not target.exists():
        yield f"{here} links to {link}, which is not there"
    elif anchor and target in found and unquote(anchor) not in found[target].anchors:
        yield f"{here} links to {link}; there is no such place on that page"


def main() -> int:
    """Build and check."""
    gather()
    decisions()
    command = [sys.executable, "-m", "zensical", "build", "--config-file", str(OUT / CONFIG.name)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        return done.returncode
    for_readers_that_are_programs()
    told = list(faults())
    for fault in told:
        sys.stderr.write(f"{fault}\n")
    pages = len(list(HTML.rglob("*.html")))
    sys.stdout.write(f"{pages} pages in {HTML.relative_to(ROOT)}; {len(told) or 'no'} faults\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
