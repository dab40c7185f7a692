"""Batched models: all calls go through the batch API, or only those of some stages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import ClassVar, Final

from catsdk.core.errors import CatError, ConfigurationError, ProviderError
from catsdk.core.ports import OnText, Provider
from catsdk.core.sending import BatchStage
from catsdk.core.types import Completion, Request, Usage
from catsdk.runtime.attribution import attribution, counted
from catsdk.runtime.batching.payer import Payer
from catsdk.runtime.batching.queue import Queue, Withdrawn
from catsdk.runtime.wrappers.record import NOT_SENT, Record
from catsdk.runtime.wrappers.wrapper import ScoreRequest, Wrapper

__all__ = ["BatchRecord", "Batched", "Routed", "stage_of", "steps_of"]

_STAGES: Final[Mapping[str, BatchStage]] = MappingProxyType(
    {
        "sample": "rollouts",
        "synthesize": "synthesis",
        "aggregate": "synthesis",
        "mixture": "synthesis",
        "recursive": "synthesis",
        "cascade": "synthesis",
        "choose": "synthesis",
        "propose_rubric": "rubrics",
        "judge": "verdicts",
        "grade": "verdicts",
        "equivalence": "verdicts",
        "rate": "verdicts",
    }
)


def stage_of(stage: str) -> BatchStage:
    """The stage of a batch that a step of the method belongs to."""
    return _STAGES.get(stage, "other")


def steps_of(stage: BatchStage) -> list[str]:
    """The steps of the method that belong to a stage."""
    return [step for step, of in _STAGES.items() if of == stage]


@dataclass
class Batched(Wrapper):
    """A provider that is asked by a queue; the answer comes when its batch has ended."""

    queue: Queue
    payer: Payer

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Wait for the answer of a batch.

        Raises:
            Withdrawn: the request is to be sent as ever.
            ProviderError: it failed.
        """
        here = attribution()
        start = perf_counter()
        with counted(here.waits, waiting=True):
            completions = await self.queue.ask(request, self.payer, key=here.key, place=here.place)
        latency = perf_counter() - start
        return [each.model_copy(update={"latency": latency}) for each in completions]


@dataclass
class BatchRecord(Record):
    """A `Record` of batched calls: who stops waiting has bought nothing and lost nothing."""

    left: ClassVar = NOT_SENT

    def used(self, error: CatError) -> Usage:
        """What the vendor says of a failed request, or one request of a batch."""
        told = error.usage if isinstance(error, ProviderError) else None
        return told or Usage(requests=1, batched=1)


@dataclass
class Routed(Wrapper):
    """A provider (the wrapped one) beside its batched form, which is asked in some stages.

    `batched` is `None` if the model has no batch API: then those stages are refused.
    """

    batched: Provider | None
    stages: Collection[BatchStage]

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Ask in a batch, or at once: by the stage, and for what was withdrawn at its deadline.

        Raises:
            ConfigurationError: the stage is to be batched, and the model has no batch API.
        """
        here = attribution()
        with counted(here.waits, waiting=False):
            return await self._routed(request, on_text, stage_of(here.stage))

    async def _routed(
        self, request: Request, on_text: OnText | None, stage: BatchStage
    ) -> Sequence[Completion]:
        if isinstance(request, ScoreRequest) or stage not in self.stages:
            return await self.pass_on(request, on_text)
        if self.batched is None:
            raise ConfigurationError(
                f"{self.name} has no batch API, and {stage} are to be batched; leave {stage!r} out"
                " of Batching(stages=...), or --batch, or use another model there"
            )
        try:
            completions = await self.batched.complete(request)
        except Withdrawn:
            return await self.pass_on(request, on_text)
        if on_text is not None and completions:
            on_text(completions[0].text)
        return completions
