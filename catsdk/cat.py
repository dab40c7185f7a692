"""CaT: the method as one object, a sampler, an estimator and a reward over one client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from collections.abc import Sequence as SequenceABC
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields, is_dataclass, replace
from math import inf
from typing import Any, Self, TypeVar, cast

import anyio
import yaml
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from catsdk.core.errors import ConfigurationError, InvalidInputError, NoModelError
from catsdk.core.events import Event
from catsdk.core.inputs import PromptLike, check_count, check_kind, check_many, check_prompt
from catsdk.core.options import Sampling
from catsdk.core.pipeline import Flow
from catsdk.core.ports import Provider
from catsdk.core.registry import check_model
from catsdk.core.sending import Budget
from catsdk.core.settings import Settings
from catsdk.core.types import Group, Message, Reference, Result, Rollout, Rubric, Score, Verdict
from catsdk.equivalence.answers import Answers
from catsdk.estimators.synthesis import Synthesizer
from catsdk.method.run import Method, run_method, run_or_fail, setting_of
from catsdk.method.streaming import EventStream, Results
from catsdk.middleware.account import Account
from catsdk.middleware.attribution import in_order
from catsdk.recipes import digest_of, from_data, known_roles, to_data, written
from catsdk.rewards.reward import completed
from catsdk.rubrics.judge import Judge
from catsdk.rubrics.proposer import RubricProposer
from catsdk.runtime import roles
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, Defaults, Row
from catsdk.runtime.life import Life
from catsdk.runtime.session import Session
from catsdk.sampling.sampler import Sampler

__all__ = ["CaT", "synthesize"]

P = TypeVar("P")
R = TypeVar("R")
Model = str | Provider
Item = PromptLike | Group | tuple[PromptLike | Group, Row]
OnEvent = Callable[[Event], None]


class CaT:
    """Compute as Teacher (arXiv 2509.14234): sample, estimate a reference, reward by it.

    A CaT is a description until it is entered: it can be printed, pickled, and written to YAML
    (`catsdk.recipes`). `async with CaT(...) as c` opens its models, each once, and closes them at
    the end; blocks may be nested, and after the last one every use raises. Without a block `run`,
    `sample`, `synthesize` and `reward` open models for that call alone.

    Args:
        policy: The model that is sampled, or several (rollout i comes from policy i mod P), or a
            `Sampler` with settings of its own, or a sampler of yours. By default `CATSDK_MODEL`.
        estimator: What makes the reference: `Synthesizer()` by default, any of
            `catsdk.estimators`, one of your own, or the anchor's model string.
        reward: What rewards the rollouts, such as `AnswerReward()` or
            `RubricReward() + LengthPenalty(750)`; by default nothing is rewarded.
        client: How calls are sent; by default as the environment says, within limits that all
            clients which nobody named share.
        answers: How final answers are found and compared, everywhere.

    The anchor, which synthesizes and writes rubrics, is the estimator's model, else
    `CATSDK_ANCHOR`, else the first policy, as the paper's anchor is the initial policy. The judge
    is the reward's, else `CATSDK_JUDGE`, else the anchor, though the paper's is independent.

    Raises:
        InvalidInputError: an argument is of the wrong kind.

    Example:
        >>> CaT("openai:gpt-5", reward=AnswerReward())
        CaT('openai:gpt-5', estimator=Synthesizer(), reward=AnswerReward())
    """

    def __init__(
        self,
        policy: Model | SequenceABC[Model] | roles.Sampler | None = None,
        *,
        estimator: roles.Estimator | Model | None = None,
        reward: roles.Rewarder | None = None,
        client: Client | None = None,
        answers: Answers | None = None,
    ) -> None:
        """Choose the roles; nothing is opened or sent."""
        check_kind("client", client, (Client,), "a Client such as Client(budget=Budget(usd=2))")
        check_kind("answers", answers, (Answers,), "Answers such as Answers(grader=ExactMatch())")
        settings = Settings()
        self._sampler = _sampler(policy, settings)
        self._estimator = _estimator(estimator, self._sampler)
        self._own_estimator = estimator is not None
        self._reward = _checked_reward(reward)
        self._client = client or Client.unnamed()
        self._answers = answers or Answers()
        self._begin(settings)

    def _begin(self, settings: Settings) -> None:
        first = _first_policy(self._sampler)
        anchor = _model_of(self._estimator) or settings.anchor or first
        judge = settings.judge or anchor
        self._defaults = Defaults(policy=first, anchor=anchor, judge=judge)
        self._life = Life("CaT")
        self._session: Session | None = None
        self._tasks: TaskGroup | None = None

    @property
    def sampler(self) -> roles.Sampler:
        """What draws the rollouts."""
        return self._sampler

    @property
    def estimator(self) -> roles.Estimator:
        """What makes the reference."""
        return self._estimator

    @property
    def rewarder(self) -> roles.Rewarder | None:
        """What rewards the rollouts; `None` rewards nothing."""
        return self._reward

    @property
    def client(self) -> Client:
        """How calls are sent, and what was spent."""
        return self._client

    @property
    def answers(self) -> Answers:
        """How final answers are found and compared."""
        return self._answers

    @property
    def defaults(self) -> Defaults:
        """The models that play a role where none is named."""
        return self._defaults

    def __repr__(self) -> str:
        """The roles, as they are written."""
        policy: object = self._sampler
        if isinstance(policy, Sampler) and policy == Sampler(policy.policy):
            policy = policy.policy
        told = [] if policy is None else [written(policy)]
        told += [f"estimator={written(self._estimator)}"]
        told += [] if self._reward is None else [f"reward={written(self._reward)}"]
        told += [f"client={self._client!r}"] if self._client.named else []
        told += [f"answers={written(self._answers)}"] if self._answers != Answers() else []
        return f"CaT({', '.join(told)})"

    def __getstate__(self) -> dict[str, Any]:
        """The description; what is open stays here."""
        names = ("_sampler", "_estimator", "_own_estimator", "_reward", "_client", "_answers")
        return {**{name: getattr(self, name) for name in names}, "_defaults": self._defaults}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be new, with the same roles."""
        self.__dict__.update(state)
        defaults = self._defaults
        self._begin(Settings())
        self._defaults = defaults

    # --- as data --------------------------------------------------------------------------

    def to_data(self) -> dict[str, Any]:
        """Write the description as data: names and arguments, no secrets.

        Returns:
            A mapping with `policy`, and `estimator`, `reward`, `answers` and `client` where they
            were given.

        Raises:
            InvalidInputError: a model is an object, or a role has no name to write.
        """
        policy = self._sampler
        plain = isinstance(policy, Sampler) and policy == Sampler(policy.policy)
        data = {
            "policy": to_data(policy.policy if isinstance(policy, Sampler) and plain else policy)
        }
        if self._own_estimator:
            data["estimator"] = to_data(self._estimator)
        if self._reward is not None:
            data["reward"] = to_data(self._reward)
        if self._answers != Answers():
            data["answers"] = to_data(self._answers)["Answers"]
        if self._client.named:
            data["client"] = self._client.to_data()
        return {name: value for name, value in data.items() if value is not None}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Make the CaT that `data` describes.

        Args:
            data: What `to_data` gives. A role is a class's name, or a mapping from it to its
                arguments; a model is a string.

        Raises:
            InvalidInputError: a name is not known, or a value is out of its range.
        """
        known = ("policy", "estimator", "reward", "answers", "client")
        unknown = [name for name in data if name not in known]
        if unknown:
            raise InvalidInputError(f"there is no {unknown[0]!r}; a CaT has {', '.join(known)}")
        client = data.get("client")
        return cls(
            _policy_from(data.get("policy")),
            estimator=_role_from(data.get("estimator"), "estimator"),
            reward=_role_from(data.get("reward"), "reward"),
            answers=_role_from(data.get("answers"), "answers"),
            client=None if client is None else Client.from_data(client),
        )

    def to_yaml(self) -> str:
        """Write the description as YAML; `from_yaml` makes an equal one.

        Raises:
            InvalidInputError: as `to_data`.
        """
        text: str = yaml.safe_dump(self.to_data(), sort_keys=False, allow_unicode=True)
        return text

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """Make the CaT that the YAML `text` describes.

        Raises:
            InvalidInputError: it is not a mapping in YAML, or as `from_data`.
        """
        try:
            data: object = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InvalidInputError(f"the description is not YAML: {error}") from None
        if not isinstance(data, Mapping):
            raise InvalidInputError(f"the description is {data!r:.60}; write a mapping of roles")
        return cls.from_data(cast("Mapping[str, Any]", data))

    @property
    def fingerprint(self) -> str:
        """What tells two methods apart; it changes if and only if what they do can change.

        How calls are sent, and what they may cost, does not count, but wrappers of your own do.
        """
        parts = {
            "sampler": self._sampler,
            "estimator": self._estimator,
            "reward": self._reward,
            "answers": self._answers,
            "middleware": self._client.own_middleware,
        }
        defaults = self._defaults
        models = {"policy": defaults.policy, "anchor": defaults.anchor, "judge": defaults.judge}
        return digest_of(parts, models)

    # --- life -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Open the policies; other models are opened when they are first asked.

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
        tasks = await exits.enter_async_context(_tasks())
        for model in _policies(self._sampler):
            await self._client.open(model, session)
        self._session, self._tasks = session, tasks
        exits.callback(self._forget_what_is_open)

    def _forget_what_is_open(self) -> None:
        self._session = self._tasks = None

    @asynccontextmanager
    async def _context(
        self,
        *,
        row: Row | None = None,
        budget: Budget | None = None,
        on_event: OnEvent | None = None,
        streams: bool = False,
        item: int | None = None,
    ) -> AsyncGenerator[Context]:
        """The context of one run, its models open."""
        self._life.check()
        check_kind("budget", budget, (Budget,), "a Budget such as Budget(requests=100)")
        check_kind("row", row, (Mapping,), "a mapping such as {'answer': '42'}")
        async with AsyncExitStack() as exits:
            session = self._session
            if session is None:
                session = await exits.enter_async_context(self._client.session())
            yield Context(
                client=self._client,
                answers=self._answers,
                row=row or {},
                defaults=self._defaults,
                models=session,
                accounts=() if budget is None else (Account(budget),),
                chains=None if budget is None else {},
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
        budget: Budget | None = None,
        on_event: OnEvent | None = None,
    ) -> Result:
        """Sample, estimate the reference, and reward the rollouts by it.

        Args:
            prompt: A text, the messages of a chat, or a group that was sampled before.
            n: G, the number of rollouts.
            row: The other columns of the prompt's data row, such as a known answer for `Gold`.
            sampling: How the policy is sampled this time.
            seed: The seed of sampler and estimator this time.
            budget: Caps for this run alone, beside the client's.
            on_event: Hears of each step as it happens, in the event loop.

        Returns:
            The group, the reference, the rewards, and what all of it used. When a budget or a
            deadline is exhausted it is marked `partial`, and the reference is the rollout with the
            group's most frequent answer.

        Raises:
            InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
            NoEvidenceError: every rollout failed; the common cause is its `__cause__`.
            SynthesisFailedError: the estimator failed; the error's `group` holds the rollouts.
            ConfigurationError: the CaT was closed, or a model cannot be made.
        """
        method = self._method(sampling=sampling, seed=seed)
        async with self._context(
            row=row, budget=budget, on_event=on_event, streams=on_event is not None
        ) as ctx:
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
        budget: Budget | None = None,
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
                calls in flight.
            sampling: How the policy is sampled.
            seed: The seed of sampler and estimator.
            budget: Caps for all of these prompts together, beside the client's.
            on_event: Hears of each step; the event's `item` is the place of its prompt.

        Returns:
            The results, to be iterated over once; a prompt that failed is a result with a
            `failure`, and an error of `prompts` itself is raised.

        Raises:
            ConfigurationError: this CaT is not open.
            InvalidInputError: `prompts` is one prompt, or `n` or `at_once` is out of range.
        """
        check_many("prompts", prompts, "give a list of prompts, or use run")
        check_count(n)
        check_kind("budget", budget, (Budget,), "a Budget such as Budget(requests=100)")
        method = self._method(sampling=sampling, seed=seed)
        paying: dict[str, Any] = {}
        if budget is not None:
            paying = {"accounts": (Account(budget),), "chains": {}}

        async def one(index: int, item: Item) -> Result:
            prompt, row = _with_row(item)
            async with self._context(row=row, on_event=on_event, item=index) as ctx:
                ctx = replace(ctx, **paying)
                return await run_or_fail(method, prompt, n, ctx, index=index)

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

        many = at_once or 2 * self._client.sending.limits.in_flight
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
    ) -> EventStream:
        """Run the method and tell each step as it happens; the last event holds the result.

        Needs `async with CaT(...)`, whose end also ends the stream. To stop it earlier, use it as
        `async with c.stream(...) as events` and leave the block. The arguments are those of `run`.

        Returns:
            The events, to be iterated over once.

        Raises:
            ConfigurationError: this CaT is not open.
            InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
        """
        tasks = self._open_tasks("stream")
        asked = prompt if isinstance(prompt, Group) else check_prompt(prompt)
        count, method = check_count(n), self._method(sampling=sampling, seed=seed)
        send, receive = anyio.create_memory_object_stream[Event | Exception](inf)
        stream = EventStream(receive)

        async def produce(send: MemoryObjectSendStream[Event | Exception]) -> None:
            with send, stream.scope:
                try:
                    async with self._context(
                        row=row, budget=budget, on_event=send.send_nowait, streams=True
                    ) as ctx:
                        await run_method(method, asked, count, ctx)
                except Exception as error:  # noqa: BLE001  # a role of the user's own may raise any
                    send.send_nowait(error)

        tasks.start_soon(produce, send)
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
        on_event: OnEvent | None = None,
    ) -> Group:
        """Draw n rollouts of `prompt`; failed ones are in `Group.failures`, with causes.

        Args:
            prompt: A text, or the messages of a chat.
            n: G, the number of rollouts.
            sampling: How the policy is sampled this time.
            seed: The sampler's seed this time.
            on_event: Hears of each rollout as it arrives.

        Raises:
            InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
        """
        method = self._method(sampling=sampling, seed=seed)
        async with self._context(on_event=on_event) as ctx:
            return await method.sampler.sample(prompt, n, ctx)

    async def synthesize(
        self, prompt: PromptLike | Group, n: int = 8, *, on_event: OnEvent | None = None
    ) -> Reference:
        """Make the reference of a group, or of n rollouts of a prompt, and reward nothing.

        Args:
            prompt: A text, the messages of a chat, or a group that was sampled before.
            n: G, the number of rollouts.
            on_event: Hears of each step as it happens.

        Raises:
            CatError: as `run`.
        """
        method = replace(self._method(), reward=None, always_estimates=True)
        async with self._context(on_event=on_event, streams=on_event is not None) as ctx:
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
            InvalidInputError: this CaT has no reward, or its reward needs a reference.
        """
        if self._reward is None:
            raise InvalidInputError(
                "this CaT has no reward; give one, such as CaT(..., reward=AnswerReward())"
            )
        async with self._context(row=row) as ctx:
            return completed(group, await self._reward.reward(group, reference, ctx.on(group)))

    async def propose_rubric(self, reference: Reference) -> Rubric:
        """Write the criteria that follow from `reference`, by the reward's proposer.

        Raises:
            StructuredOutputError: the anchor's replies held too few criteria.
            ProviderError: the anchor failed.
        """
        proposer = setting_of(self._reward, "proposer")
        chosen = proposer if isinstance(proposer, roles.Proposer) else RubricProposer()
        async with self._context() as ctx:
            return await chosen.propose(reference, ctx)

    async def judge(self, rubric: Rubric, rollout: Rollout) -> tuple[Verdict, ...]:
        """Judge one rollout by each criterion, by the reward's judge.

        A call that failed is a verdict without an answer.
        """
        judge = setting_of(self._reward, "judge")
        chosen = judge if isinstance(judge, roles.Judge) else Judge()
        async with self._context() as ctx:
            return tuple(await chosen.judge(rubric, rollout, ctx))

    def _method(self, *, sampling: Sampling | None = None, seed: int | None = None) -> Method:
        """The roles, with what is set for one call."""
        check_kind("sampling", sampling, (Sampling,), "a Sampling such as Sampling(top_p=0.9)")
        sampler, estimator = self._sampler, self._estimator
        if sampling is not None:
            sampler = _changed(sampler, "sampling", sampling)
        if seed is not None:
            sampler = _changed(sampler, "seed", seed)
            if any(field.name == "seed" for field in _fields(estimator)):
                estimator = _changed(estimator, "seed", seed)
        always = self._own_estimator or not _is_independent(self._reward)
        return Method(sampler, estimator, self._reward, always)


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
) -> Reference:
    """Sample n rollouts of `prompt` and make one reference from them, with its evidence.

    For many prompts open one `CaT`: it keeps connections and shares one budget.

    Args:
        prompt: A text, or the messages of a chat.
        n: G, the number of rollouts.
        model: The policy, and the anchor unless that is named; by default `CATSDK_MODEL`.
        anchor: The model that synthesizes.
        client: How calls are sent.
        budget: Caps on all calls together, beside the client's.
        sampling: How the policy is sampled.
        seed: Makes the result repeatable where the models can.

    Returns:
        The reference: `text`, `answer`, the group's `majority` and `agreement`, and `usage`.

    Raises:
        CatError: as `CaT` and `CaT.run`.
    """
    check_prompt(prompt)
    check_count(n)
    check_kind("budget", budget, (Budget,), "a Budget such as Budget(requests=100)")
    if model is None and Settings().model is None:
        raise NoModelError(
            "no model: give model='openai:NAME' (or 'local', the small model in the box), or set"
            " CATSDK_MODEL in the environment"
        )
    sampler = Sampler(_checked_policy(model), sampling or Sampling(), seed)
    async with CaT(sampler, estimator=anchor, client=client) as c:
        result = await c.run(prompt, n, budget=budget)
    assert result.reference is not None
    return result.reference


@asynccontextmanager
async def _tasks() -> AsyncGenerator[TaskGroup]:
    """A task group that ends what still runs at its end."""
    tasks = anyio.create_task_group()
    await tasks.__aenter__()
    try:
        yield tasks
    finally:
        tasks.cancel_scope.cancel()
        await tasks.__aexit__(None, None, None)


def _sampler(policy: object, settings: Settings) -> roles.Sampler:
    if isinstance(policy, roles.Sampler):
        return _with_policy(policy, settings.model)
    checked = _checked_policy(cast("Model | SequenceABC[Model] | None", policy))
    return Sampler(settings.model if checked is None else checked)


def _with_policy(sampler: roles.Sampler, model: str | None) -> roles.Sampler:
    """Give `sampler`, where it names no policy, the one of the environment."""
    if isinstance(sampler, Sampler) and sampler.policy is None and model is not None:
        return replace(sampler, policy=model)
    return sampler


def _checked_policy(
    policy: Model | SequenceABC[Model] | None,
) -> Model | tuple[Model, ...] | None:
    if policy is None:
        return None
    if isinstance(policy, str | Provider) or not isinstance(policy, SequenceABC):  # pyright: ignore[reportUnnecessaryIsInstance]
        check_model(policy, "policy")
        return policy
    if not policy:
        raise InvalidInputError("policy is an empty list; give at least one model")
    for each in policy:
        check_model(each, "policy")
    return tuple(policy)


def _estimator(estimator: object, sampler: roles.Sampler) -> roles.Estimator:
    if isinstance(estimator, roles.Estimator):
        return estimator
    if estimator is not None:
        check_model(estimator, "estimator")
    # The synthesizer that is made here goes by the sampler's settings.
    sampling = setting_of(sampler, "sampling")
    most = sampling.max_tokens if isinstance(sampling, Sampling) else None
    seed = setting_of(sampler, "seed")
    return Synthesizer(
        cast("Model | None", estimator),
        Sampling() if most is None else Sampling(max_tokens=most),
        seed=seed if isinstance(seed, int) else None,
    )


def _checked_reward(reward: object) -> roles.Rewarder | None:
    if reward is None or isinstance(reward, roles.Rewarder):
        return reward
    raise InvalidInputError(
        f"reward is {reward!r:.80}; give a reward such as AnswerReward() or RubricReward(), or an"
        " object with an async method reward(group, reference, ctx)"
    )


def _policy_from(data: object) -> Any:
    """A model, several, or a sampler."""
    if isinstance(data, str):
        return from_data(data, "policy") if data in ("Sampler", "AdaptiveSampler") else data
    if isinstance(data, SequenceABC):
        return [*data]
    return _role_from(data, "policy")


def _role_from(data: object, kind: str) -> Any:
    """A role; for the estimator a model's string is the anchor."""
    if data is None:
        return None
    if kind == "answers":
        return from_data({"Answers": data}, kind)
    if kind == "estimator" and isinstance(data, str) and data not in known_roles():
        try:
            return from_data(data, kind)
        except InvalidInputError:
            return data
    return from_data(data, kind)


