"""Synthesizer: the anchor writes one reference s from the rollouts of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple, get_args

from catsdk.answers.answers import no_evidence
from catsdk.core.choices import check_choice
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import (
    ContentFilteredError,
    ContextTooLongError,
    InvalidInputError,
    StructuredOutputError,
)
from catsdk.core.messages import images_in, with_numbers
from catsdk.core.options import Sampling, check_sampling
from catsdk.core.ports import Provider, capabilities_of, name_of, tokens_of
from catsdk.core.types import Completion, Group, ImagePart, Message, Reference, Request, Rollout
from catsdk.prompts.prompt import Prompt, has, load, sets
from catsdk.prompts.reply import read_sections
from catsdk.prompts.sections import asks_for_sections
from catsdk.prompts.tasks import check_slots
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.output import Output, Written, told
from catsdk.runtime.structured import Form, ask

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
        prompts: The set of shipped prompts to take: `small` is one line, for models of under about
            a billion parameters that write no summary. `None` is the set that the anchor's
            provider names, as a rule `english`.
        show: Whether the anchor reads whole `responses` or only final `answers`.
        show_question: Whether it reads the conversation that the rollouts respond to, so that the
            reference keeps to its language and form. `None` shows it where the prompt has a place
            for it; `False` is the paper's form (on MATH-500 the question made +0.004).
        show_images: Whether it is sent the images of the conversation that it reads; else their
            places say that they are not shown. `None` sends them where the anchor is the policy,
            which has read them.
        show_reasoning: Whether it reads thinking that a provider keeps apart.
        overflow: What is done when the rollouts do not fit into the anchor's context: a random
            `subset` that fits, only their final `answers`, the anchor's own short versions
            (`summarise`, one more call for each rollout), or an `error`. Where the context length
            is not known, or estimated too low, the service's refusal counts as the sign.
        seed: Shuffles the rollouts, and makes the reference repeatable if the model supports seeds;
            `None` keeps their order. The paper does not say which it used.

    Raises:
        InvalidInputError: `show`, `overflow` or `prompts` is not one of its words, or `prompt` does
            not fit the task.

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
    prompts: str | None = None
    show: Show = "responses"
    show_question: bool | None = None
    show_images: bool | None = None
    show_reasoning: bool = False
    overflow: Overflow = "subset"
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check the words."""
        check_sampling(self.sampling)
        check_slots(self.prompt, "synthesize")
        if self.prompts is not None:
            check_choice("prompts", self.prompts, sets())
            if self.show_question is False and not has(self.prompts, "synthesize_blind"):
                raise InvalidInputError(
                    f"the prompts {self.prompts!r} show the question: leave out show_question=False"
                )
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
            StructuredOutputError: the reply was cut, or has a summary and no response, twice; or no
                reply fits the output that was asked for.
            ContentFilteredError: the anchor refused.
            ProviderError: the anchor failed.
        """
        if not group.rollouts:
            raise no_evidence(group)
        rollouts = self._ordered(group.rollouts)
        async with standing_alone(ctx, group) as context:
            with recorded("synthesize") as calls:
                anchor = await context.model(self.anchor)
                prompt = self.prompt or self._prompt(
                    self.prompts or capabilities_of(anchor).prompts,
                    group,
                    as_output=context.output is not None,
                )
                writing = _Writing(self, anchor, prompt, group, context)
                synthesis, shown, how = await writing.fitting(rollouts)
                completion = synthesis.completion
            return await context.with_evidence(
                context.reference(
                    synthesis.text,
                    method="synthesis",
                    rationale=synthesis.rationale,
                    settings={
                        "show": how,
                        "rollouts": [rollout.index for rollout in shown],
                        "show_question": "question" in prompt.slots,
                        **writing.images_told,
                        "finish_reason": completion.finish_reason,
                    },
                    calls=calls,
                    model=completion.model or name_of(anchor),
                    prompt=prompt,
                )
            )

    def _prompt(self, prompts: str, group: Group, *, as_output: bool) -> Prompt:
        """The shipped prompt: for outputs, answers or free text, with or without the question."""
        if as_output:
            shows = self.show_question is not False
            return load(prompts, "synthesize_output" if shows else "synthesize_output_blind")
        answered = sum(rollout.answer is not None for rollout in group.rollouts)
        task = "synthesize" if 2 * answered >= len(group.rollouts) else "synthesize_freeform"
        blind = f"{task}_blind"
        # A set with only the blind form belongs to a model that was trained on it.
        taught_blind = has(prompts, blind) and not has(prompts, task)
        if self.show_question is False or taught_blind:
            return load(prompts, blind)
        return load(prompts, task)

    def _ordered(self, rollouts: Sequence[Rollout]) -> list[Rollout]:
        ordered = list(rollouts)
        if self.seed is not None:
            Random(self.seed).shuffle(ordered)
        return ordered


class _Synthesis(NamedTuple):
    """The anchor's reply, parsed."""

    text: str
    rationale: str | None
    completion: Completion


