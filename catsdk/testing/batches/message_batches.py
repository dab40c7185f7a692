"""The server's side of Anthropic's Message Batches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web

from catsdk.testing.batches.desk import Entry, ServedBatch
from catsdk.testing.batches.service import BatchService, Handler
from catsdk.testing.messages_wire import MESSAGES

__all__ = ["MessageBatches"]

_MOST = 100_000


class MessageBatches(BatchService):
    """The handlers of the wire, over a desk."""

    wire = MESSAGES
    after = "after_id"
    errors: ClassVar = {
        "key": (401, "authentication_error", "invalid x-api-key"),
        "missing": (404, "not_found_error", "no such batch"),
        "over": (400, "invalid_request_error", "the batch has ended"),
    }

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Batches, and their results."""
        path = "/v1/messages/batches"
        return (
            ("POST", path, self._create),
            ("GET", path, self._list),
            ("GET", f"{path}/{{id}}", self.retrieve),
            ("GET", f"{path}/{{id}}/results", self._results),
            ("POST", f"{path}/{{id}}/cancel", self.cancel),
        )

    def error(self, status: int, kind: str, message: str) -> web.Response:
        """An error as Anthropic writes it."""
        body = {"type": "error", "error": {"type": kind, "message": message}}
        return web.json_response(body, status=status)

    async def _create(self, http: web.Request) -> web.StreamResponse:
        asked = await http.json()
        self.desk.step("create")
        if self.desk.refuses():
            return self.error(
                429, "rate_limit_error", "Too many batch requests are being processed"
            )
        entries = [Entry(each["custom_id"], each["params"]) for each in asked["requests"]]
        wrong = self._wrong(entries)
        if wrong is not None:
            return self.error(400, "invalid_request_error", wrong)
        if self.desk.is_too_much(ServedBatch("", entries, {})):
            return self.error(
                429, "rate_limit_error", "Too many requests are in the processing queue"
            )
        batch = self.desk.add(entries, {})
        self.desk.step("created")
        return web.json_response(self.told(batch, http))

    def _wrong(self, entries: list[Entry]) -> str | None:
        if not 0 < len(entries) <= _MOST:
            return f"requests: between 1 and {_MOST} are needed"
        if len({entry.id for entry in entries}) != len(entries):
            return "requests: a custom_id appears twice"
        if any(len(entry.id) > 64 for entry in entries):
            return "requests: a custom_id is too long"
        if any(entry.body.get("model") != self.model for entry in entries):
            return "requests: model: no such model"
        return None

    async def _list(self, http: web.Request) -> web.StreamResponse:
        page, more = self.page(http)
        for batch in page:
            # A client that does not know an id cannot poll the batch by it.
            await self.desk.ask(batch, MESSAGES)
        told = {
            "data": [self.told(each, http) for each in page],
            "has_more": more,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
        return web.json_response(told)

    async def _results(self, http: web.Request) -> web.StreamResponse:
        batch = self.desk.batches[http.match_info["id"]]
        self.desk.step("download")
        entries = self.desk.results(batch)
        lines = [{"custom_id": each.id, "result": _result(batch, each)} for each in entries]
        return await self.download(http, lines, "application/x-jsonl")

    def told(self, batch: ServedBatch, http: web.Request) -> dict[str, Any]:
        """A batch as Anthropic describes it."""
        created = datetime.fromtimestamp(batch.created, UTC)
        ended = batch.status != "working"
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        if ended:
            for entry in batch.entries:
                counts[_result(batch, entry)["type"]] += 1
        else:
            counts["processing"] = len(batch.entries)
        results = f"{http.scheme}://{http.host}/v1/messages/batches/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts,
            "created_at": created.isoformat(),
            "expires_at": (created + timedelta(hours=24)).isoformat(),
            "ended_at": created.isoformat() if ended else None,
            "cancel_initiated_at": None,
            "archived_at": None,
            "results_url": results if ended else None,
        }


def _result(batch: ServedBatch, entry: Entry) -> dict[str, Any]:
    if entry.fate == "unanswered":
        return {"type": "canceled" if batch.status == "cancelled" else "expired"}
    if entry.fate == "null_response":
        return {"type": "succeeded", "message": None}
    if entry.fate == "null_error":
        return {"type": "errored", "error": None}
    if entry.fate == "failed":
        return {"type": "errored", "error": MESSAGES.refusals["400"].body}
    return {"type": "succeeded", "message": MESSAGES.reply_of(entry.completions, entry.body)}
