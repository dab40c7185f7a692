"""Streamed: an answer as pydantic-ai streams it, while the anchor writes it."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from pydantic_ai.models import StreamedResponse

from catsdk.core.errors import NoValidOutputError
from catsdk.core.events import ResultReady, TextArrived
from catsdk.integrations.pydantic_ai.failures import as_theirs
from catsdk.integrations.pydantic_ai.messages import text_of
from catsdk.integrations.pydantic_ai.turn import Turn
from catsdk.method.streaming import EventStream

__all__ = ["Streamed"]


@dataclass
class Streamed(StreamedResponse):  # type: ignore[misc]
    """The answer while it is being made."""

    turn: Turn
    events: EventStream
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[Any]:
        said, result = "", None
        # What has already been paid for, in case nothing follows.
        self._usage = self.turn.spent
        with as_theirs(self.model_name):
            try:
                async for event in self.events:
                    if isinstance(event, ResultReady):
                        result = event.result
                    # JSON is shown only when complete: until then it may be invalid.
                    if isinstance(event, TextArrived) and self.turn.schema is None:
                        said += event.response
                        for started in self._pieces(event.response):
                            yield started
                if result is None:
                    return
                response = self.turn.response(result)
            except NoValidOutputError as error:
                response = self.turn.unfit(error)
        self._usage, self.provider_details = response.usage, response.provider_details
        self.metadata, self.finish_reason = response.metadata, response.finish_reason
        whole = text_of(response)
        if said and whole.startswith(said):
            for rest in self._pieces(whole[len(said) :]):
                yield rest
            return
        for at, part in enumerate(response.parts):
            yield self._parts_manager.handle_part(vendor_part_id=f"part-{at}", part=part)

    def _pieces(self, piece: str) -> Iterable[Any]:
        if not piece:
            return ()
        return cast(
            "Iterable[Any]",
            self._parts_manager.handle_text_delta(vendor_part_id="part-0", content=piece),
        )

    async def close_stream(self) -> None:
        """Stop the synthesis."""
        await self.events.aclose()

    @property
    def model_name(self) -> str:
        """The same as for the samples."""
        return self.turn.alike[0].response.model_name or ""

    @property
    def provider_name(self) -> str | None:
        """The same as for the samples."""
        return cast("str | None", self.turn.alike[0].response.provider_name)

    @property
    def provider_url(self) -> str | None:
        """The same as for the samples."""
        return cast("str | None", self.turn.alike[0].response.provider_url)

    @property
    def timestamp(self) -> datetime:
        """When the synthesis began."""
        return self._began
