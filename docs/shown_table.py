"""Write the table of docs/prompts.md: what the model of each estimator is shown, as it sees it.

Each estimator works on one group whose parts carry words of their own; a scripted model keeps what
it is sent. `python docs/shown_table.py` rewrites the table in place; `tests/test_shown_table.py`
fails while it is old, or while an estimator is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio

import catsdk as cat
from catsdk import estimators
from catsdk.core.types import Completion, ImagePart, Message, Request, TextPart, TokenLogprob
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


MODEL = Watched()

ESTIMATORS: Mapping[str, Any] = {
    "Synthesizer": cat.Synthesizer(MODEL),
    "Synthesizer(show_question=False)": cat.Synthesizer(MODEL, show_question=False),
    'Synthesizer(show="answers")': cat.Synthesizer(MODEL, show="answers"),
    "Synthesizer(show_images=True)": cat.Synthesizer(MODEL, show_images=True),
    "Synthesizer(show_reasoning=True)": cat.Synthesizer(MODEL, show_reasoning=True),
    "GenerativeSelfAggregation": estimators.GenerativeSelfAggregation(MODEL),
    "MixtureOfAgents": estimators.MixtureOfAgents(
        [[estimators.GenerativeSelfAggregation(MODEL)]], estimators.GenerativeSelfAggregation(MODEL)
    ),
    "RecursiveSelfAggregation": estimators.RecursiveSelfAggregation(
        estimators.GenerativeSelfAggregation(MODEL), cat.Majority(), subset=2, rounds=2
    ),
    "UniversalSelfConsistency": estimators.UniversalSelfConsistency(MODEL),
    "SelfBestOfN": estimators.SelfBestOfN(MODEL),
    "BestOfN(Grading())": estimators.BestOfN(estimators.Grading(MODEL)),
    "WeightedMajority(Grading())": estimators.WeightedMajority(estimators.Grading(MODEL)),
    "WeightedMajority(Likelihood())": estimators.WeightedMajority(
        estimators.Likelihood(MODEL), weight="exp"
    ),
    "MutualPredictability": estimators.MutualPredictability(MODEL),
    "MinPerplexity": estimators.MinPerplexity(MODEL),
    "Cascade(Majority(), Synthesizer())": cat.Cascade(cat.Majority(), cat.Synthesizer(MODEL), 1.0),
    "Shuffled(Synthesizer())": estimators.Shuffled(cat.Synthesizer(MODEL), seed=1),
    "Majority": cat.Majority(),
    "Adaptive(Majority())": estimators.Adaptive(cat.Majority()),
    "Greedy": estimators.Greedy(cat.Sampler(MODEL)),
    "Harmony": estimators.Harmony(cat.Sampler(MODEL), estimators.Paraphraser(MODEL)),
    "OtherView(Majority())": estimators.OtherView(cat.Majority(), cat.Sampler(MODEL)),
    "RandomChoice": estimators.RandomChoice(0),
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


async def shown(estimator: Any) -> list[str]:
    """The cells of one estimator."""
    MODEL.seen.clear()
    await estimator.estimate(group())
    if not MODEL.seen:
        return ["no call", *("" for _ in HEAD[2:])]
    text = "\n".join(message.text for message in MODEL.seen)
    images = any(isinstance(part, ImagePart) for m in MODEL.seen for part in m.parts)
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
    rows = [[f"`{name}`", *await shown(estimator)] for name, estimator in ESTIMATORS.items()]
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def rewritten(page: str) -> str:
    """The page with a fresh table between its two marks."""
    return between(page, BEGIN, END, anyio.run(table))


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
