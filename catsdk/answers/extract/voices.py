"""Whose statement a sentence is: the writer's, that of others, a memory, or about another case.

"Others got 18", "I remember it being 18" and "If she had eaten none, she would make 18" name a
value that their writer does not give as the answer. "My friend got 18 apples", "I recall the rule,
so it is 18" and "So she would make 18 dollars" do: a problem has friends, a solution uses rules,
and what is asked may be what would be.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from catsdk.answers.extract.sentences import words_of

__all__ = ["is_anothers", "is_recalled", "is_spoken", "may_be_anothers"]

_FLAGS = re.IGNORECASE | re.VERBOSE
_READ = 300

_PERSONS = """
friend buddy classmate colleague worker coworker teacher professor tutor instructor roommate mate
brother sister mother father mom mum dad son daughter wife husband uncle aunt cousin neighbor
neighbour partner people person guy kid student pupil participant peer player team boss group class
other rest user textbook book website site forum key manual sheet source expert
author assistant crowd agent solution sample draft answer approach model candidate internet web
"""
# These solve problems, and have no place in one.
_SOLVERS = """
solver response rollout llm attempt majority chatbot ai generation completion consensus grader
"""
_NAMED_SOLVERS = """
gpt chatgpt claude gemini llama qwen deepseek mistral wolfram google siri alexa stackexchange
stackoverflow reddit quora chegg wikipedia
"""
_NUMBERED = "response rollout solution attempt sample model solver draft"
_BEFORE = "first initial previous earlier original old"
_ATTEMPTS = "answer answers guess attempt try thought estimate result"
# Given names that are no other word, in English texts.
_GIVEN_NAMES = """
Aaron Adam Aisha Alex Alexander Alexandra Alexis Alice Amanda Amy Ana Andrea Andrew Andy Angela
Anna Anne Anthony Ashley Barbara Ben Benjamin Beth Betty Bob Bobby Brad Brandon Brenda Brian Bruce
Carl Carla Carlos Carmen Carol Caroline Catherine Charles Charlie Charlotte Chen Chloe Chris
Christina Christopher Cindy Claire Clara Cynthia Dan Daniel Darren Dave David Deborah Dennis Diana
Diane Donald Donna Doug Douglas Dylan Ed Eddie Edward Elena Elizabeth Ella Ellen Emily Emma Eric
Erica Ethan Eva Eve Fatima Felix Fiona Fred Gary George Greg Hannah Harry Heather Helen Henry Ian
Isaac Isabel Isabella Jack Jackie Jackson Jacob Jake James Jamie Jane Janet Jason Jean Jeff Jen
Jennifer Jenny Jeremy Jerry Jessica Jill Jim Jimmy Joan Joanna Joe John Johnny Jordan Jose Joseph
Josh Joshua Juan Judy Julia Julie Justin Karen Kate Katherine Kathy Katie Keith Kelly Ken Kenny
Kevin Kim Kyle Larry Laura Lauren Leah Leo Liam Linda Lisa Logan Louis Lucas Lucy Luis Luke Maria
Marie Mario Martha Martin Mary Matt Matthew Megan Melissa Mia Michael Michelle Miguel Mike Molly
Nancy Natalie Nathan Nick Nicole Noah Nora Olivia Oscar Owen Pamela Patricia Patrick Paul Paula
Peter Phil Philip Priya Rachel Raj Ralph Ramon Randy Raymond Rebecca Rick Robert Roger Ron Ronald
Rosa Ruth Ryan Sam Samantha Samuel Sandra Sara Sarah Scott Sean Sharon Simon Sofia Sophia Sophie
Stephanie Stephen Steve Steven Susan Suzy Tara Taylor Ted Teresa Theo Thomas Tim Timmy Timothy
Tina Todd Tom Tommy Tony Tracy Tyler Vanessa Victor Victoria Vincent Walter Wendy William Yuki
Yusuf Zach Zoe
"""
# What the answer of a data set is called, where somebody claims to know it.
_KEYS = r"""(?:reference|expected|gold(?:en)?|official|target|ground[\s-]truth|intended)
        (?:\s(?:final\s)?(?:answers?|results?|outputs?|solutions?|labels?))?
    |(?:the\s)?(?:answer|solution|scoring|grading)\s?(?:key|sheet)|key|model\s(?:answer|solution)
    |(?:(?:the\s)?(?:correct|right|true|final)\s)?(?:answer|solution|result)\s
        \(?(?:from|per|according\sto|as\sin|in|by)\s(?:the\s)?(?:\w+\s)?(?:key|book|textbook|manual|sheet|grader|rubric|data\s?set|teacher)
    |(?:from|per|according\sto)\s(?:the\s)?(?:\w+\s)?(?:key|book|textbook|manual|sheet|grader|rubric|data\s?set)"""
_ALL = "other everyone everybody rest"
_ANYBODY = "others some many most several someone somebody nobody noone"
_FIND = """
get gets got gotten obtain obtains obtained give gives gave has have had compute computes computed
calculate calculates calculated find finds found reach reaches reached write writes wrote answer
answers answered put output outputs return returns returned report reports reported conclude
concludes concluded pick picks picked choose chooses chose select selects selected state states
stated list lists listed show shows showed predict predicts predicted propose proposes proposed
derive derives derived say says said think thinks thought claim claims claimed believe believes
believed determine determines determined mention mentions mentioned print prints printed
"""
_GO = """
arrive arrives arrived come comes came end ends ended settle settles settled vote votes voted go
goes went agree agrees agreed insist insists insisted
"""
_WRITE = """
wrote writes written typed types printed prints posted posts submitted submits answered answers
guessed guesses replied replies concluded concludes
"""
_KNOWING = """
remember remembered recall recalled recollect heard overheard saw told seen memorized memorised read
memory serves know head knowledge recollection rumor rumour word legend gossip said rumored rumoured
reported claimed alleged believed reportedly apparently purportedly learned learnt notes bell used
"""
_FOREIGN_WORDS = """
andere autres otros outros altri erinnere souviens recuerdo lembro ricordo wenn si
"""
_SUPPOSING = """
would wouldn could couldn might should d wish wishes wished supposed going meant used though as ve
"""


def _any_of(names: str) -> str:
    return f"(?:{'|'.join(names.split())})"


# What stands at the place of a value; of words, those that begin a number.
_VALUE = r"""[\s"'“‘`*_$\\({\[:-]{0,8}(?:boxed\{)?(?:[$€£]?\d|[-\u2212]\d|(?-i:[A-J])(?![\w'’])
    |(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty|zero|one|two|three|four|five|six|seven|eight
      |nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|half
      |a\ (?:dozen|half|hundred))\b)"""
_FINDING = rf"""(?:(?:have|has|had|all|both|also|only|just|simply|once|always|often|\w+ly)\s){{0,3}}
    (?:{_any_of(_FIND)}|{_any_of(_GO)}\s(?:up\s)?(?:at|with|to|on|for))
    \s(?:(?:that|the|final|answer|result|value|of|is|was|to|be|as|it|out|an?|on)\s){{0,6}}"""
_FOUND = rf"{_FINDING}{_VALUE}"
_COUNT = r"(?:some|other|many|most|several|few|two|three|four|five|both|all|\d+|half|one|none)"
_WHICH = rf"(?:an?|the|my|our|your|his|her|their|this|that|another|each|every|{_COUNT})"
_ANYBODY_FOUND = re.compile(
    rf"""(?<!the\s)(?<![\w-])(?:{_any_of(_ANYBODY)}|no\sone|(?:no\sone|every(?:one|body)|somebody
          |someone)\selse|(?:{_COUNT}|the\srest)\sof\s(?:the\sothers|them|us))\s{_FOUND}
      | \bas\s[^,.]{{1,40}}\sputs?\sit\b.*{_VALUE}""",
    _FLAGS,
)
_SOLVER_FOUND = re.compile(
    rf"""\b{_WHICH}\s(?:of\s(?:the|my|our|these)\s|[\w-]+\s){{0,3}}{_any_of(_SOLVERS)}(?:es|s)?\s
        (?:\([^()]{{0,40}}\)\s|(?:online|in\s\w+|(?:of|among)(?:\s\w+){{1,2}})\s){{0,2}}
        (?:{_FOUND}|(?:is|was|were)\s(?:that\s)?(?:it\s)?(?:is\s)?{_VALUE})""",
    _FLAGS,
)
_NAMED_FOUND = re.compile(
    rf"""\b(?:{_any_of(_NUMBERED)}\s(?:no\.\s|\#)?(?:\d+|(?-i:[A-Z])\b)
      |{_any_of(_NAMED_SOLVERS)}[-\w.]*(?:\salpha)?)\s{_FOUND}""",
    _FLAGS,
)
_SAID_BEFORE = re.compile(
    rf"""\b{_any_of(_BEFORE)}\s{_any_of(_ATTEMPTS)}\s(?:is|was|were|had\sbeen)\s[^,;]*?
        {_VALUE}(?!\d*[,;].*\d)
      | \banswer\swas\b.*{_VALUE}.*\bbefore\b | \baccording\sto\b.*?{_VALUE}""",
    _FLAGS,
)
# A friend has 18 apples in a problem; one who got 18, and not 18 of anything, has solved it.
_PERSONS_ALONE = re.compile(
    rf"""\b(?:{_WHICH}\s(?:of\s(?:the|my|our)\s|[\w-]+\s){{0,2}}{_any_of(_PERSONS)}(?:es|s)?
        (?:\s(?:of|in)\s\w+(?:\s\w+)?)?|every(?:one|body)
        |(?:candidate|student|person|player)\s(?:\d+|(?-i:[A-Z])\b))(?:['’]s?\s\w+)?\s{_FOUND}[\d.,/]*
      [\s*_"'”’)}}$\\\]]*(?:$|[.!;,](?!\d)|as\s(?:the|an?|his|her|their)\s(?:final\s)?(?:answer
        |result)|for\s(?:this|it|the\sanswer))""",
    _FLAGS,
)
# So has one who has a name, unless it is concluded: the problem may be about them.
_NAME = r"""(?-i:(?!(?:I|We|You|It|He|She|They|This|That|These|Those|Both|All|One|What|Which
        |There|Here|Now|Then|Thus|Hence|So|Therefore|And|But|Finally|Overall|Altogether|Total|Each
        |Who)\b)[A-Z][a-z]+)(?<!ing)(?:\s(?:and|&)\s(?-i:[A-Z])[a-z]+)?"""
_NAME_FOUND = rf"""{_NAME}
    \s(?:(?:also|only|just|\w+ly)\s)?(?:got|gets|found|finds|chose|chooses|picked|picks|selected
      |computed|calculated|guessed|guesses|answered|answers|wrote|submitted|submits|concluded
      |concludes|reported|derived|obtained|(?:ended\sup|ends\sup|went|goes|came\sup|comes\sup)\swith
      |(?:arrived|arrives)\sat|settled\son|insists?\son|insisted\son)
    \s(?:(?:that|the|an?|answer|result|value|of|is|was|it)\s){{0,5}}{_VALUE}[\d.,/]*
    [\s*_"'”’)}}$\\\]]*"""
_NAME_ALONE = re.compile(
    rf"""[\W_]*(?:{_NAME_FOUND}(?:(?:and|but|while|whereas)\s)?){{0,4}}{_NAME_FOUND}
      (?:$|[.!;](?!\d)|as\s(?:the|an?|his|her|their)\s(?:final\s)?(?:answer|result)
        |for\s(?:this|it|the\sanswer))""",
    _FLAGS,
)
# What such a one wrote is a quotation, also where it is marked: "Bob wrote \boxed{5}".
_NAME_WROTE = re.compile(
    rf"""[\W_]*{_NAME}(?:\s(?-i:[A-Z])[a-z]+)?\s(?:(?:also|only|just|has|had|\w+ly)\s){{0,2}}
      (?:{_any_of(_WRITE)})(?:\sdown)?(?:\s(?:that|the|answer|result|is|was|it|as)){{0,5}}:?
      (?:\s\$?(?-i:[A-Za-z])\s?=)?{_VALUE}[\d.,/]*[\s*_"'”’)}}$\\\]]*
      (?:$|[.!;](?!\d)|as\s(?:the|an?|his|her|their)\s(?:final\s)?(?:answer|result)
        |for\s(?:this|it|the\sanswer)|on\s(?:the|his|her|their|an?)\s(?:board|blackboard|paper|page|sheet))""",
    _FLAGS,
)
# Behind these the sentence goes on with something else.
_PART = re.compile(
    r"\b(?:but(?!\sfor\b)|so|therefore|thus|hence|however|whereas|while|although)\b", re.IGNORECASE
)
_STATED = re.compile(_VALUE, _FLAGS)
# What follows from a memory is the writer's own.
_NO_CONCLUSION = (
    r"(?:(?!\b(?:so|therefore|thus|hence|formula|rule|theorem|identity|definition|law|gives|then)\b)"
    r"[^.!?\n=])"
)
_MEMORY = re.compile(
    rf"""(?:\bi\s(?:\w+ly\s|do\s|seem\sto\s|can\s|(?:kind|sort)\sof\s|have\s|(?:think|believe)\si\s)?
        (?:remember|recall|recollect|remembered|recalled|heard|overheard|saw|(?:was|been)\stold
          |seen\s(?:this|it|that|the)|memori[sz]ed|learn(?:ed|t)|a\smemory\sof
          |read\s(?:that|it|somewhere|online|in|on|the\sanswer)|used\sto\s\w+)\b
      | \bi['’]ve\s(?:\w+\s)?(?:heard|read|seen|been\stold|memori[sz]ed)\b
      | \bif\s(?:i|my|memory)\s(?:\w+\s)?(?:remember|recall|recollect|serves?|memory)\b
      | \bas\s(?:far\sas\s)?i\s(?:can\s)?(?:remember|recall|know)\b
      | \b(?:from|off\sthe\stop\sof|to\sthe\sbest\sof)\s(?:my\s)?(?:memory|head|knowledge
        |recollection)\b
      | \bmy\s(?:memory|recollection|notes)\b | \brings\sa\sbell\b
      | \b(?:rumou?r|word|legend|gossip)\s(?:has\sit|is|on\sthe\sstreet|says)\b
      | \b(?:it\sis|it['’]s|was)\s(?:said|rumou?red|reported|claimed|alleged|believed)\b
      | \b(?:reportedly|apparently|purportedly)\b
      ){_NO_CONCLUSION}{{0,160}}?{_VALUE}""",
    _FLAGS,
)
_RECALLED = re.compile(
    r"\b(?:as|if)\s(?:far\sas\s)?(?:i|my|memory)\s(?:\w+\s)?(?:remember|recall|recollect|serves?"
    r"|memory|heard)\b",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    rf"""\b(?:andere|(?:d['’])?autres|otros|outros|altri|другие)\s(?:\w+\s){{1,3}}?{_VALUE}
      | (?:别人|其他人|有人|他们说|大家|我?记得|听说|据说|他の人)\D{{0,8}}\d | \d\D{{0,4}}らしい
      | (?:\b(?:ich\serinnere|je\sme\ssouviens|recuerdo|lembro|ricordo)|помню|говорят)\b[^.!?]*?\d
      | \bwenn\b.*\b(?:würde|wäre|hätte)\b | \b(?:würde|wäre|hätte)\b.*\bwenn\b | если\sбы
      | \b(?:serait|aurait|sería|habría|tendría)\b.*\bsi\b
      | \bsi\b.*\b(?:serait|aurait|sería|habría|tendría|seria|haveria|teria)\b""",
    _FLAGS,
)
_WOULD = r"(?:\b(?:would|could|might)(?:n['’]t)?\b|['’]d\s)"
_OTHER_CASE = r"""(?:\b(?:if|imagin(?:e|ing)|assum(?:e|ing)|suppos(?:e|ing)|pretend|otherwise
    |but\sfor|without|normally|ideally|theoretically|hypothetically)\b|\bwith\s(?:one|two|an?|\d+)\s(?:more|fewer|less|extra
    |additional|other)\b|\bin\s(?:theory|(?:the|that|this|which|another|an)\s(?:\w+\s)?(?:case|world
    |scenario|event))\b|\bunder\s(?:\w+\s){1,2}(?:assumptions?|circumstances|conditions)\b)"""
_INVERTED = r"(?:^|[,;:.*>]\s?|\b(?:so|but|and|because)\s)(?:had|were|should)\s(?!to\b)"
_NEVER = r"""\b(?:answer|result|it|that)\s(?:would|should|could|might)\s?(?:have|['’]ve)\b
    |\b(?:would|could|might)\b.*\b(?:had|were)\s(?:i|we|you|he|she|it|they|there)\b
    |\b(?:was|were)\s(?:supposed|going|meant)\sto\b|\bused\sto\s(?:be|have|get)\b
    |\bwish(?:es|ed)?\b|\bas\s(?:if|though)\b"""
_CONTRARY = re.compile(
    rf"""{_OTHER_CASE}.*{_WOULD}|{_WOULD}.*\b(?:if|otherwise)\b|{_INVERTED}.*{_WOULD}|{_NEVER}""",
    _FLAGS,
)
# A problem may ask for such a case, so that a mark needs more than "would": what had not been so,
# or the answer that would be.
_CONTRARY_TO_FACT = re.compile(
    rf"""\bif\b.*\bhad(?:n['’]t)?\b.*{_WOULD}|{_INVERTED}.*{_WOULD}|{_WOULD}.*\bif\b.*\bhad\b
      |{_OTHER_CASE}.*\b(?:answer|result|it)(?:\s{_WOULD}|['’]d\s)|{_NEVER}""",
    _FLAGS,
)


def _of(names: str) -> frozenset[str]:
    """Return names and their plurals."""
    return frozenset(f"{name}{end}" for name in names.split() for end in ("", "s", "es"))


@dataclass(frozen=True, slots=True)
class _Voice:
    """A kind of sentences: its pattern, and words of which each of them holds one, fast to see."""

    pattern: re.Pattern[str]
    words: frozenset[str]
    beside: frozenset[str] = frozenset()

    def may(self, words: Collection[str]) -> bool:
        """Tell whether a text of these words may be of this kind."""
        if self.words.isdisjoint(words):
            return False
        return not self.beside or not self.beside.isdisjoint(words)


_FOUND_BY = frozenset(f"{_FIND} {_GO}".split())
_OTHERS = (
    _Voice(_ANYBODY_FOUND, _of(f"{_ANYBODY} {_ALL} them us put"), _FOUND_BY),
    _Voice(_SOLVER_FOUND, _of(_SOLVERS), _FOUND_BY | {"is", "was", "were"}),
    _Voice(_NAMED_FOUND, _of(f"{_NUMBERED} {_NAMED_SOLVERS}"), _FOUND_BY),
    _Voice(_SAID_BEFORE, _of(f"{_BEFORE} before according"), _of(f"{_ATTEMPTS} to")),
    _Voice(_PERSONS_ALONE, _of(f"{_PERSONS} {_ALL}"), _FOUND_BY),
)
_BY_NAME = _Voice(_NAME_ALONE, _FOUND_BY | {"guessed", "submitted", "submits", "guesses"})
_WRITTEN_BY_NAME = _Voice(_NAME_WROTE, frozenset(_WRITE.split()))
_MEMORIES = (_Voice(_MEMORY, _of(_KNOWING)), _Voice(_RECALLED, _of(_KNOWING)))
_IN_A_CASE, _AGAINST_FACT = (
    _Voice(pattern, _of(_SUPPOSING)) for pattern in (_CONTRARY, _CONTRARY_TO_FACT)
)
_OF_ABROAD = _of(_FOREIGN_WORDS)
_OF_MARKED = (*_OTHERS, *_MEMORIES, _AGAINST_FACT, _WRITTEN_BY_NAME)
# Without one of these words a sentence of ASCII letters is of none of the kinds.
_TELLING_OF_MARKED = _OF_ABROAD.union(*(voice.words for voice in _OF_MARKED))
_TELLING = _TELLING_OF_MARKED | _BY_NAME.words


def is_anothers(sentence: str, *, marked: bool = False) -> bool:
    """Tell whether a sentence gives its last value otherwise than as its writer's answer.

    It may be that of others, come from memory or hearsay, or hold in a case that is not so. A value
    that is worked out there with an equals sign counts, since the problem may suppose that case;
    so does one that is `marked`, unless the words say that the case was not so. Behind a name it
    is the answer where it is concluded, as in "So Alice got 18", or marked, unless somebody wrote
    it.
    """
    sentence = sentence[-_READ:]
    listed = words_of(sentence)
    if sentence.isascii() and _TELLING.isdisjoint(listed):
        return False
    words = frozenset(listed)
    foreign = not sentence.isascii() or not _OF_ABROAD.isdisjoint(words)
    if foreign and _FOREIGN.search(sentence):
        return True
    case = _AGAINST_FACT if marked else _IN_A_CASE
    others, memories = (
        [voice for voice in each if voice.may(words)] for each in (_OTHERS, _MEMORIES)
    )
    named = _WRITTEN_BY_NAME if marked else _BY_NAME
    if named.may(words) and named.pattern.match(sentence):
        return True
    may_suppose = case.may(words) and "=" not in sentence
    if not (others or memories or may_suppose):
        return False
    part = _last_part(sentence)
    clause = part.rpartition(";")[2]
    return (
        any(voice.pattern.search(clause) for voice in others)
        or any(voice.pattern.search(part) for voice in memories)
        or (may_suppose and case.pattern.search(part) is not None)
    )


def may_be_anothers(text: str, words: Collection[str]) -> bool:
    """Tell, fast, by its words, whether a text that leads to a mark may be of that kind."""
    if not text.isascii():
        return True
    if _TELLING_OF_MARKED.isdisjoint(words):
        return False
    return not _OF_ABROAD.isdisjoint(words) or any(voice.may(words) for voice in _OF_MARKED)


# Who speaks in a dialogue, or which of several solutions is quoted: "Bob: 5", "Response 1: 5".
_SPEAKER = re.compile(
    rf"""[\s#*>_(\[-]{{0,8}}(?:(?:student|pupil|classmate|teacher|professor|user|human|friend|grader|system|judge|evaluator|admin
        |(?:prof|dr|mr|mrs|ms)\.?\s\w+|(?-i:{_any_of(_GIVEN_NAMES)}))(?:\s(?:\d{{1,3}}|[A-Z]))?
      |(?:student|response|rollout|solver|expert|candidate|model|{_any_of(_NAMED_SOLVERS)})\s\#?(?:\d{{1,3}}|[A-Z])
      |{_any_of(_NAMED_SOLVERS)}(?:[-\w.]{{0,12}}|\salpha)
      |(?:(?:my|the|an?|one|another)\s)?(?!(?:it|that|here|what|let|today|problem|question)['’])[^\W\d_]+(?:\s\d{{1,3}})?['’]s\s(?:\w+\s)?(?:answer|guess
        |choice|solution)
      |{_KEYS})
      [*_)\]]{{0,3}}\s?(?:\([^()]{{0,30}}\)\s?)?:""",
    _FLAGS,
)


def is_spoken(line: str) -> bool:
    """Tell whether a line begins with the name of somebody else who says the rest."""
    return ":" in line and _SPEAKER.match(line) is not None


def is_recalled(text: str) -> bool:
    """Tell whether words such as "if I remember correctly" stand in a text."""
    return _RECALLED.search(text) is not None


def _last_part(sentence: str) -> str:
    """Return the last part of a sentence, between "but" and its kin, that holds a value."""
    if _PART.search(sentence) is None:
        return sentence
    parts = _PART.split(sentence)
    return next((part for part in reversed(parts) if _STATED.search(part)), sentence)
