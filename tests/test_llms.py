"""`llms.txt`: the form of https://llmstxt.org, with each page once and a sentence about it."""

from pathlib import Path

import pytest
import yaml

from docs.site import llms

DOCS = Path(__file__).resolve().parent.parent / "docs"
CONFIG = {
    "site_name": "catsdk",
    "site_description": "What it is.",
    "nav": [
        {"Start": ["index.md", {"Install": "start/install.md"}]},
        {"How-to": [{"Ask": [{"Prompts": "prompts.md"}]}]},
        {"Reference": ["reference/index.md"]},
    ],
}
PAGES = {
    "index.md": "# catsdk\n\n![A picture](a.png)\n\nIt asks [several](b.md) times. And more.\n",
    "start/install.md": "# Install\n\n```\npip install -e .\n```\n\nRun this first:\n\n- one\n",
    "prompts.md": "# `Prompt` files\n\n| a | b |\n| --- | --- |\n\nNo word is lost.\n",
    "reference/index.md": "# Names\n\nAll names.\n\n::: catsdk.CaT\n",
    "adr/0001-one.md": "# 1. One\n\nStatus: accepted.\n",
}


@pytest.fixture(name="folder")
def the_folder_of_the_pages(tmp_path: Path) -> Path:
    for name, text in PAGES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_it_has_a_title_a_quote_and_a_section_for_each_part_of_the_menu(folder: Path) -> None:
    assert llms.index(CONFIG, folder).split("\n") == [
        "# catsdk",
        "",
        "> What it is.",
        "",
        "## Start",
        "",
        "- [catsdk](index.md): It asks several times.",
        "- [Install](start/install.md): Run this first.",
        "",
        "## How-to",
        "",
        "- [Prompt files](prompts.md): No word is lost.",
        "",
        "## Reference",
        "",
        "- [Names](reference/index.md): All names.",
        "",
        "## Optional",
        "",
        "- [1. One](adr/0001-one.md): Status: accepted.",
        "",
    ]


def test_the_full_text_has_each_page_of_the_menu_and_not_the_reference(folder: Path) -> None:
    text = llms.full(CONFIG, folder)
    assert (
        text.index("It asks [several]") < text.index("pip install") < text.index("No word is lost")
    )
    assert ":::" not in text
    assert text.startswith("# catsdk\n\n> What it is.\n")


def test_a_page_without_prose_has_no_sentence() -> None:
    assert llms.summary("# Only\n\n- a list\n\n| a | table |\n") == ""


def test_code_with_empty_lines_is_no_prose() -> None:
    code = "````python\na = 1\n\n```\nb = 2\n````"
    page = f"# Code\n\n{code}\n\n*Then* this. *And* that.\n\nA last word.\n"
    assert llms.summary(page) == "A last word."


def test_a_long_sentence_is_cut() -> None:
    assert len(llms.summary("# Long\n\n" + "word " * 200 + "end.")) <= llms.LONGEST


def test_every_page_of_the_menu_says_what_it_is_about_in_a_sentence() -> None:
    menu = yaml.safe_load((DOCS / "site" / "mkdocs.yml").read_text("utf-8"))["nav"]
    named = [page for _, part in llms.sections(menu) for page in part]
    assert len(named) == len(set(named)) > 30
    pages = [DOCS / page for page in named if (DOCS / page).is_file()]
    texts = {str(page): page.read_text("utf-8") for page in pages}
    assert [name for name, text in texts.items() if not llms.summary(text)] == []