def _is_independent(reward: roles.Rewarder | None) -> bool:
    return reward is not None and not getattr(reward, "needs_reference", True)


def _policies(sampler: roles.Sampler) -> tuple[Model, ...]:
    policy: object = setting_of(sampler, "policy")
    if isinstance(policy, str | Provider):
        return (policy,)
    return tuple(cast("SequenceABC[Model]", policy)) if isinstance(policy, SequenceABC) else ()


def _first_policy(sampler: roles.Sampler) -> Model | None:
    return next(iter(_policies(sampler)), None)


def _model_of(estimator: roles.Estimator) -> Model | None:
    """The model that an estimator names, by itself or in the estimators inside it."""
    for name in ("anchor", "model"):
        model = setting_of(estimator, name)
        if isinstance(model, str | Provider):
            return model
    return None


def _fields(role: object) -> tuple[Any, ...]:
    return fields(role) if is_dataclass(role) and not isinstance(role, type) else ()


def _changed(role: Any, name: str, value: object) -> Any:
    """A copy of `role`, or of the role inside it that has the setting, with another value."""
    for field in _fields(role):
        if field.name == name:
            return replace(role, **{name: value})
    for field in _fields(role):
        inner: object = getattr(role, field.name)
        if isinstance(inner, roles.Sampler):
            return replace(role, **{field.name: _changed(inner, name, value)})
    raise InvalidInputError(
        f"{role!r:.80} has no setting {name!r}; set it when the role is made, not for one call"
    )


def _with_row(item: Item) -> tuple[PromptLike | Group, Row | None]:
    """A prompt and its data row, where the two are given as a pair."""
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], Mapping):
        prompt, row = cast("tuple[PromptLike | Group, Row]", item)
        if not isinstance(prompt, Mapping | Message):
            return prompt, row
    return cast("PromptLike | Group", item), None
