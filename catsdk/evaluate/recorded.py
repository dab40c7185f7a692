"""Recorded rollouts: a sampler that takes completions from a data set and sends nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from catsdk.answers.answers import Answers
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import PromptLike, check_prompt
from catsdk.core.sampled import Sampled, completion_of
from catsdk.core.types import (
    Completion,
    Failure,
    FinishReason,
    Group,
    Message,
    Rollout,
    Score,
    TokenLogprob,
    Usage,
)
from catsdk.data.columns import Columns
from catsdk.data.rows import Row
from catsdk.data.sources import Source, named, read_rows
from catsdk.evaluate.items import Item
from catsdk.evaluate.reading import SPLITS, items_of
from catsdk.runtime.context import Context
from catsdk.sampling.sampler import rollout_of

__all__ = ["Recorded", "RecordedScores", "read_recorded"]

SAMPLES = ("samples", "completions", "responses", "rollouts", "generations")
TEXTS = ("completion", "text", "response", "content", "output")
SCORES = ("score", "rm_score", "reward")

_NONE = Failure(kind="NotRecordedError", message="the data set holds no such completion")


@dataclass(frozen=True, slots=True)
class _Sample:
    """A completion, with its answer and a reward model's score if the data set has them."""

    completion: Completion
    answer: str | None
    score: float | None


class Recorded:
    """A sampler whose rollout i of a prompt is its completion i in the data set.

    A rollout that is not there is a failure. `counted` says whether every completion tells its
    tokens; else those that do not are taken for a third of their characters.
    """

    def __init__(self, samples: Mapping[tuple[Message, ...], Sequence[_Sample]], *, counted: bool):
        """Keep the samples of each prompt, in their order."""
        self._samples = samples
        self.counted = counted

    @property
    def most(self) -> int:
        """The largest number of completions that a prompt has."""
        return max(map(len, self._samples.values()), default=0)

    @property
    def models(self) -> list[str]:
        """The names of the models that wrote them, as far as the data set tells."""
        names = (each.completion.model for each in self._all())
        return list(dict.fromkeys(name for name in names if name))

    @property
    def logprobs(self) -> bool:
        """Whether any completion has log-probabilities."""
        return any(each.completion.logprobs for each in self._all())

    @property
    def scores(self) -> RecordedScores | None:
        """The scores that stand beside completions, where there are any."""
        values = {
            (prompt, at): each.score
            for prompt, samples in self._samples.items()
            for at, each in enumerate(samples)
            if each.score is not None
        }
        return RecordedScores(values) if values else None

    async def sample(
        self, prompt: PromptLike, n: int, ctx: Context | None = None, *, start: int = 0
    ) -> Group:
        """Give rollouts `start` to `start + n - 1` of `prompt`; no call is made.

        Args:
            prompt: A prompt of the data set.
            n: The number of rollouts.
            ctx: Finds the final answers; a completion without one has the data set's own.
            start: The index of the first rollout.
        """
        messages = check_prompt(prompt)
        samples = self._samples.get(messages, ())
        answers = Answers() if ctx is None else ctx.answers
        wanted = range(start, start + n)
        return Group(
            prompt=messages,
            rollouts=tuple(
                _rollout(at, samples[at], answers) for at in wanted if at < len(samples)
            ),
            failures={at: _NONE for at in wanted if at >= len(samples)},
        )

    def _all(self) -> list[_Sample]:
        return [each for samples in self._samples.values() for each in samples]


class RecordedScores:
    """A rater that gives the score which the data set holds beside each completion."""

    def __init__(self, values: Mapping[tuple[tuple[Message, ...], int], float]) -> None:
        """Keep the scores by prompt and index of the rollout."""
        self._values = values

    async def rate(self, group: Group, ctx: Context | None = None) -> list[Score]:
        """Give one score for each rollout, in their order; one that is not there is no zero."""
        return [self._score(group.prompt, rollout.index) for rollout in group.rollouts]

    def _score(self, prompt: tuple[Message, ...], index: int) -> Score:
        value = self._values.get((prompt, index))
        missing = Failure(kind="MissingScore", message="the data set has no score for this rollout")
        return Score(index=index, value=value, failure=missing if value is None else None)


