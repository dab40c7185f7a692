"""Runs in which every text tries to act on the page that shows it."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import anyio

import catsdk as cat
from catsdk.core.types import Call, Failure, Provenance, Verdict
from catsdk.data.results import write_results
from catsdk.rubrics import Judged
from catsdk.runs.store import RunStore
from catsdk.view import Label, add_label
from tests.view.seen import seen_of, write

ATTACK = '"\'></script><img src=x onerror="window.hit=1"><script>window.hit=1</script>{{7*7}}'
NAMED = "<img src=x onerror=window.hit=1>"
"""The part of it that can name a folder."""


def result() -> cat.Result:
    """A result all of whose texts are hostile."""
    failure = Failure(kind=ATTACK, message=ATTACK, model=ATTACK, request_id=ATTACK)
    call = Call(stage=ATTACK, model=ATTACK, usage=cat.Usage(requests=1), latency=1.0,
                failure=failure, request_id=ATTACK)  # fmt: skip
    drawn = cat.group_of("x", [ATTACK, ATTACK, "plain"])
    group = drawn.model_copy(
        update={
            "prompt": tuple(cat.Message(role=role, content=ATTACK) for role in ("system", "user")),
            "rollouts": tuple(
                cat.Rollout(index=r.index, answer=ATTACK, answer_rule=ATTACK,
                            completion=r.completion.model_copy(
                                update={"model": ATTACK, "reasoning": ATTACK}))
                for r in drawn.rollouts
            ),
            "failures": {3: failure},
            "calls": (call,),
        }
    )  # fmt: skip
    made = Provenance(method=ATTACK, model=ATTACK, prompt=ATTACK, prompt_version=ATTACK,
                      settings={ATTACK: ATTACK})  # fmt: skip
    reference = cat.Reference(text=f"{ATTACK}\n{ATTACK} 4", answer=ATTACK, rationale=ATTACK,
                              group=group, agreement=1.0, majority=ATTACK, disagrees=True,
                              provenance=made, calls=(call,))  # fmt: skip
    rubric = cat.Rubric(id=ATTACK, criteria=(cat.Criterion(id="r1", text=ATTACK),), provenance=made)
    vote = Verdict(criterion_id="r1", met=False, judge=ATTACK, reason=ATTACK)
    verdicts = (
        Verdict(criterion_id="r1", met=True, evidence=ATTACK, reason=ATTACK, judge=ATTACK,
                votes=(vote,), calls=(call,)),
        Verdict(criterion_id="r1", met=None, evidence="elsewhere", failure=failure),
    )  # fmt: skip
    scores = tuple(
        cat.Score(index=at, value=None, reasons=(ATTACK,), verdicts=(verdict,), failure=failure,
                  parts={ATTACK: cat.Score(index=at, value=0.5)})
        for at, verdict in enumerate(verdicts)
    )  # fmt: skip
    return cat.Result(group=group, reference=reference, rubrics=(rubric,), scores=scores,
                      failure=failure)  # fmt: skip


def batch(folder: Path) -> None:
    """A batch with a row of rewards, a reference and a row that failed."""
    folder.mkdir(parents=True)
    manifest = {"plan": {ATTACK: ATTACK}, "method": ATTACK, "source": ATTACK, "rows": {ATTACK: 1}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    rollout = {"rollout": 0, "completion": ATTACK, "final_answer": ATTACK, "finish_reason": "stop",
               "model": ATTACK, "reward": None, "no_reward_because": ATTACK}  # fmt: skip
    made = {"reference": ATTACK, "reference_answer": ATTACK, "majority_answer": ATTACK,
            "agreement": 0.5, "output": {ATTACK: ATTACK}}  # fmt: skip
    failure = {"kind": ATTACK, "message": ATTACK}
    rows: list[tuple[str, dict[str, object], dict[str, object]]] = [
        (ATTACK, {"outcome": "ok"}, rollout),
        (f"{ATTACK} 2", {"outcome": "ok"}, made),
        (f"{ATTACK} 3", {"outcome": "failed", "failure": failure}, {}),
    ]

    async def written() -> None:
        async with RunStore(folder / "run.sqlite") as store:
            for id, state, record in rows:
                record = {"id": id, "prompt": ATTACK, "answer": ATTACK, **record}
                row = ("row", id, json.dumps({"digest": "d", **state}))
                await store.put_all([row, ("product", id, json.dumps([record]))])

    # The browser's driver has the event loop of this thread.
    thread = Thread(target=anyio.run, args=(written,))
    thread.start()
    thread.join()


def judged(path: Path) -> None:
    """A group that was judged, whose file has a hostile name."""
    path.parent.mkdir(parents=True)
    each = result()
    assert each.group is not None and each.rubric is not None
    Judged(rubric=each.rubric, group=each.group, scores=each.scores).save(path)


def runs(folder: Path) -> Path:
    """Write a run of each kind below `folder`."""
    folder = folder / NAMED
    seen = [
        seen_of(ATTACK, "4", [f"{ATTACK} 4", f"{ATTACK} 5"], synthesis="4", majority="5",
                id=ATTACK),
        seen_of(f"{ATTACK} 2", "4", [f"{ATTACK} 4"], synthesis=ATTACK, majority=ATTACK),
    ]  # fmt: skip
    write(folder / "sums", seen, title=ATTACK)
    report = json.loads((folder / "sums" / "report.json").read_text("utf-8"))
    point = {"estimator": ATTACK, "size": 2, "requests": 1.0, "tokens": None, "cost": None,
             "score": {"mean": 0.5, "low": 0.1, "high": 0.9}}  # fmt: skip
    report |= {"data": ATTACK, "models": {ATTACK: ATTACK}, "points": [point]}
    (folder / "sums" / "report.json").write_text(json.dumps(report), "utf-8")
    (folder / "results.jsonl").write_text(result().model_dump_json() + "\n", "utf-8")
    add_label(folder / "results.jsonl", Label(item="0", contender=f"{ATTACK}/3", says=False,
                                              note=ATTACK))  # fmt: skip
    batch(folder / "batch")
    judged(folder / "judged" / f"{NAMED}.json")
    write_results(folder / "training" / "groups" / "step-000001-from-0000-rank-0.parquet",
                  [result()], step=1, of=1)  # fmt: skip
    training = folder / "training" / "checkpoint-1"
    training.mkdir()
    history = [{"step": 1, "reward": 0.5, ATTACK: 0.1}]
    state = {"global_step": 1, "max_steps": 1, "log_history": history}
    (training / "trainer_state.json").write_text(json.dumps(state), "utf-8")
    (folder / "training" / "catsdk.yaml").write_text(json.dumps({"model": ATTACK}), "utf-8")
    return folder.parent
