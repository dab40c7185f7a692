"""Make the untrained model: a small Qwen3."""

from __future__ import annotations

from typing import cast

from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from examples.lab.recipe import Recipe
from examples.lab.tokenizer import CONTEXT

__all__ = ["untrained_model"]


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
        initializer_range=0.04,
        bos_token_id=None,
        eos_token_id=cast("int", tokenizer.eos_token_id),
        pad_token_id=cast("int", tokenizer.pad_token_id),
    )
    # The prompt set stays with the weights, wherever they are copied.
    config.update({"catsdk_prompts": "box"})
    return Qwen3ForCausalLM(config)
