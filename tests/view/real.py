"""Real runs of the model in the box, small: `python -m tests.view.real evaluation FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import anyio

import catsdk as cat
from catsdk.core.options import Sampling
from catsdk.evaluate import Evaluation, ItemFiles, Sweep, item_of
from catsdk.train import CaTConfig, grpo

# Of `box:dev`: two in which synthesis beats the majority of four, and others.
SUMS = {
    "58085412+77805673": "135891085",
    "77097630+44482529": "121580159",
    "7634198+1480512": "9114710",
    "3481215+2162867": "5644082",
    "2852636+8463780": "11316416",
    "2351816+2081964": "4433780",
}
GREEDY = Sampling(temperature=0.0, max_tokens=128)
WARM = Sampling(temperature=1.0, max_tokens=128)


def evaluation(folder: Path, *, sizes: tuple[int, ...] = (4,)) -> Path:
    """Evaluate synthesis and majority, as `catsdk eval` does; its figures are left out."""
    items = [item_of(sum, gold, id=sum) for sum, gold in SUMS.items()]
    run = Evaluation(
        ["local"],
        names=("synthesis", "majority"),
        sweep=Sweep(sizes=sizes),
        sampling=WARM,
        store=folder / "run.sqlite",
    )
    folder.mkdir(parents=True)
    files = ItemFiles(folder)

    async def work() -> str:
        report, _ = await run.run(
            items, title="Sums by the model in the box", data="box:dev", on_seen=files.add
        )
        return report.model_dump_json()

    report = anyio.run(work)
    files.finish()
    (folder / "report.json").write_text(report, "utf-8")
    return folder


def rubrics(path: Path, count: int = 2, rollouts: int = 4) -> Path:
    """Reward by rubrics that the model proposes and judges itself, a result a line."""
    proposer = cat.RubricProposer(sampling=GREEDY, at_least=1, at_most=8)
    method = cat.CaT(
        cat.Sampler("local", WARM, seed=3),
        estimator=cat.Synthesizer("local", GREEDY),
        reward=cat.RubricReward(proposer=proposer, judge=cat.Judge("local", GREEDY)),
    )

    async def work() -> list[str]:
        async with method as c:
            prompts = list(SUMS)[-count:]
            return [r.model_dump_json() async for r in c.map(prompts, n=rollouts)]

    path.write_text("".join(f"{line}\n" for line in anyio.run(work)), "utf-8")
    return path


def training(folder: Path, *, steps: int = 3) -> Path:
    """Train the model for a few steps, with its groups kept."""
    config = CaTConfig(
        model="local",
        output=str(folder),
        steps=steps,
        batch=8,
        device_batch=8,
        rollouts={"count": 4, "max_tokens": 96},  # type: ignore[arg-type]
        cat={"estimator": {"Majority": {}}, "reward": "AnswerReward"},
        checkpoints={"every": 1},  # type: ignore[arg-type]
        trl={
            "gradient_checkpointing": False,
            "log_completions": True,
            "num_completions_to_print": 0,
        },
    )
    grpo(config, [{"prompt": sum} for sum in SUMS])
    return folder


MADE: dict[str, Callable[[Path], Path]] = {
    "evaluation": evaluation,
    "rubrics": rubrics,
    "training": training,
}

if __name__ == "__main__":
    MADE[sys.argv[1]](Path(sys.argv[2]))
