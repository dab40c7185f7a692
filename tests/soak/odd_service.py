"""A service that gives one odd, broken or missing reply in four, and keeps books of them."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Literal

from catsdk.testing import LoopbackServer, RawReply

__all__ = ["FAULTS", "NETWORK", "ODD", "SLOW", "OddService", "Served"]

Json = dict[str, Any]
GROUP = re.compile(r"group (\d+)")
# Words of one length: a service that counts one answer of many says with it what the others have.
WORDS = ["alpha", "gamma", "delta", "sigma", "theta", "kappa", "omega"]
PROMPT = 7
JSON = {"content-type": "application/json"}
STREAM = {"content-type": "text/event-stream"}
AWAY = "http://192.0.2.1/v1/chat/completions"

FAULTS = 0.25
"""The share of requests that meet something odd; of those, one in four the network's faults."""
_OF_THE_NETWORK = 0.25
SLOW: list[Any] = ["hang", "trickle"]
NETWORK: list[Any] = [
    "reset",
    "reset",
    "reset",
    "cut",
    "cut",
    "cut",
    "429_date",
    "endless",
    *SLOW,
]
"""Each comes as often as it stands here."""


@dataclass(slots=True)
class Served:
    """One reply: its tokens, whether it reports them, and the answers that a reader must find.

    `tokens` are all that it took, `found` those of the prompt and of the answers that can be read.
    """

    kind: str
    group: int
    tokens: int = 0
    found: int = 0
    reported: bool = True
    good: tuple[str, ...] = ()


@dataclass(slots=True)
class Reply:
    """A good reply, which a fault then changes. `good` are the places of what can be read of it."""

    body: Json
    good: set[int]
    streamed: bool
    random: Random
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    content: bytes | None = None
    reported: bool = True

    @property
    def choices(self) -> list[Json]:
        """Its choices."""
        choices: list[Json] = self.body["choices"]
        return choices

    def one(self) -> tuple[int, Json]:
        """One of its choices, by chance, and its place."""
        at = self.random.randrange(len(self.choices))
        return at, self.choices[at]

    def refused(self, status: int, body: Any, **headers: str) -> None:
        """Make it an answer that took nothing."""
        self.status, self.good = status, set()
        self.content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers |= headers
        self.streamed = False


def _failed_choice(reply: Reply) -> None:
    at, choice = reply.one()
    error = {"code": 502, "message": "Upstream provider failed"}
    choice.update(finish_reason="error", error=error, message={"role": "assistant", "content": ""})
    reply.good.discard(at)


def _broken_off(reply: Reply) -> None:
    at, choice = reply.one()
    choice["finish_reason"] = "network_error"
    reply.good.discard(at)


def _withheld(reply: Reply) -> None:
    at, choice = reply.one()
    choice.update(finish_reason="content_filter: PROHIBITED_CONTENT", message=None)
    reply.good.discard(at)


def _no_choice(reply: Reply) -> None:
    at, _ = reply.one()
    reply.choices[at] = reply.random.choice([{"index": at}, {"index": at, "message": 7}])
    reply.good.discard(at)


def _silent(reply: Reply) -> None:
    odd: list[Any] = [None, {}, "none", [], {"prompt_tokens": 7}, {"completion_tokens": -1}]
    reply.body["usage"] = reply.random.choice(odd)
    reply.reported = False


def _odd_details(reply: Reply) -> None:
    reply.body["usage"] |= {"prompt_tokens_details": [], "completion_tokens_details": "odd"}


def _odd_logprobs(reply: Reply) -> None:
    _, choice = reply.one()
    choice["logprobs"] = reply.random.choice([[], {"content": [{"token": "a", "logprob": None}]}])


def _twice(reply: Reply) -> None:
    if reply.streamed:
        # In a stream, what has the same index goes on with the same answer.
        return
    at, choice = reply.one()
    message = {"role": "assistant", "content": "an answer that nobody asked for"}
    reply.choices.append({**choice, "index": at, "message": message})


def _too_many(reply: Reply) -> None:
    message = {"role": "assistant", "content": "one too many"}
    for at in range(3):
        more = {"index": len(reply.choices) + at, "finish_reason": "stop", "message": message}
        reply.choices.append(more)


