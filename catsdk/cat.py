"""CaT: the method as a few readable lines over the primitives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Self, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import start_blocking_portal
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from catsdk.aggregators.majority import Majority
from catsdk.core.errors import (
    BudgetExceededError,
    CatError,
    ConfigurationError,
    InvalidInputError,
    NoModelError,
    SynthesisFailedError,
)
from catsdk.core.events import (
    Event,
    ReferenceReady,
    RolloutArrived,
    RolloutFailed,
    SynthesisStarted,
    TextArrived,
)
from catsdk.core.inputs import PromptLike, check_count, check_prompt
from catsdk.core.options import Sampling
from catsdk.core.ports import OnText, Provider
from catsdk.core.settings import Settings
from catsdk.core.types import (
    Failure,
    Group,
    Reference,
    Rollout,
    Rubric,
    Score,
    Verdict,
)
from catsdk.middleware.budget import Account, Budget
from catsdk.middleware.stack import opened
from catsdk.primitives.judge import Judge
from catsdk.primitives.reward import Reward
from catsdk.primitives.rubric_proposer import RubricProposer
from catsdk.primitives.sampler import OnRollout, Sampler
from catsdk.primitives.synthesizer import Synthesizer

__all__ = ["CaT", "EventStream", "run_sync", "synthesize", "synthesize_sync"]

R = TypeVar("R")
Model = str | Provider


class CaT:
    """Compute as Teacher (arXiv 2509.14234): sample, synthesize, propose a rubric, judge, reward.

    `policy` is one model or several (rollout i comes from policy i mod P); without one it is
    `CATSDK_MODEL`. `anchor` is the first policy unless named, as the paper's anchor is the initial
    policy; `judge` is the anchor unless named, though the paper's is independent. A model is a
    string such as `openai:gpt-5` or a provider.

    Use it as `async with CaT(...) as c`: models named by strings are opened once, and closed at
    the end; providers given as objects stay open. `budget` caps all calls of all stages together.
    `synthesizer` replaces the one made here, for instance to show the question.
    """

    def __init__(
        self,
        policy: Model | Sequence[Model] | None = None,
        anchor: Model | None = None,
        judge: Model | None = None,
        *,
        budget: Budget | None = None,
        seed: int | None = None,
        sampling: Sampling | None = None,
        anchor_sampling: Sampling | None = None,
        judge_sampling: Sampling | None = None,
        synthesizer: Synthesizer | None = None,
    ) -> None:
        """Choose the models; nothing is opened or sent.

        Raises:
            NoModelError: no policy is given and `CATSDK_MODEL` is not set.
        """
        settings = Settings()
        policies = _policies(policy, settings)
        anchor = anchor or settings.anchor or policies[0]
        sampling = sampling or Sampling()
        anchor_sampling = anchor_sampling or Sampling(max_tokens=sampling.max_tokens)
        judge_sampling = judge_sampling or Sampling(temperature=0.0, max_tokens=sampling.max_tokens)
        self.sampler = Sampler(policies, sampling, seed=seed)
        self.synthesizer = synthesizer or Synthesizer(anchor, anchor_sampling, seed=seed)
        self.proposer = RubricProposer(self.synthesizer.anchor, anchor_sampling)
        self.rubric_judge = Judge(judge or settings.judge or anchor, judge_sampling)
        self._account = Account(budget) if budget is not None else None
        self._exits = AsyncExitStack()
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        """Open the models, each once though several roles may name it."""
        async with AsyncExitStack() as exits:
            models: dict[object, Provider] = {}

            async def provider_of(model: Model) -> Provider:
                key = model if isinstance(model, str) else id(model)
                if key not in models:
                    opening = opened(model, account=self._account)
                    models[key] = await exits.enter_async_context(opening)
                return models[key]

            policy = self.sampler.policy
            policies = [policy] if isinstance(policy, str | Provider) else policy
            opened_policies = [await provider_of(each) for each in policies]
            anchor = await provider_of(self.synthesizer.anchor)
            judge = await provider_of(self.rubric_judge.model)
            self.sampler = replace(self.sampler, policy=opened_policies)
            self.synthesizer = replace(self.synthesizer, anchor=anchor)
            self.proposer = replace(self.proposer, anchor=anchor)
            self.rubric_judge = replace(self.rubric_judge, model=judge)
            self._tasks = await exits.enter_async_context(anyio.create_task_group())
            self._exits = exits.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what still streams and close what was opened here."""
        if self._tasks is not None:
            self._tasks.cancel_scope.cancel()
            self._tasks = None
        # Without the block's own error: the task group would wrap it into an exception group.
        await self._exits.__aexit__(None, None, None)

    async def sample(
        self, prompt: PromptLike, n: int = 8, *, on_rollout: OnRollout | None = None
    ) -> Group:
        """Draw n rollouts of `prompt`; failed ones are in `Group.failures`, with causes.

        Raises:
            InvalidInputError: the prompt is empty or no chat, or `n` is out of range.
        """
        return await self.sampler.sample(prompt, n, on_rollout=on_rollout)

    async def synthesize(
        self, prompt: PromptLike | Group, n: int = 8, *, on_text: OnText | None = None
    ) -> Reference:
        """Make the reference of a group, or of n rollouts of a prompt.

        When the budget does not allow the anchor's call, the result is marked `partial` and is the
        rollout with the group's most frequent answer (the first, where they tie or have none).

        Raises:
            InvalidInputError: the prompt is empty or no chat, or `n` is out of range.
            NoEvidenceError: every rollout failed.
            SynthesisFailedError: the anchor failed; the error's `group` holds the rollouts.
        """
        group = prompt if isinstance(prompt, Group) else await self.sample(prompt, n)
        try:
            return await self.synthesizer.estimate(group, on_text=on_text)
        except BudgetExceededError as error:
            return await _most_frequent(group, error)
        except CatError as error:
            if not group.rollouts:
                raise
            raise SynthesisFailedError(
                f"the anchor failed after {len(group.rollouts)} rollouts, which are kept in the"
                f" error's .group: {error}",
                group=group,
            ) from error

    async def propose_rubric(self, reference: Reference) -> Rubric:
        """Write the criteria that follow from `reference`.

        Raises:
            StructuredOutputError: the anchor's replies held too few criteria.
            ProviderError: the anchor failed.
        """
        return await self.proposer.propose(reference)

    async def judge(self, rubric: Rubric, rollout: Rollout) -> tuple[Verdict, ...]:
        """Judge one rollout by each criterion; a failed call is a verdict without an answer."""
        return await self.rubric_judge.judge(rubric, rollout)

    async def reward(
        self, group: Group, reference: Reference, rubric: Rubric | None = None
    ) -> tuple[Score, ...]:
        """Reward each rollout: by the rubric if one is given, else by the final answer."""
        return await Reward(self.rubric_judge).reward(group, reference, rubric)

    def stream(self, prompt: PromptLike, n: int = 8) -> EventStream:
        """Make the reference of n rollouts and tell each event as it happens.

        Iterate over the result; needs `async with CaT(...)`, whose end also ends the stream. To
        stop it earlier, use it as `async with c.stream(...) as events` and leave the block.

        Raises:
            ConfigurationError: this CaT was not entered.
            InvalidInputError: the prompt is empty or no chat, or `n` is out of range.
        """
        if self._tasks is None:
            raise ConfigurationError("stream needs an open CaT: async with CaT(...) as c: ...")
        messages, count = check_prompt(prompt), check_count(n)
        send, receive = anyio.create_memory_object_stream[Event | CatError](float("inf"))
        stream = EventStream(receive)
        self._tasks.start_soon(self._produce, messages, count, send, stream)
        return stream

    async def _produce(
        self,
        prompt: PromptLike,
        n: int,
        send: MemoryObjectSendStream[Event | CatError],
        stream: EventStream,
    ) -> None:
        def on_rollout(index: int, rollout: Rollout | Failure) -> None:
            send.send_nowait(
                RolloutFailed(index=index, failure=rollout)
                if isinstance(rollout, Failure)
                else RolloutArrived(rollout=rollout)
            )

        with send, stream.scope:
            try:
                group = await self.sample(prompt, n, on_rollout=on_rollout)
                send.send_nowait(SynthesisStarted(rollouts=len(group.rollouts)))
                reference = await self.synthesize(
                    group, on_text=lambda text: send.send_nowait(TextArrived(text=text))
                )
                send.send_nowait(ReferenceReady(reference=reference))
            except CatError as error:
                send.send_nowait(error)


