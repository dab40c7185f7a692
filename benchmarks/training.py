"""Compare the reward stage with ways to do it in plain TRL, and measure our share of a lab step.

    python benchmarks/training.py --repeats 5
    python benchmarks/training.py --only share

First part: 32 groups of 8, with an anchor that takes 300 ms per group and a judge that takes 200 ms
per response, on the loopback server in its own process on another core. Each contestant has its own
process, repeats are interleaved, and the plain function, which takes a minute, runs once. The bound
is the larger of the ideal schedule (an anchor call, then a judge call) and the number of calls
times the CPU of a bare `openai[aiohttp]` call in the same repeat. It ignores that no verdict can be
requested before an anchor has answered, and that the server reads requests one by one, so `over
posts` compares with plain posts of the same requests in the same two stages and the same repeat.
`starved` is how long client and server waited for a core that other processes held, as a share of
the wall time; if it is not near 0, trust only the CPU. Second part: steps of the laboratory's arm
`cat`, and the share of the process's CPU time that our threads used.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from benchmarks.arena import FOLDER, ROOT, Process

GROUPS, SIZE = 32, 8
CALLS = GROUPS * (SIZE + 1)
IDEAL = 0.3 + 0.2
SLOW = "plain"


def reward_stage(repeats: int) -> list[dict[str, dict[str, float]]]:
    """Run one step with each contestant in turn, `repeats` times."""
    cores = sorted(os.sched_getaffinity(0))
    python = Path(sys.executable)
    server = Process(python, FOLDER / "training_server.py", cores[-1])
    workers = {
        who: Process(python, FOLDER / "with_trl.py", cores[0])
        for who in ("posts", "bare", "catsdk", "asynchronous", SLOW)
    }
    server.start()
    try:
        target = server.answer(60)
        return [_repeat(at, workers, server, target) for at in range(repeats)]
    finally:
        for process in (server, *workers.values()):
            process.stop()


def _repeat(
    at: int, workers: dict[str, Process], server: Process, target: dict[str, Any]
) -> dict[str, dict[str, float]]:
    told: dict[str, dict[str, float]] = {}
    for who, worker in workers.items():
        if who == SLOW and at:
            continue
        order = {"who": who, "target": target, "groups": GROUPS, "size": SIZE}
        # The first call triggers lazy imports and opens the connections.
        _answered(who, worker.ask(order if who != SLOW else order | {"groups": 1}, 300))
        server.ask({})
        before = worker.waited() + server.waited()
        told[who] = _answered(who, worker.ask(order, 300))
        waited = worker.waited() + server.waited() - before
        told[who]["starved"] = waited / told[who]["wall"]
        requests = server.ask({})["requests"]
        assert requests == CALLS or who == SLOW, f"{who} made {requests} calls"
        print(f"  {at} {who}: {told[who]}", file=sys.stderr, flush=True)
    return told


def _answered(who: str, answer: dict[str, Any]) -> dict[str, float]:
    if "error" in answer:
        raise SystemExit(
            f"{who} has no result: {answer['error']}; see out/with_trl.log, and run this on an"
            " otherwise idle machine"
        )
    return answer


def table(repeats: list[dict[str, dict[str, float]]]) -> str:
    """Medians and spreads, as Markdown."""
    lines = [
        "| contestant | wall s | over the bound | over posts | CPU s | CPU ms a call | starved |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for who in ("catsdk", "asynchronous", "plain", "bare", "posts"):
        runs = [repeat for repeat in repeats if who in repeat]
        cells = [
            _cell([run[who]["wall"] for run in runs]),
            _cell([run[who]["wall"] / bound(run) for run in runs]),
            _cell([run[who]["wall"] / run["posts"]["wall"] for run in runs]),
            _cell([run[who]["cpu"] for run in runs]),
            _cell([1000 * run[who]["cpu"] / CALLS for run in runs]),
            _cell([run[who]["starved"] for run in runs]),
        ]
        lines.append(f"| {who} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bound(run: dict[str, dict[str, float]]) -> float:
    """The time that no program can beat: the waiting, or the CPU of the calls."""
    return max(IDEAL, run["bare"]["cpu"])


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    middle = f"{statistics.median(values):.3g}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3g} to {max(values):.3g})"


def our_share(steps: int) -> dict[str, float]:
    """The share of the CPU time of `steps` lab steps that our code uses.

    Our code is everything in the reward's event loop (building prompts, reading and comparing
    answers, passing requests to the anchor) and, on the main thread, the reward function. The
    anchor computes in its own thread, and the policy and the optimiser in others.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

    from catsdk.train import GroupReward
    from catsdk_providers.box import BOX
    from catsdk_trainers.trl import grpo as module
    from examples.lab.rl import config_of
    from examples.lab.units import PLANS, Unit

    ours: list[float] = []
    whole: list[float] = []

    class Timed(GroupReward):
        def __call__(self, *arguments: Any, **named: Any) -> list[float | None]:
            portal, _ = self._loop._open()
            before = time.thread_time() + portal.call(time.thread_time)
            rewards = super().__call__(*arguments, **named)
            ours.append(time.thread_time() + portal.call(time.thread_time) - before)
            return rewards

    class Steps(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.process_time()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            whole.append(time.process_time() - self.began)

    from tempfile import TemporaryDirectory

    from catsdk_providers.box.problems import problems

    torch.set_num_threads(1)
    # As a plain assignment, type checkers would report this as an error.
    setattr(module, "GroupReward", Timed)  # noqa: B010
    unit = Unit("cat", 0, PLANS["full"])
    rows = [str(each) for each in problems("rl", steps * unit.plan.prompts, 0)]
    with TemporaryDirectory() as folder:
        config = config_of(unit, Path(folder))
        config = config.model_copy(update={"steps": steps})
        model = AutoModelForCausalLM.from_pretrained(BOX, dtype=torch.float32)
        module.grpo(
            config, rows, model=model, tokenizer=AutoTokenizer.from_pretrained(BOX),
            callbacks=[Steps()],
        )  # fmt: skip
    # The first step triggers lazy imports.
    shares = [mine / step for mine, step in zip(ours[1:], whole[1:], strict=True)]
    return {"median": statistics.median(shares), "least": min(shares), "most": max(shares)}


def main() -> int:
    """Measure and print; return 1 if an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--only", choices=("reward", "share"))
    options = parser.parse_args()
    fine = True
    if options.only != "share":
        repeats = reward_stage(options.repeats)
        (ROOT / "out" / "training.json").write_text(json.dumps(repeats, indent=1))
        print(table(repeats))
        over = statistics.median(run["catsdk"]["wall"] / bound(run) for run in repeats)
        posts = statistics.median(run["catsdk"]["wall"] / run["posts"]["wall"] for run in repeats)
        faster = repeats[0]["plain"]["wall"] / repeats[0]["catsdk"]["wall"]
        print(
            f"over the bound: {over:.2f} (aim 1.3); over plain posts: {posts:.2f};"
            f" faster than plain: {faster:.0f} x (aim 10)"
        )
        fine &= over <= 1.3 and faster >= 10
    if options.only != "reward":
        share = our_share(options.steps)
        print(
            f"our code in a lab step: {share['median']:.2%} of the CPU time"
            f" ({share['least']:.2%} to {share['most']:.2%}; aim under 3 %)"
        )
        fine &= share["median"] < 0.03
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
