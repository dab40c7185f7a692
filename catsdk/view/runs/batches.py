"""Reader for `catsdk batch`: the outcome of each row, also while the batch is running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from catsdk.answers.answers import Answers
from catsdk.batch.estimates import Estimate
from catsdk.batch.folder import ESTIMATE, STORE
from catsdk.batch.state import RowState
from catsdk.batch.text_file import TEXTS, TextFile
from catsdk.core.types import (
    Completion,
    Failure,
    Group,
    Message,
    Provenance,
    Reference,
    Rollout,
    Score,
)
from catsdk.data.columns import GOLDS, PROMPTS
from catsdk.runs.ledger import ANSWER, Kept
from catsdk.view.entry import Entry, Made, prompt_of
from catsdk.view.outline import voted
from catsdk.view.runs.run import About, News, Run
from catsdk.view.runs.store_file import StoreFile

__all__ = ["MANIFEST", "BatchRun"]

MANIFEST = "manifest.json"
_BARE = Group(prompt=(), rollouts=())


class BatchRun(Run):
    """The rows of a batch. Waiting rows are not listed: nothing about them is recorded."""

    def __init__(self, path: Path) -> None:
        """Choose the folder."""
        super().__init__(path)
        self._store = StoreFile(path / STORE)
        self._texts = TextFile(path / TEXTS)
        self._known: dict[str, int] = {}
        self._answers = Answers()

    def count(self) -> int | None:
        """The number of rows that ended."""
        return self._store.count("row") if self._store.there else None

    def news(self) -> News:
        """The rows that ended since the last call, including rows that were processed again."""
        if not self._store.there:
            return
        for _, key, value in self._store.after("row", 0):
            mark = hash(value)
            if self._known.get(key) != mark:
                yield key, voted(self._read(key, value).outline)
                self._known[key] = mark

    def entry(self, place: str) -> Entry | None:
        """The row with that id."""
        kept = self._store.get("row", place)
        if kept is None:
            return None
        entry = self._read(place, kept)
        keys = RowState.model_validate_json(kept).answers
        return entry if entry.group is not None else self._with_rollouts(entry, keys)

    def _with_rollouts(self, entry: Entry, keys: tuple[str, ...]) -> Entry:
        """The entry with its rollouts and calls, if the store still has them."""
        texts = [text for key in keys if (text := self._store.get(ANSWER, key)) is not None]
        answers = [Kept.model_validate_json(text) for text in texts]
        drawn = [each for each in answers if any(call.stage == "sample" for call in each.calls)]
        rollouts = [
            Rollout(index=at, completion=completion, answer=found.answer, answer_rule=found.rule)
            for at, completion in enumerate(each for kept in drawn for each in kept.completions)
            if (found := self._answers.extract(completion.text))
        ]
        calls = tuple(call for each in answers for call in each.calls)
        if not rollouts:
            return entry.model_copy(update={"calls": calls})
        group = Group(prompt=entry.prompt, rollouts=tuple(rollouts))
        return entry.model_copy(update={"group": group, "calls": calls})

    def _read(self, id: str, kept: str) -> Entry:
        state = RowState.model_validate_json(kept)
        records, failure = self._records(id, state)
        return _entry(id, records, state, failure)

    def about(self) -> About:
        """The facts in the manifest, and the usage in the store."""
        problems: list[str] = []
        try:
            manifest: dict[str, Any] = json.loads((self.path / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError) as error:
            manifest = {}
            problems.append(f"{MANIFEST} cannot be read: {error}")
        there = self._store.there
        plan: dict[str, Any] = dict(manifest.get("plan", {}))
        rows: dict[str, Any] | None = manifest.get("rows")
        if not there:
            problems.append(f"{STORE} is missing, or is not a run store: nothing else is known")
        return About(
            kind="batch",
            title=self.path.name,
            data=str(manifest.get("source", "")),
            running=rows is None,
            usage=self._store.usage() if there else None,
            models={"method": manifest.get("method", "")},
            settings={**plan, **({"rows": rows} if rows else {})},
            estimate=self._estimate(problems),
            problems=tuple(problems),
        )

    def _estimate(self, problems: list[str]) -> dict[str, Any] | None:
        """The latest estimate; an unreadable one is added to `problems`."""
        path = self.path / ESTIMATE
        if not path.is_file():
            return None
        try:
            return Estimate.model_validate(json.loads(path.read_text("utf-8"))).model_dump()
        except (OSError, ValueError) as error:
            problems.append(f"{ESTIMATE} cannot be read: {str(error).splitlines()[0]}")
            return None

    def _records(self, id: str, state: RowState) -> tuple[list[dict[str, Any]], Failure | None]:
        if state.at is not None:
            line = self._texts.entry(state.at)
            if line is not None and line.id == id:
                cause = line.failure
                return line.records, None if cause is None else Failure.model_validate(cause)
        made = self._store.get("product", id)
        return ([] if made is None else json.loads(made)), state.failure


def _entry(
    id: str, records: list[dict[str, Any]], state: RowState, failure: Failure | None
) -> Entry:
    first = records[0] if records else {}
    return Entry(
        id=id,
        prompt=_prompt(first),
        gold=_gold(first),
        group=_group(records),
        made=tuple(_made(first)),
        scores=tuple(_scores(records)),
        failure=failure,
        partial=state.outcome == "partial",
    )


def _prompt(record: dict[str, Any]) -> tuple[Message, ...]:
    for name in PROMPTS:
        if record.get(name):
            return prompt_of(record[name])
    return ()


def _gold(record: dict[str, Any]) -> tuple[str, ...]:
    """The known answer, if the row has a column for it."""
    made = {"reference"} if "reference_answer" in record else set[str]()
    for name in GOLDS:
        value = record.get(name)
        if name not in made and isinstance(value, str | int | float):
            return (str(value),)
    return ()


def _group(records: list[dict[str, Any]]) -> Group | None:
    first = records[0] if records else {}
    if "rollout" in first and "final_answer" in first:
        rollouts = [
            Rollout(
                index=each["rollout"],
                completion=Completion(
                    text=each["completion"],
                    finish_reason=each.get("finish_reason", "stop"),
                    model=each.get("model") or "",
                ),
                answer=each["final_answer"],
            )
            for each in records
        ]
    elif "chosen_reward" in first:
        texts = [first["chosen"][-1]["content"], first["rejected"][-1]["content"]]
        rollouts = [
            Rollout(index=at, completion=Completion(text=text)) for at, text in enumerate(texts)
        ]
    else:
        return None
    return Group(prompt=_prompt(first), rollouts=tuple(rollouts))


def _scores(records: list[dict[str, Any]]) -> list[Score]:
    first = records[0] if records else {}
    if "chosen_reward" in first:
        both = (first["chosen_reward"], first["rejected_reward"])
        return [Score(index=at, value=value) for at, value in enumerate(both)]
    if "reward" not in first or "rollout" not in first:
        return []
    return [
        Score(index=each["rollout"], value=each["reward"], failure=_cause(each)) for each in records
    ]


def _cause(record: dict[str, Any]) -> Failure | None:
    told = record.get("no_reward_because")
    if not told:
        return None
    kind, _, message = str(told).partition(": ")
    return Failure(kind=kind, message=message or kind)


def _made(record: dict[str, Any]) -> list[Made]:
    text = record.get("reference")
    if "reference_answer" in record and isinstance(text, str):
        reference = Reference(
            text=text,
            answer=record["reference_answer"],
            data=record.get("output") if isinstance(record.get("output"), dict) else None,
            group=_BARE,
            agreement=record.get("agreement"),
            majority=record.get("majority_answer"),
            provenance=Provenance(method="reference"),
            partial=bool(record.get("partial")),
        )
    elif "completion" in record and "rollout" not in record:
        said: Any = record["completion"]
        if isinstance(said, list):
            messages = cast("list[dict[str, Any]]", said)
            said = messages[-1]["content"] if messages else ""
        reference = Reference(
            text=str(said), group=_BARE, provenance=Provenance(method="reference")
        )
    else:
        return []
    return [Made(estimator="reference", size=0, reference=reference)]
