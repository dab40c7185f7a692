"""What follows an answer and withdraws it: it is refuted, taken back, or replaced by another."""

from __future__ import annotations

import re
from collections.abc import Iterable

from catsdk.answers.extract.conditions import depends, may_depend
from catsdk.answers.extract.sentences import words_of

__all__ = ["is_corrected", "is_withdrawn", "refutes", "takes_back"]

_READ = 4_000

# One of these words is in each text that takes an answer back, or puts another one in its place:
# most texts have none, which is faster to see than where the patterns below might fit.
_TAKING_BACK_WORDS = """
wrong incorrect mistaken false impossible mistake error unsure guessing right correct true sure
certain confident scratch strike disregard ignore forget never nevermind oops kidding not take
retract withdraw lied isn joking joke lie test no nein non nee fout falsch faux wait guess guessed
nonsense absurd invalid different unknown vary believe fails doesn didn over redo stand disagree
trust endorse
again attempt reconsider rethink recompute recalculate recount everything
maybe perhaps possibly or alternatively otherwise else another could might may misread misunderstood
misinterpreted miscalculated miscounted made placeholder random possible option
options unverified other
"""
_CORRECTING_WORDS = """
correction edit update erratum thought mean meant make rather actually wait no oops sorry hold let
"""
_TAKING_BACK = frozenset(_TAKING_BACK_WORDS.split())
_CORRECTING = frozenset(_CORRECTING_WORDS.split())
# The first two letters of the words that may refute what they follow.
_REFUTING_BEGINNINGS = """
ac ah al an ar as at bu ca cl co de di do e es fa fo fr ge gi go ha hm ho i if ig in is it je jk jo
ju ki le lo ma mo mu n ne ni no oh oo or pe pl po pr sa sc se sh so st sy th to tu un vi wa we wh wi
wo wr ye
"""
_REFUTING = frozenset(_REFUTING_BEGINNINGS.split())
_BEGINNING = 32
_BEGINS = re.compile(r"[\s$\\)\]}*.,]{0,12}([A-Za-z]{1,2})")

