"""CaTModel: a model of pydantic-ai whose final answers are made of n samples of another one."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Literal, cast, get_args

from pydantic_ai import RunContext
from pydantic_ai._run_context import get_current_run_context
from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import (
    CompletedStreamedResponse,
    Model,
    ModelRequestParameters,
    StreamedResponse,
)
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from catsdk.answers.answers import Answers
from catsdk.cat import CaT
from catsdk.core.choices import check_choice
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import NoValidOutputError
from catsdk.core.inputs import check_count
from catsdk.integrations.kept import Kept
from catsdk.integrations.pydantic_ai.anchor import Anchor
from catsdk.integrations.pydantic_ai.failures import as_theirs
from catsdk.integrations.pydantic_ai.messages import conversation
from catsdk.integrations.pydantic_ai.streamed import Streamed
from catsdk.integrations.pydantic_ai.turn import Failed, Sample, Turn, kind_of
from catsdk.runtime import roles
from catsdk.runtime.client import Client
from catsdk.serve.gateway.voting import voted

__all__ = ["CaTModel", "ToolTurns"]


ToolTurns = Literal["first", "vote"]
"""Which calls of tools a turn makes: those of the first sample, or those most samples agree on."""


class CaTModel(WrapperModel):  # type: ignore[misc]
    """A pydantic-ai model whose final answers are made from `n` samples of another model.

    A turn that ends the run (a text, a call of an output tool, or JSON of a schema) is sampled `n`
    times and the estimator makes one answer of the samples. A turn that calls function tools is
    never synthesized: it is passed on as one sample wrote it.

    Args:
        wrapped: The model that is sampled: a model of pydantic-ai, or its name.
        n: G, the number of samples.
        estimator: What makes the answer, as for `CaT`: `Synthesizer()` by default. Its anchor is
            the wrapped model, unless it names another one.
        answers: How final answers of texts are found and compared.
        tools: Which turn is passed on where function tools may be called. `first` asks for one
            sample and draws the others only where it calls none; `vote` always draws `n`, and
            passes on the calls that most samples agree on.
        client: How the estimator's calls are sent. Samples are sent by the wrapped model itself.

    Raises:
        InvalidInputError: an argument has the wrong type or is out of range.

    Example:
        >>> from pydantic_ai import Agent  # doctest: +SKIP
        >>> from catsdk.integrations.pydantic_ai import CaTModel  # doctest: +SKIP
        >>> agent = Agent(CaTModel("openai:gpt-5", n=8))  # doctest: +SKIP
    """

    def __init__(
        self,
        wrapped: Model | str,
        n: int = 8,
        *,
        estimator: str | roles.Estimator | None = None,
        answers: Answers | None = None,
        tools: ToolTurns = "first",
        client: Client | None = None,
    ) -> None:
        """Open nothing; models are opened at the first request."""
        super().__init__(wrapped)
        self.n = check_count(n)
        check_choice("tools", tools, get_args(ToolTurns))
        self.tools: ToolTurns = tools
        self._answers = answers or Answers()
        anchor: Any = Anchor(self.wrapped)
        given = {"estimator": estimator, "answers": answers, "client": client}
        settings: Any = {name: value for name, value in given.items() if value is not None}
        # Made once here, to reject wrong arguments early.
        CaT(anchor, **settings)
        self._kept = Kept(lambda: CaT(anchor, **settings))

    async def aclose(self) -> None:
        """Close the estimator's models in the running event loop."""
        await self._kept.aclose()

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Sample and make one response.

        Raises:
            AgentRunError: there is no response; its class says why.
            UserError: the set-up is wrong.
        """
        turn = await self._turn(messages, model_settings, model_request_parameters, None)
        if isinstance(turn, ModelResponse):
            return turn
        with as_theirs(self.model_name):
            cat = await self._kept.opened()
            try:
                return turn.response(await cat.run(turn.group, output=turn.schema))
            except NoValidOutputError as error:
                return turn.unfit(error)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Sample, then stream the anchor's text as it is written; other turns arrive complete.

        Raises:
            AgentRunError: there is no response; its class says why.
            UserError: the set-up is wrong.
        """
        turn = await self._turn(messages, model_settings, model_request_parameters, run_context)
        if isinstance(turn, ModelResponse):
            yield CompletedStreamedResponse(
                turn, model_request_parameters=model_request_parameters, replay_events=True
            )
            return
        with as_theirs(self.model_name):
            cat = await self._kept.opened()
            events = cat.stream(turn.group, output=turn.schema)
        async with events:
            yield Streamed(model_request_parameters, turn, events)

    # --- sampling -------------------------------------------------------------------------

    async def _turn(
        self,
        messages: list[ModelMessage],
        settings: ModelSettings | None,
        parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None,
    ) -> ModelResponse | Turn:
        """A response where there is nothing to synthesize, else what it is to be made of."""
        if messages and isinstance(messages[-1], ModelResponse):
            # This continues a response that the service suspended; there is only one.
            response: ModelResponse = await self.wrapped.request(messages, settings, parameters)
            return response
        drawn, final = await self._drawn(messages, settings, parameters)
        samples = [sample for sample in drawn if isinstance(sample, Sample)]
        if not samples:
            raise next(sample.error for sample in drawn if isinstance(sample, Failed))
        kinds = [kind_of(sample.response, parameters) for sample in samples]
        votes = [kind for kind in kinds if not (final and kind == "calls")]
        most = max(votes, key=votes.count)
        alike = [sample for sample, kind in zip(samples, kinds, strict=True) if kind == most]
        turn = Turn(conversation(messages), drawn, alike, most, parameters, self._answers)
        if most == "calls":
            completions = [sample.completion() for sample in alike]
            return turn.as_it_is(alike[completions.index(voted(completions)[0])])
        if most == "other" or turn.exceeds_limits(run_context or get_current_run_context()):
            return turn.as_it_is(alike[0])
        return turn

    async def _drawn(
        self,
        messages: list[ModelMessage],
        settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> tuple[list[Sample | Failed], bool]:
        """The samples, and whether the first of them has decided that the turn calls no tool."""

        async def one(at: int) -> Sample | Failed:
            own = settings
            if settings is not None and isinstance(settings.get("seed"), int):
                # With a single seed, all samples would be the same.
                own = cast("ModelSettings", {**settings, "seed": settings["seed"] + at})
            begun = monotonic()
            try:
                response = await self.wrapped.request(list(messages), own, parameters)
            except (ModelAPIError, UnexpectedModelBehavior) as error:
                return Failed(error, self.model_name, monotonic() - begun)
            return Sample(response, monotonic() - begun)

        if self.tools == "vote" or not parameters.function_tools:
            return await fan_out(one, range(self.n)), False
        first = await one(0)
        decided = isinstance(first, Sample)
        if isinstance(first, Sample) and kind_of(first.response, parameters) == "calls":
            return [first], False
        return [first, *await fan_out(one, range(1, self.n))], decided
