"""Presets by name: the paper's settings for the three models it trains, and a short trial."""

from __future__ import annotations

from typing import Any, Final

from catsdk.core.errors import InvalidInputError
from catsdk_trainers.config.settings import CaTConfig, merged

__all__ = ["PRESETS", "preset"]

PRESETS: Final[dict[str, dict[str, Any]]] = {
    "gemma3-4b": {
        "model": "google/gemma-3-4b-it",
        "rollouts": {"temperature": 1.0, "top_k": 64, "top_p": 0.95},
    },
    "qwen3-4b": {
        "model": "Qwen/Qwen3-4B",
        "rollouts": {
            "temperature": 0.7,
            "top_k": 20,
            "top_p": 0.8,
            "chat_template": {"enable_thinking": False},
        },
    },
    "llama3.1-8b": {
        "model": "meta-llama/Llama-3.1-8B-Instruct",
        "rollouts": {"temperature": 0.7, "top_k": 50, "top_p": 0.9},
    },
    # Not from the paper: at its learning rates the small model would hardly change within minutes.
    "box": {
        "model": "local",
        "data": "box:rl",
        "held_out": "box:heldout",
        "output": "box-run",
        "steps": 24,
        "batch": 128,
        "device_batch": 128,
        "learning_rate": 6e-4,
        "kl": 0.0,
        "rollouts": {"max_tokens": 112},
        "evaluation": {"every": 12, "prompts": 64, "batch": 128},
        "checkpoints": {"every": 12},
        "probe": {"every": 12},
        "stop": {"constant": None},
        "trl": {"gradient_checkpointing": False},
    },
}
"""The settings of each preset, by name."""


def preset(name: str, **changes: Any) -> CaTConfig:
    """Return the paper's settings for one of its models, or those of a short trial (`box`).

    Args:
        name: A key of `PRESETS`, such as `qwen3-4b`.
        changes: Top-level fields of `CaTConfig` to override; a mapping for a section replaces only
            the settings that it names.

    Raises:
        InvalidInputError: there is no such preset, or a setting is wrong.

    Example:
        >>> from catsdk.train import preset
        >>> preset("qwen3-4b", rollouts={"count": 16}).rollouts.top_k
        20
    """
    if name not in PRESETS:
        raise InvalidInputError(f"there is no preset {name!r}; known: {', '.join(PRESETS)}")
    return CaTConfig(**merged(PRESETS[name], changes))
