"""Samples the next token of each row, with the row's own settings and random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from catsdk_providers.local.row import Row

__all__ = ["Drawing"]

Tensor = torch.Tensor


class Drawing:
    """The sampling settings of the rows of a batch as tensors, one value a row.

    A row's token is where its next random number falls in the cumulated probabilities, in the
    order of the vocabulary; so it depends on the row's own logits and settings alone.
    """

    def __init__(self, rows: Sequence[Row], device: torch.device) -> None:
        """Settings of `rows`, in their order."""
        plans = [row.job.plan for row in rows]
        self.rows = rows
        self.device = device
        self.sampled = any(plan.temperature > 0 for plan in plans)
        self.greedy = any(plan.temperature == 0 for plan in plans)
        self.logprobs = any(plan.logprobs for plan in plans)
        self.top_k = max((plan.top_k or 0 for plan in plans), default=0)
        self.top_p = any(plan.top_p is not None and plan.top_p < 1 for plan in plans)
        self._temperatures = self._column([plan.temperature or 1.0 for plan in plans])
        self._is_greedy = self._column([plan.temperature == 0 for plan in plans])
        self._ks = self._column([plan.top_k or 0 for plan in plans])
        self._ps = self._column([1.0 if plan.top_p is None else plan.top_p for plan in plans])

    def draw(self, logits: Tensor) -> tuple[Tensor, list[int], list[float] | None]:
        """From logits (rows, vocabulary): the tokens, as tensor and list, and log-probabilities.

        The log-probabilities are natural logarithms under the model's own distribution: before
        temperature, top-k and top-p.
        """
        tokens = self._tokens(logits)
        if not self.logprobs:
            return tokens, tokens[:, 0].tolist(), None
        known = logits.log_softmax(-1).gather(1, tokens)
        return tokens, tokens[:, 0].tolist(), known[:, 0].tolist()

    def _tokens(self, logits: Tensor) -> Tensor:
        if not self.sampled:
            return logits.argmax(-1, keepdim=True)
        cumulated = self._probabilities(logits).double().cumsum(-1)
        numbers = self._column([row.rng.random() for row in self.rows]).double()
        drawn = torch.searchsorted(cumulated, numbers * cumulated[:, -1:], right=True)
        drawn = drawn.clamp_(max=logits.shape[-1] - 1)
        if not self.greedy:
            return drawn
        return torch.where(self._is_greedy, logits.argmax(-1, keepdim=True), drawn)

    def _probabilities(self, logits: Tensor) -> Tensor:
        scaled = logits / self._temperatures
        if self.top_k:
            scaled = self._within_top_k(scaled)
        probabilities = scaled.softmax(-1)
        return self._within_top_p(probabilities) if self.top_p else probabilities

    def _within_top_k(self, scaled: Tensor) -> Tensor:
        best = scaled.topk(min(self.top_k, scaled.shape[-1]), dim=-1).values
        last = best.gather(1, (self._ks - 1).clamp(0, best.shape[-1] - 1))
        return scaled.masked_fill((scaled < last) & (self._ks > 0), -torch.inf)

    def _within_top_p(self, probabilities: Tensor) -> Tensor:
        ordered = probabilities.sort(dim=-1, descending=True)
        before = ordered.values.cumsum(-1) - ordered.values
        beyond = (before >= self._ps) & (self._ps < 1)
        return probabilities.masked_fill(beyond.scatter(1, ordered.indices, beyond), 0.0)

    def _column(self, values: Sequence[float | int | bool]) -> Tensor:
        return torch.tensor(values, device=self.device)[:, None]
