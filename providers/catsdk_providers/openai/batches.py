"""Files and Batches, OpenAI's batch API, which Azure and other services offer, too."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing, suppress
from functools import partial
from urllib.parse import urlsplit

import anyio
import openai

# Imported here, because the SDK would import it in the event loop, at the first call.
import openai.resources.batches as _batches  # noqa: F401
import openai.resources.files as _files  # noqa: F401

from catsdk.core.batches import (
    BatchLimits,
    BatchResult,
    BatchState,
    NotAnsweredError,
    QuotaError,
    Shard,
)
from catsdk.core.errors import MalformedResponseError, ProviderError, RequestRefusedError
from catsdk.core.types import Completion, Request
from catsdk_providers.http.batches import HttpBatches, PayloadOf, as_batched, results_in
from catsdk_providers.http.estimates import with_estimate
from catsdk_providers.http.refusals import Place, reported
from catsdk_providers.http.service import Connection, Service
from catsdk_providers.http.words import says_something
from catsdk_providers.openai.body import object_in
from catsdk_providers.openai.choices import completions_of
from catsdk_providers.openai.client import open_sdk
from catsdk_providers.openai.errors import refused
from catsdk_providers.openai.wire import batch_line

__all__ = ["LIMITS", "OpenAIBatches", "read_line"]

LIMITS = BatchLimits(requests=50_000, bytes=200 * 10**6)
DIGEST = "catsdk_digest"

_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_ENDED = {"completed", "expired", "cancelled", "failed"}
_NOT_ANSWERED = {"batch_expired", "batch_cancelled"}
_QUOTA = ("token_limit_exceeded", "enqueued token", "enqueued_token", "quota", "too many batches")
# Azure validates a file before a batch can be created from it.
_UNREADY = {"pending", "running", "uploading"}
_LOOK = 1.0
_LOOKS = 300


class OpenAIBatches(HttpBatches[openai.AsyncOpenAI]):
    """The batch API of one model.

    Args:
        name: The provider's name, for errors.
        connection: Where the service is.
        payload_of: Gives the body of a request.
        endpoint: The path that lines name; by default that of the service.
    """

    limits = LIMITS

    def __init__(
        self, name: str, connection: Connection, payload_of: PayloadOf, endpoint: str | None
    ) -> None:
        """Choose the service; nothing is sent."""
        service: Service[openai.AsyncOpenAI] = Service(
            name,
            connection,
            open_client=partial(open_sdk, longest=self.longest),
            sdk_errors=openai.OpenAIError,
        )
        super().__init__(service, payload_of)
        host = urlsplit(self._service.base_url).hostname or ""
        usual = "/chat/completions" if host.endswith(_AZURE) else "/v1/chat/completions"
        self.endpoint = endpoint or usual

    def line(self, id: str, request: Request) -> bytes:
        """Give a request as a line of a batch."""
        return batch_line(id, self.endpoint, self._payload_of(request))

    async def upload(self, shard: Shard) -> str:
        """Upload the lines as a file, and wait until the service has looked it over."""
        name = f"catsdk-{shard.digest[:16]}.jsonl"
        content = b"\n".join(shard.lines) + b"\n"
        async with self._service.failing_as_ours():
            sdk = await self._service.client()
            file = await sdk.files.create(file=(name, content), purpose="batch")
            for _ in range(_LOOKS):
                if file.status not in _UNREADY:
                    break
                await anyio.sleep(_LOOK)
                file = await sdk.files.retrieve(file.id)
            return file.id

    async def create(self, shard: Shard, uploaded: str) -> str:
        """Buy a batch, with the digest in its metadata."""
        try:
            async with self._service.failing_as_ours():
                sdk = await self._service.client()
                batch = await sdk.batches.create(
                    input_file_id=uploaded,
                    # Azure's dialect has a path of its own.
                    endpoint=self.endpoint,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
                    completion_window="24h",
                    metadata={DIGEST: shard.digest},
                )
        except ProviderError as error:
            if error.status in {400, 403, 429} and _is_quota(str(error)):
                raise QuotaError(str(error)) from None
            raise
        return self._bought(batch.id)

    async def find(
        self, digest: str, ids: Sequence[str], since: float, others: Collection[str]
    ) -> str | None:
        """Look for the digest in the metadata of the batches, newest first."""
        async with self._service.failing_as_ours():
            sdk = await self._service.client()
            page = await sdk.batches.list(limit=self.page)
            while True:
                for batch in page.data:
                    if (batch.metadata or {}).get(DIGEST) == digest:
                        return batch.id
                    if (batch.created_at or 0) < since - self.skew:
                        return None
                if not page.has_next_page():
                    return None
                page = await page.get_next_page()

    async def state(self, batch: str) -> BatchState:
        """Ask how far a batch is."""
        async with self._service.failing_as_ours():
            sdk = await self._service.client()
            told = await sdk.batches.retrieve(batch)
        counts = told.request_counts
        answered = None if counts is None else (counts.completed or 0) + (counts.failed or 0)
        if told.status != "failed":
            return BatchState(ended=told.status in _ENDED, answered=answered)
        errors = [each for each in (told.errors.data if told.errors else None) or [] if each]
        words = (
            "; ".join(f"{each.code}: {each.message}" for each in errors[:3]) or "no reason given"
        )
        place = self._service.place()
        return BatchState(
            ended=True,
            answered=0,
            refused=place.error(RequestRefusedError, f"the batch was refused ({words})"),
            quota=any(_is_quota(f"{each.code} {each.message}") for each in errors),
            bad_lines={
                each.line - 1: place.error(
                    RequestRefusedError, f"the batch was refused ({each.code}: {each.message})"
                )
                for each in errors
                if each.line
            },
        )

    async def results(self, batch: str) -> AsyncGenerator[BatchResult]:
        """Fetch the files of answers and of errors, as far as there are any."""
        async with self._service.failing_as_ours():
            sdk = await self._service.client()
            told = await sdk.batches.retrieve(batch)
            for file in (told.output_file_id, told.error_file_id):
                if not file:
                    continue
                async with (
                    sdk.files.with_streaming_response.content(file) as response,
                    aclosing(results_in(response.iter_bytes())) as found,
                ):
                    async for result in found:
                        yield result

    def read(self, result: BatchResult, request: Request) -> Sequence[Completion]:
        """Read the completions of one result."""
        completions = read_line(result, request, self._service.place(), self._service.base_url)
        if completions[0].usage.unreported:
            completions = with_estimate(completions, self._payload_of(request))
        return as_batched(completions)

    async def cancel(self, batch: str) -> None:
        """Ask the service to end a batch; one that has ended is not an error."""
        async with self._service.failing_as_ours():
            sdk = await self._service.client()
            with suppress(RequestRefusedError):
                await sdk.batches.cancel(batch)


def read_line(
    result: BatchResult, request: Request, place: Place, base_url: str
) -> list[Completion]:
    """Read the completions of a line of results, as OpenAI and `vllm run-batch` write them.

    Raises:
        NotAnsweredError: the batch ended before this request was answered.
        ProviderError: the request failed.
    """
    error, response = result.line.get("error"), result.line.get("response")
    code = error.get("code") if isinstance(error, dict) else None
    if code in _NOT_ANSWERED:
        raise NotAnsweredError(str(code))
    if not isinstance(response, dict):
        if says_something(error):
            raise reported(error, place)
        raise place.error(MalformedResponseError, "a result has neither response nor error")
    request_id = response.get("request_id")
    place = Place(place.model, place.secrets, request_id if isinstance(request_id, str) else None)
    status, body = response.get("status_code"), response.get("body")
    # Some servers send the body as the text that it was.
    # vLLM reports why a request failed next to the response, not in it.
    said = body if body or not says_something(error) else error
    content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
    if isinstance(status, int) and not 200 <= status < 300:
        raise refused(status, {}, content, place, base_url)
    if says_something(error) and not body:
        raise reported(error, place)
    return completions_of(object_in(content, None, place), place, n=request.n)


def _is_quota(words: str) -> bool:
    said = words.lower()
    return any(word in said for word in _QUOTA)
