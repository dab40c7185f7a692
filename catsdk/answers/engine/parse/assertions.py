"""The one value that a sentence asserts, if it asserts one: no negation, hedge or alternative."""

from __future__ import annotations

import re
from functools import lru_cache

from catsdk.answers.engine.parse.sentences import formulas_and_numbers

__all__ = ["asserted_value", "changes_value", "is_doubtful"]

# Words that deny, doubt or compare a value, or offer another one.
_DENYING = r"""
not|(?:is|are|was|were|do|does|did|ca|wo|would|could|should|ai)nt|never|no|none|nor|neither|cannot|nothing|nobody|hardly|barely|scarcely|without|
but|except\w*|exclud\w*|exclusive\w*|unless|besides|apart|aside|opposed|contrary|unlike|contrast|nowhere|others?|otherwise|rather|
instead|however|though|although|yet|still|despite|or|and|either|both|versus|vs|alternativ\w*|
than|less|more|fewer|greater|smaller|larger|bigger|lesser|least|most|over|under|above|below|
beneath|beyond|exceed\w*|between|within|outside|inside|up|upwards?|downwards?|from|until|till|
onwards?|almost|nearly|near|close|closer|far|approach\w*|upper|bounds?|bounded|
maybe|perhaps|possib\w+|probab\w+|likely|unlikely|might|may|could|would|should|can|
suppos\w+|assum\w+|guess\w*|thinks?|thought|believ\w+|doubt\w*|unsure|uncertain|
unknown|unclear|hopefully|apparent\w*|seem\w*|appear\w*|suspect\w*|claim\w*|pretend\w*|allegedly|
if|when|whenever|whether|where|wherever|while|because|since|given|provided|
wrong\w*|incorrect\w*|false\w*|mistak\w+|error\w*|invalid|untrue|fake|bogus|trap|distractor|decoy|
reject\w*|extraneous|discard\w*|eliminat\w+|ruled|ignor\w+|impossible|contradict\w*|den(?:y|ies|ied)|avoid\w*|
refus\w+|fails?|failed|omit\w*|missing|lacks?|
opposites?|reciprocals?|inverses?|best|tops|nots|maybes|minuses|used|does|did|let|lets|questions?|worst|negat\w+|minus|conjugate|complement\w*|
any|anything|everything|some|something|whatever|what|which|how|who|why|
says?|said|wrote|writes|answered|replied|told|previous\w*|former\w*|earlier|initial\w*|originally|again|unresolved|nope|nah|
nicht|kein\w*|nie|oder|au\u00dfer|ohne|vielleicht|weniger|mehr|mindestens|h\u00f6chstens|falsch|
pas|jamais|aucun\w*|ni|sauf|sans|moins|plus|faux|ou|autre|
nunca|ning\w+|excepto|menos|salvo|sin|quiz\u00e1s?|m\u00e1s|falso|o|u|
n\u00e3o|nem|exceto|sem|talvez|mais|non|mai|tranne|senza|forse|meno|pi\u00f9|
\u043d\u0435|\u043d\u0438|\u0438\u043b\u0438|\u043a\u0440\u043e\u043c\u0435|\u0431\u0435\u0437|\u0431\u043e\u043b\u0435\u0435|\u043c\u0435\u043d\u0435\u0435
"""
# Words that make another number of the one before them.
_CALCULATING = r"""
positive|zero|one|two|three|four|five|six|seven|eight|nine|ten|percent|percentage|pct|squares?|squared|cubes?|cubed|roots?|half|halves|halved|halfway|twice|thrice|
double\w*|triple\w*|quadrupl\w+|thirds?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|
quarters?|multipl\w+|divisible|divid\w+|divisors?|factor(?:s|ial\w*)?|remainders?|modul\w+|mod|
powers?|raised|times|logarithms?|logs?|exponent\w*|choose|hundreds?|thousands?|
millions?|billions?|trillions?|tens|ones|tenths?|hundredths?|thousandths?|millionths?|dozens?|
scores?|gross(?:es)?|myriads?|\w+illions|(?:\w+teen|\w+tie|eleven|twelf)ths?|cientos|centenas|decenas|docenas|
dezenas|d\w+zaines|centaines|milliers|milliards|milhares|millones|tercios|cuartos|quintos|tiers|quarts|demis|
bps|pp[mb]|mille|permille?|lakhs?|crores?|fold|ish|base|binary|hexadecimal|octal|decimals?|point|
zeros|zeroes|nines|basis|orders?|magnitude|rounded|truncated|approx\w*|cosines?|sines?|tangents?|bits?
"""
_EAST_ASIAN_DENIALS = (
    "[\u4e0d\u975e\u6ca1\u6c92\u65e0\u7121\u672a\u522b\u5225\u9664\u6216\u7ea6\u7d04"
    "\u8fd1\u82e5\u5417\u55ce\u9519\u932f\u5047\u53cd\uff1f]"
    "|\u53ef\u80fd|\u4e5f\u8bb8|\u4e5f\u8a31|\u5927\u6982|\u5de6\u53f3|\u5927\u4e8e|\u5c0f\u4e8e"
    "|\u591a\u4e8e|\u5c11\u4e8e|\u8d85\u8fc7|\u8d85\u904e|\u4f4e\u4e8e|\u9ad8\u4e8e|\u81f3\u5c11"
    "|\u81f3\u591a|\u6700\u591a|\u6700\u5c11|\u4ee5\u4e0a|\u4ee5\u4e0b|\u4ee5\u5916|\u4ee5\u5185"
    "|\u5982\u679c|\u306a\u3044|\uc544[\ub2c8\ub2d9\ub2d8]|\ud2c0[\ub9ac\ub9b0\ub9bc]"
)
# What makes another number of the one before it there: squared, ten thousand, times, one in ...
_EAST_ASIAN_OPERATION = re.compile(
    r"(?:[个個개つ]?(?:的|の|의))?\s*(?:平方(?![米厘千公英])|立方(?![米厘千公英])|[万萬亿億百千](?![米克瓦])|倍|成(?!为)|折|分之"
    r"|个?百分|阶乘|階乗|[次乘幂冪乗割]|倒[数數]|逆数|相反|开方|根|半|[억천만배]|제곱|팩토리얼|역수)"
)


