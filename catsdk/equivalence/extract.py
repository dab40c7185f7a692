"""The final answer of a completion, by the first rule that finds one."""

from __future__ import annotations

import re

__all__ = ["extract_answer"]

MAX_ANSWER = 1_000
_TAIL = 20_000

_MARK = re.compile(r"(?:final answer|the answer) is:?[ \t]*", re.IGNORECASE)
_BOXES = ("\\boxed{", "\\fbox{")


def extract_answer(text: str) -> str | None:
    r"""Return the final answer in `text`, or `None`.

    The rules, in order: the last balanced `\boxed{}` or `\fbox{}`; the last `<answer>` tag; the
    last line `#### x`; the rest of the last line that says "final answer is" or "the answer is".
    Only the last 20,000 characters are searched; an answer over 1,000 characters is none.
    """
    tail = text[-_TAIL:]
    for rule in (_boxed, _tagged, _hashed, _said):
        answer = rule(tail)
        if answer is not None and 0 < len(answer) <= MAX_ANSWER:
            return answer
    return None


def _boxed(text: str) -> str | None:
    end = len(text)
    while (start := max(text.rfind(box, 0, end) for box in _BOXES)) >= 0:
        content = _balanced(text, text.index("{", start) + 1)
        if content is not None:
            return content.strip()
        end = start
    return None


def _balanced(text: str, start: int) -> str | None:
    depth = 1
    for at in range(start, min(len(text), start + MAX_ANSWER + 1)):
        escaped = text[at - 1] == "\\"
        depth += (text[at] == "{" and not escaped) - (text[at] == "}" and not escaped)
        if depth == 0:
            return text[start:at]
    return None


def _tagged(text: str) -> str | None:
    end = text.rfind("</answer>")
    start = text.rfind("<answer>", 0, max(end, 0))
    return text[start + len("<answer>") : end].strip() if start >= 0 else None


def _hashed(text: str) -> str | None:
    start = text.rfind("#### ")
    return text[start + 5 :].partition("\n")[0].strip() if start >= 0 else None


def _said(text: str) -> str | None:
    start = max((match.end() for match in _MARK.finditer(text)), default=None)
    if start is None:
        return None
    return text[start:].partition("\n")[0].strip().rstrip(".").strip("$* ")
