"""The decoding loop: one padded batch of rows through the model, token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel

from catsdk_providers.local.cache import cache_for
from catsdk_providers.local.next_token import Drawing
from catsdk_providers.local.row import Row

__all__ = ["decode"]

Tensor = torch.Tensor

# Rows that are finished are computed on until they are this share of the batch: leaving them out
# copies the cache of all others.
_SPARE = 0.25


@torch.inference_mode()
def decode(
    model: PreTrainedModel, rows: Sequence[Row], ended: Callable[[], bool] = lambda: False
) -> None:
    """Draw tokens for `rows` until each is finished or its job is closed, or all has `ended`."""
    batch = _Batch(model, rows)
    while not ended() and batch.step():
        pass


class _Batch:
    """Rows in their slots, the cache of what the model has read of them, and their next logits.

    Prompts are padded on the left. Equal prompts are read once.
    """

    def __init__(self, model: PreTrainedModel, rows: Sequence[Row]) -> None:
        self.model = model
        self.device = model.device
        self.rows = list(rows)
        self.cache = cache_for(model.config)
        self.drawing = Drawing(self.rows, self.device)
        self.logits = self._read_prompts()

    def step(self) -> bool:
        """Sample one token for each row and run the model on it; false when no row is left."""
        tokens, values, logprobs = self.drawing.draw(self.logits)
        for slot, row in enumerate(self.rows):
            if row.live:
                wanted = logprobs is not None and row.job.plan.logprobs
                row.push(values[slot], logprobs[slot] if wanted and logprobs else None)
        live = [slot for slot, row in enumerate(self.rows) if row.live]
        if not live:
            return False
        if len(live) <= len(self.rows) * (1 - _SPARE):
            tokens = self._keep(live, tokens)
        self._read(tokens)
        return True

    def _read_prompts(self) -> Tensor:
        places: dict[tuple[int, ...], int] = {}
        slots = [places.setdefault(row.job.plan.prompt, len(places)) for row in self.rows]
        width = max(map(len, places))
        ids = torch.zeros((len(places), width), dtype=torch.long)
        self.mask = torch.zeros_like(ids)
        for prompt, place in places.items():
            ids[place, width - len(prompt) :] = torch.tensor(prompt)
            self.mask[place, width - len(prompt) :] = 1
        ids, self.mask = ids.to(self.device), self.mask.to(self.device)
        self.positions = (self.mask.cumsum(-1) - 1).clamp_(min=0)
        logits = self._forward(ids)
        self.positions = self.positions[:, -1:]
        return logits if len(places) == len(slots) else self._spread(slots, logits)

    def _spread(self, slots: list[int], logits: Tensor) -> Tensor:
        chosen = torch.tensor(slots, device=self.device)
        self.cache.batch_select_indices(chosen)
        self.mask, self.positions = self.mask[chosen], self.positions[chosen]
        return logits[chosen]

    def _keep(self, live: list[int], tokens: Tensor) -> Tensor:
        self.rows = [self.rows[slot] for slot in live]
        self.drawing = Drawing(self.rows, self.device)
        return self._spread(live, tokens)

    def _read(self, tokens: Tensor) -> None:
        self.mask = torch.cat([self.mask, self.mask.new_ones((len(self.rows), 1))], dim=-1)
        self.positions = self.positions + 1
        self.logits = self._forward(tokens)

    def _forward(self, ids: Tensor) -> Tensor:
        output = self.model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1].float()
        return logits
