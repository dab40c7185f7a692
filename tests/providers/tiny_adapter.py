"""A LoRA adapter with random weights for a model's directory, in PEFT's form."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

RANK = 4


def write_adapter(folder: Path, model: Path, seed: int = 0) -> Path:
    """Write an adapter of the attention's queries and values, strong enough to be seen."""
    config = json.loads((model / "config.json").read_text())
    made = torch.Generator().manual_seed(seed)
    hidden, head = config["hidden_size"], config["head_dim"]
    widths = {
        "q_proj": config["num_attention_heads"] * head,
        "v_proj": config["num_key_value_heads"] * head,
    }
    tensors: dict[str, torch.Tensor] = {}
    for layer in range(config["num_hidden_layers"]):
        for name, width in widths.items():
            at = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{at}.lora_A.weight"] = torch.randn(RANK, hidden, generator=made)
            tensors[f"{at}.lora_B.weight"] = torch.randn(width, RANK, generator=made)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(model),
        "r": RANK,
        "lora_alpha": RANK,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(widths),
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder
