"""Runs a request: by a method that makes one answer of several, or by a model as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from catsdk.core.errors import ConfigurationError, InvalidInputError, error_of
from catsdk.core.events import Event, RolloutArrived, RolloutFailed, TextArrived
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, wire_of
from catsdk.core.sending import Budget
from catsdk.core.types import Request, Usage
from catsdk.estimators.synthesis import Synthesizer
from catsdk.method.composing import setting_of, with_seed, with_setting
from catsdk.method.run import Method, run_method
from catsdk.prompts.sections import ResponseStream
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, context_of
from catsdk.runtime.output import Output
from catsdk.runtime.spending.account import Account
from catsdk.serve.gateway.answer import Answer, of_completion, of_result
from catsdk.serve.gateway.asked import Asked
from catsdk.serve.gateway.catalogue import Catalogue, Composed, Plain
from catsdk.serve.gateway.config import GatewayConfig
from catsdk.serve.gateway.tools import original, tool_fields
from catsdk.serve.site.problems import Problem, problem_of

__all__ = ["Run", "Runner", "Tell"]

# Tokens that an anchor has for its summary, beside those that the client allows the answer.
_SUMMARY = 1024


@dataclass(frozen=True, slots=True)
class Tell:
    """Who hears of an answer while it is being made.

    Args:
        text: Takes each piece of the answer's text.
        progress: Takes a line for each step; `None` where none are wanted.
    """

    text: Callable[[str], None]
    progress: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One request while it is answered.

    Args:
        asked: What is asked.
        accounts: Who pays, beside the client's own budget.
        id: The run's name.
    """

    asked: Asked
    accounts: tuple[Account, ...] = ()
    id: str = field(default_factory=lambda: uuid4().hex)


class Runner:
    """Answers requests by the entries of a catalogue.

    Args:
        catalogue: What may be asked, open.
        config: The operator's caps.
    """

    def __init__(self, catalogue: Catalogue, config: GatewayConfig) -> None:
        """Answer nothing yet."""
        self._catalogue, self._config = catalogue, config

    async def answer(self, run: Run, tell: Tell | None = None) -> Answer:
        """Answer a request.

        Args:
            run: The request.
            tell: Who hears of it meanwhile; `None` where the answer is wanted whole.

        Raises:
            Problem: there is no answer.
        """
        with recorded("gateway") as calls:
            try:
                return await self._answered(run, tell)
            except Exception as error:
                problem = self._problem(run, error)
                spent = Usage.total(call.usage for call in calls)
                problem.facts = {**problem.facts, "cat": _spent(run, spent)}
                raise problem from error

    async def _answered(self, run: Run, tell: Tell | None) -> Answer:
        asked = run.asked
        entry, estimator = self._catalogue.find(asked.model, asked.wanted)
        run = replace(run, accounts=(*self._own_account(asked), *run.accounts))
        if isinstance(entry, Plain):
            return await self._passed_on(run, entry.model, "pass-through", tell)
        if asked.tools is not None:
            if entry.model is None:
                raise InvalidInputError(
                    f"{entry.name!r} takes no tools: it asks more than one model; ask for a model"
                    " that is listed by itself"
                )
            return await self._passed_on(run, entry.model, "pass-through: tools", tell)
        return await self._composed(run, entry, estimator or entry.cat.estimator, tell)

    def _own_account(self, asked: Asked) -> tuple[Account, ...]:
        budget = _lower(asked.wanted.budget, self._config.budget)
        return () if budget is None else (Account(budget),)

    def _problem(self, run: Run, error: Exception) -> Problem:
        if isinstance(error, ConfigurationError) and run.asked.wanted.budget is not None:
            # The client's own cap may be one that cannot be kept: of money, without a known price.
            return Problem(400, str(error))
        return problem_of(error)

    # --- one model ------------------------------------------------------------------------

    async def _passed_on(
        self, run: Run, model: str | Provider, method: str, tell: Tell | None
    ) -> Answer:
        chains: Any = {} if run.accounts else None
        with recorded("gateway") as calls:
            async with context_of(
                self._catalogue.client, accounts=run.accounts, chains=chains
            ) as ctx:
                provider = await ctx.model(model)
                request = _request(run.asked, wire_of(provider))
                # What a tool is given comes at the end: its pieces are no text.
                on_text = None if tell is None else tell.text
                (completion, *_) = await provider.complete(request, on_text)
        if completion.failure is not None:
            raise error_of(completion.failure)
        whole = completion.model_copy(
            update={
                "usage": Usage.total(call.usage for call in calls),
                "tool_calls": tuple(map(original, completion.tool_calls)),
            }
        )
        return of_completion(whole, {"run": run.id, "method": method})

    # --- several rollouts -----------------------------------------------------------------

    async def _composed(
        self, run: Run, entry: Composed, estimator: roles.Estimator, tell: Tell | None
    ) -> Answer:
        asked, wanted = run.asked, run.asked.wanted
        n = self._rollouts(wanted.n)
        method = _method(entry, estimator, asked)
        heard = None if tell is None else _listener(tell, n, streams=asked.shape is None)
        async with entry.cat.context(
            on_event=heard, streams=tell is not None, output=_output(asked)
        ) as ctx:
            result = await run_method(method, asked.messages, n, self._paying(ctx, run))
        facts = {
            "run": run.id,
            "method": entry.method if wanted.estimator is None else wanted.estimator,
            "n": n,
        }
        return of_result(
            result,
            facts,
            rollouts="rollouts" in wanted.returns,
            summary="summary" in wanted.returns,
        )

    def _paying(self, ctx: Context, run: Run) -> Context:
        return replace(ctx, accounts=run.accounts, chains={}) if run.accounts else ctx

    def _rollouts(self, wanted: int | None) -> int:
        rollouts = self._config.rollouts
        if wanted is None:
            return min(rollouts.usual, rollouts.most)
        if wanted > rollouts.most:
            raise InvalidInputError(
                f"cat.n is {wanted}; this gateway allows {rollouts.most} at most"
            )
        return wanted


