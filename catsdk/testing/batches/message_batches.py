"""The server's side of Anthropic's Message Batches."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from catsdk.testing.batches.desk import BatchDesk, Entry, Handler, ServedBatch, keyed
from catsdk.testing.messages_wire import MESSAGES

__all__ = ["MessageBatches"]

_MOST = 100_000
_PAGE = 20
_KINDS = {"unanswered": "expired", "failed": "errored", "null_error": "errored"}


class MessageBatches:
    """The handlers of the wire, over a desk.

    Args:
        desk: What keeps the batches.
        model: The model that requests must ask for.
        key: The key that they must carry.
    """

    def __init__(self, desk: BatchDesk, model: str, key: str) -> None:
        """Choose what is served."""
        self.desk, self.model, self.key = desk, model, key

    def add_to(self, app: web.Application) -> None:
        """Serve the wire."""
        path = "/v1/messages/batches"
        app.router.add_post(path, self._keyed(self._create))
        app.router.add_get(path, self._keyed(self._list))
        app.router.add_get(f"{path}/{{id}}", self._keyed(self._retrieve))
        app.router.add_get(f"{path}/{{id}}/results", self._keyed(self._results))
        app.router.add_post(f"{path}/{{id}}/cancel", self._keyed(self._cancel))

    def _keyed(self, handler: Handler) -> Handler:
        return keyed(
            handler,
            MESSAGES,
            self.key,
            lambda: _error(401, "authentication_error", "invalid x-api-key"),
        )

    async def _create(self, http: web.Request) -> web.StreamResponse:
        asked = await http.json()
        self.desk.step("create")
        if self.desk.refuses():
            return _error(429, "rate_limit_error", "Too many batch requests are being processed")
        entries = [Entry(each["custom_id"], each["params"]) for each in asked["requests"]]
        wrong = self._wrong(entries)
        if wrong is not None:
            return _error(400, "invalid_request_error", wrong)
        if self.desk.is_too_much(ServedBatch("", entries, {})):
            return _error(429, "rate_limit_error", "Too many requests are in the processing queue")
        batch = self.desk.add(entries, {})
        self.desk.step("created")
        return web.json_response(self._told(batch, http))

    def _wrong(self, entries: list[Entry]) -> str | None:
        if not 0 < len(entries) <= _MOST:
            return f"requests: between 1 and {_MOST} are needed"
        if len({entry.id for entry in entries}) != len(entries):
            return "requests: a custom_id is there twice"
        if any(len(entry.id) > 64 for entry in entries):
            return "requests: a custom_id is too long"
        if any(entry.body.get("model") != self.model for entry in entries):
            return "requests: model: no such model"
        return None

    async def _list(self, http: web.Request) -> web.StreamResponse:
        self.desk.step("list")
        batches = list(reversed(self.desk.batches.values())) if self.desk.weather.listed else []
        after = http.query.get("after_id")
        if after is not None:
            batches = batches[[each.id for each in batches].index(after) + 1 :]
        page = batches[: min(int(http.query.get("limit", _PAGE)), _PAGE)]
        for batch in page:
            # Nobody asks for one by its id who does not know it.
            await self.desk.ask(batch, MESSAGES)
        told = {
            "data": [self._told(each, http) for each in page],
            "has_more": len(page) < len(batches),
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
        return web.json_response(told)

    async def _retrieve(self, http: web.Request) -> web.StreamResponse:
        batch = self.desk.batches.get(http.match_info["id"])
        if batch is None:
            return _error(404, "not_found_error", "no such batch")
        self.desk.step("poll")
        await self.desk.ask(batch, MESSAGES)
        return web.json_response(self._told(batch, http))

    async def _cancel(self, http: web.Request) -> web.StreamResponse:
        batch = self.desk.batches[http.match_info["id"]]
        self.desk.step("cancel")
        if batch.status != "working":
            return _error(400, "invalid_request_error", "the batch has ended")
        await self.desk.cancel(batch, MESSAGES)
        return web.json_response(self._told(batch, http))

    async def _results(self, http: web.Request) -> web.StreamResponse:
        batch = self.desk.batches[http.match_info["id"]]
        self.desk.step("download")
        lines = [
            {"custom_id": entry.id, "result": _result(batch, entry)}
            for entry in self.desk.results(batch)
        ]
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        response = web.StreamResponse(headers={"content-type": "application/x-jsonl"})
        response.content_length = len(content)
        await response.prepare(http)
        if self.desk.cuts():
            await response.write(content[: len(content) // 2])
            raise ConnectionResetError
        await response.write(content)
        self.desk.step("downloaded")
        return response

    def _told(self, batch: ServedBatch, http: web.Request) -> dict[str, Any]:
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


def _error(status: int, kind: str, message: str) -> web.Response:
    return web.json_response(
        {"type": "error", "error": {"type": kind, "message": message}}, status=status
    )
