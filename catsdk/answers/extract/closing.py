"""The answer that the end of a reply asserts without a mark: a conclusion, or the whole reply."""

from __future__ import annotations

import re

from catsdk.answers.extract.code import is_comment
from catsdk.answers.extract.conclusions import answer_of
from catsdk.answers.extract.sentences import sentences_of
from catsdk.answers.extract.templates import is_placeholder, is_unfinished
from catsdk.answers.extract.values import choice_at, whole_value
from catsdk.answers.extract.withdrawals import takes_back
from catsdk.answers.extract.wording import asks, asserts, denies, hedges, offers_choices, refuses
from catsdk.answers.extract.words import is_answer_in_words, proper_noun

__all__ = ["chosen", "concluded", "whole_reply"]

_READ = 4_000
_LONGEST_ITEM = 12
_FENCE = re.compile(r"```[^\n]*\n.*?(?:```|\Z)", re.DOTALL)
_ONLY_FENCE = re.compile(r"```(?:text|txt|plaintext|markdown)?[ \t]*\n([^`]{1,200})```")
_PLEASANTRY = re.compile(
    r"""^\W{0,6}(?:(?:i\ )?hope\ (?:this|that|it)|let\ me\ know|feel\ free|if\ you\ (?:have|need
      |want|would)
      |(?:is|was)\ there\ anything|please\ let|happy\ to|glad\ to|thank|good\ luck|have\ a\ (?:nice
      |great|good)|great\ (?:job|question)|you(?:['’]re|\ are)\ welcome|do\ you\ (?:want|have|need)
      |would\ you\ like|(?:this|that|the|our|my)\ (?:is|answer|result|solution|matches|makes
        |confirms|checks|completes|shows\ that\ (?:the|our|my)\ (?:answer|work|calculation))
       \ ?(?:is|was|the|our|matches|makes|checks|out|seems)?\ ?(?:the\ |our\ )?(?:correct|right
         |verified|final|consistent|reasonable|sense|valid|complete|confirmed|as\ expected|expected
           |answer|solution|unique|done|ok|fine)?
      |yes,?\ (?:this|that|it)|(?:yes|ok|okay|done|great|correct|good|q\.?e\.?d|■|□|✓|✅)\W*$
        |[-=_*]{3,}$|[^\w\s!-~？…。！]+$)""",
    re.VERBOSE | re.IGNORECASE,
)
_CHECKING = re.compile(
    r"^\W{0,6}(?:(?:quick |sanity )?check(?:ing)?\b|probe\b|(?:über)?prüf|vérif|comprob|验证|检验"
    r"|verif|double[- ]check|to (?:check|verify|confirm|double)"
    r"|let['’]?s (?:check|verify|confirm|double)|let me (?:check|verify|confirm|double)"
    r"|proof\b|explanation\b|note\b)",
    re.IGNORECASE,
)
_CONCLUDING = re.compile(
    r"^\W{0,4}(?:so|therefore|thus|hence|finally|in conclusion|in total)\b", re.IGNORECASE
)
# Without spaces between words a sentence looks like one word.
_CJK, _LONGEST_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]"), 8
# What somebody did, such as "Bob chose B", is not a name.
_CHOOSING = re.compile(r"\b(?:chose|chooses|picks|picked|selects|selected)\b", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s|^\*\*[^*]{1,60}:?\*\*:?$")
_NUMBERED = re.compile(r"^\(?([A-J])[).:]\s")


def whole_reply(text: str) -> str | None:
    """Return a reply that is an answer and nothing else: `42`, `**Paris**`, `x = 5`, `B.`."""
    body = text.strip()
    if fence := _ONLY_FENCE.fullmatch(body):
        body = fence.group(1).strip()
    if not body or len(body) > 200 or body.count("\n") > 2:
        return None
    bare = body.strip("*_`\"'“” \n").rstrip(".!").rstrip("*_`\"'”")
    if body.rstrip("*_ ").endswith("?"):
        # A courtesy behind the answer may ask, too.
        return "" if len(sentences_of(body)) == 1 else None
    if is_unfinished(body) or is_placeholder(bare):
        return ""
    if hedges(body) or refuses(body) or is_comment(body):
        return ""
    if asks(body) and len(sentences_of(body)) == 1:
        return ""
    listed = "\n" in body and not body.startswith(("$$", "\\[", "**"))
    if not listed and (value := whole_value(body)) is not None and not denies(body):
        return value
    words = bare.split()
    if re.search(r"\d", bare) or _CHOOSING.search(bare):
        return None
    if (
        "\n" in bare
        or _NUMBERED.match(f"{bare} ")
        or len(bare) > 40 * len(words)
        or (_CJK.search(bare) and len(bare) > _LONGEST_CJK)
        or not 1 <= len(words) <= 3
        or not is_answer_in_words(bare)
    ):
        return None
    return bare if re.search(r"[.!,:;=]\s?", bare) is None else None


def chosen(text: str) -> str | None:
    """Return the letter that a reply begins with, as in `(B) because ...`."""
    body = text.lstrip(" \n*_#>")
    labelled = _NUMBERED.match(body.replace("**", ""))
    if labelled is None or offers_choices(text):
        return None
    found = choice_at(labelled.group(1) + ")")
    if (beside := choice_at(body)) is not None and beside.alternatives:
        return ""
    first = re.split(r"\b(?:because|since|as)\b", sentences_of(body)[0])[0]
    if found is None or denies(first) or hedges(first) or re.search(r"\bor\b\s\(?[A-J]\b", first):
        return "" if hedges(first) else None
    if (
        labelled.group(1) in "AI"
        and not body.startswith(("(", f"{labelled.group(1)})"))
        and len(body) > 400
    ):
        return None
    return labelled.group(1)


def concluded(text: str) -> str | None:
    """Return what the last sentence asserts, courtesies and a check behind it left out.

    A value counts where it is printed in bold, ends an equation, stands behind "is", "equals" or
    the like, or is the only number of a sentence that concludes. Several different values, a
    guess, a denial, a question, a list of choices and a sentence that stops give none.
    """
    body = _FENCE.sub("\n", text[-_READ:]).strip()
    sentences = sentences_of(body)[-40:]
    if _is_list(sentences):
        return ""
    end = _conclusion(sentences)
    if end is None:
        return None
    sentence = sentences[end]
    alone = len(sentences) == 1
    if alone and (nothing := _NOTHING.fullmatch(sentence)) is not None:
        return nothing[nothing.lastindex or 0]
    if takes_back("\n".join(sentences[end:])) or _NUMBERED.match(sentence.replace("**", "")):
        return ""
    answer = answer_of(sentence, alone=alone)
    if answer is None and (nothing := _NOTHING.fullmatch(sentence)) is not None:
        return "" if _POINTING.match(sentence) else nothing[nothing.lastindex or 0]
    if answer is None and alone and asserts(sentence):
        compared = _COMPARED.fullmatch(sentence)
        return compared[1] if compared else proper_noun(sentence)
    return answer


# That there is no solution, or no limit, is an answer.
_NOTHING = re.compile(
    r"(?:(?:so|therefore|thus|hence|no|yes|in\sconclusion)[,.:]?\s)?(?:(?:there\s(?:is|are)|(?:the|this)\s(?:equation"
    r"|system|problem|inequality)(?:\sof\sequations)?\s(?:has|have))\s(no\s(?:real\s|integer\s|such\s)?solutions?)"
    r"|(?:the\slimit|it)\s(does(?:\snot|n['’]t)\sexist)"
    r"|(?:(?:it|this|that|(?:the|this|such\san?)\s(?!answer\b)[a-z]+)(?:\sis|['’]s)\s)?(?:clearly\s|therefore\s)?"
    r"(impossible|not\spossible)"
    r"|(?:there\s(?:is|are|exists?)\s)?(no\ssuch\s[a-z]+(?:\sexists?)?|no\s(?:solutions?|[a-z]+)\sexists?)"
    r"|(?:there\s(?:is|are)\s)?(none)(?:\sexist)?)[.!]?",
    re.IGNORECASE,
)
# "That is impossible" speaks of what stands before it.
_POINTING = re.compile(r"(?:[a-z]{2,10}[,.]?\s)?(?:this|that)\b", re.IGNORECASE)
# A reply of one sentence that compares two numbers says which one was asked for.
_COMPARED = re.compile(
    r"(?:(?:so|therefore|thus|hence|yes|between\sthe\stwo|(?:comparing|of)\s[^.,]{1,9}[^,]{0,20}),?\s)?"
    r"(?:the\snumber\s)?[$*\\(]{0,4}(-?\d{1,30}(?:[.,/]\d{1,30})*)[$*\\)]{0,4}\sis\s(?:the\s)?"
    r"(?:larger|greater|bigger|smaller|less|more|higher|lower)(?:\s(?:one|number|value))?"
    r"(?:\sthan\s[$*\\(]{0,4}-?\d[\d.,/]{0,60}[$*\\)]{0,4})?[.!]?",
    re.IGNORECASE,
)


def _is_list(sentences: list[str]) -> bool:
    """Tell whether a text is several different values below each other, and nothing else."""
    if len(sentences) < 2 or any(len(each) > _LONGEST_ITEM for each in sentences):
        return False
    values = {whole_value(each) for each in sentences}
    return None not in values and len(values) > 1


def _conclusion(sentences: list[str]) -> int | None:
    """Return the place of the sentence that concludes; `None` if the end concludes nothing."""
    for at in range(_before_check(sentences) - 1, max(len(sentences) - 12, -1), -1):
        sentence = sentences[at]
        if (
            len(sentences) > 1
            and _PLEASANTRY.match(sentence)
            and whole_value(sentence) is None
            and not re.search(r"\d", sentence)
        ):
            continue
        if _HEADING.match(sentence) and not answer_of(sentence.strip("#* ")):
            return None
        return None if sentence.rstrip("* ").endswith(":") else at
    return None


def _before_check(sentences: list[str]) -> int:
    """Return how many sentences stand before a check at the end that concludes nothing anew."""
    for at in range(len(sentences) - 1, max(len(sentences) - 8, 0), -1):
        if _CONCLUDING.match(sentences[at]):
            break
        if _CHECKING.match(sentences[at]):
            return at
    return len(sentences)
