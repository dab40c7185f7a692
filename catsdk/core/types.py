"""The nouns of the method: frozen values that round-trip through JSON.

`model_dump_json()` and `model_validate_json()` are inverses on every type here. Equal values are
equal objects. Axis names: G is the number of rollouts of a group, K the number of criteria.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Literal, cast

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

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
from catsdk.core.value import Value

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

FinishReason = Literal["stop", "length", "content_filter", "other"]
Kind = Literal["essential", "important", "optional", "pitfall"]


class Usage(Value):
    """What calls consumed. `cost` is in US dollars, `None` where a price is unknown.

    `unreported` counts the requests whose tokens no answer told: failed, cut, or silent servers;
    `estimated` those whose tokens are partly our own estimate, since the report left some out.
    Cached tokens are part of the input tokens, reasoning tokens part of the output tokens.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    requests: int = 0
    unreported: int = 0
    estimated: int = 0
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        """Add up two usages; an unknown cost makes the sum unknown."""
        known = self.cost is not None and other.cost is not None
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            requests=self.requests + other.requests,
            unreported=self.unreported + other.unreported,
            estimated=self.estimated + other.estimated,
            cost=(self.cost or 0.0) + (other.cost or 0.0) if known else None,
        )

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """The sum of `usages`."""
        return sum(usages, cls())


class Request(Value):
    """What a provider is asked: messages and sampling settings; `None` is the model's default.

    `n` answers are wanted. `seed` makes sampling repeatable where the model can. `json_schema`
    asks for text that fits the schema; with `schema_by` "tool" it is asked for as the arguments of
    a function that the model must call. `extra` goes to the vendor as it is. `sample_index` is the
    place of the first of these answers among the answers to equal requests; it is not sent, but
    tells a cache the one answer from the other.
    """

    messages: tuple[Message, ...]
    n: int = 1
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = False
    json_schema: dict[str, JsonValue] | None = None
    schema_by: Literal["native", "tool"] = "native"
    extra: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    sample_index: int = 0


class TokenLogprob(Value):
    """One sampled token and the natural logarithm of its probability under the model."""

    token: str
    logprob: float


class Failure(Value):
    """Something that did not work, as data: the error's class name and its message."""

    kind: str
    message: str
    model: str | None = None
    status: int | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The data of `error`."""
        facts = {name: getattr(error, name, None) for name in ("model", "status", "request_id")}
        return cls(kind=type(error).__name__, message=str(error), **facts)

    def __str__(self) -> str:
        """Kind and message on one line."""
        return f"{self.kind}: {self.message}"


class Completion(Value):
    """One answer of a model. `latency` is in seconds, for the call that brought it.

    `reasoning` is the thinking that the model keeps apart from its answer. The usages of the n
    completions of one request add up to the request's; a service that tells only the sum has it
    on the first. `cached` answers were paid for before, and have used nothing. `failure` is set
    where the service reported that this one of several answers failed; `text` is then what came
    before it, and no answer.
    """

    text: str
    reasoning: str | None = None
    finish_reason: FinishReason = "stop"
    logprobs: tuple[TokenLogprob, ...] | None = None
    usage: Usage = Usage()
    model: str = ""
    latency: float = 0.0
    request_id: str | None = None
    cached: bool = False
    failure: Failure | None = None

    def __repr__(self) -> str:
        """Text, model and how it ended."""
        return self._short("text", "finish_reason", "model", "cached", "failure")


class Call(Value):
    """One request that was sent: for which stage, to which model, what it used, how it ended.

    `request_id` is the service's own name of the request, where it gave one.
    """

    stage: str
    model: str
    usage: Usage
    latency: float
    failure: Failure | None = None
    request_id: str | None = None


class Rollout(Value):
    """One sampled response o_i to a prompt, and the final answer found in it.

    `answer_rule` names the rule that found the answer, such as `boxed`.
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


