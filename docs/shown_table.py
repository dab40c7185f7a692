"""Write the table of docs/prompts.md: what the model of each estimator is shown, as it sees it.

Each estimator works on one group whose parts carry words of their own; a scripted model keeps what
it is sent. `python docs/shown_table.py` rewrites the table in place; `tests/test_shown_table.py`
fails while it is old, or while an estimator is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio

import catsdk as cat
from catsdk.core.types import Completion, ImagePart, Message, Request, TextPart, TokenLogprob
from catsdk.estimators import (
    Adaptive,
    BestOfN,
    Cascade,
    GenerativeSelfAggregation,
    Grading,
    Greedy,
    Harmony,
    Likelihood,
    Majority,
    MinPerplexity,
    MixtureOfAgents,
    MutualPredictability,
    OtherView,
    Paraphraser,
    RandomChoice,
    RecursiveSelfAggregation,
    SelfBestOfN,
    Shuffled,
    Synthesizer,
    UniversalSelfConsistency,
    WeightedMajority,
)
from docs.marked import between

PAGE = Path(__file__).resolve().parent / "prompts.md"
BEGIN = "<!-- table: shown -->"
END = "<!-- end of table -->"

SYSTEM, HISTORY, QUESTION, THOUGHT = "sysword", "pastword", "askword", "thoughtword"
RESPONSES = ["oneword", "twoword", "threeword"]
REPLY = '{"reason": "r", "grade": 5, "choice": 1}'


class Watched:
    """A model that answers everything with one reply, scores texts, and keeps what it was sent."""

    name = "watched"

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.seen: list[Message] = []

    async def complete(self, request: Request, on_text: object = None) -> Sequence[Completion]:
        """Answer with the reply."""
        self.seen += request.messages
        return [Completion(text=REPLY)] * request.n

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """Find every text equally probable."""
        self.seen += [*messages, Message(role="assistant", content=text)]
        return Completion(text=text, logprobs=(TokenLogprob(token=text, logprob=-1.0),))


Made = Callable[[Watched], Any]

ESTIMATORS: Mapping[str, Made] = {
    "Synthesizer": Synthesizer,
    "Synthesizer(show_question=False)": lambda m: Synthesizer(m, show_question=False),
    'Synthesizer(show="answers")': lambda m: Synthesizer(m, show="answers"),
    "Synthesizer(show_images=True)": lambda m: Synthesizer(m, show_images=True),
    "Synthesizer(show_reasoning=True)": lambda m: Synthesizer(m, show_reasoning=True),
    "GenerativeSelfAggregation": GenerativeSelfAggregation,
    "MixtureOfAgents": lambda m: MixtureOfAgents(
        [[GenerativeSelfAggregation(m)]], GenerativeSelfAggregation(m)
    ),
    "RecursiveSelfAggregation": lambda m: RecursiveSelfAggregation(
        GenerativeSelfAggregation(m), Majority(), subset=2, rounds=2
    ),
    "UniversalSelfConsistency": UniversalSelfConsistency,
    "SelfBestOfN": SelfBestOfN,
    "BestOfN(Grading())": lambda m: BestOfN(Grading(m)),
    "WeightedMajority(Grading())": lambda m: WeightedMajority(Grading(m)),
    "WeightedMajority(Likelihood())": lambda m: WeightedMajority(Likelihood(m), weight="exp"),
    "MutualPredictability": MutualPredictability,
    "MinPerplexity": MinPerplexity,
    "Cascade(Majority(), Synthesizer())": lambda m: Cascade(Majority(), Synthesizer(m), 1.0),
    "Shuffled(Synthesizer())": lambda m: Shuffled(Synthesizer(m), seed=1),
    "Majority": lambda _: Majority(),
    "Adaptive(Majority())": lambda _: Adaptive(Majority()),
    "Greedy": lambda m: Greedy(cat.Sampler(m)),
    "Harmony": lambda m: Harmony(cat.Sampler(m), Paraphraser(m)),
    "OtherView(Majority())": lambda m: OtherView(Majority(), cat.Sampler(m)),
    "RandomChoice": lambda _: RandomChoice(0),
}


def group() -> cat.Group:
    """A group each part of which is told by a word."""
    picture = ImagePart(url="data:image/png;base64,AAAA")
    prompt = [
        Message(role="system", content=SYSTEM),
        Message(role="user", content="first"),
        Message(role="assistant", content=HISTORY),
        Message(role="user", content=(TextPart(text=QUESTION), picture)),
    ]
    said = [
        Completion(text=f"{word} \\boxed{{{at}}}", reasoning=THOUGHT)
        for at, word in enumerate(RESPONSES)
    ]
    return cat.group_of(prompt, said)


async def shown(made: Made) -> list[str]:
    """The cells of one estimator."""
    model = Watched()
    await made(model).estimate(group())
    if not model.seen:
        return ["no call", *("" for _ in HEAD[2:])]
    text = "\n".join(message.text for message in model.seen)
    images = any(isinstance(part, ImagePart) for m in model.seen for part in m.parts)
    mentioned = "mentioned" if "image that is not shown" in text else "no"
    answers = "final answers" if "0" in text.split() else "no"
    responses = "yes" if any(word in text for word in RESPONSES) else answers
    told = [("yes" if word in text else "no") for word in (SYSTEM, HISTORY, QUESTION)]
    thinking = "yes" if THOUGHT in text else "no"
    return ["yes", *told, "yes" if images else mentioned, responses, thinking]


HEAD = (
    "estimator",
    "asks a model",
    "system message",
    "earlier turns",
    "question",
    "images",
    "responses",
    "thinking kept apart",
)


async def table() -> str:
    """The table as Markdown."""
    rows = [[f"`{name}`", *await shown(made)] for name, made in ESTIMATORS.items()]
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def rewritten(page: str) -> str:
    """The page with a fresh table between its two marks."""
    return between(page, BEGIN, END, anyio.run(table))


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
