"""Clients of the reward service with the call signatures of verl and OpenRLHF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from anyio.from_thread import start_blocking_portal

from catsdk.core.errors import InvalidInputError

# These trainers load this file by path without registering the module, which classes would need.
from catsdk_trainers.remote.asking import NoRewardError, Service, answers, service_of

__all__ = ["NoRewardError", "compute_score", "compute_scores", "reward_func"]


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    r"""Return the reward of one sample, as verl's `custom_reward_function` asks for it.

    The address of the reward service and further settings are keys of verl's `reward_kwargs` or
    variables: `url` (`CATSDK_REWARD_URL`), `token` (`CATSDK_REWARD_TOKEN`), `run`
    (`CATSDK_REWARD_RUN`, a name shared by all workers of a run and by no other run), `group_size`
    (`CATSDK_GROUP_SIZE`, G), `val_group_size` (`CATSDK_VAL_GROUP_SIZE`), `within`
    (`CATSDK_REWARD_WITHIN`), `ask_again` (`CATSDK_REWARD_ASK_AGAIN`) and `tries`
    (`CATSDK_REWARD_TRIES`). verl's reward loop requests many samples at once. A reward manager that
    awaits one sample after another never completes a group; use `compute_scores` there.

    Args:
        data_source: The name of the data set.
        solution_str: The response.
        ground_truth: The known answer, for rewards that need one.
        extra_info: Must have `index`, the row in the data set, as written by verl's preprocessing.
            `question` (or `prompt`) is what the anchor may see; `global_steps` or `step` keeps
            steps apart; `tokens` and `finish_reason` ("stop" or "length"), which length penalties
            need, are passed on. A sample with a `split` other than `train` belongs to a group of
            `val_group_size`, 1 by default.
        settings: The settings above.

    Raises:
        NoRewardError: there is no reward; the message has the cause.
        InvalidInputError: `index` or the address is missing, or a setting is out of its range.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.serve import serving
        >>> from catsdk.train import compute_score
        >>> sample = ("sums", r"\boxed{4}", "4", {"index": 0, "question": "2+2?"})
        >>> async with serving(cat.CaT(reward=cat.Gold())) as address:
        ...     reward = await compute_score(*sample, url=address, group_size=1, run="a")
        >>> reward["score"]
        1.0
    """
    service = service_of(settings)
    sample = _verl_sample(data_source, solution_str, ground_truth, extra_info, service)
    (told,) = await answers(service, [sample])
    reference = told.get("reference")
    agreement = reference.get("agreement") if isinstance(reference, Mapping) else None
    return {
        "score": told["reward"],
        "agreement": agreement if isinstance(agreement, int | float) else 0.0,
    }


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    **settings: Any,
) -> list[float]:
    r"""Return the rewards of a whole batch, as verl's batch reward manager asks for them.

    Args:
        data_sources: As for `compute_score`, one for each sample.
        solution_strs: The responses.
        ground_truths: The known answers.
        extra_infos: As for `compute_score`, one for each sample.
        settings: As for `compute_score`.

    Raises:
        NoRewardError: there is no reward, with the cause.
        InvalidInputError: as for `compute_score`.

    Example:
        >>> import catsdk as cat
        >>> from anyio import to_thread
        >>> from catsdk.serve import serving
        >>> from catsdk.train import compute_scores
        >>> rows = [{"index": 0, "question": "2+2?"}] * 2
        >>> async with serving(cat.CaT(reward=cat.Gold())) as address:
        ...     rewards = await to_thread.run_sync(
        ...         lambda: compute_scores(
        ...             ["sums"] * 2, [r"\boxed{4}", r"\boxed{5}"], ["4", "4"], rows,
        ...             url=address, group_size=2, run="b",
        ...         )
        ...     )
        >>> rewards
        [1.0, 0.0]
    """
    service = service_of(settings)
    samples = [
        _verl_sample(*row, service)
        for row in zip(data_sources, solution_strs, ground_truths, extra_infos, strict=True)
    ]
    return [told["reward"] for told in _in_a_loop(service, samples)]


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
) -> dict[str, Any]:
    r"""Return rewards, scores and logs, as OpenRLHF asks for them of a remote URL that is a file.

    The service's address is `CATSDK_REWARD_URL`; see `compute_score` for the other variables.

    Args:
        queries: The prompts with their responses, as the trainer joins them.
        prompts: The prompts.
        labels: The known answers.

    Raises:
        NoRewardError: there is no reward, with the cause.
        InvalidInputError: as for `compute_score`.

    Example:
        >>> import os
        >>> import catsdk as cat
        >>> from anyio import to_thread
        >>> from catsdk.serve import serving
        >>> from catsdk.train import reward_func
        >>> asked = (["2+2?" + r"\boxed{4}", "2+2?" + r"\boxed{5}"], ["2+2?"] * 2, ["4", "4"])
        >>> async with serving(cat.CaT(reward=cat.Gold()), group_size=2) as address:
        ...     os.environ |= {"CATSDK_REWARD_URL": address, "CATSDK_GROUP_SIZE": "2"}
        ...     told = await to_thread.run_sync(reward_func, *asked)
        >>> [float(reward) for reward in told["rewards"]]
        [1.0, 0.0]
    """
    import torch

    service = service_of({})
    samples = [
        {
            "group": _name(service.run, prompt, label),
            "size": service.group_size,
            "prompt": prompt,
            "response": query.removeprefix(prompt),
            "row": {} if label is None else {"answer": str(label)},
        }
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]
    told = _in_a_loop(service, samples)
    rewards = torch.tensor([float(each["reward"]) for each in told])
    return {"rewards": rewards, "scores": rewards, "extra_logs": {}}


def _in_a_loop(service: Service, samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Run the request in an event loop of its own, even if one is running."""
    with start_blocking_portal() as portal:
        return portal.call(answers, service, samples)


def _verl_sample(
    source: str, response: str, truth: Any, extra: Mapping[str, Any] | None, service: Service
) -> dict[str, Any]:
    extra = extra or {}
    if extra.get("index") is None:
        raise InvalidInputError(
            "extra_info has no 'index', which says which samples make a group: write the row's"
            " number there when you prepare the data set"
        )
    split = extra.get("split") or ""
    row = f"{source}/{split}/{extra['index']}"
    sample = {
        "group": _name(service.run, row, extra.get("global_steps", extra.get("step"))),
        "size": service.group_size if split in {"", "train"} else service.val_group_size,
        "prompt": extra.get("question") or extra.get("prompt") or row,
        "response": response,
        "row": {} if truth is None else {"answer": str(truth)},
    }
    if extra.get("tokens") is not None:
        sample["tokens"] = int(extra["tokens"])
    if extra.get("finish_reason") is not None:
        sample["finish_reason"] = str(extra["finish_reason"])
    return sample


def _name(*parts: object) -> str:
    """A short name for a group, which differs if any part differs."""
    return sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()
