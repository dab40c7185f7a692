"""Reads a reply that is one JSON or XML object; repairs it only where that is unambiguous."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from catsdk.core.errors import StructuredOutputError
from catsdk.prompts.escapes import escaped

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["MAX_REPLY", "names_in", "read_data", "read_object"]

MAX_REPLY = 200_000
# Repair time is quadratic for some texts: half a second at this length, blocking the event loop.
MAX_MENDED = 4_000
MAX_DEPTH = 12
MAX_NAMES = 20
MAX_DATA_DEPTH = 64

_LANGUAGE = re.compile(r"[a-zA-Z]*[ \t]*")
_TAGS = "answer|item|criteria|verdicts|id|text|kind|evidence|reason|verdict|grade"


def read_object(reply: str) -> dict[str, object]:
    """Read a reply that is one JSON object or one XML element, in a code fence or bare.

    No other text is allowed around it, because the model might only be quoting the object. Slips
    (quotes, trailing commas, bare backslashes and ampersands) are repaired if only one reading is
    possible; an object that ends early or gives one name two values is rejected.

    Raises:
        StructuredOutputError: the reply is not such an object; the message says why.
    """
    if len(reply) > MAX_REPLY:
        raise StructuredOutputError(f"the reply is {len(reply):,} characters long")
    text = reply.strip()
    fenced = _inside_fence(text)
    text = text if fenced is None else fenced
    if text.startswith("{") and text.endswith("}"):
        return _json(text)
    if text.startswith("<") and text.endswith(">"):
        return _xml(text)
    raise StructuredOutputError(
        f"the reply is not one JSON object from its first to its last character: {reply[:200]!r}"
        if text
        else "the reply is empty"
    )


def read_data(reply: str) -> dict[str, JsonValue]:
    """Read a JSON object in a form the user defined, either the whole reply or in a code fence.

    Names and values stay as written. Only literal backslashes that were not escaped are repaired.

    Raises:
        StructuredOutputError: there is no such object, it gives one name two values, or a number is
            not valid JSON; the message says why.
    """
    if len(reply) > MAX_REPLY:
        raise StructuredOutputError(f"the reply is {len(reply):,} characters long")
    text = reply.strip()
    parts = text.split("```")
    if len(parts) == 3 and not text.startswith("{"):
        text = _inside_fence(f"```{parts[1]}```") or text
    if not (text.startswith("{") and text.endswith("}")):
        raise StructuredOutputError(
            "the reply is not one JSON object from its first to its last character:"
            f" {reply[:200]!r}"
        )
    try:
        found: object = json.loads(
            escaped(text), object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite
        )
        deep = _depth(found) > MAX_DATA_DEPTH
        # An escape may be half a surrogate pair, which cannot be encoded.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise StructuredOutputError(f"the reply is not JSON ({error}): {text[:200]!r}") from None
    if deep:
        raise StructuredOutputError("the JSON of the reply is nested too deep")
    return cast("dict[str, JsonValue]", found)


def _inside_fence(text: str) -> str | None:
    """The content of `text` if it is a code fence, else `None`."""
    if len(text) < 6 or not (text.startswith("```") and text.endswith("```")):
        return None
    opening, newline, inner = text[3:-3].partition("\n")
    return inner.strip() if newline and _LANGUAGE.fullmatch(opening) else None


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found and found[name] != value:
            raise StructuredOutputError(f"the reply gives {name[:100]!r} twice")
        found[name] = value
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:40]} is not a JSON number")
    return number


def _depth(found: object) -> int:
    inner: Iterable[object] = ()
    if isinstance(found, dict):
        inner = cast("dict[str, object]", found).values()
    elif isinstance(found, list):
        inner = cast("list[object]", found)
    return 1 + max(map(_depth, inner), default=0)


def names_in(found: object, depth: int = 0) -> Iterable[str]:
    """Yield every name in an object and its nested objects, once per occurrence.

    Raises:
        StructuredOutputError: the objects are nested deeper than a reply needs.
    """
    if depth > MAX_DEPTH:
        raise StructuredOutputError("the reply is nested too deep")
    if isinstance(found, dict):
        for name, value in cast("dict[str, object]", found).items():
            yield name
            yield from names_in(value, depth + 1)
    elif isinstance(found, list):
        for value in cast("list[object]", found):
            yield from names_in(value, depth + 1)


def _json(text: str) -> dict[str, object]:
    text = escaped(text)
    try:
        found: object = json.loads(text, object_pairs_hook=_unique, strict=False)
    except RecursionError:
        raise StructuredOutputError("the JSON of the reply is nested too deep") from None
    except ValueError as error:
        found = _mended(text, error)
    if not isinstance(found, dict):
        raise StructuredOutputError("the reply is JSON, but not an object")
    return cast("dict[str, object]", found)


def _unique(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for given, value in pairs:
        name = given.lower()
        if name in found and found[name] != value:
            raise StructuredOutputError(f"the reply gives {name[:100]!r} twice")
        found[name] = value
    return found


_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_WHITE_ESCAPE = re.compile(r"\\\\|\\[bfnrt]")
_QUOTED_NAME = re.compile(r"[\"']([\w -]{1,40})\\*[\"']\s*:")


def _mended(text: str, error: ValueError) -> object:
    """Repair `text` if quotes, backslashes and trailing commas are its only slips.

    An unescaped quote in a string may end it early, so that the rest reads as if the judge had
    written it (`", "verdict": "yes"`). The repaired object is therefore rejected unless two
    conditions hold. Written out again, it equals the text apart from white space, quotes and
    backslashes, so nothing was dropped, added or moved. And each name is followed by a colon in the
    text exactly as often as it is a name in the object, so none is hidden inside a value.
    """
    refusal = StructuredOutputError(f"the reply is not JSON ({error}): {text[:200]!r}")
    if len(text) > MAX_MENDED or text.count("{") + text.count("[") > 2_000:
        raise refusal
    # Imported only when needed: most replies need no repair.
    import json_repair

    try:
        found: object = json_repair.loads(text, skip_json_loads=True)
    except Exception:  # noqa: BLE001 - on hostile text the repair also fails its own assertions
        raise refusal from None
    counts = Counter(names_in(found))
    whole = _bare(_rendered(found)) == _bare(_TRAILING_COMMA.sub("", _WHITE_ESCAPE.sub(" ", text)))
    if (
        not whole
        or not 0 < len(counts) <= MAX_NAMES
        or set(_QUOTED_NAME.findall(text)) - set(counts)
    ):
        raise refusal
    if any(_times(name, text) != count for name, count in counts.items()):
        raise refusal
    return found


def _rendered(found: object) -> str:
    """Write an object as JSON, with strings unquoted and unescaped."""
    if isinstance(found, dict):
        fields = cast("dict[str, object]", found).items()
        return f"{{{','.join(f'{name}:{_rendered(value)}' for name, value in fields)}}}"
    if isinstance(found, list):
        return f"[{','.join(map(_rendered, cast('list[object]', found)))}]"
    return found if isinstance(found, str) else json.dumps(found)


# What a repair may add, drop or change.
_PUNCTUATION = re.compile(r"[\s\"'\\\u2018-\u201f]+")


def _bare(text: str) -> str:
    return _PUNCTUATION.sub("", text).lower()


def _times(name: str, text: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(name)}[\"'\\\s]*:", text, re.IGNORECASE))


_LOOSE_AMPERSAND = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_LOOSE_ANGLE = re.compile(rf"<(?!/?(?:{_TAGS})>)")
_DECLARATION = re.compile(r"<\?xml[^<>?]{0,100}\?>\s*")


def _xml(text: str) -> dict[str, object]:
    # Imported only when needed: most replies are JSON.
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    text = _DECLARATION.sub("", text, count=1)
    # A comment opened in one quotation and closed in the next would hide a verdict between them.
    if "<!" in text or "<?" in text:
        raise StructuredOutputError(
            f"the XML of the reply holds a comment or the like: {text[:200]!r}"
        )
    try:
        found = _of_element(
            fromstring(_LOOSE_ANGLE.sub("&lt;", _LOOSE_AMPERSAND.sub("&amp;", text)))
        )
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        said = f"{type(error).__name__}: {error}"[:200]
        raise StructuredOutputError(f"the reply is not XML ({said}): {text[:200]!r}") from None
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
    return _unique(read)
