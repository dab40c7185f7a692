"""Whether a text that a judge was shown holds a yes in the form of a judge's reply."""

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
    r"""Tell whether `text` holds a field of one of `names` that says yes, as JSON or as XML.

    Such a text may end a quotation that its judge did not escape, and the reply may be cut behind
    it: what is left is a whole object that says yes, and nothing in it shows that the judge did not
    write it. So a yes to such a text does not count. The field is found in every spelling that a
    judge could turn into its own: with other quotes, escaped (`\u0079es`), or with entities.
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