# Where a sentence or a line may begin, and, behind a mark of emphasis too, a correction.
_STOP = re.compile(r"[.!?\n。！][.!?\s。！]*")
_STOP_OR_STAR = re.compile(r"[.!?\n。！*][.!?\s。！*]*")
_TAKEN_BACK_INSIDE = re.compile(r", (?:no|wait|nein|non)\b,? (?:\$?-?\d|[A-J]\b)", re.IGNORECASE)
_TAKEN_BACK = re.compile(
    r"""[\s*_>(-]{0,8}(?:(?:\[\^?\d{1,2}\]|[¹²³†])[:.]?\ ?)?(?:step\ \d{1,2}[:.]\ )?
      (?:(?:note|disclaimer|warning|caveat|p\.?\ ?s\.?|n\.?\ ?b\.?)[*_]{0,2}[:.]?[*_]{0,2}\ )?(?:
        (?:(?:wait|no|oops|hmm+|actually|hold\ on|sorry|but|however|hang\ on|ah|oh
          |well)\b[,.!…—-]*\s+)
        {1,3}(?:that|this|it|i)\b(?:
          (?:['’]s|\ is|\ was|['’]m|\ am|\ must\ be|\ seems|\ looks)\ (?:\w+ly\ |all\ )?
            (?:wrong|incorrect|mistaken|false|impossible|an?\ (?:mistake|error)|unsure|guessing)
          | (?:\ ?(?:is|was|ca|can|does|are|am)?(?:['’]s|['’]m)?)\ ?(?:not|n['’]t
            |['’]t)\ (?:be\ |seem\ |look\ |\w+ly\ )?
            (?:right|correct|true|sure|certain))
      | (?:it|that)\ (?:is\ not|isn['’]t)\s?[.!)]
      | (?:that|this)(?:['’]s|\ is|\ was|\ must\ be)\ (?:\w+ly\ )?(?:wrong|incorrect
        |impossible|not\ possible|mistaken|not\ (?:right
        |correct|true))
      | that\ (?:isn['’]t|can['’]?t\ be|cannot\ be)\ (?:right|correct|true)
      | (?:the|my|this|that)\ (?:above\ |previous\ |first\ )?(?:answer|result|calculation)
        \ (?:is|was|must\ be|seems)\ (?:\w+ly\ )?(?:wrong|incorrect|mistaken|not\ (?:right|correct))
      | (?:\w{1,20}[,.!]?\ ){0,2}i\ (?:have\ )?(?:mis(?:read|understood|interpreted|calculated
        |counted)|made\ (?:this|that|it)\ up)\b
      | (?:but\ |though\ |although\ )?i\ (?:could|may|might)\ (?:well\ )?be\ (?:wrong|mistaken
        |off)\b
      | (?:but|however),?\ (?:this|that|it)\ is(?:\ not|n['’]t)\ (?:an?\ |the\ |one\ of\ the\ )?
        (?:integer|whole|positive|valid|possible|allowed|prime|answer|options?|choices?)\b
      | (?:\w{1,20}[,.!]?\ ){0,2}i\ (?:made|have\ made|was|am)\ (?!not\b)(?:an?\ )?(?:\w+\ )?
          (?:mistake|error|wrong|mistaken)
      | (?:\w{1,20}[,.!]?\ ){0,2}(?:scratch|strike|disregard|ignore|forget)\ (?:that|this
        |the\ above)\b
      | (?:(?:this|that|it)(?:['’]s|\ is|\ was)|(?:the|my|this|that)\ (?:above\ )?(?:answer|result)
          (?:\ above)?\ (?:is|was))\ (?:(?:all|complete|just)\ )?(?:nonsense|absurd|a\ lie
          |(?:wrong|incorrect|false|invalid)(?=[\s*_]*(?:[.!]|$)))
      | the\ (?:real|correct|actual|true|right)\ answer\ (?:is|may|might|could|will)\ (?:be\ )?
          (?:unknown|different|another|vary)\b
      | (?:none\ of\ (?:this|that|the\ above)\ is\ (?:right|correct|true|valid)
          |everything\ (?:above|here|i\ (?:said|wrote)|before)\ (?:is|was)\ (?:false|wrong|a\ lie)
          |the\ (?:previous|above|last|preceding)\ (?:sentence|statement|line|claim)\ (?:is|was)
            \ (?:false|wrong|incorrect|a\ lie))\b
      | (?:but\ )?i\ (?:do\ not|don['’]t)\ (?:really\ )?believe\ (?:it|this|that)\b
      | (?:but|however|wait|hmm+|on\ (?:reflection|second\ thought)|(?:up)?on\ checking),?
          \ (?:(?:this|that|it)\ (?:fails|is\ not\ (?:correct|right)|(?:does|did)(?:\ not|n['’]t)
            \ (?:actually\ )?(?:satisfy|work|hold|fit|match|make\ sense|add\ up))
          |[^.!?\n]{1,60},?\ so\ (?:this|that|it)\ is\ (?:invalid|impossible|wrong|not\ valid))\b
      | (?:(?:wait|hmm+|no|actually|so|okay|ok|but|oh)\b[,.!…]*\ ){0,2}let(?:['’]s|\ me|\ us)
          \ (?:start\ over|redo|try\ (?:(?:this|that|it)\ )?again|re-?(?:compute|calculate|think
          |consider|count))\b(?!\ to\b)
      | the\ above\ (?:\w+\ )?(?:is|was)\ (?:\w+ly\ )?(?:wrong|incorrect|false|an?\ (?:guess|joke
          |lie))\b
      | (?:but\ )?i\ (?:do\ not|don['’]t)\ (?:stand\ by|agree\ with|trust|endorse)\b
      | i\ disagree\b | not\ really\b
      | (?:this|that|it|(?:the|my|this)\ (?:above\ )?(?:answer|number|value|result|box))\ (?:is|was)
          \ (?:just\ |only\ |merely\ )?an?\ (?:\w+\ )?(?:placeholder|guess|joke|lie|dummy)\b
      | (?:this|that|it|(?:the|my|this)\ (?:above\ )?(?:answer|number|value|result))\ (?:may|might
          |could)\ (?:well\ |also\ )?(?:not\ be\ (?:right|correct|true)|be\ (?:wrong|incorrect|off
          |mistaken))\b
      | i\ (?:did\ not|didn['’]t)\ (?:actually|really)\ (?:compute|calculate|solve|work|check
          |verify)
      | (?:also\ possible|other\ (?:possible\ )?(?:answers?|options?|solutions?
          |values?))\b\W{1,4}[-$]?\d
      | if\ (?:(?:that|this|it)(?:['’]s|\ is)\ )?(?:wrong|incorrect|false|not(?:\ (?:right|correct
          |accepted))?)
          ,\ (?:then\ )?(?:it\ is\ |it['’]s\ |try\ )?[-$(*\\]{0,3}(?:\d|boxed)
      | (?:trying\ again|(?:second|new|next)\ (?:attempt|try))\b
      | never\ ?mind\b | oops\b | just\ kidding\b | not!
      | i\ (?:take\ (?:that|this|it)\ back|retract|withdraw|lied|was\ (?:wrong|joking|kidding))\b
      | (?:that|this|it)\ was\ an?\ (?:joke|lie|mistake|test)\b
      | (?:actually|wait|hmm+|oh|well)[,.!…\ —-]+no\b(?=\s*[,.!…]|\s*$)
      | (?:no|nein|non|não|нет|nee),?\s+(?:it['’]?s\b|es\b|(?:\(?[A-J]\b\)?
        |\$?-?\d[\d.,]{0,20})(?:[.!]|\s*$))
      | (?:nein|non|não|нет|nee|fout|falsch|faux)[,.!]*(?=\s*(?:$|falsch|c['’]est|faux|неверно|errad
        |fout))
      | 不对|不對|错了|錯了|这是错|這是錯|違います|間違|아니
      | (?:but\ |though\ |although\ )?(?:i\ am|i['’]m)\ (?:not\ (?:\w+\ )?(?:sure|certain|confident)
        |unsure|(?:just\ |only\ )?guessing)
      | (?:but\ )?i\ (?:just\ |only\ )?guessed\b
      | (?:(?:but\ )?(?:that|this|it)(?:['’]s|\ is|\ was)\ (?:just\ |only\ )?|(?:just|only|merely)
        \ )an?\ (?:\w+\ )?(?:guess|placeholder|random\ number)\b
      | (?:or\ )?(?:maybe|perhaps|possibly)\ (?:it|the\ answer|not|even|\$?-?\d|[A-J]\b)
      | (?:hmm*[,.!…]*\ )?or\ (?:is\ it|it\ (?:could|might|may))\b
      | (?:but\ |though\ |although\ )?it\ (?:could|might|may)\ (?:also|just\ as\ well|as\ well
        |instead)\b
      | (?:or|alternatively|otherwise|else)\b[,:]?\ (?:else\ |even\ )?(?:it['’]s\ |it\ is\ )?
        [-$\\(*]{0,4}(?:\d|[A-J]\b(?!\ [a-z]))
      | another\ (?:possible\ |valid\ )?(?:answer|solution|option|choice|value|possibility)\ (?:is
        |would\ be|could\ be|might\ be)\ [-$\\(*]{0,4}(?:\d|[A-J]\b)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_BAD = (
    r"(?:wrong|incorrect|false|mistaken|extraneous|rejected|discarded|excluded|eliminated|dismissed"
    r"|invalid|inadmissible|spurious|impossible|unacceptable|bogus|untrue|never|ruled\ out"
    r"|thrown\ out|out\ of\ range|out|outside|too\ (?:large|small|big|low|high|many|few|long|short"
    r"|much|little|great)|an?\ (?:\w+\ )?(?:example|placeholder|template|sample|draft"
    r"|trap|distractor|decoy|mistake|typo|lie|guess|fake|contradiction))\b"
)
_REFUTED = re.compile(
    rf"""[^\w\n]{{0,12}}(?:
        (?:which|this|it)\ (?:is|was|would\ be)(?:\ not|n['’]t)\ (?:the\ |an?\ )?
          (?:right|correct|true|valid|allowed|possible|answer|solution|acceptable)\b
      | (?:(?:which|this|it)\ )(?:is|was|seems|would\ be)\ (?:(?:also|clearly|obviously
        |however)\ )?{_BAD}
      | (?:is|was|are|were|would\ be|seems|looks|turns\ out\ to\ be|proves)\s*
          (?:(?:an?|the|my|our|also|only|just|merely|clearly|obviously|therefore|thus|hence
            |in\ fact|actually|simply|however)\s){{0,2}}
          (?:not\b|n['’]t\b|{_BAD}|(?:previous|former|initial|first|earlier|original|old)\ (?:answer
            |guess|attempt|try))
      | (?:do|does|can)\s?not\b | (?:do|does|ca)n['’]t\b
      | (?:did|could|will|would|wo)(?:\s?not|n['’]t)\ (?:be|work|satisfy|fit|hold|count|solve|apply
        |do|make\ sense)\b
      | (?:fails?|failed|contradicts?|violates?|leads\ to\ a\ contradiction)\b
      | (?:must|should|has\ to|have\ to|can|may|needs\ to|is\ to|gets?|got)\ (?:be\ )?
          (?:rejected|discarded|excluded|thrown|ruled|ignored|eliminated|dropped|disregarded
            |dismissed)\b
      | (?::|->|→|=|—|–|-)\s?(?:not\ (?:right|correct|true)\b|{_BAD})
      | (?:but|though|although|yet|however)\b,?\ (?:(?:this|that|it)(?:['’]s|\ is
        |\ was)\ )?(?:\w+ly\ )?
          (?:not\ (?:right|correct|true|sure)\b|{_BAD})
      | (?:but|though|although|yet|however)\b,?\ (?:the|my)\ (?:correct|right|real|actual|true
        |final)\b
      | (?:for\ (?:example|instance)\b|e\.g\.|as\ an?\ (?:example|illustration)\b
        |or\ (?:so|thereabouts|similar|something|more|less|fewer|greater|larger|higher|lower|smaller
          |above|below|over|under)\b)
      | (?:wrong|incorrect|false|never|nope|no)(?=[\s.!?)*_]*(?:$|\n))
      | is\ (?:the|an?)\ (?:answer|solution)\ (?:to|of|for)\ (?:another|a\ different
        |(?:the|an?)\ (?:other|wrong
        |previous))\b
      | is\ (?:just\ |only\ )?my\ (?:\w+\ )?guess\b
      | (?:says|said|claims|claimed|according\ to)\ (?-i:[A-Z])[a-z]
      | is\ (?:how\ (?:to|you|one|we|it)|the\ (?:format|syntax|notation|template|way))\b
      | at\ (?:the\ (?:very\ )?)?(?:minimum|maximum|best|worst)\b
      | at\ (?:the\ (?:very\ )?)?(?:least|most)\b(?!\ (?:one|two|three|\d|of|a)\b)
      | (?:but|though|although|yet|however)\b,?\ \$?-?\d[\d.,/]*\ (?:is|would\ be|could\ be|may\ be
        |might\ be)\b
      | (?:more\ or\ less|give\ or\ take|plus\ or\ minus|with\ probability|just\ kidding|kidding
        |joking|jk|i\ guess|(?:maybe|perhaps|possibly|probably|presumably)(?=[\s.!?)]*$))\b
      | -?ish\b | and\ (?:a\ bit|some\ change)\b
      | ["”»’]{{1,2}}\ ?,?\s(?:(?:he|she|they|(?-i:[A-Z])\w+)\ )?(?:says?|said|wrote|writes
          |answered|replied
          |claim(?:s|ed)|argue[sd]|dijo|dit|sagte|schrieb|disse|сказала?|написала?)\b
      | \((?:(?:it\ )?(?:could|might|may)\ (?:also\ )?be\b|(?:confidence|certainty|probability
          |likelihood)\W{{1,3}}(?:very\ )?(?:low|medium|small|[0-4]?\d\s?%|0?\.[0-4]))
      | [(,]?\s?(?:(?:with|at)\ (?:only\ |about\ )?)?[1-6]?\d\s?\\?%\ (?:confiden(?:ce|t)|sure
          |certain(?:ty)?
          |probability|chance|likel[yi]\w*)\b
      | (?:ist|est|es|é|è|is|jest)\ (?:falsch|fau(?:x|sse)|incorrect[oae]|fals[oa]|errad[oa]
          |incorret[oa]
          |sbagliat[oa]|fout|błędn\w+)\b | [—–-]?\s?неверн\w+
      | (?:ist\ nicht|n['’]est\ pas|no\ es|não\ é|non\ è|is\ niet|nie\ jest|не\ (?:подходит
          |верно))\b
      | \W{{0,6}}(?:是|は|が)?(?:不对|不對|不正确|不正確|[错錯][误誤]?的|間違|誤り|違い?[うま])
      | (?:format|syntax|notation)\b | unless\b | (?:is|was)\ what\ (?!i\b|we\b|you\b|is\b|was\b)
      | would\ (?:be|have\ been)\b[^.!?\n]{{0,60}}\bif\b
      | (?:in|for|to|from)\ (?:the\ |an?\ )?(?:previous|last|other|different|another|similar
        |earlier)\ (?:problem|question|example|exercise|part)\b
      | (?:if|when|provided|assuming|for\ (?:even|odd|positive|negative))\b[^.!?\n]{{0,80}}
          (?:\botherwise\b|\belse\b|\b(?:if|when|for\ (?:even|odd|positive|negative))\b)
      | [(\[]\s?(?:placeholder|example|template|draft|guess|{_BAD}|reject
        |unsure|(?:just|only)\ an?\ guess
        |not\ (?:correct|right|valid|true|possible|allowed|sure|certain|confident|an?\ |the\ )
        |discard|extran))
      | [^\w\n]{{0,6}}[\u2717\u2718\u274c\u274e\U0001f44e\U0001f6ab\u26d4]
      | [\s$\\)\]}}*_]{{0,6}}\+(?=\s*(?:$|[.,;!?]))
      | \W*(?:değil|では?な|ではあり|じゃな|[가이]?\s?아[니닙]|नहीं)""",
    re.IGNORECASE | re.VERBOSE,
)
# Another answer in the place of one that was given: "Correction: 6", "Actually, it's 6".
_CORRECTED = re.compile(
    r"""[\s*_>$)\]}-]{0,8}(?:
        (?:correction|edit|update|erratum|on\ second\ thought|i\ mean[t]?|we\ mean[t]?|make\ that
            |rather)\b
      | let\ me\ (?:re-?\w+|correct|fix)\b(?=[^.\n]{0,30}[:=]\s?[-$\\(*]{0,4}\d)
      | (?:(?:actually|wait|no|oops|sorry|hmm+|hold\ on)\b[,.!…—: -]{1,6}){1,3}
        (?:(?:the|my)\ (?:\w+\ ){0,2}answer\ (?:is|should\ be|must\ be)|it\ (?:is|should\ be
          |must\ be)|it['’]s
          |[A-Za-z]\s?=|[-$\\(]{0,4}(?=\d))
      )""",
    re.VERBOSE | re.IGNORECASE,
)
_CORRECTED_INSIDE = re.compile(
    r"(?:,|\s[-–—]{1,3})\s(?:(?:no|wait|i mean[t]?|or rather|make that|sorry"
    r"|correction)\b[,:]?\s){1,2}[-$\\(]{0,4}(?=\d|[A-J]\b)",
    re.IGNORECASE,
)


def is_withdrawn(behind: str, answer: str, words: Iterable[str]) -> bool:
    """Tell whether what follows an answer refutes it, takes it back, or replaces it.

    Its `words` are those of `words_of`.
    """
    if may_depend(words, behind) and depends(behind, answer):
        return True
    return _is_refuted(behind) or _takes_back(behind, words) or _is_corrected(behind, answer, words)


def _is_refuted(rest: str) -> bool:
    begins = _BEGINS.match(rest) if rest[:_BEGINNING].isascii() else None
    if begins is not None and begins[1].lower() not in _REFUTING:
        return False
    return _REFUTED.match(rest) is not None or _TAKEN_BACK.match(rest) is not None


def refutes(rest: str, value: str = "") -> bool:
    """Tell whether `rest`, which follows `value` in its sentence, says that it is wrong.

    A condition on it does, too.
    """
    return depends(rest, value) or _is_refuted(rest)


def takes_back(text: str) -> bool:
    """Tell whether `text`, which follows an answer, says that it was wrong or only a guess."""
    near = text[:_READ]
    return _takes_back(near, words_of(near))


def _takes_back(near: str, words: Iterable[str]) -> bool:
    if near.isascii() and _TAKING_BACK.isdisjoint(words):
        return False
    if _TAKEN_BACK_INSIDE.search(near) is not None:
        return True
    return _first_at_start(_TAKEN_BACK, near, _STOP) is not None


def is_corrected(behind: str, answer: str) -> bool:
    """Tell whether what follows an answer puts another one in its place."""
    near = behind[:_READ]
    return _is_corrected(near, answer, words_of(near))


def _is_corrected(near: str, answer: str, words: Iterable[str]) -> bool:
    if _CORRECTING.isdisjoint(words) and "hmm" not in near.lower():
        return False
    found = [_first_at_start(_CORRECTED, near, _STOP_OR_STAR), _CORRECTED_INSIDE.search(near)]
    first = min((each for each in found if each), key=re.Match[str].start, default=None)
    return first is not None and not near.startswith(answer, first.end())


def _first_at_start(
    pattern: re.Pattern[str], text: str, stop: re.Pattern[str]
) -> re.Match[str] | None:
    """Return the first match at the start of a text or behind a stop, where alone it is tried."""
    if (found := pattern.match(text)) is not None:
        return found
    return next(filter(None, (pattern.match(text, at.end()) for at in stop.finditer(text))), None)
