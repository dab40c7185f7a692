"""Words that say how a sentence means it: asserted, guessed, denied, refused, quoted, choices."""

from __future__ import annotations

import re

__all__ = [
    "asks",
    "asserts",
    "compares",
    "denies",
    "hedges",
    "is_beside_answer",
    "is_conditional",
    "is_example",
    "is_of_somebody",
    "last_clause",
    "offers_choices",
    "refuses",
    "rejects",
]


_REJECTION = re.compile(
    r"""\b(?:false|wrong|incorrect(?:ly)?|mistaken(?:ly)?|impossible|no\ way|nobody|no\ one|neither
      |nor
      |rather\ than|instead\ of|other\ than|anything\ but|never|hardly|disagree\w*
      |(?:not|cannot)\ (?:\w+ly\ )?(?:the\ case|true|right|correct|possible|that|think|believe|say
        |claim
        |mean|like|imply|suggest|expect|agree|follow|equal|be|as\ if))\b
      |(?<!\w)(?:falsche?[rsn]?|faux|fausses?|mauvaise|incorrect[oae]|errad[oa]|sbagliat[oa]|неверн\w+
        |неправильн\w+)(?!\w)|[错錯][误誤]
      |n['’]t\ (?:\w+ly\ )?(?:true|right|correct|that|think|believe|say|mean|expect|agree|equal
      |be)\b|(?:not|n['’]t|never|nicht|pas|no|não|non|nie|niet|nem|inte|ikke|не|không\ phải)\W*$
        |(?<!\w)(?:ليس|değil|नहीं)(?!\w)|[\u2717\u2718\u274c\u274e\U0001f44e\U0001f6ab\u26d4]""",
    re.VERBOSE | re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"""\b(?:if|unless|whether|suppose|supposing|assum(?:e|es|ed|ing)|imagine|pretend
      |hypothetical(?:ly)?|is\ it\ true)\b
      |如果|假设""",
    re.VERBOSE | re.IGNORECASE,
)
_OTHERS = re.compile(
    r"""\b(?:says|said|claims?|claimed|thinks|thought|believes|believed|argues|argued|asks?|asked
      |asking|states\ that|stated\ that|reads|suggested|expects?
      |expected(?!\ (?:an?|the|total|return|values?|numbers?|amounts?|pay\w*|gains?|win\w*
        |loss\w*|profits?|scores?|times?|costs?|counts?|lengths?|sums?|rolls|tosses|flips)\b)
      |ground[\ -]truth|answer\ key
      |wants?|wanted|told|guesses
      |answered|replied|wrote|according\ to|(?:(?:text)?book|answer\ key|manual|author)\ (?:gives?
      |gave|has|lists?|shows?)|for\ (?:example|instance)|e\.g\.|previous(?:ly)?|initial(?:ly)?
      |naive(?:ly)?|tempting|common\ (?:\w+\ )?(?:answer|mistake|error|guess)|den(?:y|ies|ied)
      |disprove\w*|reject\w*|refute\w*|none\ of|(?:some|someone|people|many|they|others|you
        |one)\ (?:\w+\ )?(?:say|think|claim|believe|argue|get|write)
      )\b""",
    re.VERBOSE | re.IGNORECASE,
)


def asserts(clause: str) -> bool:
    """Tell whether what follows `clause` in its sentence is asserted by the writer.

    A "not" that belongs to a noun does not count: "the orders with vanilla not on top are 18".
    """
    return not any(words.search(clause) for words in (_REJECTION, _SUPPOSED, _OTHERS))


_CLAUSE = re.compile(r"[,;:]\s|\b(?:so|therefore|thus|hence|(?<!anything )but)\b", re.IGNORECASE)


def last_clause(before: str) -> str:
    """Return the last clause of the beginning of a sentence."""
    return _CLAUSE.split(before)[-1]