class _AnyOf:
    """Tells whether one of many words stands in a text.

    The words of a text are looked up one by one, and those that were met before are remembered: a
    pattern of all these words would be tried at every position.
    """

    def __init__(self, patterns: str) -> None:
        pattern = re.compile("".join(patterns.split()), re.IGNORECASE)

        def matches(word: str) -> bool:
            return pattern.fullmatch(word) is not None

        self._matches = lru_cache(4_096)(matches)

    def in_(self, text: str) -> bool:
        """Tell whether one of the words stands in `text`."""
        return any(map(self._matches, _WORD_OR_NUMBER.findall(text)))


_WORD_OR_NUMBER = re.compile(r"\w+")
_DENIALS, _OPERATIONS = _AnyOf(_DENYING), _AnyOf(_CALCULATING)
_DENYING_PHRASE = re.compile(
    r"\wn['\u2019]t\b|\b(?:for\s+(?:all|every)|peut[- ]\u00eatre|tal\s+vez)\b", re.IGNORECASE
)
_PHRASE_SIGNS = ("'", "\u2019", "all", "every", "peut", "tal")
_EAST_ASIAN_DENIAL = re.compile(_EAST_ASIAN_DENIALS)
# What may stand directly before a value that is asserted.
_ASSERTS = re.compile(
    r"(?:^|.*[\s*])(?:is|are|was|were|be|equals?|equal\s+to|totals?|has|have|had|gets?|got|finds?|"
    r"obtains?|gives?|makes?|made|costs?|takes?|took|needs?|earns?|earned|spends?|spent|pays?|paid|"
    r"saves?|saved|contains?|sold|sells?|bought|buys?|ate|eats?|used|uses?|remains?|remain|weighs?|"
    r"measures?|travel(?:s|ed)|comes\s+to|amounts\s+to|simplifies\s+to|evaluates\s+to|that|"
    r"ist|sind|est|sont|es|son|\u00e9|s\u00e3o|sono|ha|hay|so|thus|hence|therefore|answer|total|result)"
    r"(?:\s{1,4}(?:that|just|exactly|precisely|only|about|approximately|roughly|now|then|also|"
    r"equal\s+to|a\s+total\s+of|the\s+number|the\s+matrix)){0,4}\s*[:=]?\s*$"
    r"|^(?:just\s+)?(?:about|approximately|roughly|exactly|only)\s*$|^\s*$",
    re.IGNORECASE | re.DOTALL,
)
# What says where or when, and no unit.
_PLACED = re.compile(r"(?:on|for|at|with|during|this|today|altogether)\b", re.IGNORECASE)
_ASKS = re.compile(r"(?:is|are|was|were|do|will|shall|has|have)\b", re.IGNORECASE)
_NAME = re.compile(r"(.*\S)\s*([:=])\s*$", re.DOTALL)
_NO_PART_OF_NAME = re.compile(r"[!<>=~\u00ac]|[^\w\s\x00-\x7f]|/$")
# Another number than the answer, or the answer of somebody else: "Half the answer", "Bob's answer".
_OF_ANOTHER = re.compile(
    r"\b(?:twice|thrice|double|triple|half|third|quarter|square|cube|negative|of|than|plus|minus)"
    r"\s(?:of\s)?(?:the|my|our)\s(?:\w+\s)?(?:answer|result|solution)\b"
    r"|\b(?:answer|result|solution)\s(?:squared|cubed|plus|minus|times|divided|doubled|tripled"
    r"|halved|multiplied)\b"
    r"|\b(?!(?:it|that|here|what|today|problem|question)['\u2019])\w+['\u2019]s\s(?:\w+\s)?(?:answer"
    r"|guess|choice)\b|^(?:old|first|user|human|student|teacher|pick|choose|say|try|random)\b.*[:=]",
    re.IGNORECASE,
)
_MOST_WORDS_OF_NAME = 3
_MOST_WORDS_BEFORE_COLON = 6
_WORD = re.compile(r"[^\W\d_]+")
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_SENTENCE_END = re.compile(r"[.!\u3002\uff01;]\s+\S|\n")
_PLAIN_SYMBOL = re.compile(r"[A-Za-z](?:_\{?\w\}?)?")


