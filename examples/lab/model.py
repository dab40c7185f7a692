"""Make the untrained model: a small Qwen3 whose number embeddings start out by their digits."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import nn
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from examples.lab.recipe import Recipe
from examples.lab.tokenizer import CONTEXT

__all__ = ["untrained_model"]

_SPREAD = 0.04
_OWN_SHARE = 0.3
_PERIODS = (10, 20, 25, 50, 100, 200)


def untrained_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """Random weights from torch's global generator, in float32."""
    heads = recipe.width // recipe.head_dim
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=recipe.head_dim,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        initializer_range=_SPREAD,
        bos_token_id=None,
        eos_token_id=cast("int", tokenizer.eos_token_id),
        pad_token_id=cast("int", tokenizer.pad_token_id),
    )
    model = Qwen3ForCausalLM(config)
    _start_numbers_by_digits(model.model.embed_tokens.weight.data, tokenizer)
    return model


def _start_numbers_by_digits(embeddings: torch.Tensor, tokenizer: PreTrainedTokenizerFast) -> None:
    """Numbers that share digits, or lie close, start alike.

    One token a number hides its digits; from unrelated starts the ten thousand sums would have
    to be learnt one by one, which takes many times as long.
    """
    rows = [tokenizer.convert_tokens_to_ids(str(number)) for number in range(100)]
    features = _number_features()
    start = features @ torch.randn(features.shape[1], embeddings.shape[1])
    start = start - start.mean(0)
    embeddings[rows] = _OWN_SHARE * embeddings[rows] + _SPREAD * start / start.std()


def _number_features() -> torch.Tensor:
    """(100, features): tens and units, one-hot, and waves of several periods."""
    numbers = torch.arange(100)
    waves = [2 * math.pi * numbers / period for period in _PERIODS]
    return torch.cat(
        [
            nn.functional.one_hot(numbers // 10, 10).float(),
            nn.functional.one_hot(numbers % 10, 10).float(),
            *(torch.stack([wave.cos(), wave.sin()], 1) for wave in waves),
        ],
        dim=1,
    )
