"""What the site is made of: the public names, the menu, and links to places within pages."""

import re
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperOption
from typer.main import get_command

from catsdk.cli.app import app
from catsdk.core.settings import Settings
from catsdk.errors import ConfigurationError
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


@pytest.fixture(scope="module", name="pages")
def made_pages() -> dict[str, str]:
    return reference.pages()


def test_the_page_of_commands_has_every_command_with_every_option(pages: dict[str, str]) -> None:
    page = pages["commands.md"]
    seen = 0
    for path, command in commands():
        section = page.partition(f"\n## {path}\n")[2].partition("\n## ")[0]
        assert section, f"{path} is not on the page"
        for parameter in command.params:
            if isinstance(parameter, TyperOption) and not parameter.hidden:
                assert f"`{', '.join([*parameter.opts, *parameter.secondary_opts])}`" in section
                assert parameter.help, f"{path} does not say what {parameter.opts[0]} is"
                seen += 1
    assert seen > 100


def commands() -> Iterator[tuple[str, Any]]:
    """Every command of the command line, by its whole name."""
    waiting: list[tuple[str, Any]] = [("catsdk", get_command(app))]
    while waiting:
        path, command = waiting.pop()
        inner = getattr(command, "commands", {})
        waiting += [(f"{path} {name}", each) for name, each in inner.items()]
        if not inner:
            yield path, command


def test_the_page_of_settings_has_every_setting_with_its_variable_and_meaning(
    pages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = pages["settings.md"]
    variables = set(re.findall(r"^\| `\w+` \| `(CATSDK_\w+)` \|", page, re.MULTILINE))
    assert {"CATSDK_JUDGE", "CATSDK_LIMITS__IN_FLIGHT", "CATSDK_BATCH__POLL"} <= variables
    assert "| `in_flight` | `CATSDK_LIMITS__IN_FLIGHT` | `64` | " in page
    for row in re.findall(r"^\| `\w+` \| .*\|$", page, re.MULTILINE):
        assert not row.endswith("|  |"), f"{row} has no meaning"
    for name, field in Settings.model_fields.items():
        assert f"`CATSDK_{name.upper()}`" in page
        assert field.description
    # A name that the settings do not know would be an error.
    for variable in variables - {"CATSDK_PRICES"}:
        monkeypatch.setenv(variable, "")
        try:
            Settings()
        except ConfigurationError as error:
            assert "is not a setting" not in str(error), variable
        monkeypatch.delenv(variable)


def test_the_page_of_settings_has_every_variable_that_the_sources_read(
    pages: dict[str, str],
) -> None:
    named = re.compile(r'"((?:CATSDK|OPENAI|ANTHROPIC|VLLM)_[A-Z_]+)"')
    for folder in ("catsdk", "providers", "trainers"):
        for file in (ROOT / folder).rglob("*.py"):
            for variable in named.findall(file.read_text("utf-8")):
                assert f"`{variable}`" in pages["settings.md"], f"{variable} of {file.name}"


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
