"""Synthesizer: the anchor writes one reference s from the rollouts of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, get_args

from catsdk.answers.answers import no_evidence
from catsdk.core.choices import check_choice
from catsdk.core.errors import ContentFilteredError, ContextTooLongError, StructuredOutputError
from catsdk.core.fanout import fan_out
from catsdk.core.options import Sampling
from catsdk.core.ports import OnText, Provider, capabilities_of, name_of, tokens_of
from catsdk.core.types import Completion, Group, Message, Reference, Request, Rollout
from catsdk.prompts.prompt import Prompt, has, load
from catsdk.prompts.reply import read_sections
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone

__all__ = ["Overflow", "Show", "Synthesizer"]

Overflow = Literal["subset", "answers", "summarise", "error"]
Show = Literal["responses", "answers"]

ANSWER_ROOM = 512


@dataclass(frozen=True)
class Synthesizer:
    r"""Estimates a reference by synthesis (paper, section 3.2): one sample of the anchor.

    Args:
        anchor: The model that writes the reference; `None` is the anchor of the run, else
            `CATSDK_ANCHOR`, else the policy.
        sampling: Temperature and the like; by default the model's own.
        prompt: Replaces the shipped prompts. By default the one that asks for a boxed answer is
            used where at least half of the rollouts have a final answer, else the free-form one.
        show: Whether the anchor reads whole `responses` or only final `answers`.
        show_question: Whether it reads the conversation that the rollouts respond to, so that the
            reference keeps to its language and form. `None` shows it where the prompt has a place
            for it; `False` is the paper's form (on MATH-500 the question made +0.004).
        show_reasoning: Whether it reads thinking that a provider keeps apart.
        overflow: What is done when the rollouts do not fit into the anchor's context: a random
            `subset` that fits, only their final `answers`, the anchor's own short versions
            (`summarise`, one more call for each rollout), or an `error`. Where the context length
            is not known, the service's refusal counts as the sign.
        seed: Shuffles the rollouts, and makes the reference repeatable where the model can;
            `None` keeps their order. The paper does not say which it used.

    Raises:
        InvalidInputError: `show` or `overflow` is none of its words.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> reply = "# SUMMARY\nThey differ.\n# UNIFIED RESPONSE\nIt is \\boxed{42}."
        >>> anchor = FunctionProvider(lambda request: reply)
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{41}"])
        >>> reference = await cat.Synthesizer(anchor).estimate(group)
        >>> reference.text, reference.rationale
        ('It is \\boxed{42}.', 'They differ.')
    """

    anchor: str | Provider | None = None
    sampling: Sampling = Sampling()
    prompt: Prompt | None = None
    show: Show = "responses"
    show_question: bool | None = None
    show_reasoning: bool = False
    overflow: Overflow = "subset"
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check the words."""
        check_choice("show", self.show, get_args(Show))
        check_choice("overflow", self.overflow, get_args(Overflow))

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Write the reference of `group`.

        Args:
            group: The rollouts; only those that are there are shown.
            ctx: The context of a run; without one the synthesizer stands alone.

        Raises:
            NoEvidenceError: the group has no rollout.
            ContextTooLongError: the rollouts do not fit and `overflow` could not help.
            StructuredOutputError: the reply was cut, or has a summary and no response, twice.
            ContentFilteredError: the anchor refused.
            ProviderError: the anchor failed.
        """
        if not group.rollouts:
            raise no_evidence(group)
        rollouts = self._ordered(group.rollouts)
        async with standing_alone(ctx, group) as context:
            with recorded("synthesize") as calls:
                anchor = await context.model(self.anchor)
                prompt = self.prompt or self._prompt(capabilities_of(anchor).prompts, group)
                writing = _Writing(self, anchor, prompt, group, context)
                completion, shown, how = await writing.fitting(rollouts)
                try:
                    text, rationale = _read(completion, anchor)
                except StructuredOutputError:
                    completion = await writing.again()
                    text, rationale = _read(completion, anchor)
            return await context.with_evidence(
                context.reference(
                    text,
                    method="synthesis",
                    rationale=rationale,
                    settings={
                        "show": how,
                        "rollouts": [rollout.index for rollout in shown],
                        "show_question": "question" in prompt.slots,
                        "finish_reason": completion.finish_reason,
                    },
                    calls=calls,
                    model=completion.model or name_of(anchor),
                    prompt=prompt,
                )
            )

    def _prompt(self, prompts: str, group: Group) -> Prompt:
        """The shipped prompt: for checkable answers or free text, with the request or without."""
        answered = sum(rollout.answer is not None for rollout in group.rollouts)
        task = "synthesize" if 2 * answered >= len(group.rollouts) else "synthesize_freeform"
        blind = f"{task}_blind"
        # A set that has the blind form alone was taught so.
        taught_blind = has(prompts, blind) and not has(prompts, task)
        if self.show_question is False or taught_blind:
            return load(prompts, blind)
        return load(prompts, task)

    def _ordered(self, rollouts: Sequence[Rollout]) -> list[Rollout]:
        ordered = list(rollouts)
        if self.seed is not None:
            Random(self.seed).shuffle(ordered)
        return ordered


@dataclass(frozen=True)
class _Writing:
    """One reference while it is written."""

    synthesizer: Synthesizer
    anchor: Provider
    prompt: Prompt
    group: Group
    ctx: Context
    asked: list[Request] = field(default_factory=list[Request])

    async def fitting(
        self, rollouts: Sequence[Rollout]
    ) -> tuple[Completion, Sequence[Rollout], str]:
        """Ask with what was wished; where that is too long, with what `overflow` makes of it."""
        how, texts = self.synthesizer, self._texts(rollouts)
        messages = self._messages(texts)
        if self._fits(messages):
            try:
                return await self._ask(messages, self.ctx.on_text), rollouts, how.show
            except ContextTooLongError:
                if how.overflow == "error":
                    raise
        if how.overflow == "error":
            raise ContextTooLongError(
                f"{len(rollouts)} rollouts do not fit into the context of {name_of(self.anchor)}"
                f" ({self._room} tokens); use fewer rollouts or overflow='subset', 'answers' or"
                " 'summarise'",
                model=name_of(self.anchor),
            )
        if how.overflow == "subset":
            rollouts = self._subset(rollouts)
            texts = self._texts(rollouts)
        elif how.overflow == "answers":
            texts = [_answer(rollout) for rollout in rollouts]
        else:
            texts = await self._summaries(texts)
        completion = await self._ask(self._messages(texts), self.ctx.on_text)
        return completion, rollouts, how.overflow

    async def again(self) -> Completion:
        """Ask once more for what came back without a response, for another sample."""
        request = self.asked[-1]
        seed = None if request.seed is None else request.seed + 1
        other = request.model_copy(update={"sample_index": 1, "seed": seed})
        return (await self.anchor.complete(other))[0]

    async def _ask(self, messages: tuple[Message, ...], on_text: OnText | None) -> Completion:
        how = self.synthesizer
        seed = how.seed if capabilities_of(self.anchor).seed else None
        request = how.sampling.request(messages, seed=seed)
        self.asked.append(request)
        return (await self.anchor.complete(request, on_text))[0]

    def _texts(self, rollouts: Sequence[Rollout]) -> list[str]:
        if self.synthesizer.show == "answers":
            return [_answer(rollout) for rollout in rollouts]
        if not self.synthesizer.show_reasoning:
            return [rollout.text for rollout in rollouts]
        return [f"{r.completion.reasoning or ''}\n{r.text}".strip() for r in rollouts]

    def _messages(self, texts: Sequence[str]) -> tuple[Message, ...]:
        return self.prompt.messages(question=self.group.conversation, responses=texts)

    @property
    def _room(self) -> int | None:
        return capabilities_of(self.anchor).context_length

    def _fits(self, messages: tuple[Message, ...]) -> bool:
        room = self._room
        if room is None:
            return True
        answer = self.synthesizer.sampling.max_tokens or min(ANSWER_ROOM, room // 4)
        return sum(tokens_of(self.anchor, message.text) for message in messages) + answer <= room

    async def _summaries(self, texts: Sequence[str]) -> list[str]:
        summarise = load(capabilities_of(self.anchor).prompts, "summarise")

        async def shorten(text: str) -> str:
            return (await self._ask(summarise.messages(response=text), None)).text

        return await fan_out(shorten, texts)

    def _subset(self, rollouts: Sequence[Rollout]) -> list[Rollout]:
        """Drop rollouts at random until the rest fits; without a known context, half of them."""
        kept = list(rollouts)
        random = Random(self.synthesizer.seed or 0)
        while len(kept) > 1:
            kept.pop(random.randrange(len(kept)))
            if self._room is None:
                if len(kept) <= len(rollouts) // 2:
                    break
            elif self._fits(self._messages(self._texts(kept))):
                break
        return kept


def _answer(rollout: Rollout) -> str:
    return rollout.answer or "(no final answer)"


def _read(completion: Completion, anchor: Provider) -> tuple[str, str | None]:
    """The response and the summary of a reply."""
    if completion.finish_reason == "content_filter":
        raise ContentFilteredError(
            f"{name_of(anchor)} refused to synthesize: {completion.text[:200]!r}",
            model=completion.model or name_of(anchor),
        )
    return read_sections(completion.text, cut=completion.finish_reason == "length")
