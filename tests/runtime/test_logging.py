"""The log under `catsdk` tells of calls, retries and refusals, never of content or keys."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import CatError
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.weather import Weather
from catsdk.testing.wire import Fault
from tests.runtime.loopback_model import MODEL, serving

QUESTION, ANSWER, KEY = "the-secret-question", "the-secret-answer \\boxed{4}", "sk-loopback-key"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    with serving(monkeypatch, ANSWER) as server:
        server.change(Weather(retry_after=0.01))
        yield server


async def logged(caplog: pytest.LogCaptureFixture, *, retries: int = 4) -> dict[int, list[str]]:
    """The lines of a run, by level, none of which holds content or a key."""
    client = cat.Client(retry=cat.Retry(times=retries))
    with caplog.at_level(logging.DEBUG, logger="catsdk"), anyio.fail_after(30), suppress(CatError):
        await cat.CaT(MODEL, reward=cat.AnswerReward(), client=client).run(QUESTION, 2)
    lines: dict[int, list[str]] = {logging.INFO: [], logging.WARNING: []}
    for record in caplog.records:
        if record.name.startswith("catsdk"):
            lines.setdefault(record.levelno, []).append(record.getMessage())
    told = repr(lines)
    assert not any(secret in told for secret in (QUESTION, "the-secret-answer", KEY))
    return lines


async def test_each_call_is_a_line_at_debug_with_its_stage_model_time_and_tokens(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    lines = await logged(caplog)
    told = [line for line in lines[logging.DEBUG] if "answered in" in line]
    assert len(told) == server.counters.requests == 2
    assert [line.split()[1] for line in told] == [f"{MODEL}:"] * 2
    assert told[0].startswith("sample ")
    assert all(re.search(r"answered in \d+\.\d\d s, \d+ tokens", line) for line in told)
    assert not lines[logging.INFO] and not lines[logging.WARNING]


async def test_a_refusal_and_its_retry_are_lines_at_info(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail_next("429")
    lines = await logged(caplog)
    told = "\n".join(lines[logging.INFO])
    assert f"{MODEL}: refused (429), Retry-After 0.01 s" in told
    assert f"{MODEL}: RateLimitedError (429), attempt 2 follows in" in told
    assert not lines[logging.WARNING]


async def test_a_call_that_is_given_up_is_a_line_at_warning(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.change(Weather(failing_share=1.0))
    lines = await logged(caplog, retries=1)
    assert lines[logging.WARNING] == [f"{MODEL}: ServerError (500); gave up after 2 attempts"]


@pytest.mark.behaviour("keys-are-never-shown")
@pytest.mark.parametrize("fault", ["401", "404", "429", "500", "malformed", "not_json", "cut"])
async def test_no_kind_of_failure_brings_content_or_a_key_into_the_log(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    server.fail_next(fault, fault)
    lines = await logged(caplog, retries=1)
    assert lines[logging.DEBUG]


def test_nothing_is_printed_where_nobody_listens() -> None:
    assert not logging.getLogger("catsdk").handlers
    assert logging.getLogger("catsdk").level == logging.NOTSET
