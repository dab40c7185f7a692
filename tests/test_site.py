"""What the site is made of: the public names, the menu, and links to places within pages."""

import re
import unicodedata
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from docs.site import reference
from tests.docstrings import FACES

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")


def test_the_reference_has_every_module_from_which_users_import() -> None:
    assert set(reference.FACES) == set(FACES)


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_is_on_a_page_of_the_reference_with_its_purpose(face: str) -> None:
    names = reference.names_of(face)
    public = [name for name in import_module(face).__all__ if f"{face}.{name}" not in FACES]
    assert sorted(name.name for name in names) == sorted(public)
    assert [name.name for name in names if not name.purpose] == []


def test_each_name_is_documented_where_it_is_defined() -> None:
    for face in ("catsdk", "catsdk.estimators", "catsdk.answers", "catsdk.errors"):
        for name in reference.names_of(face):
            thing = getattr(import_module(face), name.name)
            assert getattr(import_module(name.home), name.name) is thing


def test_the_pages_tell_every_command_and_every_setting() -> None:
    pages = reference.pages()
    for command in ("catsdk synthesize", "catsdk eval", "catsdk rubric judge", "catsdk train"):
        assert f"\n## {command}\n" in pages["commands.md"]
    assert "| `--max-usd` |" in pages["commands.md"]
    assert "| `in_flight` | `64` |" in pages["settings.md"]
    assert "`CATSDK_JUDGE`" in pages["settings.md"]


def test_every_page_stands_in_the_menu() -> None:
    menu = (ROOT / "docs/site/mkdocs.yml").read_text("utf-8")
    named = set(re.findall(r"(\S+\.md)$", menu, re.MULTILINE))
    pages = {
        page.relative_to(ROOT / "docs").with_suffix(".md").as_posix()
        for page in [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/notebooks/*.ipynb")]
    }
    assert {page for page in pages - named if not page.startswith("adr/")} == set()
    made = {name for name in named - pages if not name.startswith("reference/")}
    assert made == {"index.md", "CONTRIBUTING.md", "CHANGELOG.md", "adr/index.md"}
    assert yaml.safe_load(menu)["docs_dir"] == "pages"


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as Markdown makes them for links."""
    text = CODE.sub("", page.read_text("utf-8"))
    return {_slug(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def test_every_link_to_a_place_within_a_page_leads_there() -> None:
    seen = 0
    for page in PAGES:
        for target, anchor in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
            there = page if not target else (page.parent / target)
            if "://" not in target and there.suffix == ".md":
                assert anchor in anchors(there), f"{page.name} links to {target}#{anchor}"
                seen += 1
    assert seen > 5