def is_doubtful(words: str) -> bool:
    """Tell whether words deny, doubt or compare a value, or offer another one."""
    if "?" in words or _DENIALS.in_(words):
        return True
    if not words.isascii() and _EAST_ASIAN_DENIAL.search(words):
        return True
    lower = words.lower()
    may_be = any(sign in lower for sign in _PHRASE_SIGNS)
    return may_be and _DENYING_PHRASE.search(words) is not None


def changes_value(words: str) -> bool:
    """Tell whether words behind a number say that it is not the value: doubts, or operations."""
    return is_doubtful(words) or _OPERATIONS.in_(words)


_LONGEST = 300
_MOST_WORDS = 16
_MOST_WORDS_BEHIND = 4


def asserted_value(text: str) -> str | None:
    """Return the number or formula that one sentence asserts, with the unit behind it.

    That needs a single value in the text, directly behind a word such as "is", and nothing that
    denies it, doubts it, compares with it or offers another one.
    """
    text = text.strip().replace("**", "")
    if not _WORD.search(text) or len(text) > _LONGEST:
        return None
    if _SENTENCE_END.search(text) or _ASKS.match(text):
        return None
    found = formulas_and_numbers(text)
    values = [each for each in found if not _PLAIN_SYMBOL.fullmatch(each[2].strip())]
    if len(values) != 1 or values[0] is not found[-1]:
        return None
    start, end, value = values[0]
    before, behind = text[:start], text[end:].strip().rstrip(".!\u3002").strip()
    around = f"{before} {behind}"
    if (
        is_doubtful(around)
        or _OF_ANOTHER.search(before)
        or len(_WORD.findall(around)) > _MOST_WORDS
    ):
        return None
    if _EAST_ASIAN.search(around):
        return None if _EAST_ASIAN_OPERATION.match(behind) else value
    # What stands behind the value is read as its unit, and is none if it changes the value.
    if not _asserts(before) or len(_WORD.findall(behind)) > _MOST_WORDS_BEHIND:
        return None
    if _PLACED.match(behind) and not _OPERATIONS.in_(behind):
        return value
    return f"{value} {behind}".strip()


def _asserts(before: str) -> bool:
    """Tell whether what stands before a value asserts it: a verb, or a short name and a mark."""
    named = _NAME.match(before)
    if named is None:
        return _ASSERTS.match(before) is not None
    words = named[1]
    if _OPERATIONS.in_(words) or _NO_PART_OF_NAME.search(words):
        return False
    few = _MOST_WORDS_OF_NAME if named[2] == "=" else _MOST_WORDS_BEFORE_COLON
    return len(_WORD.findall(words)) <= few or _ASSERTS.match(words.rpartition(" ")[0]) is not None
