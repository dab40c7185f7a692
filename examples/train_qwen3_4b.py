"""CaT-RL for Qwen 3 4B with the paper's settings. The model was not run here: it needs a GPU.

    python examples/train_qwen3_4b.py --data prompts.jsonl --dry-run
    python examples/train_qwen3_4b.py --data prompts.jsonl --held-out answered.jsonl --lora
    accelerate launch --config_file examples/launch/zero2.yaml examples/train_qwen3_4b.py --data ...

`prompts.jsonl` has a `prompt` a line, and no answers; `answered.jsonl` has an `answer` too and only
measures. With `--lora` the anchor is the base model under the adapter and costs no memory; in full
fine-tuning it is TRL's reference model. `--dry-run` checks everything that can be without weights.
Thinking is off, as in the paper.
"""

from examples.preset_recipe import main

if __name__ == "__main__":
    main("qwen3-4b", __doc__)
