"""A method over a Ray Data set, on a real Ray with two workers (`make test-ray`)."""

from __future__ import annotations

import doctest
import json
import os
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import catsdk as cat
from catsdk.batch import HostedModel, Plan, RayJob, RayMapper, hosted
from catsdk.batch import ray as on_ray
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Request
from catsdk.providers import OpenAIProvider
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply, Weather
from tests.runs.killing import NUMBER, Paid

ray = pytest.importorskip("ray", reason="needs Ray, the extra `ray`")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PATHS = os.pathsep.join(str(path) for path in (ROOT, ROOT / "providers", ROOT / "trainers"))


class Model:
    """Answers by what is asked, and counts it."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.paid = Paid()

    def script(self, request: Request) -> list[str]:
        question = request.messages[-1].text
        self.asked[question] += 1
        text = self.paid.script(request).partition(":")[0]
        return [f"{text} \\boxed{{{5 if at == 3 else 4}}}" for at in range(request.n)]

    def refuse(self, payload: dict[str, Any]) -> RawReply | None:
        if "fails" not in str(payload["messages"]):
            return None
        return RawReply({"error": {"message": "the model is not well"}}, status=400)


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(FunctionProvider(lambda _: "")) as server:
        kept = dict(os.environ)
        own = {
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": server.key,
            "PYTHONPATH": PATHS,
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        os.environ.update(own)
        ray.init(
            num_cpus=8,
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            runtime_env={"env_vars": own},
        )
        try:
            yield server
        finally:
            ray.shutdown()
            os.environ.clear()
            os.environ.update(kept)


@pytest.fixture
def model(server: LoopbackServer) -> Model:
    model = Model()
    server._provider = FunctionProvider(model.script)
    server.answer = model.refuse
    server.change(Weather())
    return model


def data(rows: int, *more: dict[str, Any], blocks: int = 6) -> Any:
    made = [{"id": f"r{at}", "prompt": f"question {at}?", "topic": at % 3} for at in range(rows)]
    return ray.data.from_items([*made, *more], override_num_blocks=blocks)


def plan(produces: str = "reference", *, limits: cat.Limits | None = None, **roles: Any) -> Plan:
    client = cat.Client(limits=limits, retry=cat.Retry(times=0))
    method = cat.CaT("openai:loopback", estimator=cat.Majority(), client=client, **roles)
    return Plan(method, n=4, produces=produces)


def outcomes(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["outcome"] for row in rows)


def test_each_row_comes_back_and_bad_ones_say_why(model: Model, tmp_path: Path) -> None:
    bad = [
        {"id": "empty", "prompt": "", "topic": 0},
        {"id": "failing", "prompt": "this one fails", "topic": 1},
    ]
    made = on_ray(data(20, *bad), plan(), tmp_path / "out").take_all()
    assert outcomes(made) == {"ok": 20, "failed": 1, "refused": 1}
    rows = {(row["id"], row["prompt"]): row for row in made}
    assert len(rows) == 22
    row = rows["r7", "question 7?"]
    assert (row["topic"], row["agreement"], row["reference_answer"]) == (1, 0.75, "4")
    assert row["failure"] is None
    assert "the model is not well" in rows["failing", "this one fails"]["failure"]
    assert rows["failing", "this one fails"]["reference"] is None
    assert "empty" in rows["empty", ""]["failure"]

    before = model.asked.copy()
    edited = {"id": "r19", "prompt": "another question under an old id", "topic": 2}
    again = on_ray(data(19, edited, *bad), plan(), tmp_path / "out").take_all()
    assert model.asked == before
    assert outcomes(again) == {"ok": 19, "failed": 1, "refused": 2}
    assert sum("under this id before" in (row["failure"] or "") for row in again) == 1
    assert {row["id"]: row["reference"] for row in again if row["outcome"] == "ok"} == {
        row["id"]: row["reference"] for row in made if row["outcome"] == "ok" and row["id"] != "r19"
    }
    with pytest.raises(InvalidInputError, match="n was 4, and is 2 now"):
        on_ray(data(1), Plan(plan().cat, n=2), tmp_path / "out")


def test_a_budget_holds_for_all_workers_and_over_all_starts(model: Model, tmp_path: Path) -> None:
    first = on_ray(data(40), plan(), tmp_path, budget=cat.Budget(requests=25)).take_all()
    assert model.paid.served == 25
    assert outcomes(first) == {"ok": 25, "waiting": 15}
    second = on_ray(data(40), plan(), tmp_path, budget=cat.Budget(requests=60)).take_all()
    assert outcomes(second) == {"ok": 40}
    assert set(model.asked.values()) == {1}


def test_limits_hold_for_all_workers(model: Model, server: LoopbackServer, tmp_path: Path) -> None:
    server.change(Weather(latency=0.1))
    limits = cat.Limits(in_flight=3, requests_per_minute=300)
    made = on_ray(data(40), plan(limits=limits), tmp_path).take_all()
    assert outcomes(made) == {"ok": 40}
    assert server.counters.in_flight_peak <= 3
    began = sorted(served.began for served in server.served)
    # Five at once and five a second; what one worker holds for a moment is one more.
    for start in began:
        assert sum(start <= at < start + 4 for at in began) <= 5 + 4 * 5 + 2


def test_a_worker_that_is_killed_costs_what_was_in_flight_alone(
    model: Model, server: LoopbackServer, tmp_path: Path
) -> None:
    server.change(Weather(latency=0.05))
    in_flight, rows = 4, 120
    model.paid.expect(40)
    killed: list[int] = []

    def kill_one() -> None:
        model.paid.reached.wait(timeout=120)
        killed.append(mapping_processes()[0])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    limits = cat.Limits(in_flight=in_flight)
    made = on_ray(data(rows, blocks=24), plan(limits=limits), tmp_path).take_all()
    killer.join(timeout=60)
    assert killed
    assert outcomes(made) == {"ok": rows}
    assert Counter(row["id"] for row in made) == {f"r{at}": 1 for at in range(rows)}
    kept = kept_numbers(tmp_path)
    repeated = [
        numbers for numbers in model.paid.calls.values() if max(numbers) > max(kept & set(numbers))
    ]
    assert repeated == []
    assert rows <= model.paid.served <= rows + 2 * in_flight


def test_the_job_goes_on_under_the_checkpoints_of_ray(model: Model, tmp_path: Path) -> None:
    context = ray.data.DataContext.get_current()
    context.checkpoint_config = ray.data.checkpoint.CheckpointConfig(
        id_column="id",
        checkpoint_path=str(tmp_path / "checkpoint"),
        delete_checkpoint_on_success=False,
    )
    try:
        source, written = tmp_path / "rows.jsonl", tmp_path / "written"
        for many in (20, 26):
            lines = [{"id": f"r{at}", "prompt": f"question {at}?"} for at in range(many)]
            source.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
            rows = ray.data.read_json(str(source))
            on_ray(rows, plan(), tmp_path / "out").write_parquet(str(written))
        made = import_module("pyarrow.parquet").read_table(str(written)).to_pylist()
        with pytest.raises(InvalidInputError, match="checkpoints would lose some"):
            on_ray(data(1), plan("rollouts"), tmp_path / "out")
    finally:
        context.checkpoint_config = None
    assert sorted(row["id"] for row in made) == sorted(f"r{at}" for at in range(26))
    assert set(model.asked.values()) == {1}


def test_a_model_that_an_actor_holds_answers_all_workers(model: Model, tmp_path: Path) -> None:
    held = hosted("openai:loopback", name="policy")
    assert isinstance(held, HostedModel)
    assert held.capabilities.n
    method = cat.CaT(held, reward=cat.AnswerReward(estimator=cat.Majority()))
    rewarded = Plan(method, n=4, produces="rewards")
    bad = {"id": "failing", "prompt": "this one fails", "topic": 1}
    made = on_ray(data(6, bad), rewarded, tmp_path).take_all()
    assert outcomes(made) == {"ok": 24, "failed": 1}
    assert Counter(row["reward"] for row in made) == {1.0: 18, 0.0: 6, None: 1}
    [failed] = [row for row in made if row["outcome"] == "failed"]
    assert "the model is not well" in failed["failure"]


def test_a_model_with_a_key_is_not_sent(server: LoopbackServer, tmp_path: Path) -> None:
    policy = OpenAIProvider(server.model, base_url=server.url, api_key=server.key)
    with pytest.raises(InvalidInputError, match="cannot be sent to the workers.*may have a key"):
        on_ray(data(1), cat.CaT(policy), tmp_path)
    with pytest.raises(InvalidInputError, match="column 'outcome'"):
        on_ray(ray.data.from_items([{"outcome": 1}]).materialize(), plan(), tmp_path)


@pytest.mark.parametrize("thing", [on_ray, RayJob, RayMapper, hosted])
def test_the_example_runs(
    thing: object, server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [example] = doctest.DocTestFinder(recurse=False).find(thing, "example", globs={})
    assert example.examples
    doctest.DebugRunner().run(example)


def kept_numbers(out: Path) -> set[int]:
    """The numbers of the calls whose answers are in the partitions."""
    found: set[int] = set()
    for path in out.glob("partition-*.sqlite"):
        with sqlite3.connect(path) as store:
            texts = store.execute("SELECT value FROM answer").fetchall()
        found |= {int(number) for (text,) in texts for number in NUMBER.findall(text)}
    return found


def mapping_processes() -> list[int]:
    """The workers of this session: those whose line of parents leads here."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if name.startswith(b"ray::MapWorker") and os.getpid() in _parents(int(folder.name)):
            found.append(int(folder.name))
    return found


def _parents(process: int) -> Iterator[int]:
    while process > 1:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return
        process = int(stat.rpartition(")")[2].split()[1])
        yield process
