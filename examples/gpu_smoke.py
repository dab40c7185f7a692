"""A few steps of GRPO on a GPU, sampling with transformers and, if it is installed, with vLLM.

    python examples/gpu_smoke.py [--model NAME] [--steps 3]

This script has not been run on a GPU yet. Without one it says so and exits with 0.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "providers"), str(ROOT / "trainers")]


def method(prompts: str) -> dict[str, Any]:
    """The paper's method, with a prompt set that the anchor understands."""
    anchor = {"PolicyAnchor": {"kind": "initial", "prompts": prompts}}
    return {"estimator": {"Synthesizer": {"anchor": anchor}}, "reward": "AnswerReward"}


def train(model: str, steps: int, folder: Path, **others: Any) -> None:
    """Train briefly on sums, rewarded by synthesis; fail if a step logs no reward."""
    from catsdk.train import CaTConfig, HeldOut, Rollouts, grpo
    from catsdk_providers.box import BOX
    from catsdk_providers.box.problems import problems

    in_box = model == str(BOX)
    config = CaTConfig(
        model=model,
        output=str(folder),
        steps=steps,
        batch=64,
        device_batch=64,
        learning_rate=1e-4 if in_box else 5e-7,
        rollouts=Rollouts(max_tokens=112 if in_box else 512),
        cat=method("box" if in_box else "english"),
        suffix="" if in_box else " Put your final answer into \\boxed{}.",
        evaluation=HeldOut(every=0),
        trl=others,
    )
    rows = [str(problem) for problem in problems("rl", 8 * steps, 0)]
    trained = grpo(config, rows)
    rewards = [row["reward"] for row in trained.history if "reward" in row]
    assert trained.steps == steps and len(rewards) == steps, trained
    print(f"{steps} steps, rewards {rewards}, with {others or 'transformers'}")


def main() -> int:
    """Run whatever this machine can run."""
    import torch

    from catsdk_providers.box import BOX

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(BOX))
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU found: nothing was run")
        return 0
    with TemporaryDirectory() as folder:
        train(options.model, options.steps, Path(folder) / "transformers")
        if find_spec("vllm") is None:
            print("vLLM is not installed: skipped its half")
            return 0
        vllm = {"use_vllm": True, "vllm_mode": "colocate", "vllm_max_model_length": 1024}
        train(options.model, options.steps, Path(folder) / "vllm", **vllm)
    return 0


if __name__ == "__main__":
    sys.exit(main())
