"""How probable a given text is under a local model: one reading of prompt and text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel

from catsdk.core.errors import CatError

__all__ = ["ScoreJob", "score"]


@dataclass(slots=True, eq=False)
class ScoreJob:
    """A text on its way through the engine, which fills `logprobs` or `error` from its thread.

    It is `held` and `closed` as a `Job` is.
    """

    prompt: tuple[int, ...]
    text: tuple[int, ...]
    adapter: bool
    notify: Callable[[], object]
    logprobs: list[float] = field(default_factory=list)
    error: CatError | None = None
    done: bool = False
    closed: bool = False
    held: bool = False

    def finish(self, logprobs: list[float] | None = None, error: CatError | None = None) -> None:
        """Tell the waiter of the result, or of why there is none; the model is as it was."""
        self.logprobs, self.error, self.done, self.held = logprobs or [], error, True, False
        self.notify()


@torch.inference_mode()
def score(model: PreTrainedModel, job: ScoreJob) -> list[float]:
    """The natural logarithm of each text token's probability, given all that is before it."""
    ids = torch.tensor([[*job.prompt, *job.text]], device=model.device)
    # The logits before each token of the text, and no others: they are the most of the memory.
    output = model(input_ids=ids, use_cache=False, logits_to_keep=len(job.text) + 1)
    logits = output.logits[0, -len(job.text) - 1 : -1].float()
    known = logits.log_softmax(-1).gather(1, ids[0, -len(job.text) :, None])
    values: list[float] = known[:, 0].clamp(max=0.0).tolist()
    return values
