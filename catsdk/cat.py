"""CaT: the method as one object, a sampler, an estimator and a reward over one client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from collections.abc import Sequence as SequenceABC
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from math import inf
from typing import Any, Self, TypeVar

import anyio
from anyio.abc import TaskGroup

from catsdk.core.concurrency.pipeline import Flow, background_tasks
from catsdk.core.errors import ConfigurationError, InvalidInputError, NoModelError
from catsdk.core.events import Event
from catsdk.core.inputs import PromptLike, check_count, check_kind, check_many, check_prompt
from catsdk.core.options import Sampling, check_sampling
from catsdk.core.sending import Budget
from catsdk.core.settings import Settings
from catsdk.core.types import Group, Reference, Result, Rollout, Rubric, Score, Verdict
from catsdk.method.composing import (
    Model,
    checked_policy,
    setting_of,
    with_seed,
    with_setting,
)
from catsdk.method.description import Description
from catsdk.method.run import Item, Method, run_method, run_or_fail, with_row
from catsdk.method.streaming import EventStream, Results
from catsdk.rewards.reward import completed
from catsdk.rubrics.judge import Judge
from catsdk.rubrics.proposer import RubricProposer
from catsdk.runtime import roles
from catsdk.runtime.attribution import in_order
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, Row
from catsdk.runtime.life import Life
from catsdk.runtime.output import Output, OutputLike
from catsdk.runtime.output_answers import answers_for
from catsdk.runtime.session import Session
from catsdk.runtime.spending.account import Account, accounts_of
from catsdk.sampling.sampler import Sampler

__all__ = ["CaT", "synthesize"]

P = TypeVar("P")
R = TypeVar("R")
OnEvent = Callable[[Event], None]


class CaT(Description):
    """Compute as Teacher (arXiv 2509.14234): sample, estimate a reference, reward by it.

    A CaT is a description until it is entered: it can be printed, pickled, and written to YAML
    (`catsdk.recipes`). `async with CaT(...) as c` opens its models, each once, and closes them at
    the end; blocks may be nested, and after the last one every use raises. Outside a block, `run`,
    `sample`, `synthesize` and `reward` open the models for that one call.

    Args:
        policy: The model that is sampled, or several (rollout i comes from policy i mod P), or a
            `Sampler` with settings of its own, or a sampler of yours. By default `CATSDK_MODEL`.
        estimator: What makes the reference: by default `Synthesizer()`; any of
            `catsdk.estimators`, one of your own, or the anchor's model string.
        reward: What rewards the rollouts, such as `AnswerReward()` or
            `RubricReward() + LengthPenalty(750)`; by default nothing is rewarded.
        client: How calls are sent. By default the environment says how, and all default
            clients share one set of limits.
        answers: How final answers are found and compared, everywhere.
        output: The form of references: a pydantic class, a JSON schema, or an `Output` of
            `catsdk.runtime`. Policy and anchor are asked for it, and `Reference.output` holds
            the object; rollouts that do not fit it have no answer and cannot be selected.

    The anchor, which synthesizes and writes rubrics, is the estimator's model, or `CATSDK_ANCHOR`,
    or the first policy, since the paper's anchor is the initial policy. The judge is the reward's,
    or `CATSDK_JUDGE`, or the anchor, although the paper's judge is independent.

    Raises:
        InvalidInputError: an argument is of the wrong kind.

    Example:
        >>> import catsdk as cat
        >>> cat.CaT("openai:gpt-5", reward=cat.AnswerReward())
        CaT('openai:gpt-5', estimator=Synthesizer(), reward=AnswerReward())
        >>> async with cat.CaT("local", reward=cat.AnswerReward()) as c:
        ...     result = await c.run("What is 23 + 58?", n=4, seed=0)
        >>> len(result.rewards)
        4
    """

    def _begin(self) -> None:
        """Be new, with the roles of the description."""
        self._life = Life("CaT")
        self._session: Session | None = None
        self._tasks: TaskGroup | None = None

    # --- life -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Open the policies, and the services that the other roles name.

        Other models that are loaded into this process are loaded when they are first asked.

        Raises:
            ConfigurationError: the CaT was closed, or a model cannot be made.
        """
        await self._life.enter(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        """At the end of the outermost block: end what still runs, and close the models."""
        await self._life.leave()

    async def _open(self, exits: AsyncExitStack) -> None:
        session = await exits.enter_async_context(self._client.session())
        tasks = await exits.enter_async_context(background_tasks())
        await self._find_models(lambda model: self._client.open(model, session), policies=True)
        self._session, self._tasks = session, tasks
        exits.callback(self._forget_what_is_open)

    def _forget_what_is_open(self) -> None:
        self._session = self._tasks = None

    @asynccontextmanager
    async def context(
        self,
        *,
        row: Row | None = None,
        budget: Budget | Account | None = None,
        on_event: OnEvent | None = None,
        streams: bool = False,
        item: int | None = None,
        output: OutputLike | Output | None = None,
    ) -> AsyncGenerator[Context]:
        """Open the context that this CaT gives its roles, to call one role by itself.

        Args:
            row: The other columns of the prompt's data row.
            budget: Caps in addition to the client's; an `Account` is shared by all that is given
                it.
            on_event: Called with each event as it happens.
            streams: Whether `on_event` receives the anchor's text piece by piece.
            item: The place of the prompt among many.
            output: What references must be, instead of the output of this CaT.

        Yields:
            The context; its models stay open until the block ends.

        Raises:
            ConfigurationError: the CaT was closed.
            InvalidInputError: `budget` or `row` is of the wrong kind.
        """
        self._life.check()
        check_kind("budget", budget, (Budget, Account), "a Budget such as Budget(requests=100)")
        check_kind("row", row, (Mapping,), "a mapping such as {'answer': '42'}")
        answers = answers_for(self._answers, output)
        async with AsyncExitStack() as exits:
            session = self._session
            if session is None:
                session = await exits.enter_async_context(self._client.session())
            yield Context(
                client=self._client,
                answers=answers,
                row=row or {},
                defaults=self._defaults,
                models=session,
                accounts=accounts_of(budget),
                # An account outlives the run, and so do the wrappers that it pays for.
                chains={} if isinstance(budget, Budget) else None,
                listener=on_event,
                streams=streams,
                asks=bool(getattr(self._reward, "by_answer", False)),
                item=item,
                cheap_only=self._session is None and not self._client.is_open,
            )

    # --- the method -----------------------------------------------------------------------

    async def run(
        self,
        prompt: PromptLike | Group,
        n: int = 8,
        *,
        row: Row | None = None,
        sampling: Sampling | None = None,
        seed: int | None = None,
        budget: Budget | Account | None = None,
        output: OutputLike | Output | None = None,
        on_event: OnEvent | None = None,
    ) -> Result:
        """Sample, estimate the reference, and reward the rollouts by it.

        Args:
            prompt: A text, the messages of a chat, or a group that was sampled before.
            n: G, the number of rollouts.
            row: The other columns of the prompt's data row, such as a known answer for `Gold`.
            sampling: How the policy is sampled this time.
            seed: The seed of sampler, estimator and rubric proposer this time.
            budget: Caps for this run alone, in addition to the client's; an `Account` is shared by
                all runs that are given it.
            output: What the reference must be this time, as for `CaT`.
            on_event: Called with each event as it happens, in the event loop.

        Returns:
            The group, the reference, the rewards, and what all of it used. When a budget or a
            deadline is exhausted it is marked `partial`, and the reference is the rollout with the
            group's most frequent answer.

        Raises:
            InvalidInputError: the prompt is empty or not a chat, `n` is out of range, or `output`
                is of the wrong kind.
            NoEvidenceError: every rollout failed; the common cause is its `__cause__`.
            SynthesisFailedError: the estimator failed; the error's `group` holds the rollouts.
            NoValidOutputError: nothing fits the output; it is a `SynthesisFailedError`.
            ConfigurationError: the CaT was closed, or a model cannot be made.
        """
        method = self._method(sampling=sampling, seed=seed)
        async with self.context(
            row=row,
            budget=budget,
            on_event=on_event,
            streams=on_event is not None,
            output=output,
        ) as ctx:
            if self._session is None:
                await self._find_models(ctx.model)
            return await run_method(method, prompt, n, ctx)

    def map(
        self,
        prompts: Iterable[Item] | AsyncIterable[Item],
        n: int = 8,
        *,
        ordered: bool = False,
        at_once: int | None = None,
        sampling: Sampling | None = None,
        seed: int | None = None,
        budget: Budget | Account | None = None,
        output: OutputLike | Output | None = None,
        on_event: OnEvent | None = None,
    ) -> Results:
        """Run the method on many prompts, each as soon as its own inputs are there.

        Needs `async with CaT(...)`, whose end also ends this; to stop it earlier, use it as
        `async with c.map(...) as results`.

        Args:
            prompts: Prompts, groups, or pairs of one with its data row; may be endless.
            n: G, the number of rollouts.
            ordered: Whether results come in the order of the prompts, or as they are ready.
            at_once: How many prompts are worked on or wait to be read; by default twice the
                calls in flight, and with batches what `Batching.waiting` says.
            sampling: How the policy is sampled.
            seed: The seed of sampler, estimator and rubric proposer.
            budget: Caps for all of these prompts together, in addition to the client's.
            output: What the references must be, as for `CaT`.
            on_event: Called with each event; the event's `item` is the place of its prompt.

        Returns:
            The results, to be iterated over once; a prompt that failed is a result with a
            `failure`, and an error of `prompts` itself is raised after the results of those before.

        Raises:
            ConfigurationError: this CaT is not open.
            InvalidInputError: `prompts` is one prompt, or `n` or `at_once` is out of range.
        """
        check_many("prompts", prompts, "give a list of prompts, or use run")
        check_count(n)
        check_kind("budget", budget, (Budget, Account), "a Budget such as Budget(requests=100)")
        method = self._method(sampling=sampling, seed=seed)
        asked = Output.of(output)
        paying: dict[str, Any] = {}
        if budget is not None:
            paying = {"accounts": accounts_of(budget), "chains": {}}

        async def one(index: int, item: Item) -> Result:
            prompt, row = with_row(item)
            async with self.context(row=row, on_event=on_event, item=index, output=asked) as ctx:
                paid = replace(ctx, **paying) if paying else ctx
                return await run_or_fail(method, prompt, n, paid, index=index)

        return Results(self._flow(one, prompts, ordered=ordered, at_once=at_once))

    def each(
        self,
        work: Callable[[P], Awaitable[R]],
        items: Iterable[P] | AsyncIterable[P],
        *,
        ordered: bool = False,
        at_once: int | None = None,
    ) -> Flow[P, R]:
        """Do `work` of your own on many items as `map` does; calls for earlier items come first.

        Args:
            work: A function of an item, such as one that runs the method twice.
            items: The items; may be endless.
            ordered: Whether results come in the order of the items, or as they are ready.
            at_once: How many items are worked on or wait to be read.

        Returns:
            A `Mapped` for each item, with its result or, for a `CatError`, its failure.

        Raises:
            ConfigurationError: this CaT is not open.
            InvalidInputError: `items` is one thing, or `at_once` is out of range.
        """
        check_many("items", items, "give a list of items")
        return self._flow(lambda _, item: work(item), items, ordered=ordered, at_once=at_once)

    def _flow(
        self,
        work: Callable[[int, P], Awaitable[R]],
        items: Iterable[P] | AsyncIterable[P],
        *,
        ordered: bool,
        at_once: int | None,
    ) -> Flow[P, R]:
        tasks = self._open_tasks("map and each")
        if at_once is not None and not at_once >= 1:
            raise InvalidInputError(f"at_once is {at_once!r}; give a whole number from 1")

        async def in_turn(index: int, item: P) -> R:
            with in_order(index):
                return await work(index, item)

        sending = self._client.sending
        usual = 2 * sending.limits.in_flight if sending.batch is None else sending.batch.waiting
        many = at_once or usual
        return Flow(in_turn, items, tasks, at_once=many, ordered=ordered)

    def stream(
        self,
        prompt: PromptLike | Group,
        n: int = 8,
        *,
        row: Row | None = None,
        sampling: Sampling | None = None,
        seed: int | None = None,
        budget: Budget | None = None,
        output: OutputLike | Output | None = None,
    ) -> EventStream:
        r"""Run the method and tell each step as it happens; the last event holds the result.

        Needs `async with CaT(...)`, whose end also ends the stream. To stop it earlier, use it as
        `async with c.stream(...) as events` and leave the block. With an `output` the pieces of
        text are the JSON of the anchor's first reply as it is written, before it is checked; the
        reference has the output that fits.

        Args:
            prompt: A text, the messages of a chat, or a group that was sampled before.
            n: G, the number of rollouts.
            row: The other columns of the prompt's data row.
            sampling: How the policy is sampled this time.
            seed: The seed of sampler, estimator and rubric proposer this time.
            budget: Caps for this run alone, in addition to the client's.
            output: What the reference must be this time, as for `CaT`.

        Returns:
            The events, to be iterated over once.

        Raises:
            ConfigurationError: this CaT is not open.
            InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
        """
        tasks = self._open_tasks("stream")
        asked = prompt if isinstance(prompt, Group) else check_prompt(prompt)
        count, method = check_count(n), self._method(sampling=sampling, seed=seed)
        form = Output.of(output)
        send, receive = anyio.create_memory_object_stream[Event | Exception](inf)
        stream = EventStream(receive)

        def tell(event: Event | Exception) -> None:
            # A reader that stopped may have closed its end before the run notices.
            with suppress(anyio.BrokenResourceError):
                send.send_nowait(event)

        async def produce() -> None:
            with send, stream.scope:
                try:
                    async with self.context(
                        row=row, budget=budget, on_event=tell, streams=True, output=form
                    ) as ctx:
                        await run_method(method, asked, count, ctx)
                except Exception as error:  # noqa: BLE001  # a role of the user's own may raise any
                    tell(error)
                except BaseException:
                    # The block ended, so nobody reads on.
                    stream.drop()
                    raise

        tasks.start_soon(produce)
        return stream

    def _open_tasks(self, who: str) -> TaskGroup:
        self._life.check()
        if self._tasks is None:
            raise ConfigurationError(f"{who} need an open CaT: async with CaT(...) as c: ...")
        return self._tasks

    # --- its steps ------------------------------------------------------------------------

    async def sample(
        self,
        prompt: PromptLike,
        n: int = 8,
        *,
        sampling: Sampling | None = None,
        seed: int | None = None,
        output: OutputLike | Output | None = None,
        on_event: OnEvent | None = None,
    ) -> Group:
        """Draw n rollouts of `prompt`, and estimate nothing.

        Args:
            prompt: A text, or the messages of a chat.
            n: G, the number of rollouts.
            sampling: How the policy is sampled this time.
            seed: The sampler's seed this time.
            output: What the rollouts are asked for this time, as for `CaT`.
            on_event: Hears of each rollout as it arrives.

        Returns:
            The group; rollouts that failed are in `Group.failures`, with their causes.

        Raises:
            InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
        """
        method = self._method(sampling=sampling, seed=seed)
        async with self.context(on_event=on_event, output=output) as ctx:
            return await method.sampler.sample(prompt, n, ctx)

    async def synthesize(
        self,
        prompt: PromptLike | Group,
        n: int = 8,
        *,
        output: OutputLike | Output | None = None,
        on_event: OnEvent | None = None,
    ) -> Reference:
        """Make the reference of a group, or of n rollouts of a prompt, and reward nothing.

        Args:
            prompt: A text, the messages of a chat, or a group that was sampled before.
            n: G, the number of rollouts.
            output: What the reference must be this time, as for `CaT`.
            on_event: Called with each event as it happens.

        Returns:
            The reference, with its evidence.

        Raises:
            CatError: as `run`.
        """
        method = replace(self._method(), reward=None, always_estimates=True)
        async with self.context(
            on_event=on_event, streams=on_event is not None, output=output
        ) as ctx:
            if self._session is None:
                await self._find_models(ctx.model, rewards=False)
            result = await run_method(method, prompt, n, ctx)
        assert result.reference is not None
        return result.reference

    async def reward(
        self, group: Group, reference: Reference | None = None, *, row: Row | None = None
    ) -> tuple[Score, ...]:
        """Reward each rollout of a group by a reference.

        Args:
            group: The rollouts.
            reference: What they are rewarded by; rewards that need none take `None`.
            row: The other columns of the prompt's data row.

        Returns:
            One score for each of the G rollouts asked for, by index.

        Raises:
            InvalidInputError: this CaT has no reward, or its reward needs a reference, or `group`
                or `reference` is something else.
        """
        check_kind("reference", reference, (Reference,), "a Reference, such as c.synthesize gives")
        if not isinstance(group, Group):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(
                f"group is {group!r:.80}; give a Group, such as group_of(prompt, texts)"
            )
        if self._reward is None:
            raise InvalidInputError(
                "this CaT has no reward; give one, such as CaT(..., reward=AnswerReward())"
            )
        async with self.context(row=row) as ctx:
            read = ctx.reread(group)
            return completed(read, await self._reward.reward(read, reference, ctx.on(read)))

    async def propose_rubric(self, reference: Reference) -> Rubric:
        """Write the criteria that follow from a reference, by the reward's proposer.

        Args:
            reference: What the criteria follow from.

        Returns:
            The rubric.

        Raises:
            StructuredOutputError: the anchor's replies held too few criteria.
            ProviderError: the anchor failed.
        """
        proposer = setting_of(self._reward, "proposer")
        chosen = proposer if isinstance(proposer, roles.Proposer) else RubricProposer()
        async with self.context() as ctx:
            return await chosen.propose(reference, ctx)

    async def judge(self, rubric: Rubric, rollout: Rollout) -> tuple[Verdict, ...]:
        """Judge one rollout by each criterion, by the reward's judge.

        Args:
            rubric: The K criteria.
            rollout: What is judged.

        Returns:
            One verdict for each criterion, in their order. A call that failed is a verdict without
            an answer.
        """
        judge = setting_of(self._reward, "judge")
        chosen = judge if isinstance(judge, roles.Judge) else Judge()
        async with self.context() as ctx:
            return tuple(await chosen.judge(rubric, rollout, ctx))

    def _method(self, *, sampling: Sampling | None = None, seed: int | None = None) -> Method:
        """The roles, with the settings of one call."""
        sampler, estimator, reward = self._sampler, self._estimator, self._reward
        if sampling is not None:
            check_sampling(sampling)
            sampler = with_setting(sampler, "sampling", sampling)
        if seed is not None:
            sampler = with_setting(sampler, "seed", seed)
            estimator, reward = with_seed(estimator, seed), with_seed(reward, seed)
        return Method(sampler, estimator, reward, self.always_estimates)


async def synthesize(
    prompt: PromptLike,
    n: int = 8,
    model: Model | SequenceABC[Model] | None = None,
    *,
    anchor: Model | None = None,
    client: Client | None = None,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    seed: int | None = None,
    output: OutputLike | Output | None = None,
) -> Reference:
    """Sample n rollouts of `prompt` and make one reference from them, with its evidence.

    For many prompts open one `CaT`: it keeps connections and shares one budget.

    Args:
        prompt: A text, or the messages of a chat.
        n: G, the number of rollouts.
        model: The policy, and the anchor unless that is named; by default `CATSDK_MODEL`.
        anchor: The model that synthesizes.
        client: How calls are sent.
        budget: Caps on all calls together, in addition to the client's.
        sampling: How the policy is sampled.
        seed: Makes the result repeatable if the models support seeds.
        output: What the reference must be: a pydantic class, a JSON schema, or an `Output` of
            `catsdk.runtime`.

    Returns:
        The reference: `text`, `answer`, the group's `majority` and `agreement`, and `usage`; where
        one was asked for, `output` is an object of the class, or the JSON object.

    Raises:
        NoModelError: no model is given or configured.
        InvalidInputError: the prompt is empty or not a chat, `n` is out of range, or `budget` is
            not a budget.
        CatError: further, as `CaT.run`.

    Example:
        >>> import catsdk as cat
        >>> reference = await cat.synthesize("What is 23 + 58?", n=4, model="local", seed=0)
        >>> len(reference.rollouts), reference.provenance.method
        (4, 'synthesis')
    """
    check_prompt(prompt)
    check_count(n)
    check_kind("budget", budget, (Budget,), "a Budget such as Budget(requests=100)")
    if model is None and Settings().model is None:
        raise NoModelError(
            "no model: give model='openai:NAME' (or 'local', the small model in the box), or set"
            " CATSDK_MODEL in the environment"
        )
    sampler = Sampler(checked_policy(model), sampling or Sampling(), seed)
    async with CaT(sampler, estimator=anchor, client=client, output=output) as c:
        result = await c.run(prompt, n, budget=budget)
    assert result.reference is not None
    return result.reference
