"""Batches as files for `vllm run-batch`, written to a folder and read once answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from pathlib import Path

from anyio import open_file, to_thread

from catsdk.core.batches import BatchLimits, BatchResult, BatchState, Shard
from catsdk.core.errors import ConfigurationError
from catsdk.core.types import Completion, Request
from catsdk_providers.http.batches import PayloadOf, as_batched, results_in
from catsdk_providers.http.estimates import with_estimate
from catsdk_providers.http.refusals import Place
from catsdk_providers.openai.batches import read_line
from catsdk_providers.openai.wire import batch_line

__all__ = ["RunBatchFiles"]

URL = "/v1/chat/completions"
_PIECE = 2**20


class RunBatchFiles:
    """A folder of files that you process with `vllm run-batch`.

    A batch is `DIGEST.jsonl`; its answers are expected in `DIGEST.out.jsonl`, and are complete when
    there is one for each request::

        vllm run-batch -i DIGEST.jsonl -o DIGEST.out.jsonl --model MODEL

    Args:
        name: The provider's name, for errors.
        folder: The folder.
        payload_of: Returns the body of a request.
    """

    limits = BatchLimits(requests=10**6, bytes=10**9)

    def __init__(self, name: str, folder: str, payload_of: PayloadOf) -> None:
        """Set the folder; nothing is written yet."""
        self._place = Place(name)
        self._folder = Path(folder)
        self._payload_of = payload_of

    def line(self, id: str, request: Request) -> bytes:
        """Return a request as one line of a file."""
        return batch_line(id, URL, self._payload_of(request))

    async def upload(self, shard: Shard) -> str:
        """Write the lines under a temporary name, which nobody processes yet."""
        path = self._path(shard.digest, "part")

        def write() -> None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"\n".join(shard.lines) + b"\n")
            except OSError as error:
                raise ConfigurationError(
                    f"{path} cannot be written: {error}; check Batching(folder=...)"
                ) from error

        await to_thread.run_sync(write)
        return shard.digest

    async def create(self, shard: Shard, uploaded: str) -> str:
        """Rename the file so that it can be processed."""
        await to_thread.run_sync(self._name, shard.digest)
        return shard.digest

    async def find(
        self, digest: str, ids: Sequence[str], since: float, others: Collection[str]
    ) -> str | None:
        """Finish creating the batch if its file exists under either of its two names."""
        there = await to_thread.run_sync(self._name, digest)
        return digest if there else None

    def _name(self, digest: str) -> bool:
        part, path = self._path(digest, "part"), self._path(digest, "jsonl")
        if part.exists():
            part.replace(path)
        return path.exists()

    async def state(self, batch: str) -> BatchState:
        """Check whether each request has an answer."""

        def look() -> BatchState:
            asked, answers = self._path(batch, "jsonl"), self._path(batch, "out.jsonl")
            if not asked.exists():
                return BatchState(ended=True, answered=_lines_in(answers))
            answered = _lines_in(answers)
            return BatchState(ended=answered >= _lines_in(asked), answered=answered)

        return await to_thread.run_sync(look)

    async def results(self, batch: str) -> AsyncGenerator[BatchResult]:
        """Read the answers that exist so far."""
        path = self._path(batch, "out.jsonl")
        if not await to_thread.run_sync(path.exists):
            return
        async for result in results_in(_pieces(path)):
            yield result

    def read(self, result: BatchResult, request: Request) -> Sequence[Completion]:
        """Read the completions of one result."""
        completions = read_line(result, request, self._place, "")
        if completions[0].usage.unreported:
            completions = with_estimate(completions, self._payload_of(request))
        return as_batched(completions)

    async def cancel(self, batch: str) -> None:
        """Rename the file so that nobody starts to process it."""
        path = self._path(batch, "jsonl")

        def take() -> None:
            if path.exists():
                path.replace(self._path(batch, "cancelled"))

        await to_thread.run_sync(take)

    async def aclose(self) -> None:
        """Do nothing: no file is open."""

    def _path(self, digest: str, kind: str) -> Path:
        return self._folder / f"{digest}.{kind}"


async def _pieces(path: Path) -> AsyncGenerator[bytes]:
    async with await open_file(path, "rb") as file:
        while piece := await file.read(_PIECE):
            yield piece


def _lines_in(path: Path) -> int:
    """How many complete lines a file has; one still being written has no line end yet."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(_PIECE), b""))
