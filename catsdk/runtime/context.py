"""The context that every role is given: open models, answers, the data row and the listener."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import JsonValue

from catsdk.answers.answers import Answers
from catsdk.core.errors import InvalidInputError, NoModelError
from catsdk.core.events import Event, MethodEvent, RubricReady, TextArrived
from catsdk.core.ports import OnText, Provider
from catsdk.core.settings import Settings
from catsdk.core.types import Call, Failure, Group, Provenance, Reference, Rollout, Rubric, Score
from catsdk.prompts.prompt import Prompt
from catsdk.prompts.sections import ResponseStream
from catsdk.runtime.chain import Opened
from catsdk.runtime.client import Client, VerdictMemory
from catsdk.runtime.output import Output
from catsdk.runtime.output_answers import OutputAnswers
from catsdk.runtime.session import Session
from catsdk.runtime.spending.account import Account

__all__ = ["Context", "Defaults", "Role", "Row", "context_of", "standing_alone"]

Model = str | Provider
Row = Mapping[str, object]
"""The columns of a prompt's data row, such as a known answer."""
Role = Literal["policy", "anchor", "judge"]


@dataclass(frozen=True, slots=True)
class Defaults:
    """The models that play a role where none is named."""

    policy: Model | None = None
    anchor: Model | None = None
    judge: Model | None = None


