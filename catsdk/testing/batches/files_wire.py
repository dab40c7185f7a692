"""The server's side of OpenAI's Files and Batches."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from aiohttp import web

from catsdk.testing.batches.desk import Entry, ServedBatch
from catsdk.testing.batches.service import BatchService, Handler
from catsdk.testing.chat_wire import CHAT

__all__ = ["FilesAndBatches"]

_STATUSES = {
    "working": "in_progress",
    "ended": "completed",
    "expired": "expired",
    "cancelled": "cancelled",
    "refused": "failed",
}
# With and without the version, which Azure omits.
_PATHS = ("/v1/chat/completions", "/chat/completions")
_OVER = {"ended", "expired", "cancelled"}
_MOST = 50_000
_LIMIT = "Enqueued token limit reached for this model. Please try again once some batches end."


class FilesAndBatches(BatchService):
    """The handlers of the wire, over a desk."""

    wire = CHAT
    after = "after"
    errors: ClassVar = {
        "key": (401, "invalid_api_key", "Incorrect API key provided"),
        "missing": (404, "not_found", "no such batch"),
        "over": (409, "conflict", "the batch has ended"),
    }

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Files, and batches of them."""
        return (
            ("POST", "/v1/files", self._upload),
            ("GET", "/v1/files/{id}", self._file),
            ("GET", "/v1/files/{id}/content", self._content),
            ("POST", "/v1/batches", self._create),
            ("GET", "/v1/batches", self._list),
            ("GET", "/v1/batches/{id}", self.retrieve),
            ("POST", "/v1/batches/{id}/cancel", self.cancel),
        )

    def error(self, status: int, kind: str, message: str) -> web.Response:
        """An error as OpenAI writes it."""
        body = {"error": {"message": message, "type": kind, "code": kind, "param": None}}
        return web.json_response(body, status=status)

    async def _upload(self, http: web.Request) -> web.StreamResponse:
        form = await http.post()
        self.desk.step("upload")
        upload = form["file"]
        if form.get("purpose") != "batch" or not isinstance(upload, web.FileField):
            return self.error(400, "invalid_request_error", "a file with purpose 'batch' is needed")
        content = upload.file.read()
        lines = [json.loads(line) for line in content.splitlines() if line.strip()]
        id = f"file-{len(self.desk.files)}"
        self.desk.files[id] = lines
        return web.json_response(_file_of(id, len(content), upload.filename))

    async def _file(self, http: web.Request) -> web.StreamResponse:
        return web.json_response(_file_of(http.match_info["id"], 0, "batch.jsonl"))

    async def _create(self, http: web.Request) -> web.StreamResponse:
        asked = await http.json()
        self.desk.step("create")
        if self.desk.refuses():
            return self.error(429, "rate_limit_exceeded", _LIMIT)
        lines = self.desk.files.get(asked["input_file_id"])
        wrong = self._wrong(lines, asked)
        if lines is None or wrong is not None:
            return self.error(400, "invalid_request_error", wrong or "no such file")
        entries = [Entry(line["custom_id"], line["body"]) for line in lines]
        batch = self.desk.add(
            entries, asked.get("metadata") or {}, asked["input_file_id"], asked["endpoint"]
        )
        self.desk.step("created")
        return web.json_response(self.told(batch, http))

    def _wrong(self, lines: list[dict[str, Any]] | None, asked: dict[str, Any]) -> str | None:
        if lines is None:
            return "no such file"
        if len(lines) > _MOST:
            return f"a batch has at most {_MOST} requests"
        if asked["completion_window"] != "24h" or asked["endpoint"] not in _PATHS:
            return "completion_window or endpoint is wrong"
        if any(line["url"] != asked["endpoint"] for line in lines):
            return "a line has another url than the batch's endpoint"
        if len({line["custom_id"] for line in lines}) != len(lines):
            return "a custom_id appears twice"
        if any(line["body"].get("model") != self.model for line in lines):
            return "a line asks for another model"
        return None

    async def _list(self, http: web.Request) -> web.StreamResponse:
        page, more = self.page(http)
        told = [self.told(each, http) for each in page]
        return web.json_response({"object": "list", "data": told, "has_more": more})

    async def _content(self, http: web.Request) -> web.StreamResponse:
        id = http.match_info["id"]
        kind, _, batch_id = id.partition("-of-")
        batch = self.desk.batches[batch_id]
        self.desk.step("download")
        wanted = [
            _line(entry)
            for entry in self.desk.results(batch)
            if _is_error(entry) == (kind == "errors")
        ]
        return await self.download(http, filter(None, wanted))

    def told(self, batch: ServedBatch, http: web.Request) -> dict[str, Any]:
        """A batch as OpenAI describes it."""
        told = self.desk.results(batch) if batch.status in _OVER else []
        worked = any(entry.fate != "unanswered" for entry in batch.entries)
        failed = sum(map(_is_error, told))
        errors = [{"code": "token_limit_exceeded", "message": _LIMIT, "line": None, "param": None}]
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.path,
            "input_file_id": batch.file,
            "completion_window": "24h",
            "created_at": batch.created,
            "status": _STATUSES[batch.status],
            "metadata": batch.metadata or None,
            "errors": {"object": "list", "data": errors} if batch.status == "refused" else None,
            "output_file_id": f"answers-of-{batch.id}" if worked and len(told) > failed else None,
            "error_file_id": f"errors-of-{batch.id}" if worked and failed else None,
            "request_counts": {
                "total": len(batch.entries),
                "completed": len(told) - failed,
                "failed": failed,
            },
        }


def _is_error(entry: Entry) -> bool:
    return entry.fate in {"failed", "null_error", "unanswered"}


def _line(entry: Entry) -> dict[str, Any]:
    line: dict[str, Any] = {"id": f"req-{entry.id}", "custom_id": entry.id}
    if entry.fate == "null_response":
        return {**line, "response": None, "error": None}
    if entry.fate == "unanswered":
        error = {"code": "batch_expired", "message": "This request could not be executed in time."}
        return {**line, "response": None, "error": error}
    status, body = 200, {}
    if entry.fate in {"failed", "null_error"}:
        refusal = CHAT.refusals["400"]
        status, body = refusal.status, refusal.body
        if entry.fate == "null_error":
            # Some services report nothing more.
            status, body = 500, {"error": None}
    else:
        body = CHAT.reply_of(entry.completions, entry.body)
    response = {"status_code": status, "request_id": f"req-{entry.id}", "body": body}
    return {**line, "response": response, "error": None}


def _file_of(id: str, size: int, name: str) -> dict[str, Any]:
    return {
        "id": id,
        "object": "file",
        "bytes": size,
        "created_at": 0,
        "filename": name,
        "purpose": "batch",
        "status": "processed",
    }
