"""Request the rewards of samples from the reward service, until it has answered."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from random import uniform
from typing import Any
from uuid import uuid4

import aiohttp
import anyio
from pydantic import Field
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, InvalidInputError, NoRewardError
from catsdk.core.options import Options

__all__ = ["NoRewardError", "Service", "answers", "service_of"]

_VARIABLES = {
    "url": "CATSDK_REWARD_URL",
    "token": "CATSDK_REWARD_TOKEN",
    "run": "CATSDK_REWARD_RUN",
    "group_size": "CATSDK_GROUP_SIZE",
    "val_group_size": "CATSDK_VAL_GROUP_SIZE",
    "within": "CATSDK_REWARD_WITHIN",
    "ask_again": "CATSDK_REWARD_ASK_AGAIN",
    "tries": "CATSDK_REWARD_TRIES",
}
# A proxy replies 504 if it did not wait for the service, and 502 if it cannot reach it.
_UNAVAILABLE, _BAD_GATEWAY = frozenset({429, 503, 504}), 502
_LONGEST_WAIT = 60.0
_SHORTEST_WAIT = 0.05
# Clients with the same Retry-After spread over up to this multiple of it.
_SPREAD = 8


class Service(Options):
    """Where the reward service is and how to call it; each setting has an environment variable.

    `run` names this run and must be the same for all its workers, so that its samples are never
    grouped with another run's. A sample whose `split` is not `train` belongs to a group of
    `val_group_size`. A request is repeated for `within` seconds if the service is full or does not
    answer; after `ask_again` seconds without an answer it is repeated under the same id. If the
    service cannot be reached, the client gives up after `tries` failures in a row.
    """

    url: str
    token: str | None = None
    run: str = ""
    group_size: int = Field(default=8, ge=1)
    val_group_size: int = Field(default=1, ge=1)
    within: float = Field(default=1800.0, gt=0)
    ask_again: float = Field(default=120.0, gt=0)
    tries: int = Field(default=10, ge=1)


def service_of(settings: Mapping[str, Any]) -> Service:
    """The service that `settings` and the environment name.

    Raises:
        InvalidInputError: there is no address, or a setting is out of its range.
    """
    given: dict[str, Any] = {
        name: str(value)
        for name, variable in _VARIABLES.items()
        if (value := settings.get(name) or os.environ.get(variable))
    }
    if "url" not in given:
        raise InvalidInputError(
            f"the address of the reward service is missing: set {_VARIABLES['url']}"
        )
    return Service(**given)


async def answers(service: Service, samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Request all `samples` concurrently; the answers are in the same order.

    Raises:
        NoRewardError: a sample has no reward; the message has the cause.
        InvalidInputError: the address is invalid.
    """
    headers = {"Authorization": f"Bearer {service.token}"} if service.token else {}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=service.ask_again)
    # No limit on connections: a sample that waits for one would keep its group incomplete.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        headers=headers, timeout=timeout, connector=connector
    ) as session:

        async def one(sample: Mapping[str, Any]) -> dict[str, Any]:
            question = {**sample, "id": uuid4().hex}
            return await _Asking(session, service, question).answer()

        return await fan_out(one, samples)


class _AgainError(CatError):
    """The service has not answered yet; retry after `wait` seconds."""

    def __init__(self, told: str, wait: float) -> None:
        super().__init__(told)
        self.wait = wait


@dataclass
class _Asking:
    """One sample, requested until it is answered; `broken` counts failed connections in a row."""

    session: aiohttp.ClientSession
    service: Service
    sample: Mapping[str, Any]
    broken: int = 0

    async def answer(self) -> dict[str, Any]:
        in_time = stop_before_delay(self.service.within)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_AgainError),
            stop=lambda state: self.broken >= self.service.tries or in_time(state),
            wait=_wait,
            sleep=anyio.sleep,
            reraise=True,
        )
        try:
            told: dict[str, Any] = await retrying(self._ask)
        except _AgainError as error:
            raise NoRewardError(str(error)) from error
        if told["reward"] is None:
            cause = told.get("cause") or told.get("reason") or "no cause was reported"
            raise NoRewardError(str(cause))
        return told

    async def _ask(self) -> dict[str, Any]:
        url = f"{self.service.url}/v1/samples"
        try:
            async with self.session.post(url, json=self.sample) as response:
                status, text = response.status, await response.text(errors="replace")
                after = _seconds(response.headers.get("Retry-After"))
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise InvalidInputError(
                f"the reward service's address is {self.service.url!r}; give one such as"
                " http://HOST:8900"
            ) from error
        except aiohttp.SocketTimeoutError:
            self.broken = 0
            # Retry at once, since the service keeps a sample's place only for a short while.
            raise _AgainError(f"{url} did not answer", 0.0) from None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise self._unreached(f"{type(error).__name__}: {error}") from error
        told = _read(text)
        why = f"the reward service answered {status}: {told.get('detail')}"
        if status == _BAD_GATEWAY:
            raise self._unreached(why)
        self.broken = 0
        if status in _UNAVAILABLE:
            raise _AgainError(why, after)
        if status != 200 or "reward" not in told:
            raise NoRewardError(why)
        if not _is_reward(told["reward"]):
            raise NoRewardError(
                f"the reward service answered with {told['reward']!r:.80} instead of a reward"
            )
        return told

    def _unreached(self, told: str) -> _AgainError:
        self.broken += 1
        return _AgainError(
            f"{told} ({self.broken} times in a row)",
            min(_LONGEST_WAIT, 0.5 * 2 ** (self.broken - 1)) * uniform(0.5, 1.0),
        )


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, _AgainError)
    return error.wait


def _seconds(retry_after: str | None) -> float:
    """The seconds until the next try, with jitter; 1 s if the header is not a number."""
    try:
        wait = float(retry_after or 1.0)
    except ValueError:
        wait = 1.0
    if not isfinite(wait) or wait < 0:
        wait = 1.0
    return max(wait, _SHORTEST_WAIT) * uniform(1.0, _SPREAD)


def _is_reward(value: Any) -> bool:
    """Whether it is a finite number, or `None` for no reward."""
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        return False
    return value is None or isfinite(value)


def _read(text: str) -> dict[str, Any]:
    """The answer's JSON object; any other text, such as a proxy's page, becomes its detail."""
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {"detail": text[:200]}
