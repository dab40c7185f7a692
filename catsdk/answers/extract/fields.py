"""The answer in a JSON object: a field that names it, decoded even where the object is damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import cast

from catsdk.answers.compare import same
from catsdk.answers.engine.parse.boxes import joined_boxes
from catsdk.answers.extract.marked import inside
from catsdk.answers.extract.surroundings import as_it_stands
from catsdk.answers.extract.templates import is_placeholder
from catsdk.answers.extract.values import whole_value
from catsdk.answers.extract.withdrawals import takes_back
from catsdk.answers.extract.wording import hedges

__all__ = ["answer_field"]

_NAMES = (
    ("finalanswer", "finalresult", "correctanswer"),
    ("answer", "ans", "answers"),
    (
        "result",
        "solution",
        "choice",
        "option",
        "label",
        "prediction",
        "category",
        "class",
        "verdict",
    ),
    ("output", "value", "classification", "sentiment", "intent"),
)
# Of these two that differ contradict each other; a class or a value may be another thing.
_STATING = frozenset([*_NAMES[1], "result", "solution", "choice", "option", "prediction", "output"])
_RANK = {name: rank for rank, names in enumerate(_NAMES) for name in names}
_NOT_ANSWERS_WORDS = """
reasoning thought thoughts explanation steps step rationale analysis error message status name
tool arguments query question problem prompt id type role content confidence description title
action input code note plan comment think thinking summary url path command
"""
# Words in the name of a field whose value is not an answer, or not the final one.
_DENYING_WORDS = """
wrong incorrect false invalid rejected reject discarded excluded eliminated distractor distractors
decoy trap previous old former initial first guess guesses maybe possible candidate candidates
example sample draft tentative naive not never no non other others alternative unlikely bad mistake
mistaken bogus fake prior original dummy placeholder template unused withdrawn retracted except
impossible student user given hint intermediate partial
reference gold golden truth official key
"""
_DENYING = frozenset(_DENYING_WORDS.split())
_NAME_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# An object with one of these calls a tool.
_CALLING = frozenset(["arguments", "parameters", "tool_calls", "function_call"])
_VERDICTS = frozenset(
    ["verdict", "status", "check", "grade", "evaluation", "correctness", "judgement", "judgment"]
)
_REFUSED = frozenset(
    ["wrong", "incorrect", "false", "invalid", "rejected", "fail", "failed", "no", "bad"]
)
_RIGHT = (
    {"correct"},
    {"valid"},
    {"right"},
    {"accepted"},
    {"true"},
    {"final"},
    {"sure"},
    {"certain"},
)
_WRONG = (
    {"wrong"},
    {"incorrect"},
    {"rejected"},
    {"invalid"},
    {"discarded"},
    {"withdrawn"},
    {"retracted"},
)
_SURENESS = frozenset(["confidence", "probability", "certainty", "likelihood"])
_UNSURE = re.compile(r"(?:very )?low|none|uncertain|unsure|0?\.[0-4]\d*|[0-4]?\d\s?%")
_DENIED = re.compile(r"\W*(?:not|wrong|incorrect|false)\b", re.IGNORECASE)
_REMARKS = frozenset(["note", "notes", "comment", "comments", "remark", "caveat", "disclaimer"])
_NOT_ANSWERS = frozenset(_NOT_ANSWERS_WORDS.split())
_KEY = re.compile(
    r"""(?<!\\)["'](final[_ ]?answer|answer|result|choice|label|prediction)["']\s{0,8}:\s{0,8}""",
    re.IGNORECASE,
)
# One of them is in each text that the pattern finds anything in, which is fast to see.
_KEY_ENDS = tuple(
    f"{name}{quote}"
    for name in ("answer", "result", "choice", "label", "prediction")
    for quote in "\"'"
)
_TRUTH = re.compile(r"yes|no|true|false", re.IGNORECASE)
_ANY_KEY = re.compile(r'[{,]\s{0,20}"[A-Za-z_ ]{1,40}"\s{0,8}:')
# Between two objects that stand side by side.
_NEXT_OBJECT = re.compile(r'[^{}]{0,400}\}[\s,\[\]]{0,20}(?:"\w{1,40}"\s?:\s?)?')
_FENCE = re.compile(r"```(?:json5?|JSON)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?=[,}\]\n]|$)', re.DOTALL)
_LOOSE_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_BARE = re.compile(r"(?:\d{1,3}(?:,\d{3}){1,9}(?!\d)|[^,}\n\"'\[\]{`]){1,400}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([A-Za-z]+)|(.))", re.DOTALL)
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_COMMANDS_WORDS = """
bar barwedge begin beta beth bf big bigcap bigcup bigl bigr binom blacksquare bmod bot bowtie
boxed bullet fbox flat forall frac frown nabla natural ne nearrow neg neq ni nmid nolimits not
notin nparallel nu rangle rbrace rbrack rceil real rfloor rho right rightarrow rightharpoonup rm
root tan tanh tau tbinom text textbf textit textnormal textrm tfrac therefore theta thickapprox
thinspace tilde times to top triangle triangleleft triangleq tt bigtriangleup backslash bold
boldsymbol brace underline union unit uparrow uplus upsilon underbrace
"""
_COMMANDS = frozenset(_COMMANDS_WORDS.split())
_DAMAGED = re.compile(r"[\x08\x0c\r\t\n][A-Za-z]+")
_SPOILT = {"\b": "b", "\f": "f", "\r": "r", "\t": "t", "\n": "n"}
_MOST_TEXT = 20_000


def answer_field(text: str) -> str | None:
    """Return the answer that a JSON object of the text names, unless a box follows it.

    The object may stand alone, in a fence or in prose; its last field with a name such as `answer`,
    `result` or `label` counts, also where the rest of the object is not JSON. A whole object with
    one plain field answers by that. A reply that begins as an object and has no such field states
    no answer: what its reasoning says in passing is none.
    """
    if "{" not in text or not _has_field(text):
        return None
    found = _whole_object(text) or _named_field(text)
    if found is None:
        return "" if _is_object(text) and joined_boxes(text, skip=is_placeholder) is None else None
    value, end = found
    box = joined_boxes(text[end:], skip=is_placeholder)
    if box is not None:
        return None
    return "" if value is None else as_it_stands(text, max(0, text.find("{")), end, inside(value))


def _has_field(text: str) -> bool:
    for quote in ('"', "'"):
        # From the end, which is faster where there is none.
        if quote in text and max(text.rfind(f"{quote}:"), text.rfind(f"{quote} :")) >= 0:
            return True
    return False


def _is_object(text: str) -> bool:
    """Tell whether a text is an object and nothing else, or one that was cut."""
    body = text.strip()
    fence = _FENCE.match(body)
    body = fence.group(1).strip() if fence else body
    return _ANY_KEY.match(body) is not None and (body.endswith("}") or "}" not in body)


def _whole_object(text: str) -> tuple[str | None, int] | None:
    """Read the object between the first and the last brace, where that is JSON."""
    start, end = text.find("{"), text.rfind("}") + 1
    for first, last in (
        (start, end),
        *((m.start(1), m.end(1)) for m in list(_FENCE.finditer(text))[-2:]),
    ):
        try:
            value: object = json.loads(
                text[first:last],
                strict=False,
                parse_int=str,
                parse_float=str,
                object_pairs_hook=_without_repeated,
            )
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return _of_object(cast("Mapping[str, object]", value), last)
    return None


def _of_object(fields: Mapping[str, object], end: int) -> tuple[str | None, int] | None:
    if any(map(_is_against, fields, fields.values())) or not _CALLING.isdisjoint(fields):
        return None, end
    ranked = sorted(
        (name for name in fields if _bare_name(name) in _RANK),
        key=lambda name: _RANK[_bare_name(name)],
    )
    if _disagree({name: fields[name] for name in ranked}):
        return None, end
    for name in ranked:
        if fields[name] is None:
            return None, end
        text = _as_text(fields[name])
        if text is not None and not is_placeholder(text):
            return text, end
    if not ranked and len(fields) == 1:
        ((name, value),) = fields.items()
        text = _as_text(value)
        words = _words_of(name)
        if not _DENYING.isdisjoint(words) or ("expected" in words and "answer" in words):
            return None, end
        if _bare_name(name) not in _NOT_ANSWERS and text is not None and not is_placeholder(text):
            return (text, end) if len(text) <= 100 else None
    return None


def _disagree(fields: Mapping[str, object]) -> bool:
    """Tell whether two fields state different answers, none of which is said to be the final one.

    A number beside the letter of a choice may be its value.
    """
    finals = [name for name in fields if not _RANK[_bare_name(name)]]
    stating = finals or [name for name in fields if _bare_name(name) in _STATING]
    if len(stating) < 2:
        return False
    return _contradict(filter(None, (_as_text(fields[name]) for name in stating)))


def _contradict(texts: Iterable[str]) -> bool:
    """Tell whether two of some texts are different numbers, letters of choices or truth values."""
    kinds: dict[str, list[str]] = {"number": [], "letter": [], "truth": []}
    for text in dict.fromkeys(texts):
        if _TRUTH.fullmatch(text):
            kinds["truth"].append(text.lower())
        elif (value := whole_value(text)) is not None:
            kinds["letter" if value.isalpha() and len(value) == 1 else "number"].append(value)
    return any(
        same(one, other).outcome == "different"
        for values in kinds.values()
        for one, other in combinations(values, 2)
    )


def _without_repeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object of its fields; one that is given twice, and not alike, is empty."""
    fields: dict[str, object] = {}
    for name, value in pairs:
        fields[name] = value if fields.get(name, value) == value else None
    return fields


def _is_against(name: str, value: object) -> bool:
    """Tell a field that says of the answer beside it that it is wrong: `"correct": false`."""
    words = set(_words_of(name)) - {"is", "was", "answer"}
    said = str(value).strip().lower()
    if (
        words & _VERDICTS
        and said in _REFUSED
        or words == {"confidence"}
        and said in ("0", "0.0", "0%")
    ):
        return True
    if words & _SURENESS and _UNSURE.fullmatch(said):
        return True
    remark = value if words & _REMARKS and isinstance(value, str) else ""
    if takes_back(remark) or hedges(remark) or _DENIED.match(remark):
        return True
    if words == {"role"} and said in ("user", "system", "human"):
        return True
    if words & {"alternative", "alternatives"} and said not in ("", "none", "[]"):
        return True
    no, yes = str(value).lower() in ("false", "no"), str(value).lower() in ("true", "yes")
    return (no and words in _RIGHT) or (yes and words in _WRONG)


def _words_of(name: str) -> list[str]:
    return [word.lower() for word in _NAME_WORD.findall(name)]


def _bare_name(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _named_field(text: str) -> tuple[str | None, int] | None:
    """Read the last field with a name of an answer, in an object that is not JSON as a whole."""
    lower = text.lower()
    if not any(end in lower for end in _KEY_ENDS):
        return None
    stated: list[tuple[str, str | None, int]] = []
    opened = -1
    for key in reversed(list(_KEY.finditer(text))[-64:]):
        opens = text.rfind("{", 0, key.start())
        if opens < 0:
            break
        if stated and opens != opened:
            before = _value(text, key.end())
            if (
                before is not None
                and _NEXT_OBJECT.fullmatch(text, before[1], opened)
                and _contradict(filter(None, (before[0], stated[0][1])))
            ):
                return None, stated[0][2]
            break
        found = _value(text, key.end())
        if found is not None and (found[0] is None or not is_placeholder(found[0])):
            stated.append((key[1], *found))
            opened = opens
    if not stated:
        return None
    _, value, end = stated[0]
    return (None if _disagree({name: each for name, each, _ in stated}) else value), end


def _value(text: str, at: int) -> tuple[str | None, int] | None:
    if string := _STRING.match(text, at) or _LOOSE_STRING.match(text, at):
        return _decoded(string.group(1)), string.end()
    if text[at : at + 1] in "\"'":
        return None
    if text[at : at + 1] in "[{":
        try:
            value, length = json.JSONDecoder(
                strict=False, parse_int=str, parse_float=str
            ).raw_decode(text[at : at + _MOST_TEXT])
        except (ValueError, RecursionError):
            return None
        return _as_text(value), at + length
    if bare := _BARE.match(text, at):
        if bare.end() == len(text):
            return None
        word = bare.group().strip()
        return (None if word in ("null", "None", "") else word), bare.end()
    return None


def _as_text(value: object) -> str | None:
    """Return a JSON value as the text of an answer; `None` for a value that is not an answer."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _repaired(value)
    if isinstance(value, dict):
        return _as_value(cast("Mapping[str, object]", value))
    if isinstance(value, list):
        parts = [_as_text(each) for each in cast("list[object]", value)]
        known = [part for part in parts if part is not None]
        return ", ".join(known) if known and len(known) == len(parts) else None
    return None


# In an object that is the answer: its value, the unit of that, and what only tells of it.
_VALUE_NAMES = frozenset(
    [
        "value",
        "answer",
        "number",
        "text",
        "final",
        "finalanswer",
        "content",
        "result",
        "numeric",
        "amount",
    ]
)
_UNIT_NAMES = frozenset(["unit", "units"])
_TELLING_NAMES = frozenset(
    ["explanation", "reasoning", "rationale", "type", "kind", "format", "confidence", "name"]
)


def _as_value(fields: Mapping[str, object]) -> str | None:
    """Return the one value of an object that stands for an answer, with its unit."""
    names = {_bare_name(name): name for name in fields}
    values = [name for name in names if name in _VALUE_NAMES]
    others = names.keys() - _VALUE_NAMES - _UNIT_NAMES - _TELLING_NAMES
    if len(values) != 1 or others or any(map(_is_against, fields, fields.values())):
        return None
    value, unit = (
        fields[names[values[0]]],
        [fields[names[each]] for each in names if each in _UNIT_NAMES],
    )
    text = None if isinstance(value, dict) else _as_text(value)
    if text is None or not unit or not isinstance(unit[0], str):
        return text
    return f"{text} {unit[0]}".strip()


def _decoded(body: str) -> str:
    """Decode a JSON string whose LaTeX may have been written without doubled backslashes."""
    if "\\" not in body:
        return body
    try:
        return _repaired(str(json.loads(f'"{body}"', strict=False)))
    except ValueError:
        return _ESCAPE.sub(_unescaped, body)


def _unescaped(escape: re.Match[str]) -> str:
    code, word, sign = escape.groups()
    if code:
        return chr(int(code, 16))
    if word:
        if word in _COMMANDS or word[0] not in _CONTROL:
            return escape.group()
        return _CONTROL[word[0]] + word[1:]
    return cast("str", sign) if sign in '"\\/' else escape.group()


def _repaired(text: str) -> str:
    r"""Give `\frac`, `\times` and others back the backslash that JSON took for a control sign."""
    return _DAMAGED.sub(_command, text)


def _command(found: re.Match[str]) -> str:
    word = _SPOILT[found.group()[0]] + found.group()[1:]
    return f"\\{word}" if word in _COMMANDS else found.group()
