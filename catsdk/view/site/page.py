"""The page of the viewer as one text: its modules are joined, so that none is asked for later."""

from __future__ import annotations

import base64
import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple

__all__ = ["Page", "page_of"]

# In the order in which each needs those before it.
_SCRIPTS: Final = (
    "dom", "words", "address", "exported", "data", "keys", "runs", "items", "labels", "group",
    "rubric", "compare", "charts", "training", "money", "app",
)  # fmt: skip
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const) (\w+)", re.MULTILINE)


class Page(NamedTuple):
    """A whole page.

    Args:
        text: The HTML.
        policy: Its `Content-Security-Policy`, which names what it holds by digest.
    """

    text: str
    policy: str


@cache
def _parts() -> tuple[str, str]:
    """The style sheet, and all modules as one script."""
    assets = files("catsdk.view").joinpath("assets")
    script = "\n".join(
        _joined(name, assets.joinpath(f"{name}.js").read_text("utf-8")) for name in _SCRIPTS
    )
    return assets.joinpath("style.css").read_text("utf-8"), script


def page_of(data: str | None = None) -> Page:
    """Put the page together.

    Args:
        data: What an exported page holds, as JSON; `None` makes the page that asks its server.
    """
    style, script = _parts()
    asks = " connect-src 'self';" if data is None else ""
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}';"
        f"{asks} img-src data:; base-uri 'none'; form-action 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    held, meta = "", ""
    if data is not None:
        # In a script, only `<` could end it or begin a comment; JSON may write it as an escape.
        safe = data.replace("<", "\\u003c")
        held = f'<script id="catsdk-data" type="application/json">{safe}</script>'
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{meta}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>catsdk view</title><style>{style}</style></head>'
        '<body><a class="skip" href="#main">Skip to the content</a><header id="bar"></header>'
        '<main id="main" tabindex="-1"></main>'
        '<p id="told" class="unseen" role="status" aria-live="polite"></p>'
        f'{held}<script type="module">{script}</script></body></html>\n'
    )
    # What a frame may do can be said by a header alone.
    return Page(text, policy if data is not None else f"{policy}; frame-ancestors 'none'")


def _joined(name: str, script: str) -> str:
    """A module as an expression in one script; only what it exports is seen outside of it."""
    exported = ", ".join(found[2] for found in _EXPORT.finditer(script))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = of_\2;", script))
    return f"const of_{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
