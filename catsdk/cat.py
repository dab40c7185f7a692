"""CaT: the method as a few readable lines over the primitives."""

from __future__ import annotations

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import replace
from math import inf
from typing import Self, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import start_blocking_portal
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from catsdk.core.errors import (
    BudgetExceededError,
    CatError,
    ConfigurationError,
    InvalidInputError,
    NoModelError,
    SynthesisFailedError,
    TimedOutError,
)
from catsdk.core.events import (
    Event,
    ReferenceReady,
    RolloutArrived,
    RolloutFailed,
    SynthesisStarted,
    TextArrived,
)
from catsdk.core.fanout import fan_out
from catsdk.core.inputs import (
    PromptLike,
    check_count,
    check_kind,
    check_many,
    check_prompt,
)
from catsdk.core.options import Sampling
from catsdk.core.pipeline import Flow
from catsdk.core.ports import OnText, Provider
from catsdk.core.registry import check_model
from catsdk.core.runtime import Runtime
from catsdk.core.settings import Settings
from catsdk.core.types import (
    Call,
    Failure,
    Group,
    Provenance,
    Reference,
    Rollout,
    Rubric,
    Score,
    Verdict,
)
from catsdk.equivalence.compare import is_same
from catsdk.equivalence.evidence import with_evidence
from catsdk.equivalence.graders.grader import Grader
from catsdk.middleware.account import Account, Budget
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened, paying
from catsdk.middleware.turns import in_order
from catsdk.primitives.judge import Judge
from catsdk.primitives.reward import BY_MEANING, Reward
from catsdk.primitives.rubric_proposer import RubricProposer
from catsdk.primitives.sampler import OnRollout, Sampler
from catsdk.primitives.synthesizer import Synthesizer

__all__ = ["CaT", "EventStream", "run_sync", "synthesize", "synthesize_sync"]

A = TypeVar("A", bound=PromptLike)
P = TypeVar("P")
R = TypeVar("R")
Model = str | Provider

# Of a deadline, the part after which the synthesis begins with the rollouts that are there.
SAMPLING_SHARE = 0.7


