"""Synthesize references for the rows of a data set on a Ray cluster; a restart resumes.

    python examples/ray_batch.py prompts.jsonl references/ --model openai:NAME --answers refs

Submit it to a cluster with `ray job submit`; see docs/ray.md.
"""

from __future__ import annotations

import argparse
from collections import Counter

import ray  # pyright: ignore[reportMissingImports]

import catsdk as cat
from catsdk.batch import Plan
from catsdk.batch import ray as on_ray


def main() -> None:
    """Read the rows, synthesize, write the results, and print how many rows succeeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", help="JSON lines or Parquet, a file or a folder, also on S3 or GCS")
    parser.add_argument("out", help="folder for the Parquet files")
    parser.add_argument("--model", required=True, help="model string, such as openai:NAME")
    parser.add_argument("--answers", required=True, help="local folder of the answer store")
    parser.add_argument("--produce", default="reference")
    parser.add_argument("-n", type=int, default=8, help="rollouts per row")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--blocks", type=int, default=None, help="blocks to split the data into")
    parser.add_argument("--max-usd", type=float, default=None)
    options = parser.parse_args()

    reads_lines = options.data.endswith((".json", ".jsonl", ".jsonl.gz"))
    read = ray.data.read_json if reads_lines else ray.data.read_parquet
    rows = read(options.data, override_num_blocks=options.blocks or 8 * options.workers)
    reward = cat.AnswerReward() if options.produce in ("rewards", "preferences") else None
    plan = Plan(cat.CaT(options.model, reward=reward), n=options.n, produces=options.produce)
    budget = None if options.max_usd is None else cat.Budget(usd=options.max_usd)
    made = on_ray(rows, plan, options.answers, workers=options.workers, budget=budget)
    made.write_parquet(options.out)

    written = ray.data.read_parquet(options.out, columns=["outcome"])
    counts = Counter(row["outcome"] for row in written.iter_rows())
    print(", ".join(f"{many:,} {outcome}" for outcome, many in counts.most_common()))


if __name__ == "__main__":
    main()
