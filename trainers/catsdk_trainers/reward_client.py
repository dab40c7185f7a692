"""Thin clients of the reward service for other trainers: verl's and OpenRLHF's call shapes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import aiohttp
import anyio

from catsdk.cat import run_sync
from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.fanout import fan_out

__all__ = ["NoRewardError", "compute_score", "compute_scores", "reward_func"]

_URL, _TOKEN, _SIZE = "CATSDK_REWARD_URL", "CATSDK_REWARD_TOKEN", "CATSDK_GROUP_SIZE"
_TRIES = 8
_AGAIN = frozenset({429, 502, 503})


class NoRewardError(CatError):
    """The service has no reward for a sample; these trainers take numbers only, so that it ends."""


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Ask as verl's `custom_reward_function`, for its reward loop, which asks for many at once.

    `extra_info` must hold `index`, the row of the data set, as verl's own preprocessing writes it;
    `question` (or `prompt`) is what the anchor may be shown, and `global_steps` or `step` keeps
    steps apart where it is there. Address, token and G are `CATSDK_REWARD_URL`,
    `CATSDK_REWARD_TOKEN` and `CATSDK_GROUP_SIZE`, or `url`, `token` and `group_size` of verl's
    `reward_kwargs`. A reward manager that awaits one sample after another never completes a group;
    there use `compute_scores`.

    Raises:
        NoRewardError: there is no reward, with the cause.
        InvalidInputError: `index` or the address is missing.
    """
    told = await _ask(
        _verl_sample(data_source, solution_str, ground_truth, extra_info, settings), settings
    )
    return {"score": told["reward"], "agreement": (told["reference"] or {}).get("agreement") or 0.0}


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    **settings: Any,
) -> list[float]:
    """Do the same for verl's batch reward manager, which hands over whole batches.

    Raises:
        NoRewardError, InvalidInputError: as for `compute_score`.
    """
    samples = [
        _verl_sample(*row, settings)
        for row in zip(data_sources, solution_strs, ground_truths, extra_infos, strict=True)
    ]
    told = run_sync(lambda: fan_out(lambda sample: _ask(sample, settings), samples))
    return [each["reward"] for each in told]


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
) -> dict[str, Any]:
    """OpenRLHF's own function, of a file given as its remote URL: rewards, scores, extra logs.

    Raises:
        NoRewardError, InvalidInputError: as for `compute_score`.
    """
    import torch

    samples = [
        {
            "group": f"{prompt}\n{label}",
            "prompt": prompt,
            "response": query.removeprefix(prompt),
            "row": {} if label is None else {"answer": str(label)},
        }
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]
    told = run_sync(lambda: fan_out(lambda sample: _ask(sample, {}), samples))
    rewards = torch.tensor([float(each["reward"]) for each in told])
    return {"rewards": rewards, "scores": rewards, "extra_logs": {}}


def _verl_sample(
    source: str, response: str, truth: Any, extra: Mapping[str, Any] | None, _: Any
) -> dict[str, Any]:
    extra = extra or {}
    if extra.get("index") is None:
        raise InvalidInputError(
            "extra_info has no 'index': it tells which samples make a group; write the row's number"
            " there when the data set is prepared"
        )
    step = extra.get("global_steps", extra.get("step", ""))
    name = f"{source}/{extra.get('split', '')}/{extra['index']}/{step}"
    return {
        "group": name,
        "prompt": extra.get("question") or extra.get("prompt") or name,
        "response": response,
        "row": {} if truth is None else {"answer": str(truth)},
    }


async def _ask(sample: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Send a sample, again where the service has no room or the connection broke."""
    url = settings.get("url") or os.environ.get(_URL)
    if not url:
        raise InvalidInputError(f"the address of the reward service is missing: set {_URL}")
    size = int(settings.get("group_size") or os.environ.get(_SIZE) or 8)
    body = {**sample, "size": size, "id": uuid4().hex}
    token = settings.get("token") or os.environ.get(_TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    status, told = 0, dict[str, Any]()
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        for attempt in range(_TRIES):
            status, told, wait = await _post(session, f"{url}/v1/samples", body)
            if status == 200:
                return _with_reward(told)
            if status not in _AGAIN:
                break
            await anyio.sleep(wait or 0.5 * 2**attempt)
    raise NoRewardError(f"the reward service answered {status}: {told.get('detail')}")


async def _post(
    session: aiohttp.ClientSession, url: str, body: Mapping[str, Any]
) -> tuple[int, dict[str, Any], float]:
    try:
        async with session.post(url, json=body) as response:
            told = await response.json()
            return response.status, told, float(response.headers.get("Retry-After", 0))
    except aiohttp.ClientConnectionError as error:
        return 503, {"detail": f"{type(error).__name__}: {error}"}, 0.0
    except aiohttp.ContentTypeError as error:
        return error.status, {"detail": error.message}, 0.0


def _with_reward(told: dict[str, Any]) -> dict[str, Any]:
    if told["reward"] is None:
        raise NoRewardError(told["cause"] or told["reason"] or "no cause was told")
    return told