_OF_SOMEBODY = re.compile(
    r"""(?:\b(?!(?:it|that|here|today|what|there|let|problem|question|equation|system|task|exercise
      |puzzle)['’])
      [^\W\d_]+(?:\s\d{1,3})?['’]s|\b(?:his|her|their))\W+(?:\w+\W+){0,2}(?:answer|guess|result|solution
        |choice)\b
      |(?:他|她|学生|同学)的?答案""",
    re.VERBOSE | re.IGNORECASE,
)


def is_of_somebody(clause: str, noun: int = 0) -> bool:
    """Tell whether a clause speaks of the answer of somebody else: "Bob's answer", "her guess".

    The word for the answer stands at `noun` or behind it.
    """
    return any(found.end() > noun for found in _OF_SOMEBODY.finditer(clause))


# An answer is spoken of, but another number is given: "half of the answer", "the answer squared".
_BESIDE_ANSWER = re.compile(
    r"""\b(?:twice|half|double|(?<!value\ )(?<!letter\ )(?<!option\ )(?<!choice\ )(?<!form\ )(?:of
      |than|minus|plus|times|from))
      \ (?:the\ |our\ |my\ )?(?:(?:final|correct|right)\ )?answers?\b
      |\banswers?\ (?:squared|cubed|minus|plus|times|divided|doubled|halved|multiplied
        |mod(?:ulo)?)\b""",
    re.VERBOSE | re.IGNORECASE,
)


def is_beside_answer(clause: str, noun: int = 0) -> bool:
    """Tell whether a clause gives another number than the answer that it names from `noun` on."""
    return any(found.end() > noun for found in _BESIDE_ANSWER.finditer(clause))


