"""CaT-RL in your own trainer: TRL's GRPOTrainer with a CaT as its reward, on the model in the box.

    python examples/train_with_trl.py --steps 20

It needs no labels: the frozen initial policy synthesizes a reference from each group of answers,
and each answer is rewarded by comparison with it. A response of over a hundred tokens loses a
little reward. Two steps take a few seconds on a CPU.
"""

from __future__ import annotations

import argparse
from tempfile import TemporaryDirectory

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

import catsdk as cat
from catsdk.train import PolicyAnchor, attach, reward
from catsdk_providers.box import BOX

PROMPTS = ["1+1", "27+35", "4821673+3947851", "123456+654321"]


def main() -> None:
    """Train for a few steps and print the rewards."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args()

    anchor = PolicyAnchor("initial")
    c = cat.CaT(
        estimator=cat.Synthesizer(anchor, cat.Sampling(max_tokens=128), seed=0),
        reward=cat.AnswerReward() + 0.1 * cat.LengthPenalty(over=100),
    )
    rewards = reward(c, num_generations=4, budget=cat.Budget(requests=1_000))
    with TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(BOX),
            reward_funcs=[rewards],
            args=GRPOConfig(
                folder,
                max_steps=options.steps,
                num_generations=4,
                per_device_train_batch_size=8,
                max_completion_length=112,
                logging_steps=1,
                save_strategy="no",
                report_to="none",
                gradient_checkpointing=False,
                use_cpu=True,
                bf16=False,
            ),
            train_dataset=Dataset.from_list(
                [{"prompt": [{"role": "user", "content": text}]} for text in PROMPTS]
            ),
            processing_class=AutoTokenizer.from_pretrained(BOX),
        )
        attach(trainer, rewards)
        trainer.train()
    rewards.close()
    for row in trainer.state.log_history:
        if "cat/scored" in row:
            print(f"step {row['step']}: reward {row['reward']:.2f}, scored {row['cat/scored']:.2f}")


if __name__ == "__main__":
    main()
