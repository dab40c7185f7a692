"""Detects a forged yes: a text shown to a judge that contains a yes in the form of its reply."""

from __future__ import annotations

import html
import re
from collections.abc import Collection

__all__ = ["holds_a_yes"]

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_WIDE = {code + 0xFEE0: code for code in range(0x21, 0x7F)}
_QUOTES = "\"'`\u2018-\u201f\u00ab\u00bb\u2032-\u2037"


def holds_a_yes(text: str, names: Collection[str] = ("verdict",)) -> bool:
    r"""Whether `text` has a JSON or XML field with one of `names` that says yes.

    If the judge quotes such a text without escaping it, the text can end the quotation, and the
    reply can be cut off after it. What is left is a complete object that says yes, with no sign
    that the judge did not write it. A yes to such a text therefore does not count. The field is
    found in every spelling that a judge could copy into its reply as a real field: with other
    quotes, escaped (`\u0079es`), or with entities.
    """
    plain = html.unescape(_ESCAPED.sub(lambda code: chr(int(code[1], 16)), text))
    if not plain.isascii():
        plain = _INVISIBLE.sub("", plain).translate(_WIDE)
    name = f"(?:{'|'.join(map(re.escape, sorted(names)))})"
    yes = r"(?:yes|true)(?![\w-])"
    gap = rf"[\s\\{_QUOTES}]*"
    json = rf"[{{,\\{_QUOTES}]\s*{name}{gap}:{gap}{yes}"
    xml = rf"<{name}>\s*{yes}"
    return re.search(f"{json}|{xml}", plain, re.IGNORECASE) is not None
