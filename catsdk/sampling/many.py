"""Draws n samples of one request, from a model that returns them together or one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, UnsupportedError
from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.types import Completion, Failure, Request

__all__ = ["draw"]

OnSample = Callable[[int, Completion | Failure], None]


async def draw(
    provider: Provider, request: Request, on_sample: OnSample | None = None
) -> list[Completion | Failure]:
    """Draw `request.n` samples; a sample that fails is its `Failure`, in its place.

    One request asks for all where the model can; what it does not bring is asked for one by one.
    With a seed, sample i has the seed `request.seed + i` either way. `on_sample` is told each
    sample with its index as it arrives.
    """
    samples: dict[int, Completion | Failure] = {}

    def keep(index: int, sample: Completion | Failure) -> None:
        samples[index] = sample
        if on_sample is not None:
            on_sample(index, sample)

    async def one(index: int) -> None:
        keep(index, await _single(provider, request, index))

    for index, sample in enumerate(await _at_once(provider, request)):
        keep(index, _answered(sample))
    await fan_out(one, [index for index in range(request.n) if index not in samples])
    return [samples[index] for index in range(request.n)]


async def _at_once(provider: Provider, request: Request) -> Sequence[Completion | Failure]:
    if request.n == 1 or not capabilities_of(provider).n:
        return ()
    try:
        return (await provider.complete(request))[: request.n]
    except UnsupportedError as error:
        return () if error.capability == "n" else [Failure.of(error)] * request.n
    except CatError as error:
        return [Failure.of(error)] * request.n


async def _single(provider: Provider, request: Request, index: int) -> Completion | Failure:
    only: dict[str, object] = {"n": 1, "sample_index": request.sample_index + index}
    if request.seed is not None:
        only["seed"] = request.seed + index
    try:
        completions = await provider.complete(request.model_copy(update=only))
    except CatError as error:
        return Failure.of(error)
    return _answered(completions[0])


def _answered(sample: Completion | Failure) -> Completion | Failure:
    """Turn a failed choice of a reply into the failure of that sample alone."""
    return sample if isinstance(sample, Failure) or sample.failure is None else sample.failure
