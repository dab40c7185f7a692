"""The keys and values of a batch, with room for tokens to come."""

from __future__ import annotations

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

__all__ = ["cache_for"]

Tensor = torch.Tensor

# Tokens of room at a time: memory that may stay unused, against a copy of all every so many.
_ROOM = 64


def cache_for(config: PreTrainedConfig) -> DynamicCache:
    """An empty cache for a model of this `config`; layers with an own window keep it."""
    cache = DynamicCache(config=config)
    cache.layers = [
        _RoomyLayer() if type(layer) is DynamicLayer else layer  # type: ignore[no-untyped-call]
        for layer in cache.layers
    ]
    return cache


class _RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, of shape (rows, heads, tokens, head size).

    The layer it replaces copies all that it holds for each token. Here a token is written behind
    those before it, in storage that is copied only when it is full.
    """

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Take shape and kind from the first states."""
        super().lazy_initialization(key_states, value_states)
        self._stored_keys = key_states[..., :0, :]
        self._stored_values = value_states[..., :0, :]
        self._show(0)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write the new states behind the old ones; all of them, as views."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if end > self._stored_keys.shape[-2]:
            self._stored_keys = _with_room(self._stored_keys[..., :start, :], end + _ROOM)
            self._stored_values = _with_room(self._stored_values[..., :start, :], end + _ROOM)
        self._stored_keys[..., start:end, :] = key_states
        self._stored_values[..., start:end, :] = value_states
        return self._show(end)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep the rows `indices`, and their room."""
        length = self.get_seq_length()
        self._stored_keys = self._stored_keys[indices]
        self._stored_values = self._stored_values[indices]
        self._show(length)

    def _show(self, length: int) -> tuple[Tensor, Tensor]:
        self.keys = self._stored_keys[..., :length, :]
        self.values = self._stored_values[..., :length, :]
        return self.keys, self.values


def _with_room(states: Tensor, tokens: int) -> Tensor:
    rows, heads, length, size = states.shape
    stored = states.new_empty((rows, heads, tokens, size))
    stored[..., :length, :] = states
    return stored
