"""Scores the probability of a given text under a local model, in one forward pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from transformers import PreTrainedModel

from catsdk.core.errors import CatError

__all__ = ["ScoreJob", "TokenScore", "score"]

_AT_ONCE = 64
"""Tokens whose distributions are looked at together: each has a number for every token known."""


class TokenScore(NamedTuple):
    """What the model says of one token of a text, in nats.

    Args:
        logprob: The logarithm of its probability.
        entropy: That of the whole distribution p.
        self_certainty: KL(U || p) from the uniform distribution U over the vocabulary; `None` if
            it is infinite, since the model rules a token out.
    """

    logprob: float
    entropy: float
    self_certainty: float | None


@dataclass(slots=True, eq=False)
class ScoreJob:
    """A text on its way through the engine, which fills `scores` or `error` from its thread.

    It is `held` and `closed` as a `Job` is.
    """

    prompt: tuple[int, ...]
    text: tuple[int, ...]
    adapter: bool
    notify: Callable[[], object]
    scores: list[TokenScore] = field(default_factory=list)
    error: CatError | None = None
    done: bool = False
    closed: bool = False
    held: bool = False

    def finish(self, scores: list[TokenScore] | None = None, error: CatError | None = None) -> None:
        """Tell the waiter of the result, or of why there is none; the model is as it was."""
        self.scores, self.error, self.done, self.held = scores or [], error, True, False
        self.notify()


@torch.inference_mode()
def score(model: PreTrainedModel, job: ScoreJob) -> list[TokenScore]:
    """How probable each text token is, and how sure the model was, given all that is before it."""
    ids = torch.tensor([[*job.prompt, *job.text]], device=model.device)
    # Only the logits before each token of the text, since logits take most of the memory.
    output = model(input_ids=ids, use_cache=False, logits_to_keep=len(job.text) + 1)
    logits = output.logits[0, -len(job.text) - 1 : -1]
    texts = ids[0, -len(job.text) :]
    parts = zip(torch.split(logits, _AT_ONCE), torch.split(texts, _AT_ONCE), strict=True)
    return [each for part, chosen in parts for each in _scores(part.float(), chosen)]


def _scores(logits: torch.Tensor, chosen: torch.Tensor) -> list[TokenScore]:
    """The scores of some tokens: logits are [T, V], the chosen tokens [T]."""
    logprobs = logits.log_softmax(-1)
    known = logprobs.gather(1, chosen[:, None])[:, 0].clamp(max=0.0)
    # Where p is 0 its logarithm may be minus infinity: p log p is 0 there.
    entropy = -torch.xlogy(probs := logprobs.exp(), probs).sum(-1)
    uniform = -math.log(logits.shape[-1]) - logprobs.mean(-1)
    told: list[tuple[float, float, float]] = torch.stack([known, entropy, uniform], 1).tolist()
    return [TokenScore(k, e, u if math.isfinite(u) else None) for k, e, u in told]
