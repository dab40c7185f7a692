"""The viewer's page as one text, with all its modules joined, so that nothing is loaded later."""

from __future__ import annotations

import base64
import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple

__all__ = ["Page", "page_of"]

# Each module imports only those before it.
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
        policy: Its `Content-Security-Policy`, with the digests of its script and style.
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
    """Assemble the page.

    Args:
        data: The data of an exported page, as JSON; `None` makes a page that asks its server.
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
        # Only `<` could end the script or begin a comment, and JSON can escape it.
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
    # `frame-ancestors` works only in a header, not in a meta element.
    return Page(text, policy if data is not None else f"{policy}; frame-ancestors 'none'")


def _joined(name: str, script: str) -> str:
    """A module as an expression in one script; only its exports are visible outside."""
    exported = ", ".join(found[2] for found in _EXPORT.finditer(script))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = of_\2;", script))
    return f"const of_{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
