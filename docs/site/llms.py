"""`llms.txt` and `llms-full.txt`: what pages there are, and their text, for programs that read.

The form is that of https://llmstxt.org: a title, a summary in a quote, then a section for each part
of the menu, with a link, a title and a sentence for each page. The links lead to the pages'
Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["full", "index", "sections", "summary"]

LINK: Final = re.compile(r"!?\[((?:[^][]|\[[^][]*\])*)\]\([^)]*\)")
CODE: Final = re.compile(r"^(`{3,})[^\n]*\n.*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
NO_PROSE: Final = ("#", "|", "-", "*", ">", "<", "!", ":::", "1.")
"""What a line begins with that is no sentence of a paragraph."""
LONGEST: Final = 240


def sections(menu: Sequence[Any]) -> Iterator[tuple[str, list[str]]]:
    """The parts of the menu and the pages of each, in its order."""
    for part in menu:
        for name, entry in part.items():
            yield name, list(_pages(entry))


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for each in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(each)


def index(config: Mapping[str, Any], pages: Path) -> str:
    """The text of `llms.txt`.

    Args:
        config: The site's configuration: its name, description and menu.
        pages: The folder of the pages' Markdown.
    """
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}"]
    shown: set[str] = set()
    for name, part in sections(config["nav"]):
        lines += ["", f"## {name}", "", *(_entry(pages, page) for page in part)]
        shown |= set(part)
    others = sorted({page.relative_to(pages).as_posix() for page in pages.rglob("*.md")} - shown)
    # By this name a reader knows what it may skip.
    lines += ["", "## Optional", "", *(_entry(pages, page) for page in others)]
    return "\n".join([*lines, ""])


def _entry(pages: Path, page: str) -> str:
    text = (pages / page).read_text("utf-8")
    said = summary(text)
    return f"- [{_title(text)}]({page})" + (f": {said}" if said else "")


def _title(text: str) -> str:
    heading = next(line for line in text.splitlines() if line.startswith("# "))
    return LINK.sub(r"\1", heading[2:]).replace("`", "").strip()


def summary(text: str) -> str:
    """The first sentence of a page's prose; nothing where it has none."""
    for paragraph in re.split(r"\n\s*\n", CODE.sub("", text)):
        plain = " ".join(paragraph.split())
        if plain and not plain.startswith(NO_PROSE):
            sentence = re.split(r"(?<=[.?!:])\s+(?=[A-Z`*])", LINK.sub(r"\1", plain), maxsplit=1)[0]
            sentence = (
                sentence if sentence.endswith((".", "?", "!")) else f"{sentence.rstrip(':')}."
            )
            return sentence if len(sentence) <= LONGEST else f"{sentence[: LONGEST - 4]} ..."
    return ""


def full(config: Mapping[str, Any], pages: Path) -> str:
    """The text of `llms-full.txt`: the pages of the menu whole, each under its address.

    The reference of names is left out: its pages are made from docstrings when the site is built.
    """
    parts = [f"# {config['site_name']}\n\n> {config['site_description']}\n"]
    for _, part in sections(config["nav"]):
        for page in part:
            text = (pages / page).read_text("utf-8")
            if "\n::: " not in text:
                parts.append(f"<!-- {page} -->\n\n{text.strip()}\n")
    return "\n".join(parts)