class EventStream:
    """The events of one synthesis, in order; an error of the synthesis is raised where it falls.

    At most n + 2 events and the pieces of one text wait to be read.
    """

    def __init__(self, receive: MemoryObjectReceiveStream[Event | CatError]) -> None:
        """Read from `receive`; `scope` is the producer's, to be cancelled by `aclose`."""
        self.scope = anyio.CancelScope()
        self._receive = receive

    def __aiter__(self) -> AsyncIterator[Event]:
        """Iterate over the events that were not read yet."""
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        try:
            event = await self._receive.receive()
        except anyio.EndOfStream:
            self._receive.close()
            raise StopAsyncIteration from None
        if isinstance(event, CatError):
            self._receive.close()
            raise event
        return event

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the synthesis is stopped."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the synthesis."""
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the synthesis, with the requests that are in flight."""
        self.scope.cancel()
        self._receive.close()


async def synthesize(
    prompt: PromptLike,
    n: int = 8,
    model: Model | Sequence[Model] | None = None,
    *,
    anchor: Model | None = None,
    budget: Budget | None = None,
    seed: int | None = None,
    sampling: Sampling | None = None,
) -> Reference:
    """Sample n rollouts of `prompt` and make one reference from them, with its evidence.

    For many prompts open one `CaT`: it keeps connections and shares one budget.

    Raises:
        CatError: as `CaT` and `CaT.synthesize`.
    """
    check_prompt(prompt)
    check_count(n)
    async with CaT(model, anchor, budget=budget, seed=seed, sampling=sampling) as c:
        return await c.synthesize(prompt, n)


def run_sync(make: Callable[[], Awaitable[R]]) -> R:
    """Run `make()` to its end in an event loop of its own thread, and return its result.

    It works in scripts and where a loop already runs, as in notebooks; it blocks that loop
    meanwhile. An interrupt cancels the work.
    """
    with start_blocking_portal() as portal:
        return portal.call(make)


def synthesize_sync(
    prompt: PromptLike,
    n: int = 8,
    model: Model | Sequence[Model] | None = None,
    *,
    anchor: Model | None = None,
    budget: Budget | None = None,
    seed: int | None = None,
    sampling: Sampling | None = None,
) -> Reference:
    """Do what `synthesize` does, for scripts and notebooks."""
    return run_sync(
        lambda: synthesize(
            prompt, n, model, anchor=anchor, budget=budget, seed=seed, sampling=sampling
        )
    )


def _policies(policy: Model | Sequence[Model] | None, settings: Settings) -> list[Model]:
    if policy is None:
        policy = settings.model
    if policy is None:
        raise NoModelError(
            "no model: give model='openai:NAME' (or 'local', the small model in the box), or set"
            " CATSDK_MODEL in the environment"
        )
    policies = [policy] if isinstance(policy, str | Provider) else list(policy)
    if not policies:
        raise InvalidInputError("policy is an empty list; give at least one model")
    return policies


async def _most_frequent(group: Group, error: BudgetExceededError) -> Reference:
    if not group.rollouts:
        raise error
    reference = await Majority().estimate(group)
    provenance = reference.provenance.model_copy(
        update={"settings": {**reference.provenance.settings, "because": str(error)}}
    )
    return reference.model_copy(update={"provenance": provenance, "partial": True})
