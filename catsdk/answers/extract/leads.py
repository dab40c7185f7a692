r"""Words that lead to a value and say that it is not the answer: "not", "Bob says", "if the answer were"."""

from __future__ import annotations

import re

from catsdk.answers.extract.wording import is_example

__all__ = ["is_denied", "is_meant"]

# What may stand between the words and the value: spaces, emphasis, the beginning of a formula.
_MARKS = r"[\s$\\(\[{*_:]{0,8}"
_DENYING = re.compile(
    r"(?:(?<![^\s(,;:*])(?:not|never|cannot|rather\ than|instead\ of|anything\ but|except|excluding|besides"
    r"|other\ than|all\ but|unlike|without|no\ longer|hardly)|(?<=n)['’]t)"
    r"(?:\ (?:for|definitely|really|actually|simply|just|be|equal|equals|to|the|my|our|an?|final|value"
    rf"|answer|number|correct|right|exactly|is|was|that)){{0,6}}\s?:?{_MARKS}$"
    r"|\b(?:wrong|incorrect|false|mistaken|bad|invalid|rejected|extraneous|naive)"
    rf"(?:\ (?:one|answer|answers|value|result|solution|choice))?\s?(?:is|was|are|were|would\ be|:|=){_MARKS}$"
    rf"|\bor\ (?:maybe|perhaps|possibly|even)\b{_MARKS}$"
    r"|(?:(?:can)?not|(?<=n)['’]t|never|refuse\ to|decline\ to)\ (?:write|box|answer|say|give|put|accept|choose|claim"
    rf"|report|output|conclude|submit)(?:\ \w+){{0,2}}:?{_MARKS}$"
    r"|\b(?:than(?:\ or\ equal\ to)?|up\ to|exceed(?:s|ed|ing)?|over|above|below|under|beyond"
    rf"|near|nearly|almost|(?:not\ quite|just\ (?:over|under|below|above))|close\ to|within|otherwise|else),?{_MARKS}$"
    r"|\b(?:(?:maybe|perhaps|possibly)(?:\ (?:it|the|my|final|answer|is|would|be)){0,5}|(?:might|could|may)\ be|guess(?:\ is|\ of|\ it['’]s|ing)?|either\b[^.!?\n]{1,40}\bor"
    rf"|(?:not|n['’]t)\ (?:\w+\ )?(?:sure|certain),?(?:\ but)?(?:\ (?:i|it|the|my|answer|is|think|say|would|be)){{0,5}})[,:]?{_MARKS}$"
    r"|\b(?:like|such\ as|as\ in|similar\ to|e\.g\.,?|in\ the\ style\ of|format(?:\ of|\ like|\ such\ as)?)"
    rf"(?:\ (?:this|so))?[\s\"'“‘`]{{0,3}}{_MARKS}$"
    r"|\b(?:put|place|write|enclose|wrap|box|give|provide|return|submit|output|present|state|report)\ (?:\w+\ ){0,3}"
    rf"your\ (?:\w+\ )?(?:answer|result|solution|choice)\ (?:\w+\ ){{0,4}}[\"'“‘`]?{_MARKS}$"
    r"|\b(?:not|should|must|please|required|asked|told|instructed|needs?\ to|ha(?:s|ve)\ to)\b[^.!?\n]{0,60}\bin\ (?:the|this|a)"
    rf"\ (?:\w+\ )?form(?:\ of|\ like)?{_MARKS}$"
    r"|\bone\ of\ (?:the|my|our|many|several)\ (?:possible\ )?(?:options|answers|choices|candidates|possibilities"
    rf"|guesses)\ (?:is|was|:){_MARKS}$"
    r"|\b(?:an?|another|one)\ (?:possible|potential|candidate|plausible|tentative|sample)\ (?:answer|solution|value"
    rf"|result|choice)\s?(?:is|was|:|could\ be|would\ be){_MARKS}$"
    r"|\b(?:sample|example|template|format|placeholder)(?:\ (?:answer|output|response|format|solution))?"
    rf"\s?(?:is|was)?:{_MARKS}$"
    r"|\b(?:first|initial|previous|early|earlier|old|naive|best)\ (?:guess|attempt|try|thought|answer)"
    rf"\s?(?:is|was|:){_MARKS}$"
    r"|(?:\\neq?(?![a-z])|\\not\s?=|≠|!=|=/=|<>)[\s$\\(\[{]{0,6}$"
    r"|\\(?:sout|st|[xb]?cancel)\{\s?$",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTING = re.compile(
    r"\b(?:says?|said|claims?|claimed|thinks?|thought|believes?|believed|argues?|argued|suggests?|suggested|answered"
    r"|common\s(?:\w+\s)?(?:mistake|error|answer|guess)|tempting|previously|initially|naively|whether|wants?\sus"
    r"|(?:students|people|users|many|some|others)\s(?:\w+\s){0,2}(?:answer|get|write|put|choose|pick|say|think|claim)"
    r"|naive\s\w+(?:\s(?:would|might))?(?:\s(?:gets?|gives?|yields?|says?))?)\b"
    r"(?:\s(?:that|to|the|is|was|it|answer|answers|say|gives?|leads|yields|results|in|of|i|be|would|a|an|final)){0,5}[\s$\\\\(\[{*_:,]{0,8}$",
    re.IGNORECASE,
)
_SUPPOSING = re.compile(
    r"\b(?:if|suppose|supposing|assume|assuming|imagine|unless|whether|pretend)\s(?:that\s)?(?:the\s|my\s|our\s)?"
    r"(?:final\s|correct\s)?(?:answer|it|value|result|solution)\b[^,.;]{0,30}$",
    re.IGNORECASE,
)
_BOUND = re.compile(rf"\bat (?:least|most)(?: equal to)?{_MARKS}$", re.IGNORECASE)
# How many are needed at least is a number that is asked for.
_NEEDED = re.compile(
    r"\b(?:needs?|needed|requires?|required|must|ha(?:s|ve)\sto|takes?|should|minimum|maximum|can)\b[^.!?\n]{0,30}$",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    rf"(?<!in )\b(?:the|your|our|my)\s(?:\w+\s){{0,2}}format\s(?:is|should\sbe|must\sbe|would\sbe){_MARKS}$",
    re.IGNORECASE,
)
# The first five letters of the words that one of the patterns begins with; they are tried there alone.
_SUSPECT_WORDS = """
not never cannot rather instead anything all except excluding besides other unlike without hardly no
wrong incorrect false mistaken bad invalid rejected extraneous naive or refuse decline than one a an another
sample example template format placeholder first initial previous early earlier old best
at up exceed exceeds exceeded over above below under beyond near nearly almost just close within
otherwise else maybe perhaps possibly might could may guess guessing either like such as similar in format put place write enclose wrap box give provide return submit output
present state report should must please required asked told instructed need needs has have
say says said claim claims claimed think thinks thought believe believes argue argues suggest suggested answered
common tempting previously initially naively whether want wants students people users many some others
if suppose supposing assume assuming imagine unless pretend for e
"""
_SUSPECT = frozenset(word[:5] for word in _SUSPECT_WORDS.split())
_WORD = re.compile(r"(?<![a-z])[a-z]{1,5}", re.IGNORECASE)
_DOUBTFUL_SIGN = re.compile(r"['’][tT]|\\[bcnsx]|[!<=][/=>]|≠")


def is_denied(before: str) -> bool:
    """Tell whether the words directly before a value say that it is not the one."""
    return any(_DENYING.match(before, at) for at in _suspects(before))


def is_meant(before: str) -> bool:
    """Tell whether the words before a mark neither deny, quote, suppose nor give an example."""
    suspects = _suspects(before)
    return not suspects or not (
        is_example(before)
        or _FORMAT.search(before)
        or _is_bound(before)
        or any(
            words.match(before, at) for at in suspects for words in (_DENYING, _QUOTING, _SUPPOSING)
        )
    )


def _is_bound(before: str) -> bool:
    """Tell whether a value is only a bound: "x is at least", but not "she needs at least"."""
    bound = _BOUND.search(before)
    return bound is not None and _NEEDED.search(before[: bound.start()]) is None


def _suspects(before: str) -> list[int]:
    """Return where words or signs begin that may say something against what follows."""
    found = [sign.start() for sign in _DOUBTFUL_SIGN.finditer(before)]
    if not _SUSPECT.isdisjoint(_WORD.findall(before.lower())):
        words = _WORD.finditer(before)
        found += [word.start() for word in words if word.group().lower() in _SUSPECT]
    return found
