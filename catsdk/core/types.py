"""The nouns of the method: frozen values that round-trip through JSON.

`model_dump_json()` and `model_validate_json()` are inverses on every type here. Equal values are
equal objects. Axis names: G is the number of rollouts of a group, K the number of criteria.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Literal, cast

from pydantic import (
    Field,
    JsonValue,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from catsdk.core.calls import (
    Call,
    Completion,
    Failure,
    FinishReason,
    Request,
    TokenLogprob,
    Usage,
)
from catsdk.core.display.counting import counted
from catsdk.core.display.sheet import Sheet
from catsdk.core.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
)
from catsdk.core.value import ShownValue, Value

__all__ = [
    "AudioPart",
    "Call",
    "Completion",
    "Criterion",
    "Failure",
    "FilePart",
    "FinishReason",
    "Group",
    "ImagePart",
    "Kind",
    "Message",
    "Provenance",
    "Reference",
    "RefusalPart",
    "Request",
    "Result",
    "Rollout",
    "Rubric",
    "Score",
    "TextPart",
    "ThinkingPart",
    "TokenLogprob",
    "ToolCall",
    "Usage",
    "Verdict",
]

Kind = Literal["essential", "important", "optional", "pitfall"]
"""How much a criterion counts; a pitfall is something to avoid."""


class Rollout(Value):
    r"""One sampled response o_i to a prompt, and the final answer found in it.

    Args:
        index: i, its place in the group, from 0.
        completion: What the policy answered.
        answer: The final answer; `None` if none was found.
        answer_rule: The name of the rule that found it, such as `boxed`.

    Example:
        >>> from catsdk import group_of
        >>> group_of("6*7?", [r"So it is \boxed{42}."]).rollouts[0]
        Rollout(index=0, answer='42', text='So it is \\boxed{42}.')
    """

    index: int
    completion: Completion
    answer: str | None = None
    answer_rule: str | None = None

    def __repr__(self) -> str:
        """Index, answer and text."""
        return self._short("index", "answer", text=self.text)

    @property
    def text(self) -> str:
        """The response, thinking left out."""
        return self.completion.text


class Group(ShownValue):
    r"""The rollouts o_1..o_G of one prompt (paper, section 3.1), and those that failed.

    Args:
        prompt: The messages that were answered.
        rollouts: The rollouts that are there, by index.
        failures: The cause of each rollout that is missing, by its index.
        calls: The requests that were sent for it, failed ones too.
        partial: Whether a budget or a deadline ended the sampling early.

    Example:
        >>> from catsdk import group_of
        >>> group = group_of("6*7?", [r"\boxed{42}", r"\boxed{41}"])
        >>> [rollout.answer for rollout in group.rollouts]
        ['42', '41']
    """

    prompt: tuple[Message, ...]
    rollouts: tuple[Rollout, ...]
    failures: dict[int, Failure] = Field(default={})
    calls: tuple[Call, ...] = ()
    partial: bool = False

    def __repr__(self) -> str:
        """The question and the number of rollouts."""
        failed = len(self.failures) or None
        return self._short(
            "partial", question=self.question, rollouts=len(self.rollouts), failed=failed
        )

    def _sheet(self) -> Sheet:
        rows = [(r.index, r.answer, r.answer_rule or "", r.text) for r in self.rollouts]
        lost = [(at, None, "failed", str(failure)) for at, failure in self.failures.items()]
        facts = (("question", self.question), ("cost", self.usage.cost))
        heads = ("rollout", "answer", "found by", "text")
        return Sheet.of(
            f"Group of {counted(len(self.rollouts), 'rollout')}", facts, heads, [*rows, *lost]
        )

    @property
    def usage(self) -> Usage:
        """What sampling this group consumed."""
        return Usage.total(call.usage for call in self.calls)

    @property
    def question(self) -> str:
        """The text of the last user message."""
        return next((m.text for m in reversed(self.prompt) if m.role == "user"), "")

    @property
    def conversation(self) -> str:
        """The whole prompt as a text: the question alone, or every turn under its role."""
        if len(self.prompt) == 1:
            return self.prompt[0].shown
        return "\n\n".join(f"[{message.title}]\n{message.shown}" for message in self.prompt)


class Provenance(Value):
    """Where a text came from.

    Args:
        method: How it was made, such as `synthesis` or `majority`.
        model: The model that wrote or chose it.
        prompt: The name of the prompt that the model was given.
        prompt_version: The version of that prompt, as its file says.
        prompt_digest: What tells its wording from any other, whatever its file says.
        settings: The settings and facts that mattered, such as the votes of a majority.

    Example:
        >>> from catsdk.types import Provenance
        >>> Provenance(method="majority", settings={"votes": [["4", 7], ["5", 1]]}).method
        'majority'
    """

    method: str
    model: str = ""
    prompt: str | None = None
    prompt_version: str | None = None
    prompt_digest: str | None = None
    settings: dict[str, JsonValue] = Field(default={})


class Reference(ShownValue):
    r"""The estimated reference s of a group (paper, section 3.2), with its evidence.

    Args:
        text: The reference.
        answer: The final answer found in it; `None` if there is none.
        data: The output that was asked for, a JSON object as the model wrote it; `None` if none
            was. `output` is the object of your class that was made of it.
        rationale: Why it says what it says, if the anchor explained it.
        group: The rollouts that it was made from.
        agreement: The share, in 0..1, of the rollouts with an answer whose answer is the
            majority's.
        majority: The most frequent answer; `None` at a tie for the first place or without any
            answer.
        disagrees: Whether the reference's answer differs from the majority's; `None` if there is
            nothing to compare, or it cannot be decided of an output.
        provenance: How it was made, by which model and prompt.
        calls: The requests that were sent for it, apart from those of the group.
        partial: Whether a budget or a deadline cut it short.

    Example:
        >>> import catsdk as cat
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}"])
        >>> reference = await cat.Majority().estimate(group)
        >>> reference.answer, round(reference.agreement, 2), reference.disagrees
        ('42', 0.67, False)
    """

    text: str
    answer: str | None = None
    data: dict[str, JsonValue] | None = None
    rationale: str | None = None
    group: Group
    agreement: float | None = None
    majority: str | None = None
    disagrees: bool | None = None
    provenance: Provenance
    calls: tuple[Call, ...] = ()
    partial: bool = False
    _output: object = PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        """Equal fields; the object that was made of `data` adds nothing to them."""
        return isinstance(other, Reference) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        """Text and answer, with the evidence."""
        method, agreement = self.provenance.method, self.agreement
        return self._short(
            "text",
            "answer",
            "majority",
            "partial",
            agreement=None if agreement is None else round(agreement, 3),
            method=method,
            rollouts=len(self.group.rollouts),
        )

    def _sheet(self) -> Sheet:
        names = ("answer", "text", "majority", "agreement", "disagrees", "rationale", "cost")
        facts = [("by", self.provenance.method), *((name, getattr(self, name)) for name in names)]
        rows = [(r.index, r.answer, r.text) for r in self.rollouts]
        return Sheet.of("Reference", facts, ("rollout", "answer", "text"), rows)

    @property
    def output(self) -> Any:
        """The output that was asked for; `None` if none was.

        An object of your class, or `data` itself where a JSON schema was given or the reference was
        read from JSON: `MyClass.model_validate(reference.data)` makes the object again.
        """
        return self.data if self._output is None else self._output

    def with_output(self, value: object, data: dict[str, JsonValue]) -> Reference:
        """Make a copy that has an output.

        Args:
            value: What `output` gives.
            data: The JSON object that it was made of.

        Returns:
            The copy.
        """
        copy = self.model_copy(update={"data": data})
        copy._output = None if value is data else value
        return copy

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """The rollouts that the reference was made from."""
        return self.group.rollouts

    @property
    def usage(self) -> Usage:
        """What group and reference consumed together."""
        return self.group.usage + Usage.total(call.usage for call in self.calls)

    @property
    def cost(self) -> float | None:
        """US dollars for group and reference together; `None` if a price is unknown."""
        return self.usage.cost


class Criterion(Value):
    """One binary, specific statement that a response meets or does not meet.

    Args:
        id: Its name within the rubric: letters, digits, `.`, `:`, `_` and `-`, at most 100.
        text: The statement.
        kind: Its importance, where the rubric has any: `essential`, `important`, `optional` or
            `pitfall`.
        weight: What meeting it is worth: negative for a pitfall, which a good response does not
            meet. In the paper's rubrics every criterion has weight 1 (section 3.3).

    Example:
        >>> from catsdk import Criterion
        >>> Criterion(id="r1", text="States that the answer is 42.").weight
        1.0
    """

    # The length is checked separately: a counted repeat is slow to compile, at each import.
    id: str = Field(pattern=r"^[\w.:-]+$", max_length=100)
    text: str
    kind: Kind | None = None
    weight: float = Field(default=1.0, allow_inf_nan=False)


class Rubric(ShownValue):
    """The criteria r_1..r_K by which responses to one prompt are judged (paper, section 3.3).

    Args:
        criteria: The K criteria.
        provenance: How it was written, and by which model.
        calls: The requests that were sent for it.
        id: Its name; it stays the same through edits.
        version: Raised by one by each edit.

    Example:
        >>> from catsdk import Criterion, Rubric
        >>> from catsdk.types import Provenance
        >>> criteria = (Criterion(id="r1", text="States that the answer is 42."),)
        >>> rubric = Rubric(criteria=criteria, provenance=Provenance(method="by hand"))
        >>> rubric.revised([*criteria, Criterion(id="r2", text="Shows its work.")])
        Rubric(version=2, criteria=2)
    """

    criteria: tuple[Criterion, ...]
    provenance: Provenance
    calls: tuple[Call, ...] = ()
    id: str = ""
    version: int = 1

    def __repr__(self) -> str:
        """Id, version and the number of criteria."""
        return self._short("id", "version", criteria=len(self.criteria))

    def _sheet(self) -> Sheet:
        rows = [(c.id, c.text, c.kind or "", c.weight) for c in self.criteria]
        facts = (("by", self.provenance.method), ("model", self.provenance.model))
        heads = ("id", "criterion", "kind", "weight")
        return Sheet.of(f"Rubric {self.id} version {self.version}", facts, heads, rows)

    @property
    def usage(self) -> Usage:
        """What writing this rubric consumed."""
        return Usage.total(call.usage for call in self.calls)

    @property
    def digest(self) -> str:
        """What tells two contents apart: 12 digits that change with any criterion."""
        told = [[c.id, c.text, c.kind, c.weight] for c in self.criteria]
        return sha256(json.dumps(told).encode()).hexdigest()[:12]

    def revised(self, criteria: Sequence[Criterion]) -> Rubric:
        """Return the next version of this rubric.

        Args:
            criteria: The criteria that it has then.
        """
        update = {"criteria": tuple(criteria), "version": self.version + 1}
        return self.model_copy(update=update)


class Verdict(Value):
    """A judge's answer to one criterion for one rollout.

    A call that brought several verdicts is listed with the first of them.

    Args:
        criterion_id: The criterion's id.
        met: Whether the response meets it; `None` if there is no answer.
        grade: How far it is met, in 0..1, where that is more than yes or no; for a panel that was
            asked for a mean, the share of yes.
        evidence: The judge's quote of the response.
        quoted: Whether the quote is in the response; `None` if nothing is quoted, or it was not
            checked.
        reason: Why the judge says so.
        judge: The model that judged, or `panel`.
        request_id: The service's name of the request that brought the answer.
        failure: Why there is no answer.
        calls: The requests that were sent for it.
        votes: The verdicts of a panel's members.
        shared: Whether the answer was paid for with an equal verdict elsewhere.

    Example:
        >>> from catsdk.types import Verdict
        >>> Verdict(criterion_id="r1", met=True, reason="It says 42.").degree
        1.0
    """

    criterion_id: str
    met: bool | None
    grade: float | None = Field(default=None, ge=0, le=1)
    evidence: str | None = None
    quoted: bool | None = None
    reason: str | None = None
    judge: str = ""
    request_id: str | None = None
    failure: Failure | None = None
    calls: tuple[Call, ...] = ()
    votes: tuple[Verdict, ...] = ()
    shared: bool = False

    def __repr__(self) -> str:
        """The criterion and the verdict, with its reason."""
        return self._short("criterion_id", "reason", "failure", met=self.met)

    @property
    def degree(self) -> float | None:
        """How far the criterion is met, in 0..1; `None` without an answer."""
        if self.grade is not None or self.met is None:
            return self.grade
        return float(self.met)

    @property
    def usage(self) -> Usage:
        """What this verdict consumed, its votes included."""
        own = Usage.total(call.usage for call in self.calls)
        return own + Usage.total(vote.usage for vote in self.votes)


class Score(ShownValue):
    """The reward R(o_i; s) of one rollout: a number, or `None` with the cause.

    Args:
        index: i, the rollout's place in the group.
        value: The reward; `None` if evidence is missing.
        reasons: Sentences for a reader.
        verdicts: The evidence of a rubric reward.
        failure: Why there is no reward.
        coverage: The share of the criteria, in 0..1, that were answered.
        parts: The scores that a sum is made of, by the name of each reward.
        calls: The requests sent for it that are not those of a verdict.

    Example:
        >>> from catsdk import Score
        >>> Score(index=0, value=1.0, reasons=("its answer 42 equals the reference's 42",)).value
        1.0
    """

    index: int
    value: float | None
    reasons: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    failure: Failure | None = None
    coverage: float | None = None
    parts: dict[str, Score] = Field(default={})
    calls: tuple[Call, ...] = ()

    def __repr__(self) -> str:
        """Index and value, with the reasons."""
        return self._short("index", "reasons", "failure", value=self.value)

    def _sheet(self) -> Sheet:
        facts = (("why", "; ".join(self.reasons)), ("failure", str(self.failure or "")))
        parts = [(name, each.value, "; ".join(each.reasons)) for name, each in self.parts.items()]
        met = [(v.criterion_id, v.degree, v.reason or str(v.failure or "")) for v in self.verdicts]
        title = f"Reward of rollout {self.index}: {self.value}"
        return Sheet.of(title, facts, ("part or criterion", "value", "why"), [*parts, *met])

    @property
    def usage(self) -> Usage:
        """What this score consumed, verdicts and parts included."""
        own = Usage.total(call.usage for call in self.calls)
        judged = Usage.total(verdict.usage for verdict in self.verdicts)
        return own + judged + Usage.total(part.usage for part in self.parts.values())


class Result(ShownValue):
    r"""What came of one prompt: its group, the reference, and the reward of each rollout.

    A prompt that failed has a `failure`, and whatever was there before it failed. In JSON a
    reference that was made from the whole group does not repeat the group.

    Args:
        index: The prompt's place among the prompts of a `map`; 0 for one alone.
        group: The rollouts; `None` if sampling did not begin.
        reference: The estimated reference; `None` if no reward needs one.
        rubrics: The rubrics that rewards were given by.
        scores: One for each of the G rollouts asked for, by index; empty without a reward.
        calls: The requests that neither group nor reference lists: rubrics, verdicts, failures.
        failure: Why there is no result.
        partial: Whether a budget or a deadline cut it short.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: [r"\boxed{4}", r"\boxed{4}", r"\boxed{5}"])
        >>> c = cat.CaT(policy, estimator=cat.Majority(), reward=cat.AnswerReward())
        >>> result = await c.run("2+2?", n=3)
        >>> result.answer, result.rewards, result.usage.requests
        ('4', (1.0, 1.0, 0.0), 1)
        >>> cat.Result.model_validate_json(result.model_dump_json()) == result
        True
    """

    index: int = 0
    group: Group | None = None
    reference: Reference | None = None
    rubrics: tuple[Rubric, ...] = ()
    scores: tuple[Score, ...] = ()
    calls: tuple[Call, ...] = ()
    failure: Failure | None = None
    partial: bool = False

    def __repr__(self) -> str:
        """Answer and rewards, or the failure."""
        rewards = [score.value for score in self.scores] or None
        return self._short("index", "failure", "partial", answer=self.answer, rewards=rewards)

    @model_serializer(mode="wrap")
    def _without_a_second_group(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = dump(self)
        if self.reference is not None and self.reference.group == self.group:
            reference: object = data.get("reference")
            # If the caller excludes the result's own group, the reference includes it.
            if isinstance(reference, dict) and "group" in data:
                cast("dict[str, Any]", reference).pop("group", None)
        return data

    @model_validator(mode="before")
    @classmethod
    def _with_the_group_again(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        fields = cast("dict[str, Any]", data)
        reference: object = fields.get("reference")
        if isinstance(reference, dict) and "group" not in reference:
            whole = {**cast("dict[str, Any]", reference), "group": fields.get("group")}
            return {**fields, "reference": whole}
        return fields

    def _sheet(self) -> Sheet:
        group, scores = self.group, {score.index: score for score in self.scores}
        question = group.question if group else ""
        agreement = None if self.reference is None else self.reference.agreement
        facts = (
            ("question", question), ("answer", self.answer), ("agreement", agreement),
            ("failure", str(self.failure or "")), ("cost", self.cost),
        )  # fmt: skip
        rows = [
            (r.index, r.answer, score.value, "; ".join(score.reasons) or str(score.failure or ""))
            if (score := scores.get(r.index))
            else (r.index, r.answer, "", "")
            for r in (group.rollouts if group else ())
        ]
        return Sheet.of("Result", facts, ("rollout", "answer", "reward", "why"), rows)

    @property
    def text(self) -> str | None:
        """The reference's text."""
        return None if self.reference is None else self.reference.text

    @property
    def answer(self) -> str | None:
        """The reference's final answer."""
        return None if self.reference is None else self.reference.answer

    @property
    def output(self) -> Any:
        """The reference's output, where one was asked for."""
        return None if self.reference is None else self.reference.output

    @property
    def rubric(self) -> Rubric | None:
        """The first of the rubrics."""
        return self.rubrics[0] if self.rubrics else None

    @property
    def rewards(self) -> tuple[float | None, ...]:
        """The value of each score, in the order of the rollouts' indices."""
        return tuple(score.value for score in self.scores)

    @property
    def usage(self) -> Usage:
        """What the group, the reference and everything else of this result consumed."""
        calls = [*(self.group.calls if self.group else ()), *self.calls]
        calls += self.reference.calls if self.reference else ()
        return Usage.total(call.usage for call in calls)

    @property
    def cost(self) -> float | None:
        """US dollars for all of it; `None` if a price is unknown."""
        return self.usage.cost