class CaT:
    """Compute as Teacher (arXiv 2509.14234): sample, synthesize, propose a rubric, judge, reward.

    `policy` is one model or several (rollout i comes from policy i mod P); without one it is
    `CATSDK_MODEL`. `anchor`, which synthesizes and writes rubrics, is `CATSDK_ANCHOR` unless named,
    else the first policy, as the paper's anchor is the initial policy. `judge` is `CATSDK_JUDGE`
    unless named, else the anchor, though the paper's is independent. A model is a string such as
    `openai:gpt-5` or a provider.

    Use it as `async with CaT(...) as c`: models named by strings are opened once, and closed at
    the end; providers given as objects stay open. `budget` caps all calls of all stages together.
    `synthesizer` replaces the one made here, for instance to show the question, and its anchor is
    the anchor; `grader` says when two final answers are equal, for other tasks than mathematics.
    `runtime` says how calls are sent (limits, retries, hedging, cache, quorum, deadlines); an
    `Account` in place of the budget is shared with all that are given it.
    """

    def __init__(
        self,
        policy: Model | Sequence[Model] | None = None,
        anchor: Model | None = None,
        judge: Model | None = None,
        *,
        budget: Budget | Account | None = None,
        runtime: Runtime | None = None,
        seed: int | None = None,
        sampling: Sampling | None = None,
        anchor_sampling: Sampling | None = None,
        judge_sampling: Sampling | None = None,
        synthesizer: Synthesizer | None = None,
        grader: Grader = BY_MEANING,
    ) -> None:
        """Choose the models; nothing is opened or sent.

        Raises:
            NoModelError: no policy is given and `CATSDK_MODEL` is not set.
            InvalidInputError: an argument is of the wrong kind, or `anchor` is not that of the
                `synthesizer`.
        """
        _check_kinds(
            budget=budget,
            runtime=runtime,
            samplings={
                "sampling": sampling,
                "anchor_sampling": anchor_sampling,
                "judge_sampling": judge_sampling,
            },
        )
        settings = Settings()
        policies = _policies(policy, settings)
        for name, model in (("anchor", anchor), ("judge", judge)):
            if model is not None:
                check_model(model, name)
        anchor = _anchor(anchor, synthesizer) or settings.anchor or policies[0]
        sampling = sampling or Sampling()
        anchor_sampling = anchor_sampling or Sampling(max_tokens=sampling.max_tokens)
        judge_sampling = judge_sampling or Sampling(temperature=0.0, max_tokens=sampling.max_tokens)
        self.sampler = Sampler(policies, sampling, seed=seed)
        self.synthesizer = synthesizer or Synthesizer(anchor, anchor_sampling, seed=seed)
        self.proposer = RubricProposer(anchor, anchor_sampling)
        self.rubric_judge = Judge(judge or settings.judge or anchor, judge_sampling)
        self.runtime = settings.runtime(runtime)
        self.account = Account(budget) if isinstance(budget, Budget) else budget
        self.grader = grader
        self._exits = AsyncExitStack()
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        """Open the models, each once though several roles may name it."""
        async with AsyncExitStack() as exits:
            models: dict[object, Provider] = {}

            async def provider_of(model: Model) -> Provider:
                key = model if isinstance(model, str) else id(model)
                if key not in models:
                    opening = opened(model, account=self.account, runtime=self.runtime)
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
        how = self.runtime
        with self._paying():
            return await self.sampler.sample(
                prompt,
                n,
                on_rollout=on_rollout,
                quorum=how.quorum if how.late == "cancel" else None,
                seconds=None if how.deadline is None else how.deadline * SAMPLING_SHARE,
            )

    async def synthesize(
        self, prompt: PromptLike | Group, n: int = 8, *, on_text: OnText | None = None
    ) -> Reference:
        """Make the reference of a group, or of n rollouts of a prompt.

        When the budget or the deadline does not allow the anchor's call, the result is marked
        `partial` and is the rollout with the group's most frequent answer (the first, where they
        tie or have none). With a `quorum` whose `late` rollouts are kept, the anchor reads the
        quorum's and the group holds all.

        Raises:
            InvalidInputError: the prompt is empty or no chat, or `n` is out of range.
            NoEvidenceError: every rollout failed.
            SynthesisFailedError: the anchor failed; the error's `group` holds the rollouts.
        """
        end = self._end()
        if isinstance(prompt, Group):
            return await self._estimate(prompt, on_text, end)
        if self.runtime.quorum is not None and self.runtime.late == "keep":
            return await self._estimate_early(prompt, n, on_text, end)
        return await self._estimate(await self.sample(prompt, n), on_text, end)

    def map(
        self,
        prompts: Iterable[A] | AsyncIterable[A],
        n: int = 8,
        *,
        ordered: bool = False,
        at_once: int | None = None,
    ) -> Flow[A, Reference]:
        """Synthesize for many prompts, each as soon as its own rollouts are there.

        Iterate over the result: a `Mapped` for each prompt, with its reference or its failure, as
        they come or in the order of the prompts (`ordered`). `prompts` may be endless: at most
        `at_once` of them (by default twice the calls in flight) are being worked on or wait to be
        read. Needs `async with CaT(...)`, whose end also ends this; to stop it earlier, use it as
        `async with c.map(...) as results`.

        Raises:
            ConfigurationError: this CaT was not entered.
            InvalidInputError: `prompts` is one prompt, or `n` or `at_once` is out of range.
        """
        check_many("prompts", prompts, "give a list of prompts, or use synthesize")
        check_count(n)
        return self.each(
            lambda prompt: self.synthesize(prompt, n), prompts, ordered=ordered, at_once=at_once
        )

    def each(
        self,
        work: Callable[[P], Awaitable[R]],
        items: Iterable[P] | AsyncIterable[P],
        *,
        ordered: bool = False,
        at_once: int | None = None,
    ) -> Flow[P, R]:
        """Do `work` on many items as `map` does, for instance sample, synthesize and reward.

        Calls for earlier items come first. A `CatError` of an item is its failure.

        Raises:
            ConfigurationError: this CaT was not entered.
            InvalidInputError: `items` is one thing, or `at_once` is out of range.
        """
        check_many("items", items, "give a list of items")
        if self._tasks is None:
            raise ConfigurationError("map and each need an open CaT: async with CaT(...) as c: ...")
        if at_once is not None and at_once < 1:
            raise InvalidInputError(f"at_once is {at_once!r}; give a whole number from 1")

        async def in_turn(index: int, item: P) -> R:
            with in_order(index):
                return await work(item)

        many = at_once or 2 * self.runtime.max_in_flight
        return Flow(in_turn, items, self._tasks, at_once=many, ordered=ordered)

    async def propose_rubric(self, reference: Reference) -> Rubric:
        """Write the criteria that follow from `reference`.

        Raises:
            StructuredOutputError: the anchor's replies held too few criteria.
            ProviderError: the anchor failed.
        """
        with self._paying():
            return await self.proposer.propose(reference)

    async def judge(self, rubric: Rubric, rollout: Rollout) -> tuple[Verdict, ...]:
        """Judge one rollout by each criterion; a failed call is a verdict without an answer."""
        with self._paying():
            return await self.rubric_judge.judge(rubric, rollout)

    async def reward(
        self, group: Group, reference: Reference, rubric: Rubric | None = None
    ) -> tuple[Score, ...]:
        """Reward each rollout: by the rubric if one is given, else by the final answer."""
        with self._paying():
            return await Reward(self.rubric_judge, self.grader).reward(group, reference, rubric)

    def _paying(self) -> AbstractContextManager[None]:
        return paying(self.account, self.runtime)

    def _end(self) -> float:
        """When the deadline of a synthesis that begins now is over, on the loop's clock."""
        deadline = self.runtime.deadline
        return inf if deadline is None else anyio.current_time() + deadline

    async def _estimate(self, group: Group, on_text: OnText | None, end: float) -> Reference:
        with recorded("synthesize") as calls:
            try:
                with self._paying(), anyio.CancelScope(deadline=end):
                    return await self.synthesizer.estimate(group, on_text=on_text)
                late = (
                    f"the deadline of {self.runtime.deadline:g} s is over; raise deadline= or"
                    " CATSDK_DEADLINE"
                )
                return _most_frequent(group, TimedOutError(late), calls)
            except BudgetExceededError as error:
                return _most_frequent(group, error, calls)
            except CatError as error:
                if not group.rollouts:
                    raise
                raise SynthesisFailedError(
                    f"the anchor failed after {len(group.rollouts)} rollouts, which are kept in the"
                    f" error's .group: {error}",
                    group=group,
                    calls=tuple(calls),
                ) from error

    async def _estimate_early(
        self, prompt: PromptLike, n: int, on_text: OnText | None, end: float
    ) -> Reference:
        """Synthesize from the quorum while the other rollouts are still on their way."""
        arrived: list[Rollout] = []
        groups: list[Group] = []
        references: list[Reference] = []
        enough = anyio.Event()

        def on_rollout(_: int, rollout: Rollout | Failure) -> None:
            if isinstance(rollout, Rollout):
                arrived.append(rollout)
            if len(arrived) == self.runtime.quorum:
                enough.set()

        async def sample() -> None:
            groups.append(await self.sample(prompt, n, on_rollout=on_rollout))
            enough.set()

        async def estimate() -> None:
            await enough.wait()
            rollouts = tuple(sorted(arrived, key=lambda rollout: rollout.index))
            early = Group(prompt=check_prompt(prompt), rollouts=rollouts)
            references.append(await self._estimate(groups[0] if groups else early, on_text, end))

        await fan_out(lambda part: part(), (sample, estimate))
        return with_evidence(references[0].model_copy(update={"group": groups[0]}))

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
                end = self._end()
                group = await self.sample(prompt, n, on_rollout=on_rollout)
                send.send_nowait(SynthesisStarted(rollouts=len(group.rollouts)))
                reference = await self._estimate(
                    group, lambda text: send.send_nowait(TextArrived(text=text)), end
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
    if isinstance(policy, str | Provider) or not isinstance(policy, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        policy = [policy]
    policies = list(policy)
    if not policies:
        raise InvalidInputError("policy is an empty list; give at least one model")
    for each in policies:
        check_model(each, "policy")
    return policies


def _anchor(anchor: Model | None, synthesizer: Synthesizer | None) -> Model | None:
    """The anchor that is named, by itself or by the synthesizer."""
    if synthesizer is None:
        return anchor
    if anchor is not None and anchor != synthesizer.anchor:
        raise InvalidInputError(
            f"anchor is {anchor!r:.80} and the synthesizer's is {synthesizer.anchor!r:.80}; name"
            " the anchor in the synthesizer alone"
        )
    return synthesizer.anchor


def _check_kinds(*, budget: object, runtime: object, samplings: Mapping[str, object]) -> None:
    check_kind("budget", budget, (Budget, Account), "a Budget such as Budget(requests=100)")
    check_kind("runtime", runtime, (Runtime,), "a Runtime such as Runtime(max_retries=8)")
    for name, sampling in samplings.items():
        check_kind(name, sampling, (Sampling,), "a Sampling such as Sampling(temperature=0.7)")


def _most_frequent(group: Group, error: CatError, calls: Sequence[Call]) -> Reference:
    if not group.rollouts:
        raise error
    reference = with_evidence(
        Reference(
            text="",
            group=group,
            provenance=Provenance(method="majority", settings={"because": str(error)}),
            calls=tuple(calls),
            partial=True,
        )
    )
    chosen = next(
        (
            rollout
            for rollout in group.rollouts
            if reference.majority is not None
            and rollout.answer is not None
            and is_same(rollout.answer, reference.majority)
        ),
        group.rollouts[0],
    )
    return with_evidence(
        reference.model_copy(update={"text": chosen.text, "answer": chosen.answer})
    )