def _foreign_indexes(reply: Reply) -> None:
    for choice in reply.choices:
        choice["index"] += 100


def _in_parts(reply: Reply) -> None:
    for choice in reply.choices:
        text = choice["message"]["content"]
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
        parts = [{"type": "text", "text": text[:5]}, {"type": "text", "text": text[5:]}]
        choice["message"]["content"] = [thinking, *parts]


def _empty_error(reply: Reply) -> None:
    reply.body["error"] = reply.random.choice([{}, None, {"message": ""}, {"code": 0}])


def _odd_type(reply: Reply) -> None:
    kinds = ["text/html", "application/json; charset=hex", "text/plain; charset=idna", ""]
    reply.headers["content-type"] = reply.random.choice(kinds)


def _other_way(reply: Reply) -> None:
    """Answer whole where a stream is asked for, and the other way round."""
    reply.streamed = not reply.streamed and len(reply.choices) == 1


def _noise(reply: Reply) -> None:
    reply.content = b"\xef\xbb\xbf: ping\n\ndata:\n\n" + _content(reply) if reply.streamed else None
    if reply.content is None:
        reply.content = b"\xef\xbb\xbf\n " + _content(reply) + b"\n"


def _compressed(reply: Reply) -> None:
    reply.content = gzip.compress(_content(reply))
    reply.headers["content-encoding"] = "gzip"


def _bomb(reply: Reply) -> None:
    reply.refused(200, gzip.compress(b" " * 40_000_000), **{"content-encoding": "gzip"})


def _broken_gzip(reply: Reply) -> None:
    reply.refused(200, gzip.compress(b"{}" * 99)[:20], **{"content-encoding": "gzip"})


