"""Entry: one prompt of a run with all its evidence, from any kind of folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import Field, JsonValue

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_prompt
from catsdk.core.types import Call, Failure, Group, Message, Reference, Result, Rubric, Score, Usage
from catsdk.core.value import Value
from catsdk.evaluate.observations import Graded
from catsdk.view.outline import MadeOutline, Outline

__all__ = ["Entry", "Made", "entry_of", "prompt_of", "without_group"]


class Made(Graded):
    """A reference that an estimator made from the group, with its grade if it has one.

    Args:
        reference: The reference without its group; `None` if there is none.
        failure: Why there is no reference, or no grade.
    """

    reference: Reference | None = None
    failure: Failure | None = None

    @property
    def outline(self) -> MadeOutline:
        """The short form."""
        reference = self.reference
        return MadeOutline(
            **self.graded,
            answer=None if reference is None else reference.answer,
            text="" if reference is None else reference.text,
            failure=None if self.failure is None else str(self.failure),
        )


class Entry(Value):
    """Everything known about one prompt: the group, and all that was made from it.

    Args:
        id: Its id in the run.
        prompt: The messages that were answered.
        gold: The known answers, as written in the data.
        group: The rollouts; `None` if there are none.
        grades: Whether each rollout is right by the known answer, by index.
        made: The references that estimators made from the group.
        scores: The rewards of the rollouts.
        rubrics: The rubrics by which the rollouts were judged.
        calls: Calls that neither the group nor a reference lists.
        failure: Why there is no result.
        partial: Whether it was cut short.
        step: The training step.
        advantages: The advantages of the rollouts in a training, by index.
    """

    id: str
    prompt: tuple[Message, ...] = ()
    gold: tuple[str, ...] = ()
    group: Group | None = None
    grades: dict[int, float] = Field(default_factory=dict[int, float])
    made: tuple[Made, ...] = ()
    scores: tuple[Score, ...] = ()
    rubrics: tuple[Rubric, ...] = ()
    calls: tuple[Call, ...] = ()
    failure: Failure | None = None
    partial: bool = False
    step: int | None = None
    advantages: dict[int, float] = Field(default_factory=dict[int, float])

    @property
    def question(self) -> str:
        """The text of the last user message or, if there is none, of the last message."""
        asked = [message.text for message in self.prompt if message.role == "user"]
        return asked[-1] if asked else (self.prompt[-1].text if self.prompt else "")

    @property
    def all_calls(self) -> tuple[Call, ...]:
        """Every call once, in the order of the method's steps."""
        calls = list(self.group.calls) if self.group else []
        calls += _of_references(self.made)
        calls += [call for rubric in self.rubrics for call in rubric.calls]
        for score in self.scores:
            calls += _calls_of(score)
        # A call that a result lists may also be listed by a verdict.
        seen = {call.model_dump_json() for call in calls} if self.calls else set[str]()
        calls += [call for call in self.calls if call.model_dump_json() not in seen]
        return tuple(calls)

    @property
    def all_scores(self) -> tuple[Score, ...]:
        """The scores, including the parts of sums."""
        return tuple(each for score in self.scores for each in _parts_of(score))

    @property
    def outline(self) -> Outline:
        """The short form, used to list, search and filter items."""
        usage = Usage.total(call.usage for call in self.all_calls)
        rollouts = self.group.rollouts if self.group else ()
        rewards = {score.index: score.value for score in self.scores}
        evidence = next((m.reference for m in self.made if m.reference is not None), None)
        return Outline(
            id=self.id,
            question=self.question,
            gold=self.gold,
            texts=tuple(rollout.text for rollout in rollouts),
            answers=tuple(rollout.answer for rollout in rollouts),
            grades=tuple(self.grades.get(rollout.index) for rollout in rollouts),
            rewards=tuple(rewards.get(rollout.index) for rollout in rollouts),
            rewarded=bool(self.scores),
            majority=None if evidence is None else evidence.majority,
            agreement=None if evidence is None else evidence.agreement,
            made=tuple(made.outline for made in self.made),
            failure=None if self.failure is None else str(self.failure),
            failed_rollouts=len(self.group.failures) if self.group else 0,
            partial=self.partial,
            tokens=usage.tokens,
            cost=usage.cost,
            step=self.step,
            dull_criteria=_dull(self.all_scores),
        )

    def as_json(self) -> dict[str, JsonValue]:
        """The whole entry for the page, without log-probabilities, which no screen shows."""
        data: dict[str, JsonValue] = self.model_dump(
            mode="json",
            exclude={"group": {"rollouts": {"__all__": {"completion": {"logprobs"}}}}},
        )
        data["question"] = self.question
        data["calls"] = [call.model_dump(mode="json") for call in self.all_calls]
        return data


def entry_of(result: Result, id: str) -> Entry:
    """Make the entry for a result of the method.

    Args:
        result: The result of a prompt.
        id: Its id in the run.
    """
    reference = result.reference
    group = result.group or (None if reference is None else reference.group)
    made: tuple[Made, ...] = ()
    if reference is not None:
        size = len(reference.group.rollouts)
        name = reference.provenance.method
        departs = reference.disagrees
        made = (
            Made(estimator=name, size=size, reference=without_group(reference), departs=departs),
        )
    return Entry(
        id=id,
        prompt=group.prompt if group else (),
        group=group,
        made=made,
        scores=result.scores,
        rubrics=result.rubrics,
        calls=result.calls,
        failure=result.failure,
        partial=result.partial,
    )


def without_group(reference: Reference) -> Reference:
    """The reference with an empty group, as an entry holds the rollouts only once."""
    return reference.model_copy(update={"group": Group(prompt=(), rollouts=())})


def _of_references(made: tuple[Made, ...]) -> list[Call]:
    """The calls of all references, each once, since estimators share equal calls."""
    found: Counter[str] = Counter()
    calls: dict[str, Call] = {}
    for each in made:
        own = each.reference.calls if each.reference else ()
        texts = [call.model_dump_json() for call in own]
        # Count a call as often as any one reference lists it: within a reference, all were sent.
        found |= Counter(texts)
        calls |= dict(zip(texts, own, strict=True))
    return [calls[text] for text, count in found.items() for _ in range(count)]


def _calls_of(score: Score) -> list[Call]:
    calls = [*score.calls]
    for verdict in score.verdicts:
        calls += [*verdict.calls, *(call for vote in verdict.votes for call in vote.calls)]
    return calls + [call for part in score.parts.values() for call in _calls_of(part)]


def _parts_of(score: Score) -> Iterator[Score]:
    yield score
    for part in score.parts.values():
        yield from _parts_of(part)


def _dull(scores: tuple[Score, ...]) -> int:
    """How many criteria have the same verdict for all rollouts, if there are several."""
    degrees: dict[str, list[float]] = {}
    for score in scores:
        for verdict in score.verdicts:
            if verdict.degree is not None:
                degrees.setdefault(verdict.criterion_id, []).append(verdict.degree)
    return sum(len(each) > 1 and len(set(each)) == 1 for each in degrees.values())


def prompt_of(value: Any) -> tuple[Message, ...]:
    """Read a recorded prompt; anything unexpected is shown as a user message.

    Args:
        value: A text, the messages of a chat, or any other JSON value.
    """
    try:
        return check_prompt(value)
    except InvalidInputError:
        return (Message(role="user", content=str(value)),)