@dataclass(frozen=True)
class Context:
    """What a role is given beside its input; made by `CaT` for each run.

    Args:
        client: How calls are sent.
        answers: How final answers are found and compared.
        row: The other columns of the prompt's data row, such as a known answer.
        group: The group that the role works on, for `reference`.
        defaults: The models that play a role where none is named.
        models: The open models.
        accounts: Budgets that pay for calls, in addition to the client's.
        chains: The chains that were made for models before; by default those of `models`.
        around: Wrappers that are put around each model, outermost first.
        listener: Hears of each event.
        rubrics: Where the rubrics of a run are kept.
        streams: Whether a model's text is heard of piece by piece.
        asks: Whether rollouts are rewarded by their final answers, so that prompts ask for one.
        item: The place of the prompt among many.
        cheap_only: Whether to refuse models that are loaded into this process.
        silent: Whether events are dropped.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> class Longest:
        ...     async def estimate(self, group, ctx):
        ...         return ctx.reference(max(group.rollouts, key=lambda r: len(r.text)))
        >>> policy = FunctionProvider(lambda request: ["Because.", "Because it rains."])
        >>> result = await cat.CaT(policy, estimator=Longest()).run("Why?", n=2)
        >>> result.reference.text, result.reference.provenance.method
        ('Because it rains.', 'Longest')
    """

    client: Client
    answers: Answers = Answers()
    row: Row = field(default_factory=dict[str, object])
    group: Group | None = None
    defaults: Defaults = Defaults()
    models: Session | None = field(default=None, repr=False)
    accounts: tuple[Account, ...] = ()
    chains: dict[Hashable, Provider] | None = field(default=None, repr=False)
    around: tuple[Callable[[Provider], Provider], ...] = field(default=(), repr=False)
    listener: Callable[[Event], None] | None = field(default=None, repr=False)
    rubrics: list[Rubric] | None = field(default=None, repr=False)
    streams: bool = False
    asks: bool = False
    item: int | None = None
    cheap_only: bool = False
    silent: bool = False

    async def model(self, model: Model | None = None, role: Role = "anchor") -> Provider:
        """Open a model under the client: limited, retried, counted and paid.

        Args:
            model: A model string or a provider; by default the one that plays `role`.
            role: Whose model is taken where none is given.

        Returns:
            The provider, to be asked by `complete`; it stays open as long as the client does.

        Raises:
            NoModelError: none is given and none plays the role.
            ConfigurationError: the model cannot be made.
        """
        chosen = model if model is not None else getattr(self.defaults, role)
        if chosen is None:
            raise NoModelError(
                f"no {role}: name its model, or set CATSDK_{role.upper()} or CATSDK_MODEL"
            )
        assert self.models is not None, "a context is used inside `context_of`"
        provider: Provider = await self.client.open(
            chosen,
            self.models,
            accounts=self.accounts,
            chains=self.chains,
            cheap_only=self.cheap_only,
        )
        if provider is chosen and not isinstance(provider, Opened):
            # A context has opened this model before, with that context's wrappers around it.
            return provider
        for wrap in reversed(self.around):
            provider = wrap(provider)
        return provider

    @property
    def output(self) -> Output | None:
        """What the reference must be, where an output was asked for."""
        return self.answers.output if isinstance(self.answers, OutputAnswers) else None

    def fits(self, rollout: Rollout) -> bool:
        """Whether a rollout may be the reference: any may, unless an output was asked for.

        Args:
            rollout: A rollout, whose text must hold an output that fits.
        """
        answers = self.answers
        return not isinstance(answers, OutputAnswers) or answers.fits(rollout.completion)

    @property
    def verdicts(self) -> VerdictMemory:
        """The verdicts that judges gave before under this client."""
        return self.client.verdicts

    @property
    def heard(self) -> bool:
        """Whether anybody listens, so that events are worth making."""
        return self.listener is not None or self.client.on_event is not None

    def emit(self, event: Event) -> None:
        """Tell those who listen to this run, and to its client, what happened.

        Args:
            event: What happened.
        """
        if self.silent:
            return
        if self.rubrics is not None and isinstance(event, RubricReady):
            self.rubrics.append(event.rubric)
        if not self.heard:
            return
        if self.item is not None and isinstance(event, MethodEvent):
            event = event.model_copy(update={"item": self.item})
        if self.listener is not None:
            self.listener(event)
        self.client.emit(event)

    @property
    def on_text(self) -> OnText | None:
        """Where a model's text goes piece by piece; `None` if nobody wants pieces."""
        return self.text_listener()

    def text_listener(self, *, sectioned: bool = False) -> OnText | None:
        """Return what a model's text is passed to piece by piece.

        Args:
            sectioned: Whether the model was asked for a summary before its response.

        Returns:
            A function of a piece of text; `None` if nobody wants pieces.
        """
        if not self.streams:
            return None
        stream = ResponseStream(sectioned=sectioned)
        return lambda text: self.emit(TextArrived(text=text, response=stream.feed(text)))

    def on(self, group: Group) -> Context:
        """Return the context for another group.

        Args:
            group: The group, such as a part of this one.
        """
        return replace(self, group=group)

    def quiet(self) -> Context:
        """Return the context for inner steps, whose text and events are not those of the run."""
        return replace(self, streams=False, silent=True)

    def reference(
        self,
        chosen: Rollout | str,
        *,
        method: str = "",
        settings: Mapping[str, JsonValue] | None = None,
        rationale: str | None = None,
        calls: Sequence[Call] = (),
        model: str = "",
        prompt: Prompt | None = None,
    ) -> Reference:
        """Make the reference of the context's group.

        Args:
            chosen: The rollout that is the reference, or a new text, whose answer is then found.
            method: How it was estimated; by default the name of the estimator's class.
            settings: What mattered, for the provenance.
            rationale: Why the reference says what it says.
            calls: The requests that were made for it.
            model: The model that wrote or chose it.
            prompt: The prompt that the model was given.

        Returns:
            The reference; whoever asked for it adds the evidence of the group.

        Raises:
            InvalidInputError: the context has no group.
        """
        if self.group is None:
            raise InvalidInputError("this context has no group; use ctx.on(group).reference(...)")
        told = dict(settings or {})
        if isinstance(chosen, Rollout):
            text, answer = chosen.text, chosen.answer
            told = {"selected": chosen.index, **told}
        else:
            found = self.answers.extract(chosen)
            text, answer = chosen, found.answer
            told = {"answer_rule": found.rule, **told}
        reference = Reference(
            text=text,
            answer=answer,
            rationale=rationale,
            group=self.group,
            provenance=Provenance(
                method=method,
                model=model,
                prompt=prompt.name if prompt else None,
                prompt_version=prompt.version if prompt else None,
                prompt_digest=prompt.digest if prompt else None,
                settings=told,
            ),
            calls=tuple(calls),
            partial=self.group.partial,
        )
        return self.with_output(reference)

    def reread(self, group: Group) -> Group:
        """Read the outputs of a group's rollouts as their answers, where an output was asked for.

        Args:
            group: Rollouts that may have been read in another way.

        Returns:
            The group with its outputs as answers; without an output, the group as it is.
        """
        return self.answers.reread(group) if isinstance(self.answers, OutputAnswers) else group

    def with_output(self, reference: Reference) -> Reference:
        """Add the output that the text of a reference holds, where one was asked for.

        Args:
            reference: The reference.

        Returns:
            The reference with its output; as it is where its text holds none that fits.
        """
        answers = self.answers
        if not isinstance(answers, OutputAnswers) or reference.data is not None:
            return reference
        found = answers.found(reference.text)
        return reference if found is None else reference.with_output(found.value, found.data)

    async def with_evidence(self, reference: Reference) -> Reference:
        """Return a reference with its group's agreement and majority added.

        Args:
            reference: The reference, as an estimator made it.
        """
        return await self.answers.with_evidence(reference)

    def score(self, rollout: Rollout, value: float | None, *reasons: str) -> Score:
        """Return the score of one rollout.

        Args:
            rollout: Whose score it is.
            value: The reward; `None` if evidence is missing.
            reasons: Sentences for a reader; without a value they say why there is none.
        """
        failure = None
        if value is None:
            failure = Failure(kind="NoEvidence", message="; ".join(reasons) or "no cause given")
        return Score(index=rollout.index, value=value, reasons=reasons, failure=failure)


@asynccontextmanager
async def context_of(client: Client, **settings: Any) -> AsyncGenerator[Context]:
    """Give a context whose models are open inside the block.

    Args:
        client: How calls are sent.
        settings: Fields of the context.

    Yields:
        The context, for roles that are used without a `CaT`.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.runtime import Client, context_of
        >>> async with context_of(Client()) as ctx:
        ...     reference = await cat.Majority().estimate(cat.group_of("6*7?", ["42"]), ctx)
        >>> reference.answer
        '42'
    """
    async with client.session() as models:
        yield Context(client, models=models, **settings)


@asynccontextmanager
async def standing_alone(
    ctx: Context | None, group: Group | None = None
) -> AsyncGenerator[Context]:
    """Give `ctx`; without one, a context of its own for a role that is used alone.

    Models named by strings are then opened for this call, and roles without a model take those of
    the environment.

    Args:
        ctx: The context that the role was given, if any.
        group: The group that the role works on.
    """
    if ctx is not None:
        yield ctx if group is None or ctx.group is group else ctx.on(group)
        return
    settings = Settings()
    anchor = settings.anchor or settings.model
    defaults = Defaults(settings.model, anchor, settings.judge or anchor)
    async with context_of(Client.unnamed(), group=group, defaults=defaults) as own:
        yield own