def _half(reply: Reply) -> None:
    content = _content(reply)
    reply.content, reply.good, reply.reported = content[: len(content) // 3], set(), False


def _no_json(reply: Reply) -> None:
    odd: list[Any] = [b"", b"<html>", b"[[" * 2_000, b'{"choices": [7, null]}', b"null", b"NaN"]
    reply.refused(200, reply.random.choice(odd))


def _reported_error(reply: Reply) -> None:
    errors: list[Any] = [
        {"error": {"message": "slow down", "code": "429"}},
        {"error": {"message": "overloaded", "code": 503, "type": ["odd"]}},
        {"object": "error", "message": "the worker died", "code": 500},
        {"error": "the model is loading"},
    ]
    reply.refused(200, reply.random.choice(errors))


def _failing(reply: Reply) -> None:
    bodies: list[Any] = [
        b"upstream connect error", {"detail": [{"loc": ["body"], "msg": "odd"}]},
        [{"error": {"code": 503, "message": "UNAVAILABLE"}}], {"errors": [{"message": "x"}]}, b"",
    ]  # fmt: skip
    waits = ["Fri, 31 Dec 9999 23:59:59 -2400", "nan", "1e400", "-1", "0", "soon"]
    headers = {"retry-after": reply.random.choice(waits)} if reply.random.random() < 0.5 else {}
    status = reply.random.choice([429, 500, 502, 503, 529, 599])
    reply.refused(status, reply.random.choice(bodies), **headers)


def _refusing(reply: Reply) -> None:
    bodies: list[Any] = [
        {"detail": "the input length exceeds the context length"},
        {"error": {"message": "blocked", "code": "content_filter"}}, {"error": "KEY may not do it"},
    ]  # fmt: skip
    reply.refused(reply.random.choice([400, 413, 403]), reply.random.choice(bodies))


def _moved(reply: Reply) -> None:
    places = [AWAY, "http://" + "a" * 70 + ".example/", "http://[", "//"]
    reply.refused(307, b"", location=reply.random.choice(places))


ODD_BUT_GOOD: Mapping[str, Callable[[Reply], None]] = {
    "odd details": _odd_details, "odd logprobs": _odd_logprobs, "twice": _twice,
    "too many": _too_many, "foreign indexes": _foreign_indexes, "in parts": _in_parts,
    "empty error": _empty_error, "odd type": _odd_type, "other way": _other_way, "noise": _noise,
    "compressed": _compressed, "silent": _silent,
}  # fmt: skip
"""What a reader must read all the same."""
ODD: Mapping[str, Callable[[Reply], None]] = {
    **ODD_BUT_GOOD,
    "failed choice": _failed_choice, "broken off": _broken_off, "withheld": _withheld,
    "no choice": _no_choice, "half": _half, "no JSON": _no_json, "bomb": _bomb,
    "broken gzip": _broken_gzip, "reported error": _reported_error, "failing": _failing,
    "refusing": _refusing, "moved": _moved,
}  # fmt: skip


@dataclass
class OddService:
    """Answers the chat completions of `server`; its books are by request id.

    `counts` says whether the usage has the tokens of all answers, or of the first one only.
    """

    server: LoopbackServer
    seed: int
    counts: Literal["all", "one"] = "all"
    takes_n: bool = True
    books: dict[str, Served] = field(default_factory=dict[str, Served])
    given: dict[str, int] = field(default_factory=dict[str, int])
    kinds: Counter[str] = field(default_factory=Counter[str])
    _ids: Any = field(default_factory=count)
    _seen: Counter[str] = field(default_factory=Counter[str])

    def answer(self, payload: Json) -> RawReply | None:
        """Reply to a request, well three times in four; `None` leaves it to the server's fault."""
        if payload.get("n", 1) > 1 and not self.takes_n:
            return RawReply({"detail": "Only n = 1 is supported"}, 422)
        said = json.dumps(payload, sort_keys=True)
        self._seen[said] += 1
        random = Random(f"{self.seed} {self._seen[said]} {said}")
        chance = random.random()
        if chance < FAULTS * _OF_THE_NETWORK:
            fault = random.choice(NETWORK)
            self.kinds[fault] += 1
            self.server.fail_next(fault)
            return None
        kind = random.choice(list(ODD)) if chance < FAULTS else "good"
        self.kinds[kind] += 1
        return self._reply(payload, kind, random)

    def _reply(self, payload: Json, kind: str, random: Random) -> RawReply:
        found = GROUP.search(payload["messages"][-1]["content"])
        assert found is not None
        group, n = int(found[1]), payload.get("n") or 1
        texts = [self._text(group, random) for _ in range(n)]
        tokens = [len(text.split()) for text in texts]
        counted = sum(tokens) if self.counts == "all" else tokens[0]
        choices = [
            {
                "index": at,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
            for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": PROMPT, "completion_tokens": counted}
        body = {"model": payload["model"], "choices": choices, "usage": usage}
        streamed = bool(payload.get("stream"))
        reply = Reply(body, set(range(n)), streamed, random)
        if kind in ODD:
            ODD[kind](reply)
        served = Served(kind, group, reported=reply.reported and (self.counts == "all" or n == 1))
        if reply.status == 200 and (reply.good or reply.content is None or not reply.reported):
            served.tokens = PROMPT + sum(tokens)
            served.found = PROMPT + sum(tokens[at] for at in reply.good)
        served.good = tuple(texts[at] for at in sorted(reply.good))
        self.given |= dict.fromkeys(served.good, group)
        name = f"odd-{next(self._ids)}"
        self.books[name] = served
        if reply.streamed:
            reply.headers = STREAM | {
                key: value for key, value in reply.headers.items() if key != "content-type"
            }
        content = _content(reply) if reply.content is None else reply.content
        return RawReply(content, reply.status, {**reply.headers, "x-request-id": name})

    def _text(self, group: int, random: Random) -> str:
        words = " ".join(random.choices(WORDS, k=50))
        return f"{words} group {group} number {next(self._ids)} \\boxed{{{random.randrange(3)}}}"


def _content(reply: Reply) -> bytes:
    if not reply.streamed:
        return json.dumps(reply.body).encode()
    events: list[Json] = []
    for choice in reply.choices:
        message = choice.pop("message", None)
        delta = message if isinstance(message, dict) else {"content": message}
        text = delta.get("content")
        pieces = [text[:9], text[9:]] if isinstance(text, str) else [text]
        at = choice.get("index", 0)
        events += [{"choices": [{"index": at, "delta": {"content": piece}}]} for piece in pieces]
        events.append({"choices": [{**choice, "delta": {}}]})
    events.append({"choices": [], "usage": reply.body["usage"]})
    lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    return b"".join([*lines, b"data: [DONE]\n\n"])