@dataclass(frozen=True)
class _Writing:
    """The state of one synthesis."""

    synthesizer: Synthesizer
    anchor: Provider
    prompt: Prompt
    group: Group
    ctx: Context

    async def fitting(
        self, rollouts: Sequence[Rollout]
    ) -> tuple[_Synthesis, Sequence[Rollout], str]:
        """Synthesize from all rollouts; if they do not fit, from what `overflow` makes of them."""
        how, texts = self.synthesizer, self._texts(rollouts)
        messages = self._messages(texts)
        if self._fits(messages):
            try:
                return await self._write(messages), rollouts, how.show
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
            return await self._write_subset(rollouts)
        if how.overflow == "answers":
            texts = [_answer(rollout) for rollout in rollouts]
        else:
            texts = await self._summaries(texts)
        return await self._write(self._messages(texts)), rollouts, how.overflow

    async def _write_subset(
        self, rollouts: Sequence[Rollout]
    ) -> tuple[_Synthesis, Sequence[Rollout], str]:
        """Try random subsets, each smaller than the one before, until one fits."""
        random = Random(self.synthesizer.seed or 0)
        kept = self._subset(rollouts, random, least=1)
        while True:
            try:
                return await self._write(self._messages(self._texts(kept))), kept, "subset"
            except ContextTooLongError:
                if len(kept) == 1:
                    raise
                # The subset should have fitted, so the estimated lengths were too low.
                kept = self._subset(kept, random, least=len(kept) // 4)

    async def _write(self, messages: tuple[Message, ...]) -> _Synthesis:
        """Ask for the synthesis; sample again if the first reply has no response."""
        request = self._request(messages)
        output = self.ctx.output
        if output is not None:
            return await self._write_output(request, output)
        tell = self.ctx.text_listener(sectioned=asks_for_sections(self.prompt))
        completion = (await self.anchor.complete(request, tell))[0]
        try:
            return _Synthesis(*_read(completion, self.anchor), completion)
        except StructuredOutputError:
            seed = None if request.seed is None else request.seed + 1
            other = request.model_copy(update={"sample_index": 1, "seed": seed})
            completion = (await self.anchor.complete(other))[0]
            return _Synthesis(*_read(completion, self.anchor), completion)

    async def _write_output(self, request: Request, output: Output) -> _Synthesis:
        """Ask for an output, after a summary if the prompt asks for one."""
        if "schema" not in self.prompt.slots:
            asked = self.ctx.answers.asked(request.messages)
            request = request.model_copy(update={"messages": asked})
        written, completion = await ask(
            self.anchor,
            request,
            self._form(output),
            attempts=output.attempts,
            route=output.route,
            on_text=self.ctx.on_text,
        )
        return _Synthesis(told(written.data), written.summary, completion)

    def _request(self, messages: tuple[Message, ...]) -> Request:
        how = self.synthesizer
        seed = how.seed if capabilities_of(self.anchor).seed else None
        return how.sampling.request(messages, seed=seed)

    def _texts(self, rollouts: Sequence[Rollout]) -> list[str]:
        if self.synthesizer.show == "answers":
            return [_answer(rollout) for rollout in rollouts]
        if not self.synthesizer.show_reasoning:
            return [rollout.text for rollout in rollouts]
        return [f"{r.completion.reasoning or ''}\n{r.text}".strip() for r in rollouts]

    @property
    def images_told(self) -> dict[str, str]:
        """Whether images were shown, for the provenance; nothing if the conversation has none."""
        if not images_in(self.group.prompt):
            return {}
        return {"images": "shown" if self._images else "not shown"}

    @property
    def _images(self) -> tuple[ImagePart, ...]:
        """The images to send."""
        wanted = self.synthesizer.show_images
        if wanted is None:
            roles = self.ctx.defaults
            named = self.synthesizer.anchor
            wanted = roles.policy is not None and roles.policy == (
                roles.anchor if named is None else named
            )
        return images_in(self.group.prompt) if wanted and "question" in self.prompt.slots else ()

    def _messages(self, texts: Sequence[str]) -> tuple[Message, ...]:
        images = self._images
        messages = self._in_words(texts, with_images=bool(images))
        if not images:
            return messages
        *before, last = messages
        return (*before, last.model_copy(update={"content": (*last.parts, *images)}))

    def _in_words(self, texts: Sequence[str], *, with_images: bool) -> tuple[Message, ...]:
        group = self.group
        if with_images:
            group = group.model_copy(update={"prompt": with_numbers(group.prompt)})
        shown: dict[str, str] = {"question": group.conversation}
        if self.ctx.output is not None:
            shown["schema"] = told(self._form(self.ctx.output).schema)
        return self.prompt.messages(responses=texts, form="json", **shown)

    def _form(self, output: Output) -> Form[Written]:
        """The form of a reply: the shipped prompts ask for a summary first."""
        return output.summarised if self.synthesizer.prompt is None else output.asked_for

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
            request = self._request(summarise.messages(response=text))
            return (await self.anchor.complete(request))[0].text

        return await fan_out(shorten, texts)

    def _subset(self, rollouts: Sequence[Rollout], random: Random, least: int) -> list[Rollout]:
        """Drop random rollouts, at least the given number, until the rest should fit.

        Without a known context length, half of them are dropped.
        """
        kept = list(rollouts)
        if self._room is None:
            least = len(kept) - len(kept) // 2
        while len(kept) > 1:
            kept.pop(random.randrange(len(kept)))
            dropped = len(rollouts) - len(kept)
            if dropped >= least and self._fits(self._messages(self._texts(kept))):
                break
        return kept


def _answer(rollout: Rollout) -> str:
    return rollout.answer or "(no final answer)"


def _read(completion: Completion, anchor: Provider) -> tuple[str, str | None]:
    """Parse a reply into its response and its summary."""
    if completion.finish_reason == "content_filter":
        raise ContentFilteredError(
            f"{name_of(anchor)} refused to synthesize: {completion.text[:200]!r}",
            model=completion.model or name_of(anchor),
        )
    return read_sections(completion.text, cut=completion.finish_reason == "length")
