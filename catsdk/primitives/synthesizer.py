"""Synthesizer: the anchor writes one reference s from the rollouts of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from catsdk.core.choices import check_choice
from catsdk.core.errors import ContextTooLongError
from catsdk.core.fanout import fan_out
from catsdk.core.options import Sampling
from catsdk.core.ports import OnText, Provider, capabilities_of, name_of, tokens_of
from catsdk.core.types import (
    Completion,
    Group,
    Message,
    Provenance,
    Reference,
    Rollout,
)
from catsdk.equivalence.evidence import no_evidence, with_evidence
from catsdk.equivalence.extract import STATED, Extractor
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.reply import read_sections

__all__ = ["Overflow", "Show", "Synthesizer"]

Overflow = Literal["subset", "answers", "summarise", "error"]
Show = Literal["responses", "answers"]

ANSWER_ROOM = 512


@dataclass(frozen=True)
class Synthesizer:
    """Estimates a reference by synthesis (paper, section 3.2): one sample of the anchor.

    The anchor reads whole responses, or only final answers (`show`). Thinking that a provider
    keeps apart is shown with `show_reasoning`; the question with `show_question`, which the paper
    leaves out (on MATH-500 it made +0.004). The order of the rollouts is theirs, or shuffled under
    `seed`; the paper does not say which it used. `prompt` replaces the shipped one, `extractor`
    the rules that find the final answer. By default the
    prompt that asks for a boxed answer is used where at least half of the rollouts have a final
    answer, the free-form one otherwise.

    When the rollouts do not fit into the anchor's context, `overflow` decides: a random `subset`
    that fits, only their final `answers`, the anchor's own short versions (`summarise`, one more
    call for each rollout), or an `error`. Where the context length is not known the service's
    refusal counts as the sign.
    """

    anchor: str | Provider
    sampling: Sampling = Sampling()
    prompt: Prompt | None = None
    show: Show = "responses"
    show_question: bool = False
    show_reasoning: bool = False
    overflow: Overflow = "subset"
    seed: int | None = None
    extractor: Extractor = STATED

    def __post_init__(self) -> None:
        """Check the words.

        Raises:
            InvalidInputError: `show` or `overflow` is none of its words.
        """
        check_choice("show", self.show, get_args(Show))
        check_choice("overflow", self.overflow, get_args(Overflow))

    async def estimate(self, group: Group, *, on_text: OnText | None = None) -> Reference:
        """Write the reference of `group`; `on_text` receives its text in pieces as it is written.

        Raises:
            NoEvidenceError: the group has no rollout.
            ContextTooLongError: the rollouts do not fit and `overflow` could not help.
            ProviderError: the anchor failed.
        """
        if not group.rollouts:
            raise no_evidence(group)
        rollouts = self._ordered(group.rollouts)
        with recorded("synthesize") as calls:
            async with opened(self.anchor) as anchor:
                prompt = self.prompt or load(capabilities_of(anchor).prompts, _task(group))
                completion, shown, how = await self._fitting(
                    anchor, prompt, group, rollouts, on_text
                )
                model = name_of(anchor)
        text, rationale = read_sections(completion.text)
        found = self.extractor.extract(text)
        reference = Reference(
            text=text,
            answer=found.answer,
            rationale=rationale,
            group=group,
            provenance=Provenance(
                method="synthesis",
                model=completion.model or model,
                prompt=prompt.name,
                prompt_version=prompt.version,
                settings={
                    "show": how,
                    "rollouts": [rollout.index for rollout in shown],
                    "show_question": self.show_question,
                    "finish_reason": completion.finish_reason,
                    "answer_rule": found.rule,
                },
            ),
            calls=tuple(calls),
            partial=group.partial,
        )
        return with_evidence(reference)

    def _ordered(self, rollouts: Sequence[Rollout]) -> list[Rollout]:
        ordered = list(rollouts)
        if self.seed is not None:
            Random(self.seed).shuffle(ordered)
        return ordered

    async def _fitting(
        self,
        anchor: Provider,
        prompt: Prompt,
        group: Group,
        rollouts: Sequence[Rollout],
        on_text: OnText | None,
    ) -> tuple[Completion, Sequence[Rollout], str]:
        """Ask with what was wished; where that is too long, with what `overflow` makes of it."""
        texts = self._texts(rollouts)
        messages = self._messages(prompt, group, texts)
        if self._fits(anchor, messages):
            try:
                return await self._ask(anchor, messages, on_text), rollouts, self.show
            except ContextTooLongError:
                if self.overflow == "error":
                    raise
        if self.overflow == "error":
            raise ContextTooLongError(
                f"{len(rollouts)} rollouts do not fit into the context of {name_of(anchor)}"
                f" ({capabilities_of(anchor).context_length} tokens); use fewer rollouts or"
                " overflow='subset', 'answers' or 'summarise'",
                model=name_of(anchor),
            )
        if self.overflow == "subset":
            rollouts = self._subset(anchor, prompt, group, rollouts)
            texts = self._texts(rollouts)
        elif self.overflow == "answers":
            texts = [_answer(rollout) for rollout in rollouts]
        else:
            texts = await self._summaries(anchor, texts)
        completion = await self._ask(anchor, self._messages(prompt, group, texts), on_text)
        return completion, rollouts, self.overflow

    async def _ask(
        self, anchor: Provider, messages: tuple[Message, ...], on_text: OnText | None
    ) -> Completion:
        seed = self.seed if capabilities_of(anchor).seed else None
        return (await anchor.complete(self.sampling.request(messages, seed=seed), on_text))[0]

    def _texts(self, rollouts: Sequence[Rollout]) -> list[str]:
        if self.show == "answers":
            return [_answer(rollout) for rollout in rollouts]
        if not self.show_reasoning:
            return [rollout.text for rollout in rollouts]
        return [f"{r.completion.reasoning or ''}\n{r.text}".strip() for r in rollouts]

    def _messages(self, prompt: Prompt, group: Group, texts: Sequence[str]) -> tuple[Message, ...]:
        question = f"\nThe request was:\n{group.question}\n" if self.show_question else ""
        return prompt.messages(question=question, responses=texts)

    def _fits(self, anchor: Provider, messages: tuple[Message, ...]) -> bool:
        room = capabilities_of(anchor).context_length
        if room is None:
            return True
        answer = self.sampling.max_tokens or min(ANSWER_ROOM, room // 4)
        return sum(tokens_of(anchor, message.text) for message in messages) + answer <= room

    async def _summaries(self, anchor: Provider, texts: Sequence[str]) -> list[str]:
        summarise = load(capabilities_of(anchor).prompts, "summarise")

        async def shorten(text: str) -> str:
            return (await self._ask(anchor, summarise.messages(response=text), None)).text

        return await fan_out(shorten, texts)

    def _subset(
        self, anchor: Provider, prompt: Prompt, group: Group, rollouts: Sequence[Rollout]
    ) -> list[Rollout]:
        """Drop rollouts at random until the rest fits; without a known context, half of them."""
        kept = list(rollouts)
        random = Random(self.seed or 0)
        known = capabilities_of(anchor).context_length is not None
        while len(kept) > 1:
            kept.pop(random.randrange(len(kept)))
            fits = self._fits(anchor, self._messages(prompt, group, self._texts(kept)))
            if fits if known else len(kept) <= len(rollouts) // 2:
                break
        return kept


def _answer(rollout: Rollout) -> str:
    return rollout.answer or "(no final answer)"


def _task(group: Group) -> str:
    answered = sum(rollout.answer is not None for rollout in group.rollouts)
    return "synthesize" if 2 * answered >= len(group.rollouts) else "synthesize_freeform"