# An answer that holds under a condition alone, or one of several for several cases.
_CONDITIONAL = re.compile(
    r"""\bunless\b|\bonly\ (?:if|when)\b|\bin\ one\ case\b|\bdepend(?:s|ing)\ (?:up)?on\b
      |\bprovided\ (?:that\b|[^\W\d_]\b) | \bin\ (?:some|certain|many|most)\ cases\b | \bsometimes\b
      |\bup\ to\ (?:an?\ |the\ |its\ )?(?:sign|scaling|factor)\b | \bif\ (?:you|we|one|i)\ ignore\b
      |\b(?:if|when|for)\b.*\b(?:otherwise|else)\b|\b(?:if|when)\b.*\d.*\b(?:if|when)\b
      |\b(?:candidates|possibilities|contenders)\ (?:are|include|remain|left)\b
      |\bis\ an?\ [^.;]{0,30}\band\ so\ (?:is|are)\b
      |\bfor\ (?:even|odd|positive|negative)\b.*\bfor\ (?:even|odd|positive|negative)\b""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def is_conditional(sentence: str) -> bool:
    """Tell whether a sentence gives an answer under a condition, or one for each case."""
    return _CONDITIONAL.search(sentence) is not None


_EXAMPLE = re.compile(r"\bfor (?:example|instance)\b|\be\.g\.", re.IGNORECASE)


def is_example(sentence: str) -> bool:
    """Tell whether a sentence gives an example."""
    return _EXAMPLE.search(sentence) is not None


_COMPARES = re.compile(
    r"\b(?:less|more|greater|fewer|larger|smaller|higher|lower|bigger|older|younger) than"
    r"|\bat (?:the (?:very )?)?(?:least|most)\b"
    r"|\bjust (?:under|over|below|above)\b|\bsomewhere\b|\bnear\b"
    r"|\bclose to\b|\bfar from\b|\bbetween\b|\bup to\b|\bwithin\b"
    r"|\b(?:almost|nearly)\b|\bthan\b|\b(?:over|under|above|below|beyond|exceeding) \$?\d"
    r"|\bexcept\b"
    r"|\bas many\b|\bas much\b|\b(?:no|any) \d|\b(?:but|including|includes?|save|besides|apart from"
    r"|aside from) \$?-?\d|\b(?:mindestens|höchstens|mehr als|weniger als|fast|au moins|au plus"
    r"|plus de|moins de|presque|al menos|como (?:máximo|mínimo)|más de|menos de|casi|pelo menos"
    r"|no máximo|mais de|almeno|al massimo|più di|meno di)\b"
    r"|至少|最多|超过|不到|不足|以上|以下|少なくとも|не менее|не более|больше|меньше",
    re.IGNORECASE,
)


def compares(sentence: str) -> bool:
    """Tell whether a sentence gives a bound or compares, as in "at least 5" and "more than 5"."""
    return _COMPARES.search(sentence) is not None


_DENIAL = re.compile(
    r"""\b(?:not|never|cannot|nothing|neither|nor|no\ longer|hardly|rather\ than|other\ than
      |anything\ but|no\ way|instead\ of
      |unlike|except|without|nicht|kein\w*|pas|jamais|tampoco|nunca|false|wrong|incorrect(?:ly)?
      |mistaken(?:ly)?|impossible|invalid)\b
      |n['’]t\b|\b(?:não|niet|nie|inte|ikke|не|không\ phải|değil|ليس|
        no\ es|non(?=\ )|ei(?:\ ole|(?=\ \d))|nem|nu\ este?)\b|नहीं|不是|并非|不等于
      |では?な|ではあり|じゃな|아니|아닙""",
    re.VERBOSE | re.IGNORECASE,
)


def denies(text: str) -> bool:
    """Tell whether words of a text deny something."""
    return _DENIAL.search(text) is not None


_HEDGE = re.compile(
    r"""\b(?:
        maybe|perhaps|possibly|probably|presumably|conceivably|supposedly|allegedly|arguably|likely
      | might|(?-i:may)|could|guess(?:ing|es|ed)?|guesstimate|hunch|ballpark
      | un(?:sure|certain|likely|clear|decided|convinced)|(?<!no\ )doubt(?:ful|s)?|no\ idea
        |is\ unknown
      | (?:not|n['’]t)\ (?:\w+\ |100\s?%\ ){0,2}(?:sure|certain|likely|confident|clear|convinced)
      | (?:do\ not|don['’]?t)\ (?:\w+\ )?know
      | seems?\ (?:like|to\ be|that)|appears?\ to\ be|looks?\ like|tempted|tempting
      | think(?:ing)?\ (?:of|about)|either|something\ like|if\ i\ had\ to
      | vielleicht|wahrscheinlich|entweder|peut-être|probablement|soit|quizás?|tal\ vez
        |probablemente|talvez|forse
      | возможно|наверное|könnten?|kanske|kanskje|måske|misschien|belki|może|chyba|ehkä|talán|poate
      | mungkin|có\ thể|có\ lẽ
    )\b|아마|어쩌면|ربما|शायद|אולי|可能|也许|或许|大概|かもしれ|多分""",
    re.VERBOSE | re.IGNORECASE,
)
# What is possible is asked for: "the number of points that could be on it is 19".
_RELATIVE = re.compile(
    r"(?<=[a-z]\ )(?<!answer\ )(?<!choice\ )(?<!option\ )(?<!solution\ )(?<!result\ )"
    r"(?:that|which|who)\ could\ [^.,;:]{1,80}?\b(?=(?:is|are|was|were|equals)\b)"
)


def hedges(sentence: str) -> bool:
    """Tell whether a sentence guesses, or leaves open which of several things it means."""
    if "could" in sentence:
        sentence = _RELATIVE.sub("", sentence)
    return _HEDGE.search(sentence) is not None


_REJECTING = re.compile(
    r"\b(?:extraneous|reject\w*|discard\w*|rul(?:e|es|ed|ing)\ out|inadmissible|spurious"
    r"|disregard\w*|dismiss\w*|invalid|impossible|excluded|eliminat(?:e|es|ed)|thr(?:ow|ows|own"
    r"|ew)\ out|contradicts?|violates?|fails?|too\ (?:large|small|big|low|high|many|few)"
    r"|a\ (?:trap|distractor|decoy|mistake|typo|lie|guess))\b|[\u2717\u2718\u274c\u274e\u2260]"
    r"|\\neq?\b|!=",
    re.IGNORECASE,
)


def rejects(sentence: str) -> bool:
    """Tell whether words of a sentence say that a value is none that is looked for."""
    return _REJECTING.search(sentence) is not None


# A question by the order of its words, whether or not a question mark ends it.
_PRONOUN = r"(?:it|this|that|there|these|those|he|she|they|we|you|i)\b"
_SUBJECT = (
    rf"(?:{_PRONOUN}|(?:every|any|some)(?:thing|one|body)\b|all\b|(?-i:[A-Z][a-z]+)\s[\w$\\]"
    r"|(?:the|my|our|your|his|her|its|their)\s(?!same\b)\w+|[a-z]\s?=|[a-z]\s(?=\$?-?\d)"
    r"|\$?-?\d[\d.,]*\s(?=(?:the|an?|it|our|my|your|correct|right|more|less|\w+er)\b))"
)
_QUESTION = re.compile(
    rf"""[\W_]{{0,6}}(?:(?:so|and|but|or|well|now|hm+|then|wait|ok|okay|right|therefore)\b[,.]?\s){{0,2}}
      (?:(?:why\s)?(?:is|are|was|were|does|did|can|could|would|should(?![^,]*,))(?:n['’]t)?\s{_SUBJECT}
        |(?:why\s)?(?:do|have|has|am|shall|will|must|might|may)(?:n['’]t)?\s{_PRONOUN}
        |(?-i:Is|Are|Does|Do)\s[^=:,]{{1,40}}= | (?:does|did|can|could|would)\s\$?-?\d
        |(?:what|how)\sabout\b | ist\s(?:es|das)\b | est-ce\b | ¿)
      (?!.*(?::|\b(?:yes|no|so|therefore|thus|hence|which|that\sis|then)\b))""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def asks(sentence: str) -> bool:
    """Tell whether a sentence begins as a question does: "Is it 17", "Could the answer be 17"."""
    return _QUESTION.match(sentence) is not None


_REFUSAL = re.compile(
    r"""\b(?:
        (?:can(?:not|['’]?t|\ not)|could(?:n['’]t|\ not)|un(?:able|willing)\ to|won['’]t|will\ not
          |not\ able\ to|refuse\ to|declin(?:e|ing)\ to|not\ (?:going|permitted|allowed)\ to)
        \ (?:\w+ly\ )?(?:be\ (?:determined|solved|answered|computed|calculated|found|known|certain
          |sure)
          |answer|help|assist|solve|determine|tell|say|find|compute|calculate|provide|give
          |do\ (?:this|that)|comply|complete|work|finish|see|share|discuss|engage|decide|figure
            |conclude|confirm|verify|be\ (?:more\ )?)
      | (?:don['’]?t|do\ not|didn['’]?t)\ (?:know|have\ (?:enough|sufficient|the)|understand)
      | (?:not\ enough|insufficient|more|need\ (?:more|additional|further))\ (?:info\w*|data|context
        |details)
      | as\ an?\ (?:ai|language|large)|i['’]?m\ sorry|i\ am\ sorry|i\ apologi[sz]e|no\ answer
      | need\ to\ (?:think|check|work|compute|calculate|verify)|i\ give\ up|skip\ this
      | (?:weiß|weiss)\ (?:\w+\ ){0,2}nicht|kann\ (?:\w+\ ){0,3}nicht|(?:ne|n['’])\ ?(?:sais
        |peux)\ pas
      | no\ (?:lo\ )?(?:sé|puedo)\b|não\ (?:sei|posso)\b|non\ (?:lo\ )?(?:so|posso)\b
        |не\ (?:знаю|могу)
    )|不知道|无法|不能确定|不确定|抱歉|对不起|わかりません|分かりません|できません
    |모르|알\ 수\ 없""",
    re.VERBOSE | re.IGNORECASE,
)


def refuses(sentence: str) -> bool:
    """Tell whether a sentence declines to answer, or says that no answer can be given."""
    return _REFUSAL.search(sentence) is not None


_CHOICES = re.compile(r"(?:^|(?<=[\s,;]))\(?([A-J])[).:](?=\s)", re.MULTILINE)


def offers_choices(text: str) -> bool:
    """Tell whether several labelled choices are listed, as in a question that is quoted."""
    return len(set(_CHOICES.findall(text))) > 1
