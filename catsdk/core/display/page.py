"""A self-contained HTML page: its head and style, and elements in which all text is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["Markup", "element", "heading", "page", "table"]

# No scripts and nothing loaded from elsewhere: a model's text must never be executed.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --faint: #666; --line: #d8d8d8;
  --head: #f4f4f4; --good: #d7f0dc; --on-good: #14532d; --bad: #fbdcd9; --on-bad: #7f1d1d;
  --part: #fdf3c8; --on-part: #6b4e00; --none: #ececec; --on-none: #444; --mark: #9a3412;
  --focus: #1d4ed8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #16181c; --faint: #a0a0a0;
  --line: #3a3d44; --head: #23262c; --good: #173d25; --on-good: #b9ecc7; --bad: #4b1f1d;
  --on-bad: #f8c4bf; --part: #463a10; --on-part: #f3e2a0; --none: #2b2e34; --on-none: #bbb;
  --mark: #fb923c; --focus: #7aa2ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 92rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
p { margin: .3rem 0; max-width: 75rem; } small { color: var(--faint); font-weight: 400; }
.scroll { overflow-x: auto; margin-top: .6rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
thead th { background: var(--head); border-bottom: 2px solid var(--line); }
th { font-weight: 600; } .text { text-align: left; }
.long { min-width: 12rem; overflow-wrap: anywhere; }
.good { background: var(--good); color: var(--on-good); }
.bad { background: var(--bad); color: var(--on-bad); }
.part { background: var(--part); color: var(--on-part); }
.none { background: var(--none); color: var(--on-none); }
p.note { background: var(--part); color: var(--on-part); padding: .4rem .8rem; }
figure { margin: 1rem 0; padding: .5rem; background: #fff; border-radius: 4px; max-width: 60rem; }
figure svg { max-width: 100%; height: auto; }
details { border: 1px solid var(--line); border-radius: 4px; padding: .4rem .8rem;
  margin: .4rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
"""


class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | bool | None) -> Markup:
    """An element; children that are not `Markup`, and attributes, are escaped.

    Args:
        tag: The element's name.
        children: What it holds.
        attributes: `class_="x"` is `class="x"`; one that is `None` or false is left out, and one
            that is true has no value.
    """
    told = "".join(
        f" {name.rstrip('_')}" + ("" if value is True else f'="{escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{tag}{told}>{''.join(map(_safe, children))}</{tag}>")


def table(heads: Iterable[str], rows: Iterable[str], foot: str = "") -> Markup:
    """A table that scrolls where it is too wide.

    Args:
        heads: The cells of its first row.
        rows: The rows of its body.
        foot: A last row that belongs to all of them.
    """
    parts = [element("thead", element("tr", *heads)), element("tbody", *rows)]
    parts += [element("tfoot", foot)] if foot else []
    return element("div", element("table", *parts), class_="scroll")


def heading(*names: str, texts: Iterable[int] = (0,)) -> list[Markup]:
    """The cells of a table's first row.

    Args:
        names: What the columns are called.
        texts: The columns that hold text, which is written from the left.
    """
    left = set(texts)
    return [
        element("th", name, scope="col", class_="text" if at in left else None)
        for at, name in enumerate(names)
    ]


def page(title: str, *parts: str, style: str = "") -> str:
    """A whole page, light or dark as its reader's system is; it holds no script and loads nothing.

    Args:
        title: The title of the window, and the first heading.
        parts: What is below it.
        style: Further style sheet.
    """
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{element('title', title)}<style>{_STYLE}{style}</style>"
    )
    body = "\n".join([element("h1", title), *map(_safe, parts)])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _safe(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)
