"""The cache of the local engine: what it holds, and when it copies it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import DynamicCache, Gemma3TextConfig, PreTrainedConfig, Qwen3Config
from transformers.cache_utils import DynamicSlidingWindowLayer

from catsdk_providers.local.cache import cache_for

pytestmark = pytest.mark.needs_torch

SHAPES: dict[str, Any] = {
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "hidden_size": 12,
    "head_dim": 4,
}

FULL = Qwen3Config(**SHAPES)
SLIDING = Gemma3TextConfig(
    **SHAPES, sliding_window=8, layer_types=["sliding_attention", "full_attention"]
)


def states(rows: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(rows, 3, tokens, 4), torch.randn(rows, 3, tokens, 4)


@pytest.mark.parametrize("config", [FULL, SLIDING], ids=["full", "sliding"])
def test_it_holds_what_the_cache_of_transformers_holds(config: PreTrainedConfig) -> None:
    torch.manual_seed(0)
    ours, theirs, rows = cache_for(config), DynamicCache(config=config), 3
    for step, tokens in enumerate([5, *[1] * 100, 70, *[1] * 100]):
        if step % 40 == 1:
            kept = torch.tensor([rows - 1, 0, *range(step // 20)]) % rows
            ours.batch_select_indices(kept)
            theirs.batch_select_indices(kept)
            rows = len(kept)
        for layer in range(2):
            new = states(rows, tokens)
            for mine, wanted in zip(
                ours.update(*new, layer), theirs.update(*new, layer), strict=True
            ):
                assert torch.equal(mine, wanted)
    assert ours.get_seq_length(1) == theirs.get_seq_length(1) == 275


def test_a_token_is_written_without_a_copy_of_those_before_it() -> None:
    cache, places = cache_for(FULL), set()
    for tokens in (5, *[1] * 640):
        keys, _ = cache.update(*states(2, tokens), 0)
        places.add(keys.untyped_storage().data_ptr())
    assert len(places) <= 11


def test_a_layer_with_a_window_keeps_its_own_kind() -> None:
    kinds = [isinstance(layer, DynamicSlidingWindowLayer) for layer in cache_for(SLIDING).layers]
    assert kinds == [True, False]