def _spent(run: Run, usage: Usage) -> dict[str, Any]:
    tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    return {"run": run.id, **tokens, "requests": usage.requests, "cost": usage.cost}


def _lower(wanted: Budget | None, most: Budget | None) -> Budget | None:
    """The lower of two caps, of each kind."""
    if wanted is None or most is None:
        return wanted or most
    caps: dict[str, Any] = {}
    for name in ("requests", "tokens", "usd", "seconds"):
        given = [cap for cap in (getattr(wanted, name), getattr(most, name)) if cap is not None]
        caps[name] = min(given, default=None)
    return most.model_copy(update=caps)


def _request(asked: Asked, wire: str | None) -> Request:
    """What a model is asked, in the dialect of its service."""
    extra: dict[str, Any] = dict(asked.sampling.extra)
    if extra and wire != asked.wire:
        raise InvalidInputError(
            f"{next(iter(extra))} cannot be passed on to {asked.model!r}, which speaks another"
            " dialect; leave it out"
        )
    if asked.tools is not None:
        if wire is None:
            raise InvalidInputError(f"{asked.model!r} takes no tools; leave them out")
        extra |= tool_fields(asked.tools, wire)
    schema: Mapping[str, Any] | None = None
    shape = asked.shape
    if shape is not None and shape.schema is not None and not (wire == "chat" and asked.tools):
        schema = shape.schema
    elif shape is not None:
        if wire != "chat":
            raise InvalidInputError(
                f"{asked.model!r} takes no form without a schema; give a json_schema"
            )
        extra["response_format"] = _response_format(shape)
    sampling = asked.sampling.model_copy(update={"extra": extra})
    request = sampling.request(asked.messages, seed=asked.seed)
    return request if schema is None else request.model_copy(update={"json_schema": dict(schema)})


def _response_format(shape: Any) -> dict[str, Any]:
    if shape.schema is None:
        return {"type": "json_object"}
    schema = {"name": shape.name, "schema": dict(shape.schema), "strict": bool(shape.strict)}
    return {"type": "json_schema", "json_schema": schema}


def _output(asked: Asked) -> Output | None:
    if asked.shape is None:
        return None
    if asked.shape.schema is None:
        raise InvalidInputError(
            "an answer made of several needs to know the form of its JSON: give response_format"
            " {'type': 'json_schema', ...}"
        )
    return Output(asked.shape.schema)


def _method(entry: Composed, estimator: roles.Estimator, asked: Asked) -> Method:
    """The method with the settings of one request."""
    sampler = entry.cat.sampler
    own = setting_of(sampler, "sampling")
    sampling = _merged(own if isinstance(own, Sampling) else Sampling(), asked.sampling)
    if sampling != own:
        sampler = with_setting(sampler, "sampling", sampling)
    if asked.seed is not None:
        sampler, estimator = (
            with_setting(sampler, "seed", asked.seed),
            with_seed(estimator, asked.seed),
        )
    return Method(sampler, _with_room(estimator, asked.sampling.max_tokens))


def _merged(own: Sampling, asked: Sampling) -> Sampling:
    """The operator's sampling with what a request sets."""
    set_here = {
        name: value for name, value in dict(asked).items() if value not in (None, (), {}, False)
    }
    return own.model_copy(update=set_here)


def _with_room(estimator: Any, max_tokens: int | None) -> Any:
    """The estimator with the client's limit: an anchor's summary does not count towards it."""
    if max_tokens is None or not isinstance(estimator, Synthesizer):
        return estimator
    most = max_tokens + _SUMMARY
    own = estimator.sampling.max_tokens
    sampling = estimator.sampling.model_copy(
        update={"max_tokens": most if own is None else min(own, most)}
    )
    return replace(estimator, sampling=sampling)


def _listener(tell: Tell, n: int, *, streams: bool) -> Callable[[Event], None]:
    """What passes on the pieces of the answer, and how many rollouts are there."""
    stream: ResponseStream | None = None
    there = 0

    def listen(event: Event) -> None:
        nonlocal stream, there
        if isinstance(event, TextArrived) and streams:
            if stream is None:
                stream = ResponseStream(sectioned=event.sectioned)
            if piece := stream.feed(event.text):
                tell.text(piece)
        elif isinstance(event, RolloutArrived | RolloutFailed):
            there += 1
            if tell.progress is not None:
                tell.progress(f"{there}/{n}\n")

    return listen
