"""The one JSON or XML object that a reply is: mended where that is unambiguous, else refused."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from catsdk.core.errors import StructuredOutputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["MAX_REPLY", "read_object"]

MAX_REPLY = 200_000
# The repair takes a time quadratic in some texts: half a second at this length, with the loop held.
MAX_MENDED = 4_000
MAX_DEPTH = 12
MAX_NAMES = 20

_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_LOOSE_AMPERSAND = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_TAGS = "answer|item|criteria|verdicts|id|text|kind|evidence|reason|verdict|grade"
_LOOSE_ANGLE = re.compile(rf"<(?!/?(?:{_TAGS})>)")


def read_object(reply: str) -> dict[str, object]:
    """Read a reply that is one JSON object or one XML element, in a code fence or bare.

    Nothing may stand around it: text around an object may be about an object that the model only
    quotes. Slips are mended (quotes, commas, bare ampersands) where only one reading is left; an
    object that ends early or gives one name two values is refused.

    Raises:
        StructuredOutputError: the reply is no such object; the message says why.
    """
    if len(reply) > MAX_REPLY:
        raise StructuredOutputError(f"the reply is {len(reply):,} characters long")
    text = reply.strip()
    fenced = _FENCED.fullmatch(text)
    text = fenced[1].strip() if fenced else text
    if text.startswith("{") and text.endswith("}"):
        return _json(text)
    if text.startswith("<") and text.endswith(">"):
        return _xml(text)
    raise StructuredOutputError(
        f"the reply is not one JSON object from its first to its last character: {reply[:200]!r}"
        if text
        else "the reply is empty"
    )


def _json(text: str) -> dict[str, object]:
    try:
        return _object(json.loads(text, object_pairs_hook=_once))
    except RecursionError:
        raise StructuredOutputError("the JSON of the reply is nested too deep") from None
    except ValueError as error:
        return _mended(text, error)


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found and found[name] != value:
            raise StructuredOutputError(f"the JSON of the reply gives {name[:100]!r} twice")
        found[name] = value
    return found


def _mended(text: str, error: ValueError) -> dict[str, object]:
    refusal = StructuredOutputError(f"the reply is not JSON ({error}): {text[:200]!r}")
    if len(text) > MAX_MENDED or text.count("{") + text.count("[") > 2_000:
        raise refusal
    # Imported when it is needed: most replies need no mending.
    import json_repair

    try:
        found: object = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):
        raise refusal from None
    # What stands in the text more often than in the result was dropped, or quoted: two readings.
    counts = Counter(_names(found))
    if not 0 < len(counts) <= MAX_NAMES:
        raise refusal
    if any(_times(name, text) != count for name, count in counts.items()):
        raise refusal
    return _object(found)


def _names(found: object, depth: int = 0) -> Iterable[str]:
    if depth > MAX_DEPTH:
        raise StructuredOutputError("the JSON of the reply is nested too deep")
    if isinstance(found, dict):
        for name, value in cast("dict[str, object]", found).items():
            yield name
            yield from _names(value, depth + 1)
    elif isinstance(found, list):
        for value in cast("list[object]", found):
            yield from _names(value, depth + 1)


def _times(name: str, text: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(name)}[\"'\\]*\s*:", text))


def _object(found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise StructuredOutputError("the reply is JSON, but no object")
    return cast("dict[str, object]", found)


def _xml(text: str) -> dict[str, object]:
    # Imported when it is needed: JSON is the rule.
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    mended = _LOOSE_ANGLE.sub("&lt;", _LOOSE_AMPERSAND.sub("&amp;", text))
    declared = "<!" in text or "<?" in text
    try:
        root = fromstring(text if declared else mended, forbid_dtd=True)
        found = _of_element(root)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        told = f"{type(error).__name__}: {error}"[:200]
        raise StructuredOutputError(f"the reply is not XML ({told}): {text[:200]!r}") from None
    if not isinstance(found, dict):
        raise StructuredOutputError(f"the reply is XML without elements: {text[:200]!r}")
    return cast("dict[str, object]", found)


def _of_element(element: Element, depth: int = 0) -> object:
    children = list(element)
    if not children:
        return (element.text or "").strip()
    if depth > MAX_DEPTH:
        raise StructuredOutputError("the XML of the reply is nested too deep")
    stray = [element.text, *(child.tail for child in children)]
    if any(text and text.strip() for text in stray):
        raise StructuredOutputError(f"the XML of the reply mixes text and tags in {element.tag}")
    read = [(child.tag, _of_element(child, depth + 1)) for child in children]
    if all(tag == "item" for tag, _ in read):
        return [value for _, value in read]
    return _once(read)
