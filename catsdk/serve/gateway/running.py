"""Runs a request: by a method that makes one answer of several, or by a single model."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from catsdk.core.errors import ConfigurationError, InvalidInputError, error_of
from catsdk.core.events import Event, RolloutArrived, RolloutFailed, TextArrived
from catsdk.core.ports import Provider, tokens_of, wire_of
from catsdk.core.types import Usage
from catsdk.method.run import run_method
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, context_of
from catsdk.runtime.spending.account import Account
from catsdk.serve.gateway.answer import Answer, of_completion, of_result
from catsdk.serve.gateway.asked import Asked
from catsdk.serve.gateway.catalogue import Catalogue, Composed, Plain
from catsdk.serve.gateway.config import GatewayConfig
from catsdk.serve.gateway.evidence import Evidence
from catsdk.serve.gateway.holders import Holder
from catsdk.serve.gateway.settings import lower_budget, method_of, output_of, request_of
from catsdk.serve.gateway.tools import tool_fields
from catsdk.serve.gateway.voting import sampled, voted
from catsdk.serve.site.problems import Problem, problem_of

__all__ = ["Run", "Runner", "Tell"]


@dataclass(frozen=True, slots=True)
class Tell:
    """Who hears of an answer while it is being made.

    Args:
        text: Takes each piece of the answer's text.
        progress: Takes a line for each step; `None` if none are wanted.
    """

    text: Callable[[str], None]
    progress: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One request while it is answered.

    Args:
        asked: What is asked.
        holder: Who asks.
        accounts: Who pays, in addition to the client's own budget.
        id: The run's name.
    """

    asked: Asked
    holder: Holder = field(default_factory=Holder)
    accounts: tuple[Account, ...] = ()
    id: str = field(default_factory=lambda: uuid4().hex)


class Runner:
    """Answers requests by the entries of a catalogue.

    Args:
        catalogue: What may be asked, open.
        config: The operator's caps.
        evidence: Where results are kept that clients want kept.
    """

    def __init__(self, catalogue: Catalogue, config: GatewayConfig, evidence: Evidence) -> None:
        """Answer nothing yet."""
        self._catalogue, self._config, self._evidence = catalogue, config, evidence

    async def answer(self, run: Run, tell: Tell | None = None) -> Answer:
        """Answer a request.

        Args:
            run: The request.
            tell: Who hears of it meanwhile; `None` if the answer is wanted whole.

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
                problem.usage = spent
                raise problem from error

    async def count_tokens(self, asked: Asked) -> int:
        """Count the tokens of a request's conversation and tools.

        A provider that knows its tokens counts them; of others it is an estimate.

        Args:
            asked: The request.

        Raises:
            Problem: there is no such model.
        """
        entry, _ = self._catalogue.find(asked.model, asked.wanted)
        texts = [message.shown for message in asked.messages]
        if asked.tools is not None:
            texts.append(json.dumps(tool_fields(asked.tools, "messages")["tools"]))
        async with context_of(self._catalogue.client) as ctx:
            model = entry.model
            if model is None and isinstance(entry, Composed):
                model = entry.cat.defaults.policy
            provider = await ctx.model(model)
        return sum(tokens_of(provider, text) for text in texts)

    async def _answered(self, run: Run, tell: Tell | None) -> Answer:
        asked = run.asked
        entry, estimator = self._catalogue.find(asked.model, asked.wanted)
        run = replace(run, accounts=(*self._own_account(asked), *run.holder.accounts))
        if isinstance(entry, Plain):
            return await self._passed_on(run, entry.model, "pass-through", tell)
        if asked.tools is not None:
            if entry.model is None:
                raise InvalidInputError(
                    f"{entry.name!r} cannot use tools, since it asks more than one model; ask for a"
                    " model that is listed by itself"
                )
            if asked.wanted.tools == "vote":
                return await self._voted(run, entry.model)
            return await self._passed_on(run, entry.model, "pass-through: tools", tell)
        return await self._composed(run, entry, estimator or entry.cat.estimator, tell)

    def _own_account(self, asked: Asked) -> tuple[Account, ...]:
        budget = lower_budget(asked.wanted.budget, self._config.budget)
        return () if budget is None else (Account(budget),)

    def _problem(self, run: Run, error: Exception) -> Problem:
        if isinstance(error, ConfigurationError) and run.asked.wanted.budget is not None:
            # The client's own budget may be impossible to keep: in dollars, without a known price.
            return Problem(400, str(error))
        return problem_of(error)

    # --- one model ------------------------------------------------------------------------

    async def _passed_on(
        self, run: Run, model: str | Provider, method: str, tell: Tell | None
    ) -> Answer:
        facts = {"run": run.id, "method": method}
        with recorded("gateway") as calls:
            async with self._context(run) as ctx:
                provider = await ctx.model(model)
                request = request_of(run.asked, wire_of(provider))
                # Arguments of tools come at the end, since their pieces are not text.
                on_text = None if tell is None else tell.text
                (completion, *_) = await provider.complete(request, on_text)
        if completion.failure is not None:
            raise error_of(completion.failure)
        usage = Usage.total(call.usage for call in calls)
        return of_completion(completion, usage, facts)

    async def _voted(self, run: Run, model: str | Provider) -> Answer:
        n = self._rollouts(run.asked.wanted.n)
        with recorded("gateway") as calls:
            async with self._context(run) as ctx:
                provider = await ctx.model(model)
                request = request_of(run.asked, wire_of(provider))
                replies = await sampled(provider, request, n)
        winner, agreement = voted(replies)
        usage = Usage.total(call.usage for call in calls)
        facts = {
            "run": run.id,
            "method": "vote on tools",
            "n": n,
            "rollouts": len(replies),
            "failed": n - len(replies),
            "agreement": agreement,
        }
        return of_completion(winner, usage, facts)

    def _context(self, run: Run) -> AbstractAsyncContextManager[Context]:
        return context_of(
            self._catalogue.client,
            accounts=run.accounts,
            # An account outlives the run, and so do the wrappers that it pays for.
            chains={} if run.accounts else None,
            around=run.holder.around,
        )

    # --- several rollouts -----------------------------------------------------------------

    async def _composed(
        self, run: Run, entry: Composed, estimator: roles.Estimator, tell: Tell | None
    ) -> Answer:
        asked, wanted = run.asked, run.asked.wanted
        if wanted.keep:
            self._evidence.check()
        n = self._rollouts(wanted.n)
        method = method_of(entry, estimator, asked)
        heard = None if tell is None else _listener(tell, n, streams=asked.shape is None)
        async with entry.cat.context(
            on_event=heard, streams=tell is not None, output=output_of(asked)
        ) as ctx:
            result = await run_method(method, asked.messages, n, self._paying(ctx, run))
        if wanted.keep:
            await self._evidence.keep(run.holder.name, run.id, result)
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
        if run.accounts:
            ctx = replace(ctx, accounts=run.accounts, chains={})
        return replace(ctx, around=run.holder.around)

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


def _listener(tell: Tell, n: int, *, streams: bool) -> Callable[[Event], None]:
    """A listener that passes on the pieces of the answer, and the number of rollouts so far."""
    there = 0

    def listen(event: Event) -> None:
        nonlocal there
        if isinstance(event, TextArrived) and streams:
            if event.response:
                tell.text(event.response)
        elif isinstance(event, RolloutArrived | RolloutFailed):
            there += 1
            if tell.progress is not None:
                tell.progress(f"{there}/{n}\n")

    return listen