class Group(Value):
    """The rollouts o_1..o_G of one prompt (paper, section 3.1), and those that failed.

    `failures` maps the index of a rollout that is missing to its cause; `partial` is true when a
    budget ended the sampling early. `calls` are the requests sent for it, failed ones too.
    """

    prompt: tuple[Message, ...]
    rollouts: tuple[Rollout, ...]
    failures: dict[int, Failure] = Field(default_factory=dict[int, Failure])
    calls: tuple[Call, ...] = ()
    partial: bool = False

    def __repr__(self) -> str:
        """The question and how many rollouts there are."""
        failed = len(self.failures) or None
        return self._short(
            "partial", question=self.question, rollouts=len(self.rollouts), failed=failed
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
    """Where a text came from: method, model, prompt and its version, settings that mattered."""

    method: str
    model: str = ""
    prompt: str | None = None
    prompt_version: str | None = None
    settings: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Reference(Value):
    """The estimated reference s of a group (paper, section 3.2), with its evidence.

    `agreement` is the share of the G rollouts with an answer whose answer is the majority's;
    `majority` is that answer, `None` at a tie for the first place or without any answer.
    `disagrees` says whether the reference's answer differs from the majority's; `None` when
    there is nothing to compare. `partial` marks a result that a budget cut short.
    """

    text: str
    answer: str | None = None
    rationale: str | None = None
    group: Group
    agreement: float | None = None
    majority: str | None = None
    disagrees: bool | None = None
    provenance: Provenance
    calls: tuple[Call, ...] = ()
    partial: bool = False

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
        """US dollars for group and reference together; `None` where a price is unknown."""
        return self.usage.cost


class Criterion(Value):
    """One binary, specific statement that a response meets or does not meet.

    `weight` is what meeting it is worth: negative for a pitfall, which a good response does not
    meet. In a rubric without weights every criterion has weight 1 (the paper, section 3.3).
    """

    # The length apart: a repeat that is counted makes the pattern slow to build, at each import.
    id: str = Field(pattern=r"^[\w.:-]+$", max_length=100)
    text: str
    kind: Kind | None = None
    weight: float = Field(default=1.0, allow_inf_nan=False)


class Rubric(Value):
    """The criteria r_1..r_K by which responses to one prompt are judged (paper, section 3.3).

    `id` stays the same through edits, which raise `version`.
    """

    criteria: tuple[Criterion, ...]
    provenance: Provenance
    calls: tuple[Call, ...] = ()
    id: str = ""
    version: int = 1

    def __repr__(self) -> str:
        """Id, version and how many criteria there are."""
        return self._short("id", "version", criteria=len(self.criteria))

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
        """The next version of this rubric, with other criteria."""
        update = {"criteria": tuple(criteria), "version": self.version + 1}
        return self.model_copy(update=update)


class Verdict(Value):
    """A judge's answer to one criterion for one rollout; `met` is `None` when there is none.

    `failure` says why there is no answer. `evidence` is the judge's quote of the response and
    `quoted` says whether it really stands there (`None`: nothing is quoted, or it was not
    checked). `grade` is how far the criterion is met, in 0..1, where that is more than yes or no. A
    panel's verdict has its members' in `votes`, and in `grade` the share of yes among them where it
    was asked for a mean. `request_id` is the service's name of the request that
    brought the answer; `shared` marks one that was paid for elsewhere. A call that brought several
    verdicts stands with the first of them.
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


class Score(Value):
    """The reward R(o_i; s) of one rollout: a number, or `None` with the cause.

    `reasons` are sentences for a reader; `verdicts` the evidence of a rubric reward, and
    `coverage` the share of the criteria that were answered. A reward made of several has them in
    `parts`. `calls` are those of no verdict.
    """

    index: int
    value: float | None
    reasons: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    failure: Failure | None = None
    coverage: float | None = None
    parts: dict[str, Score] = Field(default_factory=dict[str, "Score"])
    calls: tuple[Call, ...] = ()

    def __repr__(self) -> str:
        """Index and value, with the reasons."""
        return self._short("index", "reasons", "failure", value=self.value)

    @property
    def usage(self) -> Usage:
        """What this score consumed, verdicts and parts included."""
        own = Usage.total(call.usage for call in self.calls)
        judged = Usage.total(verdict.usage for verdict in self.verdicts)
        return own + judged + Usage.total(part.usage for part in self.parts.values())


class Result(Value):
    """What came of one prompt: its group, the reference, and the reward of each rollout.

    A prompt that failed has a `failure`, and whatever was there before it failed. In JSON a
    reference that was made from the whole group does not repeat the group.

    Args:
        index: The prompt's place among the prompts of a `map`; 0 for one alone.
        group: The rollouts; `None` where sampling did not begin.
        reference: The estimated reference; `None` where no reward needs one.
        rubrics: The rubrics that rewards were given by.
        scores: One for each of the G rollouts asked for, by index; empty without a reward.
        calls: The requests that neither group nor reference lists: rubrics, verdicts, failures.
        failure: Why there is no result.
        partial: Whether a budget or a deadline cut it short.
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
            # Where the caller leaves out the result's own group, the reference keeps it.
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

    @property
    def text(self) -> str | None:
        """The reference's text."""
        return None if self.reference is None else self.reference.text

    @property
    def answer(self) -> str | None:
        """The reference's final answer."""
        return None if self.reference is None else self.reference.answer

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
        """US dollars for all of it; `None` where a price is unknown."""
        return self.usage.cost
