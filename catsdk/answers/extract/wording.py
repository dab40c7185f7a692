"""Words that say how a sentence means it: guessed, denied, asked, refused, taken back, a template."""

from __future__ import annotations

import re

__all__ = [
    "asserts",
    "denies",
    "hedges",
    "is_corrected",
    "is_denied",
    "is_example",
    "is_withdrawn",
    "last_clause",
    "offers_choices",
    "refuses",
    "refutes",
    "rejects",
    "takes_back",
]

_READ = 4_000

_HEDGE = re.compile(
    r"""\b(?:
        maybe|perhaps|possibly|probably|presumably|conceivably|supposedly|allegedly|arguably|likely
      | might|(?-i:may)|could|guess(?:ing|es|ed)?|guesstimate|hunch|ballpark
      | un(?:sure|certain|likely|clear|decided|convinced)|(?<!no\ )doubt(?:ful|s)?|no\ idea|is\ unknown
      | (?:not|n['’]t)\ (?:\w+\ |100\s?%\ ){0,2}(?:sure|certain|likely|confident|clear|convinced)
      | (?:do\ not|don['’]?t)\ (?:\w+\ )?know
      | seems?\ (?:like|to\ be|that)|appears?\ to\ be|looks?\ like|tempted|tempting
      | think(?:ing)?\ (?:of|about)|either|something\ like|if\ i\ had\ to
      | vielleicht|peut-être|quizás|tal\ vez|talvez|forse|возможно|наверное
    )\b|可能|也许|或许|大概|かもしれ|多分""",
    re.VERBOSE | re.IGNORECASE,
)
_DENIAL = re.compile(
    r"""\b(?:not|never|cannot|nothing|neither|nor|no\ longer|hardly|rather\ than|other\ than|anything\ but|no\ way|instead\ of
      |unlike|except|without|nicht|kein\w*|pas|jamais|tampoco|nunca|false|wrong|incorrect(?:ly)?
      |mistaken(?:ly)?|impossible|invalid)\b
      |n['’]t\b|\b(?:não|niet|nie|inte|ikke|не|không\ phải|değil|ليس|no\ es)\b|नहीं|不是|并非|不等于
      |では?な|ではあり|じゃな|아니|아닙""",
    re.VERBOSE | re.IGNORECASE,
)
_REJECTION = re.compile(
    r"""\b(?:false|wrong|incorrect(?:ly)?|mistaken(?:ly)?|impossible|no\ way|nobody|no\ one|neither|nor
      |rather\ than|instead\ of|other\ than|anything\ but|never|hardly|disagree\w*
      |(?:not|cannot)\ (?:\w+ly\ )?(?:the\ case|true|right|correct|possible|that|think|believe|say|claim
        |mean|imply|suggest|expect|agree|follow|equal|be|as\ if))\b
      |n['’]t\ (?:\w+ly\ )?(?:true|right|correct|that|think|believe|say|mean|expect|agree|equal|be)\b|(?:not|n['’]t|never|nicht|pas|no|não|non|nie|niet|nem|inte|ikke|не|không\ phải)\W*$
      |(?<!\w)(?:ليس|değil|नहीं)(?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"""\b(?:if|unless|whether|suppose|supposing|assum(?:e|es|ed|ing)|imagine|pretend
      |hypothetical(?:ly)?|is\ it\ true)\b
      |如果|假设""",
    re.VERBOSE | re.IGNORECASE,
)
_EXAMPLE = re.compile(r"\bfor (?:example|instance)\b|\be\.g\.", re.IGNORECASE)
_OTHERS = re.compile(
    r"""\b(?:says|said|claims?|claimed|thinks|thought|believes|believed|argues|argued|asks?|asked
      |asking|states\ that|stated\ that|reads|suggested|expects?|expected|wants?|wanted|told|guesses
      |answered|replied|wrote|according\ to|for\ (?:example|instance)|e\.g\.
      |previous(?:ly)?|initial(?:ly)?|naive(?:ly)?|tempting
      |common\ (?:\w+\ )?(?:answer|mistake|error|guess)|den(?:y|ies|ied)|disprove\w*|reject\w*|refute\w*|none\ of
      |(?:some|someone|people|many|they|others|you|one)\ (?:\w+\ )?(?:say|think|claim|believe|argue|get|write)
      )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"""\b(?:
        (?:can(?:not|['’]?t|\ not)|could(?:n['’]t|\ not)|un(?:able|willing)\ to|won['’]t|will\ not
          |not\ able\ to|refuse\ to|declin(?:e|ing)\ to|not\ (?:going|permitted|allowed)\ to)
        \ (?:\w+ly\ )?(?:be\ (?:determined|solved|answered|computed|calculated|found|known|certain|sure)
          |answer|help|assist|solve|determine|tell|say|find|compute|calculate|provide|give|do\ (?:this|that)
          |comply|complete|work|finish|see|share|discuss|engage|decide|figure|conclude|be\ (?:more\ )?)
      | (?:don['’]?t|do\ not|didn['’]?t)\ (?:know|have\ (?:enough|sufficient|the)|understand)
      | (?:not\ enough|insufficient|more|need\ (?:more|additional|further))\ (?:info\w*|data|context|details)
      | as\ an?\ (?:ai|language|large)|i['’]?m\ sorry|i\ am\ sorry|i\ apologi[sz]e|no\ answer
      | need\ to\ (?:think|check|work|compute|calculate|verify)|i\ give\ up|skip\ this
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"""(?:,\ (?:no|wait|nein|non)\b,?\ (?:\$?-?\d|[A-J]\b)|(?:^|(?<=[.!?\n。！]))[\s*_>-]{0,8}(?:
        (?:(?:wait|no|oops|hmm+|actually|hold\ on|sorry|but|however|hang\ on|ah|oh|well)\b[,.!…—-]*\s+)
        {1,3}(?:that|this|it|i)\b(?:
          (?:['’]s|\ is|\ was|['’]m|\ am|\ must\ be|\ seems|\ looks)\ (?:\w+ly\ |all\ )?
            (?:wrong|incorrect|mistaken|false|impossible|an?\ (?:mistake|error)|unsure|guessing)
          | (?:\ ?(?:is|was|ca|can|does|are|am)?(?:['’]s|['’]m)?)\ ?(?:not|n['’]t|['’]t)\ (?:be\ |seem\ |look\ |\w+ly\ )?
            (?:right|correct|true|sure|certain))
      | that(?:['’]s|\ is|\ was|\ must\ be)\ (?:\w+ly\ )?(?:wrong|incorrect|mistaken|not\ (?:right|correct|true))
      | that\ (?:isn['’]t|can['’]?t\ be|cannot\ be)\ (?:right|correct|true)
      | (?:the|my|this|that)\ (?:above\ |previous\ |first\ )?(?:answer|result|calculation)
        \ (?:is|was|must\ be|seems)\ (?:\w+ly\ )?(?:wrong|incorrect|mistaken|not\ (?:right|correct))
      | (?:\w{1,20}[,.!]?\ ){0,2}i\ (?:made|have\ made|was|am)\ (?:an?\ )?(?:\w+\ )?(?:mistake|error|wrong|mistaken)
      | (?:\w{1,20}[,.!]?\ ){0,2}(?:scratch|strike|disregard|ignore|forget)\ (?:that|this|the\ above)\b
      | never\ ?mind\b | oops\b | just\ kidding\b | not!
      | i\ (?:take\ (?:that|this|it)\ back|retract|withdraw|lied|was\ (?:wrong|joking|kidding))\b
      | (?:that|this|it)\ was\ an?\ (?:joke|lie|mistake|test)\b
      | (?:actually|wait|hmm+|oh|well)[,.!…\ —-]+no\b(?=\s*[,.!…]|\s*$)
      | (?:no|nein|non|não|нет|nee),?\s+(?:it['’]?s\b|es\b|(?:\(?[A-J]\b\)?|\$?-?\d[\d.,]{0,20})(?:[.!]|\s*$))
      | (?:nein|non|não|нет|nee|fout|falsch|faux)[,.!]*(?=\s*(?:$|falsch|c['’]est|faux|неверно|errad|fout))
      | 不对|不對|错了|錯了|这是错|這是錯|違います|間違|아니
      | (?:but\ |though\ |although\ )?(?:i\ am|i['’]m)\ (?:not\ (?:\w+\ )?(?:sure|certain|confident)|unsure|(?:just\ |only\ )?guessing)
      | (?:but\ )?i\ (?:just\ |only\ )?guessed\b
      | (?:but\ )?(?:that|this|it)(?:['’]s|\ is|\ was)\ (?:just\ |only\ )?an?\ (?:\w+\ )?guess
      | (?:or\ )?(?:maybe|perhaps|possibly)\ (?:it|the\ answer|not|even|\$?-?\d|[A-J]\b)
      | or\ (?:is\ it|it\ (?:could|might|may))\b
    ))""",
    re.VERBOSE | re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:]\s|\b(?:so|therefore|thus|hence|but)\b", re.IGNORECASE)
_BAD = (
    r"(?:wrong|incorrect|false|mistaken|extraneous|rejected|discarded|excluded|eliminated|dismissed|invalid"
    r"|inadmissible|spurious|impossible|unacceptable|bogus|untrue|never|ruled\ out|thrown\ out|out\ of\ range|out"
    r"|outside|too\ (?:large|small|big|low|high|many|few|long|short|much|little|great)"
    r"|an?\ (?:\w+\ )?(?:trap|distractor|decoy|mistake|typo|lie|guess|fake|contradiction))\b"
)
_REFUTED = re.compile(
    rf"""[^\w\n]{{0,12}}(?:
        (?:which|this|it)\ (?:is|was|would\ be)(?:\ not|n['’]t)\ (?:the\ |an?\ )?
          (?:right|correct|true|valid|allowed|possible|answer|solution|acceptable)\b
      | (?:(?:which|this|it)\ )(?:is|was|seems|would\ be)\ (?:(?:also|clearly|obviously|however)\ )?{_BAD}
      | (?:is|was|are|were|would\ be|seems|looks|turns\ out\ to\ be|proves)\s*
          (?:(?:an?|the|my|our|also|clearly|obviously|therefore|thus|hence|in\ fact|actually|simply|however)\s){{0,2}}
          (?:not\b|n['’]t\b|{_BAD}|(?:previous|former|initial|first|earlier|original|old)\ (?:answer|guess|attempt|try))
      | (?:do|does|can)(?:\s?not|n['’]t)\b
      | (?:did|could|will|would|wo)(?:\s?not|n['’]t)\ (?:be|work|satisfy|fit|hold|count|solve|apply|do|make\ sense)\b
      | (?:fails?|failed|contradicts?|violates?|leads\ to\ a\ contradiction)\b
      | (?:must|should|has\ to|have\ to|can|may|needs\ to|gets?|got)\ (?:be\ )?
          (?:rejected|discarded|excluded|thrown|ruled|ignored|eliminated|dropped|disregarded|dismissed)\b
      | (?::|->|→|=|—|–|-)\s?(?:not\ (?:right|correct|true)\b|{_BAD})
      | (?:but|though|although|yet|however)\b,?\ (?:(?:this|that|it)(?:['’]s|\ is|\ was)\ )?(?:\w+ly\ )?
          (?:not\ (?:right|correct|true|sure)\b|{_BAD})
      | (?:but|though|although|yet|however)\b,?\ (?:the|my)\ (?:correct|right|real|actual|true|final)\b
      | [(\[]\s?(?:not\ (?:correct|right|valid|true|possible|allowed|an?\ |the\ )|{_BAD}|reject|discard|extran))
      | [^\w\n]{{0,6}}[\u2717\u2718\u274c\u274e]
      | \W*(?:değil|では?な|ではあり|じゃな|[가이]?\s?아[니닙]|नहीं)""",
    re.IGNORECASE | re.VERBOSE,
)
_REJECTING = re.compile(
    r"\b(?:extraneous|reject\w*|discard\w*|rul(?:e|es|ed|ing)\ out|inadmissible|spurious|disregard\w*|dismiss\w*"
    r"|invalid|impossible|excluded|eliminat(?:e|es|ed)|thr(?:ow|ows|own|ew)\ out|contradicts?|violates?|fails?"
    r"|too\ (?:large|small|big|low|high|many|few)|a\ (?:trap|distractor|decoy|mistake|typo|lie|guess))\b"
    r"|[\u2717\u2718\u274c\u274e\u2260]|\\neq?\b|!=",
    re.IGNORECASE,
)
# Another answer in the place of one that was given: "Correction: 6", "Actually, it's 6".
_CORRECTED = re.compile(
    r"""(?:^|(?<=[.!?\n。！*]))[\s*_>$)\]}-]{0,8}(?:
        (?:correction|edit|update|erratum|on\ second\ thought|i\ mean[t]?|we\ mean[t]?|make\ that|rather)\b
      | (?:actually|wait|no|oops|sorry|hmm+|hold\ on)\b[,.!…—: -]{1,6}
        (?:(?:the|my)\ (?:\w+\ ){0,2}answer\ (?:is|should\ be|must\ be)|it\ (?:is|should\ be|must\ be)|it['’]s
          |[A-Za-z]\s?=|[-$\\(]{0,4}(?=\d))
      )|(?:,|\s[-–—]{1,3})\s(?:(?:no|wait|i\ mean[t]?|or\ rather|make\ that|sorry|correction)\b[,:]?\s){1,2}[-$\\(]{0,4}(?=\d|[A-J]\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_MARKS = r"[\s$\\(\[{*_:]{0,8}"
_AGAINST = re.compile(
    r"(?:(?:^|[\s(,;:*])(?:not|never|cannot|rather\ than|instead\ of|anything\ but|except|excluding|besides"
    r"|other\ than|all\ but|unlike|without|no\ longer|hardly)|n['’]t)"
    r"(?:\ (?:for|definitely|really|actually|simply|just|be|equal|equals|to|the|my|our|an?|final|value"
    rf"|answer|number|correct|right|exactly|is|was|that)){{0,6}}\s?:?{_MARKS}$"
    r"|\b(?:wrong|incorrect|false|mistaken|bad|invalid|rejected|extraneous|naive)"
    rf"(?:\ (?:one|answer|answers|value|result|solution|choice))?\s?(?:is|was|are|were|would\ be|:|=){_MARKS}$"
    rf"|\bor\ (?:maybe|perhaps|possibly|even)\b{_MARKS}$"
    r"|(?:not|n['’]t|never|refuse\ to|decline\ to)\ (?:write|box|answer|say|give|put|accept|choose|claim|report|output"
    rf"|conclude|submit)(?:\ \w+){{0,2}}:?{_MARKS}$"
    rf"|\bthan{_MARKS}$"
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
_MAY_DENY = re.compile(
    "not|n['’]t|never|than|instead|but|exce|excl|besides|unlike|without|longer|hardly|wrong|false|incorrect|mistaken"
    r"|bad|invalid|rejected|extraneous|naive|\bor\b|refuse|decline|\bof\b|possib|potent|candid|plausib|tentat|sample"
    r"|example|template|format|placeholder|guess|attempt|\btry\b|thought|previous|initial|first|earl|\\ne|[≠!<]|=/=|out|cancel|\\st\b",
    re.IGNORECASE,
)
_CHOICES = re.compile(r"(?:^|(?<=[\s,;]))\(?([A-J])[).:](?=\s)", re.MULTILINE)


def asserts(clause: str) -> bool:
    """Tell whether what follows `clause` in its sentence is asserted by the writer.

    A "not" that belongs to a noun does not count: "the orders with vanilla not on top are 18".
    """
    return not any(words.search(clause) for words in (_REJECTION, _SUPPOSED, _OTHERS))


def last_clause(before: str) -> str:
    """Return the last clause of the beginning of a sentence."""
    return _CLAUSE.split(before)[-1]


def is_example(sentence: str) -> bool:
    """Tell whether a sentence gives an example."""
    return _EXAMPLE.search(sentence) is not None


def denies(text: str) -> bool:
    """Tell whether words of a text deny something."""
    return _DENIAL.search(text) is not None


def hedges(sentence: str) -> bool:
    """Tell whether a sentence guesses, or leaves open which of several things it means."""
    return _HEDGE.search(sentence) is not None


def refutes(rest: str) -> bool:
    """Tell whether `rest`, which follows a value in its sentence, says that it is wrong."""
    return _REFUTED.match(rest) is not None


def rejects(sentence: str) -> bool:
    """Tell whether words of a sentence say that a value is none that is looked for."""
    return _REJECTING.search(sentence) is not None


def is_withdrawn(behind: str, answer: str) -> bool:
    """Tell whether what follows an answer refutes it, takes it back, or puts another in its place."""
    near = behind[:_READ]
    return refutes(near) or takes_back(near) or is_corrected(near, answer)


def is_corrected(behind: str, answer: str) -> bool:
    """Tell whether what follows an answer puts another one in its place."""
    found = _CORRECTED.search(behind[:_READ])
    return found is not None and not behind.startswith(answer, found.end())


def is_denied(before: str) -> bool:
    """Tell whether the words directly before a value say that it is not the one."""
    return _MAY_DENY.search(before) is not None and _AGAINST.search(before) is not None


def refuses(sentence: str) -> bool:
    """Tell whether a sentence declines to answer, or says that no answer can be given."""
    return _REFUSAL.search(sentence) is not None


def takes_back(text: str) -> bool:
    """Tell whether `text`, which follows an answer, says that it was wrong or only a guess."""
    return _TAKEN_BACK.search(text[:_READ]) is not None


def offers_choices(text: str) -> bool:
    """Tell whether several labelled choices are listed, as in a question that is quoted."""
    return len(set(_CHOICES.findall(text))) > 1
