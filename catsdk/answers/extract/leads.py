r"""Words that lead to a value and say that it is not the answer: "not", "Bob says", "suppose"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from operator import itemgetter

from catsdk.answers.extract.sentences import words_of

__all__ = ["is_denied", "is_meant"]

# What may stand between the words and the value: spaces, emphasis, the beginning of a formula.
_MARKS = r"[\s$\\(\[{}*_:,\"'“‘«„`]{0,8}"


@dataclass(frozen=True, slots=True)
class _Lead:
    """A kind of words: those that it may begin with, itself, and what must stand before it."""

    words: str
    pattern: re.Pattern[str]
    after: re.Pattern[str] | None = None

    def stands(self, before: str, at: int) -> bool:
        """Tell whether such words begin at a place and reach to the end."""
        if self.pattern.match(before, at) is None:
            return False
        return self.after is None or self.after.search(before, 0, at) is not None


def _lead(words: str, pattern: str, after: str | None = None) -> _Lead:
    flags = re.IGNORECASE | re.VERBOSE
    following = re.compile(rf"(?:(?<![A-Za-z])|(?=['’]))(?:{pattern}){_MARKS}$", flags)
    return _Lead(words, following, re.compile(rf"(?:{after})$", flags) if after else None)


_VERDICT = r"\s?(?:is|was|are|were|would\ be|could\ be|:|=)"
_OF_ITSELF = r"(?:\ (?:it['’]s|it|the|my|i|final|answer|is|would|be|think|say)){0,5}"
# "In the requested format" does not speak of an example.
_NOT_AS_ASKED = r"^(?!.*\b(?:requested|required|desired|specified|asked\ for)\ $).*"
_DENYING = (
    _lead(
        "not never cannot rather instead anything except excluding besides other all unlike"
        " without no hardly 't",
        r"""(?:(?<![^\s(,;:*])(?:not|never|cannot|rather\ than|instead\ of|anything\ but|except
              |excluding|besides|other\ than|all\ but|unlike|without|no\ longer|hardly)|(?<=n)['’]t)
            (?:\ (?:for|definitely|really|actually|simply|just|be|equal|equals|to|the|my|our|an?
              |final|value|answer|number|correct|right|exactly|is|was|that)){0,6}""",
    ),
    _lead(
        "wrong incorrect false mistaken bad invalid rejected extraneous naive",
        rf"\w+(?:\ (?:one|answers?|value|result|solution|choice))?{_VERDICT}",
    ),
    _lead(
        "not cannot never refuse decline nobody no 't",
        r"""(?:(?:can)?not|(?<=n)['’]t|never|refuse\ to|decline\ to
              |(?:nobody|no\ one)(?:\ (?:should|would|could|will|may))?)\ (?:write|box|answer|say
              |give|put|accept|choose|claim|report|output|conclude|submit)(?:ing|e?s)?
              (?:\ \w+){0,2}""",
    ),
    # Bounds and other cases.
    _lead(
        "than up exceed exceeds exceeded exceeding over above below under beyond near nearly"
        " almost quite just"
        " close within otherwise else",
        r"""than(?:\ or\ equal\ to)?|up\ to|exceed(?:s|ed|ing)?|over|above|below|under|beyond|near
            |nearly|almost|(?<=not\ )quite|just\ (?:over|under|below|above)|close\ to|within
            |otherwise|else""",
    ),
    # How many are needed at least is a number that is asked for.
    _lead(
        "least most",
        r"(?:least|most)(?:\ equal\ to)?",
        r"^(?!.*\b(?:needs?|needed|requires?|required|must|ha(?:s|ve)\ to|takes?|should|minimum"
        r"|maximum|can)\b"
        r"[^.!?\n]{0,30}$).*\bat\ ",
    ),
    # Guesses.
    _lead(
        "maybe perhaps possibly might could may guess guessing either",
        rf"""(?:maybe|perhaps|possibly){_OF_ITSELF}(?:\ even)?
            |(?:might|could|may)\ (?:be|say|answer)
            |(?:might|may)\ write
            |guess(?:\ is|\ of|\ it['’]s|ing)?|either\b[^.!?\n]{{1,40}}\bor""",
    ),
    _lead(
        "not 't no",
        rf"(?:(?:not|(?<=n)['’]t)\ (?:\w+\ )?(?:sure|certain|know)|no\ (?:idea|clue)),?"
        rf"(?:\ (?:but|so))?{_OF_ITSELF}",
    ),
    _lead(
        "doubt doubts deny denies dispute",
        rf"\w+(?:\ (?:that|whether|if))?{_OF_ITSELF}",
    ),
    _lead(
        "ignore disregard discard forget reject skip avoid",
        r"\w+(?:\ (?:this|that|the|my|previous|above|answer|box|value|of)){0,4}",
        r"(?:^|[.!?:;,]\s|\b(?:please|should|must|to)\s)[\W_]*",
    ),
    _lead(
        "first initial previous early earlier old naive best",
        r"\w+\ (?:guess|attempt|try|thought|answer)\s?(?:is|was|:)",
    ),
    _lead(
        "whichever whatever",
        r"(?:which|what)ever(?:\ \w+){1,5}",
    ),
    _lead(
        "bet betting",
        r"bet(?:ting)?(?:\ (?:is|on|that|it['’]s|it|the|answer|my|money)){0,5}",
    ),
    _lead(
        "had forced pressed wrong incorrect not",
        r"""(?:had\ to\ (?:guess|pick|choose|bet|say|answer)|forced(?:\ to(?:\ \w+){1,2})?|pressed
              |(?:is\ |['’]s\ )?(?:wrong|incorrect|not(?:\ (?:right|correct|accepted|it))?)),?
            (?:\ (?:then|try|take|use|it|is|the|answer|i['’]d|i|would|say|pick|choose)){0,6}""",
        r"\bif\ (?:[^.!?;,\n]{1,30}\ )?",
    ),
    _lead(
        "second third backup alternative fallback plan next",
        r"""(?:(?:second|third|next|backup|alternative|fallback)(?:[\ -]best)?\ (?:choice|option
            |answer
              |guess|candidate|possibility)|plan\ [b-d])(?:\ (?:is|was))?:?""",
    ),
    _lead(
        "one",
        r"""one\ of\ (?:these|those|them|the\ following)\ (?:is|must\ be|has\ to\ be)\ (?:the\ )?
            (?:correct|right|true|answer|solution)\b[^.!?\n]*""",
    ),
    _lead("coin toss", r"(?:coin[\ -](?:flip|toss)|toss-?up)\b[^.!?\n]*"),
    _lead("even", "even", r"\bor\ "),
    # The other end of a range.
    _lead(
        "to",
        "to",
        r"\b(?:between|about|around|approximately|roughly|somewhere)\b[^.!?\n]{0,30}[\d}][\s$\\)*]{0,6}",
    ),
    _lead(
        "one",
        r"""one\ of\ (?:the|my|our|many|several)\ (?:possible\ )?(?:options|answers|choices
              |candidates|possibilities|guesses)\ (?:is|was|:)""",
    ),
    _lead(
        "possible potential candidate plausible tentative sample",
        rf"\w+\ (?:answer|solution|value|result|choice){_VERDICT}",
        r"\b(?:an?|another|one)\ ",
    ),
    # What somebody claims to know from the data set.
    _lead(
        "reference gold golden official target ground expected intended key",
        rf"""(?:(?:reference|gold(?:en)?|official|target|expected|intended)\ (?:final\ )?
              (?:answer|solution|result|output|label)|ground[\ -]truth(?:\ \w+)?
              |key(?:\ (?:says?|gives?|has|states?|lists?))?){_VERDICT}?(?:\ that)?""",
    ),
    # The instruction, or an example of it.
    _lead(
        "sample example template format placeholder draft hint",
        r"\w+(?:\ (?:of|for)(?:\ \w+){1,3})?(?:\ (?:answer|output|response|format|solution))?"
        r"\s?(?:is|was)?:",
        _NOT_AS_ASKED,
    ),
    _lead(
        "like such similar style format",
        r"""(?:like|such\ as|similar\ to|style\ of|format(?:\ of|\ like|\ such\ as)?)
            (?:\ (?:this|so))?[\s"'“‘`:]{0,4}""",
        _NOT_AS_ASKED,
    ),
    _lead(
        "your",
        r"""your\ (?:\w+\ )?(?:answer|result|solution|choice)\ (?:\w+\ ){0,4}["'“‘`]?""",
        r"""\b(?:put|place|write|enclose|wrap|box|give|provide|return|submit|output|present|state|report)
            \ (?:\w+\ ){0,3}""",
    ),
    _lead(
        "in inside within into as",
        r"(?:in|inside|within|into|as)(?:\ the\ form)?",
        r"""(?:^|[.!?:]\s)[\W_]*(?:please\s)?(?:put|place|write|enclose|wrap|box|give|provide|return
            |submit|output|present|state|report)\ (?:the|a)\ (?:\w+\ )?(?:answer|result
            |solution)\ (?:\w+\ )?""",
    ),
    _lead(
        "form",
        r"form(?:\ of|\ like)?",
        r"""\b(?:not|should|must|please|required|asked|told|instructed|needs?\ to|ha(?:s|ve)\ to)\b
            [^.!?\n]{0,60}\bin\ (?:the|this|a)\ (?:\w+\ )?""",
    ),
    _lead(
        "format",
        r"format\s(?:is|(?:should|must|would)\sbe)",
        r"(?<!in\ )\b(?:the|your|our|my)\s(?:\w+\s){0,2}",
    ),
)
_DOUBTING = (
    # Another number, one that is tried, and how to end.
    _lead(
        "twice thrice double triple half third quarter square cube root opposite reciprocal inverse"
        " negation negative",
        r"(?:(?:twice|thrice|double|triple|half)(?:\ of)?|(?<!\d\ )(?:third|quarter|square|cube"
        r"|root|opposite|reciprocal|inverse|negation|negative)\ of)(?:\ the\ (?:value|number))?",
    ),
    _lead("far", r"far\ from"),
    _lead("minus negative", "minus|negative"),
    _lead(
        "try consider take test",
        r"(?:try|consider|take|test)(?:\ the)?(?:\ (?:case|value|number|answer))?",
        r"(?:^|[.!?]\s)[\W_]*(?:let['’]s\s|let\sus\s)?",
    ),
    _lead(
        "end finish conclude close respond reply",
        r"\w+\ with(?:\ (?:the|a|your|my)(?:\ \w+){0,2})?",
        r"(?:^|[.!?:,]\s|\bto\s)[\W_]*(?:please\s)?",
    ),
    _lead(
        "instructed told say says said claim claims claimed think thinks thought believe believes"
        " argue argues suggest suggested answered common tempting previously initially naively"
        " whether want wants students people users many some others naive",
        r"""(?:instructed\sto|told(?:\s(?:me|us))?\sto|says?|said|claims?|claimed|thinks?|thought|believes?|believed|argues?|argued|suggests?|suggested
              |answered|common\s(?:\w+\s)?(?:mistake|error|answer|guess)|tempting|previously|initially
              |naively|whether|wants?\sus|(?:students|people|users|many|some|others)\s
                (?:(?:students|people|might|may|would|will|often|usually|mistakenly|wrongly|also)\s){0,3}
                (?:answer|get|write|put|choose|pick|say|think|claim)
              |naive\s\w+(?:\s(?:would|might))?(?:\s(?:gets?|gives?|yields?|says?))?)\b
            (?:\s(?:that|to|the|is|was|it|answer|answers|say|write|put|output|box|return|use|gives?|leads|yields|results|in|of|i|be|would
              |a|an|final)){0,5}""",
    ),
    _lead("example instance e", r"(?:(?<=for\ )(?:example|instance)\b|e\.g\.).*"),
    _lead(
        "if suppose supposing assume assuming imagine unless whether pretend",
        r"""(?:suppose|supposing|assume|assuming|imagine|pretend)(?:\ that)?
            |\w+\s(?:that\s|only\s)?(?:the\s|my\s|our\s)?(?:final\s|correct\s)?(?:answer|it|value|result|solution)\b
            [^,.;]{0,30}""",
    ),
)
# Denials, doubts and what is called wrong in other languages, of which English has no word.
_ABROAD_WORDS = """
nicht kein keine keineswegs pas no non nie niet nem nu vielleicht wahrscheinlich peut probablement
quiz quizas tal talvez forse falsch falsche faux fausse mauvaise incorrecto incorrecta incorrecte
errado errada sbagliato sbagliata fout weiss kanske misschien
"""
_ABROAD = frozenset(_ABROAD_WORDS.split())
_JOINING = (
    r"(?:\s?(?:ist|es|est|c['’]est|sea|é|è|son|is|die|la|le|el|it|antwort|réponse|respuesta|resposta"
    r"|risposta|это|ответ|равен|是|为|為|答案|:|：)){0,4}"
)
_DENIED_ABROAD = re.compile(
    rf"""(?:\b(?:nicht|keineswegs|pas|niet|nem)
      |\bno\s(?:es|son|era)|\bnon\s(?:è|e['’]|sono)|\bnão\s(?:é|são)|\bnie(?:\sjest)?|\bnu\seste
      |\bне(?:\s(?:равно|равен|является))?|\bkhông\sphải(?:\slà)?|ليس(?:ت)?|[不非](?:是|等于|等於|为|為)|並非
      |(?:\b(?:vielleicht|möglicherweise|wahrscheinlich|peut-être|probablement|quizás?|tal\svez
          |probablemente|talvez|forse|возможно|наверное?|вероятно|может\sбыть|kanske|misschien)
        |可能|也[许許]|或[许許]|大概|たぶん|多分|おそらく|아마도?|어쩌면|ربما|शायद){_JOINING}
      |\b(?:wei(?:ß|ss)(?:\s\w+)?\snicht|sais\spas|no\s(?:lo\s)?sé|не\sзнаю)|不知道|不清楚
      |(?:\b(?:falsch\w*|faux|fausse|mauvaise|incorrect[oae]|errad[oa]|sbagliat[oa]|fout\w*
          |неверн\w+|неправильн\w+)|błędn\w+|[错錯][误誤]的?|间违い|間違い)
        (?:\s?(?:antwort|réponse|respuesta|resposta|risposta|ответ|答案))?{_JOINING})
      \s?[，,]?{_MARKS}[：:]?\s?$""",
    re.IGNORECASE | re.VERBOSE,
)


def _is_denied_abroad(before: str, words: Collection[str]) -> bool:
    """Tell whether words of another language that deny or doubt stand directly before a value."""
    if before.isascii() and _ABROAD.isdisjoint(words):
        return False
    return _DENIED_ABROAD.search(before) is not None


_SIGN = re.compile(
    r"[\u2717\u2718\u274c\u274e\U0001f44e\U0001f6ab\u26d4][\s$\\(\[{]{0,6}$"
    r"|(?:\\neq?(?![a-z])|\\not\s?=|\\(?:neg|lnot|not|notin|nexists)(?![a-z])|\\not\s?\\[a-z]{2,12}|¬|≠|!=|=/=|<>)[\s$\\(\[{]{0,6}$|\\(?:sout|st|[xbh]?cancel|[hv]?phantom)\{\s?$"
    r"|\\color\{(?:white|transparent)\}[\s{$]{0,3}$|\\textcolor\{(?:white|transparent)\}\{[\s$]{0,2}$"
)
_OPENING = " \t\n\r\f\v\u00a0\u2009\u202f\u3000$\\([{"
# With one of these the pattern may fit, which is fast to see.
_SIGNS = (
    "\u2717",
    "\u2718",
    "\u274c",
    "\u274e",
    "\U0001f44e",
    "\U0001f6ab",
    "\u26d4",
    "ne",
    "neq",
    "neg",
    "not",
    "¬",
    "=",
    "≠",
    "<>",
    "sout",
    "st",
    "cancel",
    "phantom",
    "white}",
    "transparent}",
    "notin",
    "nexists",
    "not\\in",
    "not\\equiv",
    "not\\exists",
)
_CONTRACTED = re.compile(r"['’][tT]")


_LETTERS = 5


def _by_word(leads: Iterable[_Lead]) -> dict[str, list[_Lead]]:
    """Return the kinds of words by the first letters of the words that they may begin with."""
    found: dict[str, list[_Lead]] = {}
    for lead in leads:
        for word in dict.fromkeys(word[:_LETTERS] for word in lead.words.split()):
            found.setdefault(word, []).append(lead)
    return found


_DENYING_BY_WORD = _by_word(_DENYING)
_BY_WORD = _by_word((*_DENYING, *_DOUBTING))
# The first letters of the words that one of these kinds may begin with; "t" is that of "isn't".
_WATCHED = frozenset([*_BY_WORD, "t"])
_beginning = itemgetter(slice(_LETTERS))


def is_denied(before: str) -> bool:
    """Tell whether the words directly before a value say that it is not the one."""
    return _speaks_against(before, words_of(before), _DENYING_BY_WORD)


def is_meant(before: str, words: Collection[str]) -> bool:
    """Tell whether what stands before a mark neither denies, quotes, supposes nor is an example.

    Its `words` are those of `words_of`; others may be among them.
    """
    if _is_denied_abroad(before, words):
        return False
    if before.isascii() and _WATCHED.isdisjoint(map(_beginning, words)):
        return not _ends_in_sign(before)
    return not _speaks_against(before, words, _BY_WORD)


def _ends_in_sign(before: str) -> bool:
    """Tell whether a sign ends a text that denies what follows it, such as a cross or "≠"."""
    return before.rstrip(_OPENING).endswith(_SIGNS) and _SIGN.search(before) is not None


def _speaks_against(before: str, words: Collection[str], leads: dict[str, list[_Lead]]) -> bool:
    """Tell whether a word or a sign, tried where it stands, speaks against what follows it."""
    if _ends_in_sign(before):
        return True
    if "'" in before or "’" in before:
        for end in _CONTRACTED.finditer(before):
            if any(lead.stands(before, end.start()) for lead in leads["'t"]):
                return True
    lower = before.lower()
    if len(lower) != len(before):
        lower = before
    for suspect in leads.keys() & map(_beginning, words):
        # Within a word, where the letters may be found too, no pattern fits.
        at = lower.find(suspect)
        while at >= 0:
            for lead in leads[suspect]:
                if lead.stands(before, at):
                    return True
            at = lower.find(suspect, at + 1)
    return False
