"""What the preset recipes share: the command line, the check without weights, and the training.

    python examples/train_qwen3_4b.py --data prompts.jsonl --dry-run
    python examples/train_qwen3_4b.py --data prompts.jsonl --held-out answered.jsonl --lora
    accelerate launch --config_file examples/launch/zero2.yaml examples/train_qwen3_4b.py --data ...

`prompts.jsonl` has one `prompt` per line and no answers; `answered.jsonl` also has an `answer` and
is used only for evaluation. With `--lora` the anchor is the base model under the adapter and takes
no extra memory; in full fine-tuning it is TRL's reference model. `--dry-run` checks everything that
can be checked without weights.
"""

from __future__ import annotations

import argparse

from catsdk.train import CaTConfig, LoRA, grpo, grpo_arguments, preset, rows_of

SUFFIX = "\n\nReason step by step, and put your final answer into \\boxed{}."


def main(name: str, about: str | None) -> None:
    """Train with the preset `name`, or show what would be done; `about` is the text of `--help`."""
    parser = argparse.ArgumentParser(
        description=f"{about}\n{__doc__}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="a file, a folder, or hf:OWNER/NAME")
    parser.add_argument("--held-out", help="the same, with answers")
    parser.add_argument("--out", default=f"cat-{name}")
    parser.add_argument("--lora", action="store_true", help="adapters of rank 32")
    parser.add_argument("--vllm", action="store_true", help="sample with vLLM, in this process")
    parser.add_argument("--reporters", nargs="*", default=(), help="tensorboard, wandb, trackio")
    parser.add_argument("--dry-run", action="store_true", help="check without weights")
    options = parser.parse_args()
    config = _config(name, options)
    if options.dry_run:
        _show(config, options)
        return
    trained = grpo(config)
    print(f"{trained.steps} steps, model in {trained.output}")


def _config(name: str, options: argparse.Namespace) -> CaTConfig:
    changes = {"trl": {"use_vllm": True, "vllm_mode": "colocate"}} if options.vllm else {}
    return preset(
        name,
        data=options.data,
        held_out=options.held_out,
        output=options.out,
        suffix=SUFFIX,
        lora=LoRA() if options.lora else None,
        reporters=tuple(options.reporters),
        **changes,
    )


def _show(config: CaTConfig, options: argparse.Namespace) -> None:
    rows = rows_of(options.data, config)
    arguments = grpo_arguments(config, evaluates=options.held_out is not None)
    passes = arguments["gradient_accumulation_steps"]
    print(config.to_yaml())
    print(
        f"{len(rows)} prompts; {config.prompts_of_a_step} of them and {config.batch} completions"
        " per step"
    )
    print(f"in {passes} passes of {config.device_batch} completions on each device")
