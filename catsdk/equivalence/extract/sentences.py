"""Sentences of prose, and the answer that one of them asserts."""

from __future__ import annotations

import re

from catsdk.equivalence.extract.values import (
    Value,
    formula_around,
    one_number,
    value_at,
    whole_value,
    words_at,
)
from catsdk.equivalence.extract.wording import (
    asserts,
    denies,
    hedges,
    is_example,
    is_placeholder,
    is_unfinished,
    refuses,
    refutes,
)

__all__ = ["answer_of", "is_answer_in_words", "sentence_around", "sentences_of"]

_END = re.compile(
    r"(?<=[.!?。！？…])(?:[*_)\"”'’]{0,3})(?=\s|$)(?<!\b[A-Z]\.)(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!Mr\.)(?<!Dr\.)(?<!Ms\.)(?<!Mrs\.)(?<!No\.)(?<!approx\.)|(?<=[。！？])|\n+"
)
_OPENING, _CLOSING = re.compile(r"(?<!\\)\\\["), re.compile(r"(?<!\\)\\\]")
_LABEL = re.compile(r"[\s>*_-]{0,4}\(?(?:\d{1,2}|[A-Za-z])[.)]")
_LONGEST = 1_000
_LONGEST_READ = 2_000
_NEAR = 300
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*|__([^_\n]{1,200})__|<b>([^<\n]{1,200})</b>")
_EQUALS = re.compile(
    r"(?<![<>!:=])=(?![=>])|≈|\\approx(?![a-z])|\bequals\b|\bis equal to\b", re.IGNORECASE
)
_COPULA = re.compile(
    r"""\b(?:is|are|am|was|were|equals?|becomes?|will\ be|must\ be|has\ to\ be|totals?|comes?\ (?:out\ )?to
      |amounts?\ to|adds?\ up\ to|evaluates?\ to|simplifies\ to|reduces\ to|works?\ out\ to|results?\ in
      |gives?(?:\ us|\ you)?|yields?|gets?|got|makes?|leaves?|shows?|obtain(?:s|ed)?|ist|est|es|é
      |beträgt|vaut|son|sont|sind|是|为|等于|равно)\b:?\s|(?<=\w)['’]s\s(?=[*$\\\d(-])|[→⇒]|:\s(?=[*$\\\d(-])""",
    re.VERBOSE | re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"^\W{0,4}(?:so|therefore|thus|hence|in total|in all|in conclusion|in summary|overall|altogether"
    r"|finally|consequently|as a result|to conclude|this means|that means|which means|accordingly"
    r"|then|also|donc|also|por lo tanto|daher|因此|所以|故)\b"
    r"|\b(?:in total|altogether|in all|a total of|total|left|remain(?:s|ing)?|overall)\b|^∴",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[,;:]\s|\b(?:so|therefore|thus|hence|but)\b", re.IGNORECASE)
_WORDING = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s?\{[^{}]*\}|\b[AaI]\s(?=\S)|['’]s\b")
_TIMES = re.compile(r"(?<=[\w)])\s?[xX]\s?(?=[\d$(])")
_COMMAND = re.compile(r"\\[A-Za-z]+")
# The numbers, single letters and operators in front of an equals sign.
_LAST_TERM = re.compile(r"(?:[^\sA-Za-z]|\s|\\[A-Za-z]+|(?<![A-Za-z])[A-Za-z](?![A-Za-z]))+$")
_NAME = re.compile(r"\W{0,6}[A-Za-z](?:_\{?\w+\}?)?'?\s?(?:\([^()]*\))?")
_WRONG = re.compile(
    r"\b(?:not true|false|wrong\w*|incorrect\w*|mistaken\w*|suppose|assume)\b", re.IGNORECASE
)
# The arithmetic in front of an equals sign, with the words of its units.
_UNWORDED = re.compile(r"[\s\d.,$%+*/×·÷()-]+$")
_FIRST_STEP = re.compile(
    r"^\W{0,4}(?:first(?:ly)?|to start|to begin|step\s?1|1[.)](?=\s)|let|start|begin|we (?:need|know|have to|can"
    r"|must|are given|want)|i (?:need|will|have to)|given|recall|note|suppose|next|(?:prove|show|check|verify|demonstrate|explain) (?:that|why|how|if|whether))(?!\w)",
    re.IGNORECASE,
)
_FIRST_ONLY = re.compile(
    r"\bfirst,? (?:multiply|add|subtract|divide|compute|calculate|find|take)\b(?!.*\bthen\b)",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:less|more|greater|fewer|larger|smaller|higher|lower|bigger|older|younger) than|\bat (?:least|most)\b"
    r"|\bbetween\b|\bup to\b|\bwithin\b|\balmost\b|\bthan\b|\bexcept\b|\bas many\b|\bas much\b|\b(?:no|any) \d",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"(?:\b(?:less|more|greater|fewer|larger|smaller|higher|lower) than|\bat (?:least|most)|\bup to|\balmost"
    r"|\bbetween|\bwithin)\W*$",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"\b(?:and|or|then|so|the|an?|of|is|are|to|for|by|with|from|we|plus|minus|times|but|in|on|at|as|because|since"
    r"|that|which|now|next|if|when|he|she|they|it|has|have|will|each|per)[\s*_,:-]*$|(?:[-+/×÷=^(]|\s\*)\s*$",
    re.IGNORECASE,
)
_REVERSED = re.compile(
    r"\s*(?:\$|\\\)|\*\*)?\s*(?:is|are)\s+(?:therefore\s+|thus\s+)?(?:(?:the|our|my)\s+)?(?:final\s+|correct\s+|right\s+"
    r"|best\s+|only\s+){0,2}(?:answers?|choice|option|solutions?|correct|right)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:(?:so|therefore|thus|hence|then|and|finally|in conclusion|option|choice|answer|the|number|letter)\b,?\s*|\W(?<![$\\({\[\-+*.√∞π]))+",
    re.IGNORECASE,
)
_NO_ANSWER = frozenset(
    [
        "consistent",
        "correct",
        "right",
        "wrong",
        "incorrect",
        "unique",
        "valid",
        "invalid",
        "complete",
        "incomplete",
        "verified",
        "confirmed",
        "reasonable",
        "expected",
        "ok",
        "okay",
        "fine",
        "good",
        "clear",
        "unclear",
        "unknown",
        "same",
        "different",
        "given",
        "found",
        "obtained",
        "based",
        "computed",
        "calculated",
        "derived",
        "shown",
        "written",
        "expressed",
        "stated",
        "provided",
        "required",
        "simplified",
        "rounded",
        "accurate",
        "exact",
        "approximate",
        "final",
        "sensible",
        "plausible",
        "possible",
        "impossible",
        "obvious",
        "simple",
        "straightforward",
        "easy",
        "hard",
        "difficult",
        "tricky",
        "this",
        "that",
        "it",
        "these",
        "those",
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "where",
        "when",
        "why",
        "how",
        "there",
        "here",
        "in",
        "on",
        "at",
        "of",
        "for",
        "from",
        "to",
        "with",
        "by",
        "as",
        "like",
        "about",
        "after",
        "before",
        "between",
        "into",
        "through",
        "per",
        "via",
        "using",
        "above",
        "below",
        "not",
        "no",
        "never",
        "none",
        "nothing",
        "neither",
        "either",
        "maybe",
        "perhaps",
        "possibly",
        "probably",
        "sure",
        "well",
        "yet",
        "still",
        "already",
        "just",
        "only",
        "also",
        "therefore",
        "thus",
        "hence",
        "so",
        "because",
        "since",
        "if",
        "whether",
        "but",
        "and",
        "or",
        "wait",
        "hmm",
        "let",
        "we",
        "i",
        "you",
        "he",
        "she",
        "they",
        "my",
        "your",
        "our",
        "their",
        "its",
        "is",
        "are",
        "was",
        "be",
        "being",
        "been",
        "can",
        "could",
        "may",
        "might",
        "must",
        "shall",
        "should",
        "will",
        "would",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "get",
        "got",
        "see",
        "note",
        "check",
        "step",
        "steps",
        "first",
        "next",
        "then",
        "finally",
        "now",
        "left",
        "up",
        "down",
        "out",
        "over",
        "under",
        "larger",
        "smaller",
        "greater",
        "less",
        "more",
        "fewer",
        "bigger",
        "better",
        "best",
        "worse",
        "integer",
        "number",
        "value",
        "answer",
        "result",
        "solution",
        "question",
        "problem",
        "option",
        "choice",
        "undetermined",
        "ambiguous",
        "interesting",
        "important",
        "satisfied",
        "satisfying",
        "meaningful",
        "useful",
        "helpful",
        "independent",
        "dependent",
        "close",
        "near",
        "far",
        "off",
        "unchanged",
        "checked",
        "proven",
        "proved",
        "reached",
        "ready",
        "done",
        "justified",
        "supported",
        "explained",
        "formatted",
        "boxed",
        "blank",
        "empty",
        "beats",
        "sorry",
        "please",
        "thanks",
        "thank",
        "hello",
        "hi",
        "hey",
        "okay",
        "sure",
        "certainly",
        "absolutely",
        "great",
        "alright",
        "understood",
        "think",
        "thinking",
        "guess",
        "skip",
        "pass",
        "error",
        "warning",
        "todo",
        "n/a",
        "na",
        "null",
        "anything",
        "everything",
        "something",
        "whatever",
        "any",
        "some",
        "all",
        "each",
        "every",
        "both",
        "various",
        "several",
        "many",
        "few",
        "likely",
        "unlikely",
        "verification",
        "explanation",
        "conclusion",
        "summary",
        "approach",
        "analysis",
        "calculation",
        "reasoning",
        "introduction",
        "notes",
        "overview",
        "details",
        "method",
        "background",
        "proof",
        "example",
        "discussion",
        "remark",
        "justification",
        "understanding",
        "a",
        "an",
        "the",
    ]
)
_LETTERS = re.compile(r"[^\W\d_]{2,}|[^\x00-\x7f]|^[A-Za-z]$")
# This is for the rule of cues, which has passed it over where it comes to here.
_SAID = re.compile(r"\b(?:answers?|option|choice) (?:is|are):?\s$", re.IGNORECASE)
_YES_OR_NO = re.compile(r"[\s*_]{0,4}(yes|no|true|false)\b(?=[\s*_]{0,4}[,.:;—–-])", re.IGNORECASE)
_OF_ANSWERS = re.compile(r"\b(?:answer\w*|options?|choices?)\b", re.IGNORECASE)
_AGAINST = re.compile(
    r"\b(?:to|from|than|by|with|between|until|over|under|above|below|about|near)\s\$?\d",
    re.IGNORECASE,
)
_SPECIAL = re.compile(
    r"yes|no|true|false|no (?:real |integer |such |valid |possible )*(?:solutions?|roots?|values?|numbers?)(?: exists?)?"
    r"|none(?: of the above)?|does not exist|dne|undefined|not possible|(?:the )?empty set|not equal|not guilty",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\bor\b|\b(?:one|some|any) of\b|\b[A-J]\s?[/&,]\s?[A-J]\b|\bin base\b", re.IGNORECASE
)
_CODE = re.compile(r"[{}<>\\|#]|```|://")
_PROPER = re.compile(r"[A-Z][^\W\d_]*(?:[ '’.-]+(?:[A-Z][^\W\d_]*|of|the|de|and|la))*")


def sentences_of(text: str) -> list[str]:
    """Split prose into its sentences and lines, in order; a displayed formula is one."""
    found: list[str] = []
    at = 0
    for end in _END.finditer(text):
        piece = text[at : end.end()]
        if len(piece) < _LONGEST and (_open_display(piece) or _LABEL.fullmatch(piece.strip())):
            continue
        if piece.strip():
            found.append(piece.strip())
        at = end.end()
    if text[at:].strip():
        found.append(text[at:].strip())
    return found


def _open_display(piece: str) -> bool:
    opened, closed = (len(sign.findall(piece)) for sign in (_OPENING, _CLOSING))
    return opened > closed or piece.count("$$") % 2 == 1


def sentence_around(text: str, at: int) -> tuple[str, str]:
    """Return what stands before and behind position `at` in its sentence, or its line."""
    before = text[max(0, at - 400) : at]
    start = max((end.end() for end in _END.finditer(before)), default=0)
    after = text[at : at + 400]
    end = next((end.end() for end in _END.finditer(after) if end.end() > 0), len(after))
    return before[start:], after[:end]


def answer_of(sentence: str, *, alone: bool = False) -> str | None:
    """Return the answer that a concluding sentence asserts.

    It is `None` where the sentence asserts none, and an empty text where it leaves the answer
    open: it guesses, asks, refuses or stops before its end. `alone` says that the sentence is the
    whole reply.
    """
    if len(sentence) > _LONGEST_READ:
        return None
    if sentence.rstrip('*_ )"”').endswith(("?", "？")) or hedges(sentence) or refuses(sentence):
        return ""
    if is_unfinished(sentence) or _TRAILING.search(sentence):
        return ""
    if _FIRST_STEP.match(sentence) or _FIRST_ONLY.search(sentence) or is_example(sentence):
        return None
    if (value := whole_value(_unlabelled(sentence))) is not None:
        return value
    for read in (_bold, _reversed, _equation, _copula):
        if (found := read(sentence)) is not None:
            return found
    ended = sentence.rstrip('*_"”) ').endswith((".", "!", "。", "！"))
    if alone and (word := _YES_OR_NO.match(sentence)) is not None:
        return word.group(1)
    if _OF_ANSWERS.search(sentence):
        return None
    if (alone or _CONCLUDES.search(sentence)) and (ended or alone):
        if not denies(sentence) and asserts(sentence) and not _COMPARES.search(sentence):
            return one_number(_BOLD.sub(lambda bold: bold.group(bold.lastindex or 0), sentence))
    return None


def is_answer_in_words(phrase: str) -> bool:
    """Tell whether a few words can be an answer: they are not about an answer, and deny nothing."""
    if _SPECIAL.fullmatch(phrase.strip(" .*$")):
        return True
    if not _LETTERS.search(phrase) or re.search(r"\d\s?[×*+=÷]", phrase):
        return False
    words = re.findall(r"[^\W_]+(?:['’/-][^\W_]+)*", phrase)
    if not 1 <= len(words) <= 6 or hedges(phrase) or refuses(phrase) or is_placeholder(phrase):
        return False
    if _CODE.search(phrase) or denies(phrase) or _SEVERAL.search(phrase):
        return False
    if _AGAINST.search(phrase):
        return False
    first = [word for word in words if word.lower() not in ("a", "an", "the")]
    return bool(first) and not any(word.lower() in _NO_ANSWER for word in (first[0], first[-1]))


def _unlabelled(sentence: str) -> str:
    return re.sub(r"^[\s>*-]{0,6}(?=[*$\\\d(A-J+-])|^#{1,6}\s", "", sentence)


def _holds(before: str, sentence: str) -> bool:
    """Tell whether a value behind `before` is asserted."""
    clause = _CLAUSES.split(before[-_NEAR:])[-1]
    return asserts(clause) and not _COMPARED.search(clause)


def _plain_rest(found: Value) -> bool:
    """Tell whether nothing behind a value may be another one, or denies it."""
    rest = found.rest
    return not re.search(r"\d(?!\s?[-.)]?\s?(?:st|nd|rd|th)\b)|[=≠]|\bor\b", rest) and not denies(
        rest
    )


def _bold(sentence: str) -> str | None:
    """Read what is printed in bold in a sentence, the last where there are several."""
    spans = list(_BOLD.finditer(sentence))
    if not spans:
        return None
    last = spans[-1]
    content = last.group(last.lastindex or 0).strip()
    before, behind = sentence[: last.start()], sentence[last.end() :]
    if not before.strip(" >*-•") and behind.strip(" .*") and not _REVERSED.match(behind):
        # A label, as in "**Total:** 5" or "**5** is one of them".
        return None
    if re.search(r"\bor\W*$", before):
        return ""
    if not _holds(before, sentence) or re.search(r"\d|=|\bor\b", behind) or refutes(behind):
        return None
    value = value_at(content)
    if value is not None:
        if value.alternatives:
            return ""
        found = whole_value(content)
        return found if found is not None else answer_of(content)
    equal = answer_of(content) if _EQUALS.search(content) else None
    if equal:
        return equal
    if _COPULA.search(before) and is_answer_in_words(content.rstrip(".:")):
        return content.rstrip(".:")
    return None


def _reversed(sentence: str) -> str | None:
    """Read a value that is said to be the answer, as in "Thus x <= 2 is our answer"."""
    lead = _LEAD.match(sentence)
    text = sentence[lead.end() :] if lead else sentence
    found = value_at(text)
    if found is None or not _REVERSED.match(found.rest):
        return None
    return "" if found.alternatives else found.text


def _equation(sentence: str) -> str | None:
    """Read the last side of the one equation of a sentence."""
    signs = list(_EQUALS.finditer(sentence))
    if not signs:
        return None
    last = signs[-1]
    for first, second in zip(signs, signs[1:], strict=False):
        between = re.sub(
            r"\\(?:text|mathrm)?[A-Za-z]*", " ", sentence[first.end() : second.start()]
        )
        if re.search(r"\band\b|[,;]\s|\bor\b", between):
            return None
    before = sentence[: signs[0].start()]
    clause = _CLAUSES.split(_UNWORDED.sub("", before[-_NEAR:]))[-1]
    if _WRONG.search(before) or not asserts(clause):
        return None
    if (formula := formula_around(sentence, last.start())) is not None:
        start, end, content = formula
        inside = list(_EQUALS.finditer(content))
        if not inside:
            return None
        left = content[: inside[0].start()]
        return _side(left, content[inside[-1].end() :], sentence[end:])
    found = value_at(sentence[last.end() :])
    if found is None or found.alternatives or re.search(r"[=≠]|\bor\b", found.rest):
        return None
    if refutes(found.rest) or (len(signs) == 1 and not _names(before)):
        return None
    return found.text


def _side(left: str, right: str, rest: str) -> str | None:
    """Return the last side of an equation inside a formula; all of it, where it defines a curve."""
    right = right.strip().rstrip(".")
    if not right or re.search(r"\d|[=]", rest):
        return None
    if not _names(left):
        return f"{left.strip()} = {right}"
    return right


def _names(left: str) -> bool:
    """Tell whether the left side of an equation is what is computed, and no part of a relation."""
    left = _TIMES.sub(" × ", _WORDING.sub("word", left[-_NEAR:])).strip(" $*")
    side = _LAST_TERM.search(left)
    term = side.group().strip() if side else ""
    return not re.search(r"[A-Za-z]", _COMMAND.sub("", term)) or _NAME.fullmatch(term) is not None


def _copula(sentence: str) -> str | None:
    """Read the value behind the last verb that can state one."""
    for verb in reversed(list(_COPULA.finditer(sentence))[-6:]):
        behind = sentence[verb.end() :]
        if _SAID.search(sentence[: verb.end()]):
            return None
        found = value_at(behind)
        if found is None:
            continue
        if found.alternatives:
            return ""
        if not _plain_rest(found):
            return None
        return found.text if _holds(sentence[: verb.start()], sentence) else None
    return None


def proper_noun(sentence: str) -> str | None:
    """Read the name that a sentence ends with behind "is", as in "The capital of France is Paris."."""
    verb = re.search(r"\b(?:is|was|are|were)\s+(?:called\s+|named\s+)?", sentence)
    if verb is None or denies(sentence) or not asserts(sentence[: verb.start()]):
        return None
    found = words_at(sentence[verb.end() :])
    if found is None or found.rest.strip(" .!*") or not _PROPER.fullmatch(found.text):
        return None
    return found.text if is_answer_in_words(found.text) else None
