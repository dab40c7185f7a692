"""Measure the gain from a second Ray worker, with the same number of calls in flight for each.

    make bench-ray ARGS="--rows 600 --repeats 3"

Each row is one request for four rollouts and one for the synthesis, to the loopback server with
200 ms latency. The time is measured by the server, from the first request to the last answer, so it
excludes the start of Ray's processes. The runs are interleaved.
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray  # pyright: ignore[reportMissingImports]

import catsdk as cat
from catsdk.batch import Plan
from catsdk.batch import ray as on_ray
from catsdk.testing import FunctionProvider, LoopbackServer, Weather

ROOT = Path(__file__).resolve().parent.parent
LATENCY, ROLLOUTS = 0.2, 4
WORKERS = (1, 2)


def measured(server: LoopbackServer, workers: int, rows: int, in_flight: int) -> tuple[float, int]:
    """The seconds from the first request to the last answer, and the most concurrent calls."""
    server.change(Weather(latency=LATENCY))
    data = ray.data.from_items(
        [{"id": f"r{at}", "prompt": f"question {at}?"} for at in range(rows)],
        override_num_blocks=rows // 10,
    )
    limits = cat.Limits(in_flight=in_flight * workers, adaptive=False)
    method = cat.CaT(f"openai:{server.model}", client=cat.Client(limits=limits))
    with TemporaryDirectory() as folder:
        made: Any = on_ray(data, Plan(method, n=ROLLOUTS), folder, workers=workers)
        outcomes = [row["outcome"] for row in made.select_columns(["outcome"]).take_all()]
    if outcomes != ["ok"] * rows:
        raise SystemExit(f"not every row is ok: {outcomes[:5]}")
    began = min(served.began for served in server.served)
    ended = max(served.ended or 0.0 for served in server.served)
    return ended - began, server.counters.in_flight_peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--in-flight", type=int, default=16, help="concurrent calls per worker")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    seconds: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    peaks = dict.fromkeys(WORKERS, 0)
    with LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}")) as server:
        paths = os.pathsep.join(str(ROOT / part) for part in (".", "providers", "trainers"))
        own = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key, "PYTHONPATH": paths}
        os.environ |= own
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": own},
        )
        for _ in range(options.repeats):
            for workers in WORKERS:
                took, peak = measured(server, workers, options.rows, options.in_flight)
                seconds[workers].append(took)
                peaks[workers] = max(peaks[workers], peak)
    ideal = 2 * options.rows * LATENCY / options.in_flight
    print("| workers | rows a second | of what the latency allows | most calls at once |")
    print("| --- | --- | --- | --- |")
    for workers in WORKERS:
        middle = statistics.median(seconds[workers])
        share = ideal / workers / middle
        print(f"| {workers} | {options.rows / middle:.1f} | {share:.2f} | {peaks[workers]} |")
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"\nTwo workers over one: {statistics.median(ratios):.2f} ({spread}).")


if __name__ == "__main__":
    main()
