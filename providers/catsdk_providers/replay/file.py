"""The file of recorded answers: a first line names the provider, then one answer per line."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from catsdk.core.errors import ConfigurationError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion, Request

__all__ = ["Answer", "Head", "append", "read", "sample_of"]

VERSION = 1
# Fields of `Request.extra` that may hold a key; they are neither written nor compared.
_SECRET = ("key", "token", "secret", "password", "authorization", "credential")
_PLAIN = ("max_tokens", "logit", "tokens")

_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Head:
    """The provider whose answers a file holds: its name and its capabilities."""

    name: str
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded answer: a request for it alone (n is 1) and its completion."""

    request: Request
    completion: Completion


def sample_of(request: Request, index: int) -> Request:
    """The request for sample `index` of `request` alone, without fields that may hold a key.

    With seed s, sample i has seed s + i, whether n samples are requested at once or one by one.
    """
    seed = None if request.seed is None else request.seed + index
    extra = {name: value for name, value in request.extra.items() if not _may_be_secret(name)}
    return request.model_copy(update={"n": 1, "seed": seed, "extra": extra})


def _may_be_secret(name: str) -> bool:
    low = name.lower()
    return any(word in low for word in _SECRET) and not any(word in low for word in _PLAIN)


def append(path: Path, head: Head, answers: Iterable[Answer], hide: Callable[[str], str]) -> None:
    """Append the answers to the file, which is created if missing.

    `hide` removes the provider's secrets from a text. Threads of one process take turns.

    Raises:
        ConfigurationError: the file holds another provider's answers.
    """
    lines = [_line(_hidden(_plain(answer), hide)) for answer in answers]
    with _writing:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            _begin(file, path, head)
            # A single write, so that lines of other processes come before or after it.
            file.write(b"".join(lines))


def _begin(file: BinaryIO, path: Path, head: Head) -> None:
    file.seek(0)
    first = file.readline()
    if not first:
        file.write(_line({"catsdk-replay": VERSION, **asdict(head)}))
        return
    recorded = _head(first, path)
    if recorded.name != head.name:
        raise ConfigurationError(
            f"{path} holds answers of {recorded.name}; record those of {head.name} in a file of"
            " their own"
        )
    _drop_torn_line(file)


def _drop_torn_line(file: BinaryIO) -> None:
    """Remove an incomplete last line, left by a process that was killed while writing."""
    size = file.seek(0, os.SEEK_END)
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)


def read(path: Path) -> tuple[Head, list[Answer]]:
    """Read the whole file, skipping an incomplete last line.

    Raises:
        ConfigurationError: there is no such file, or it holds something else.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise ConfigurationError(
            f"no recorded answers at {path} ({error.strerror}); record some first, with"
            f" Recording(provider, {str(path)!r})"
        ) from error
    whole = [line for line in lines if line.endswith(b"\n")]
    if not whole:
        raise ConfigurationError(f"{path} is empty: nothing was recorded in it")
    return _head(whole[0], path), list(_answers(whole[1:], path))


def _answers(lines: Iterable[bytes], path: Path) -> Iterator[Answer]:
    for number, line in enumerate(lines, start=2):
        try:
            body = json.loads(line)
            yield Answer(
                Request.model_validate(body["request"]),
                Completion.model_validate(body["completion"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}, line {number}, is not a recorded answer") from error


def _head(line: bytes, path: Path) -> Head:
    try:
        body = json.loads(line)
        version = body["catsdk-replay"]
        head = Head(body["name"], Capabilities(**body["capabilities"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is not a file of recorded answers") from error
    if version != VERSION:
        raise ConfigurationError(f"{path} is of version {version}; this catsdk reads {VERSION}")
    return head


def _plain(answer: Answer) -> dict[str, Any]:
    return {"request": _told(answer.request), "completion": _told(answer.completion)}


def _told(value: Request | Completion) -> dict[str, Any]:
    """The fields that differ from their defaults; the others are left out to save space."""
    fields = type(value).model_fields
    told = {name for name, field in fields.items() if getattr(value, name) != field.default}
    return value.model_dump(mode="json", include=told)


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {hide(name): _hidden(each, hide) for name, each in value.items()}
    if isinstance(value, list):
        return [_hidden(each, hide) for each in value]
    return value


def _line(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode() + b"\n"