def read_recorded(
    source: Source, *, columns: Columns = Columns(), limit: int | None = None
) -> tuple[list[Item], Recorded]:
    """Read the items of `source` as `read_items` does, and the completions that stand beside them.

    They are a list in the column `samples`, `completions`, `responses`, `rollouts` or
    `generations`, of texts or of objects with `completion` (or `text`, `response`, `content`,
    `output`; a text, or the messages of a conversation), and where there are any `model`, `score`
    (or `rm_score`, `reward`), `logprobs` (one number a token), `input_tokens`, `output_tokens`,
    `finish_reason`, and `extracted`, the final answer, which counts where none is found in the
    text.

    Raises:
        InvalidInputError: as `read_items`; or a row has no completions, or wrong ones; or two rows
            have the same prompt.
        MissingExtraError: as `read_items`.
    """
    rows = read_rows(source, splits=SPLITS, text=columns.text, limit=limit)
    column = next((each for each in SAMPLES if each in rows[0].values), None)
    if column is None:
        raise InvalidInputError(
            f"{named(source)} has none of the columns {', '.join(SAMPLES)}; it has"
            f" {', '.join(rows[0].values)}: recorded completions are a list in one of those"
        )
    items = items_of(rows, columns, named(source))
    found: dict[tuple[Message, ...], list[_Sample]] = {}
    places: dict[tuple[Message, ...], str] = {}
    for row, item in zip(rows, items, strict=True):
        if item.prompt in found:
            raise InvalidInputError(
                f"{row.place}: the prompt is already at {places[item.prompt]}; merge their"
                " completions"
            )
        places[item.prompt] = row.place
        found[item.prompt] = _samples(row, column, item)
    counted = all(each.completion.usage.unreported == 0 for part in found.values() for each in part)
    return items, Recorded(found, counted=counted)


def _samples(row: Row, column: str, item: Item) -> list[_Sample]:
    given: object = row.values.get(column)
    if not isinstance(given, list) or not given:
        raise InvalidInputError(
            f"{row.place}: {column} are {given!r:.80}; give a list of completions"
        )
    try:
        return [_sample(at, each, item) for at, each in enumerate(cast("list[object]", given))]
    except InvalidInputError as error:
        raise InvalidInputError(f"{row.place}, {error}") from error


def _sample(at: int, given: object, item: Item) -> _Sample:
    fields = cast("dict[str, object]", given) if isinstance(given, dict) else {"text": given}
    text = next((fields[name] for name in TEXTS if name in fields), None)
    if not isinstance(text, str | list):
        raise InvalidInputError(
            f"completion {at} is {given!r:.80}; give a text, or an object with {TEXTS[0]!r}"
        )
    ended = fields.get("finish_reason")
    read = completion_of(cast("Sampled", text))
    completion = completion_of(
        read,
        model=str(fields.get("model") or ""),
        usage=_usage(fields, item, f"{read.reasoning or ''}{read.text}"),
        logprobs=_logprobs(at, fields.get("logprobs")),
        finish_reason=ended if ended in get_args(FinishReason) else "stop",
    )
    told = fields.get("extracted")
    answer = (str(told).strip() or None) if told is not None else None
    score = next((fields[name] for name in SCORES if fields.get(name) is not None), None)
    if score is not None and not _is_number(score):
        raise InvalidInputError(f"the score of completion {at} is {score!r:.80}; give a number")
    return _Sample(completion, answer, float(score) if isinstance(score, int | float) else None)


def _rollout(at: int, sample: _Sample, answers: Answers) -> Rollout:
    rollout = rollout_of(at, sample.completion, answers)
    if rollout.answer is not None or sample.answer is None:
        return rollout
    return rollout.model_copy(update={"answer": sample.answer, "answer_rule": "recorded"})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _usage(fields: Mapping[str, object], item: Item, text: str) -> Usage:
    told = [fields.get(name) for name in ("input_tokens", "output_tokens")]
    known = [each for each in told if isinstance(each, int) and each >= 0]
    if len(known) == len(told):
        return Usage(input_tokens=known[0], output_tokens=known[1], requests=1, cost=None)
    asked = sum(len(message.text) for message in item.prompt)
    return Usage(
        input_tokens=asked // 3 + 1,
        output_tokens=len(text) // 3 + 1,
        requests=1,
        unreported=1,
        cost=None,
    )


def _logprobs(at: int, given: object) -> tuple[TokenLogprob, ...] | None:
    if given is None:
        return None
    values = cast("list[object]", given) if isinstance(given, list) else [given]
    numbers = [float(each) for each in values if isinstance(each, int | float) and _is_number(each)]
    if len(numbers) != len(values) or any(each > 0 for each in numbers):
        raise InvalidInputError(
            f"logprobs of completion {at} are {given!r:.80}; give one natural logarithm a token"
        )
    return tuple(TokenLogprob(token="", logprob=each) for each in numbers)
