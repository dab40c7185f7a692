"""Judge: decides which criteria a rollout meets, with a checked quote, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from random import Random
from typing import Generic, Literal, TypeVar

from pydantic import Field

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import (
    CatError,
    ConfigurationError,
    EvidenceNotFoundError,
    InvalidInputError,
    StructuredOutputError,
)
from catsdk.core.options import Options
from catsdk.core.ports import Provider, name_of
from catsdk.core.types import Call, Criterion, Failure, Rollout, Rubric, Verdict
from catsdk.prompts.forged import holds_a_yes
from catsdk.prompts.reply import Answer, read_verdict, read_verdicts
from catsdk.prompts.schemas import VERDICT, verdicts_schema
from catsdk.rubrics.quotes import Quotable
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.limits.endpoints import identity_of
from catsdk.runtime.prompted import PromptedRole
from catsdk.runtime.structured import Form, Route, ask, form_name, route_of

__all__ = ["Judge", "Judging"]

T = TypeVar("T")


class Judging(Options):
    """How a judge goes about it.

    Args:
        mode: `each` asks for one criterion a call (the paper), `all` for all in one call, matched
            by id.
        evidence: Whether the judge's quotes must stand in the response (`checked`), a yes must also
            have one (`required`), or quotes are taken as they come (`off`).
        attempts: How often a reply is asked for in all, where it cannot be read or its quote is not
            there.
        route: How a reply is made to fit its form: by a schema, a tool or words; `auto` takes what
            the model can.
        seed: Shuffles the criteria of one call, in the same order for every rollout.
        max_response: Longest response that is judged, in characters.

    Raises:
        InvalidInputError: an option is unknown or out of its range.

    Example:
        >>> from catsdk import Judge
        >>> from catsdk.rubrics.judge import Judging
        >>> Judge(judging=Judging(mode="all", evidence="required")).judging.attempts
        2
    """

    mode: Literal["each", "all"] = "each"
    evidence: Literal["checked", "required", "off"] = "checked"
    attempts: int = Field(default=2, ge=1)
    route: Literal["auto"] | Route = "auto"
    seed: int | None = None
    max_response: int = Field(default=200_000, ge=1)


@dataclass(frozen=True)
class Judge(PromptedRole):
    """Judges responses by the criteria of a rubric (paper, section 3.3), all calls at once.

    A verdict that could not be had is `met=None` with its failure: it is never a "no". A judge that
    says that it cannot tell is such a failure, of kind `CannotTell`.

    Equal verdicts are asked for once under one client, also while the first is in flight: told
    apart by endpoint, model, sampling, prompt, criterion and response, so that after an edit of
    the rubric only changed criteria are paid for.

    Args:
        model: The judge; `None` is the judge of the run, else `CATSDK_JUDGE`, else the anchor.
        sampling: By default greedy (the paper does not say at which temperature it judges), and as
            steady as it can be where the model takes no temperature.
        judging: How the judge goes about it.
        remember: Whether a verdict that was given before is taken again; `False` asks anew.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rubrics import loads
        >>> from catsdk.testing import FunctionProvider
        >>> rubric = loads("criteria: [Names the rain.]")
        >>> rollout = cat.group_of("Why?", ["It rains."]).rollouts[0]
        >>> (await cat.Judge(FunctionProvider(lambda request: "yes")).judge(rubric, rollout))[0].met
        True
    """

    judging: Judging = Judging()
    remember: bool = True

    role = "judge"

    @cached_property
    def settings(self) -> tuple[str, str]:
        """What tells two judges of one model and one prompt apart."""
        return self.sampling.model_dump_json(), self.judging.model_dump_json()

    def _task(self) -> str:
        return "judge" if self.judging.mode == "each" else "judge_all"

    async def judge(
        self, rubric: Rubric, rollout: Rollout, ctx: Context | None = None
    ) -> tuple[Verdict, ...]:
        """Give one verdict for each of the K criteria, in their order.

        Args:
            rubric: The criteria.
            rollout: The response that is judged.
            ctx: The context of a run; without one the judge stands alone.

        Raises:
            InvalidInputError: two criteria have one id, or the model does not take the request.
            ConfigurationError: the model cannot be opened.
        """
        ids = [criterion.id for criterion in rubric.criteria]
        if len(set(ids)) < len(ids):
            raise InvalidInputError(f"the rubric's criteria have the ids {ids}; give each its own")
        if len(rollout.text) > self.judging.max_response:
            return tuple(self._too_long(criterion, rollout) for criterion in rubric.criteria)
        async with standing_alone(ctx) as context:
            provider = await context.model(self.model, self.role)
            sitting = _Sitting(self, provider, rollout.text, context)
            if self.judging.mode == "each":
                return tuple(await fan_out(sitting.each, rubric.criteria))
            found = await sitting.all(rubric.criteria)
            return tuple(found[name] for name in ids)

    def _too_long(self, criterion: Criterion, rollout: Rollout) -> Verdict:
        length, most = len(rollout.text), self.judging.max_response
        message = f"the response has {length:,} characters; at most {most:,} are judged"
        failure = Failure(kind="ResponseTooLong", message=message)
        return Verdict(criterion_id=criterion.id, met=None, failure=failure)


class _Sitting:
    """The judging of one response by one judge."""

    def __init__(self, judge: Judge, provider: Provider, response: str, ctx: Context) -> None:
        self.judge, self.options, self.memory = judge, judge.judging, ctx.verdicts
        self.once = ctx.verdicts.single if judge.remember else None
        self.provider, self.name, self.response = provider, name_of(provider), response
        self.quotable = Quotable(response)
        self.prompt = judge.words_for(provider)
        self.identity = (identity_of(provider), self.name, self.prompt.digest, *judge.settings)
        self.digest = sha256(response.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def forged(self) -> bool:
        """Whether the response itself contains a yes, which the judge may have copied."""
        return holds_a_yes(self.response, {self.prompt.verdict, "verdict"})

    def key(self, criterion: Criterion) -> tuple[object, ...]:
        return (self.identity, criterion.text, self.digest)

    # --- one criterion a call ---

    async def each(self, criterion: Criterion) -> Verdict:
        if self.once is None:
            return await self._one(criterion)
        make = partial(self._one, criterion)
        verdict, shared = await self.once.get(self.key(criterion), make, keep=_answered)
        return _handed(verdict, criterion) if shared else verdict

    async def _one(self, criterion: Criterion) -> Verdict:
        read = partial(read_verdict, key=self.prompt.verdict)
        form = Form(VERDICT, lambda text: self._checked(read(text)))
        said, calls = await self._asked(form, {"criterion": criterion.text}, self.options.attempts)
        return self._verdict(criterion, said, calls)

    # --- all criteria in one call ---

    async def all(self, criteria: Sequence[Criterion]) -> dict[str, Verdict]:
        found: dict[str, Verdict] = {}
        for criterion in criteria:
            kept = self.once.peek(self.key(criterion)) if self.once else None
            if kept is not None:
                found[criterion.id] = _handed(kept, criterion)
        asked = [criterion for criterion in criteria if criterion.id not in found]
        return found | await self._batch(self._ordered(asked)) if asked else found

    def _ordered(self, criteria: list[Criterion]) -> list[Criterion]:
        if self.options.seed is None:
            return criteria
        # The same order for every response: rollouts are compared, and services cache prefixes.
        return Random(self.options.seed).sample(criteria, len(criteria))

    async def _batch(self, criteria: Sequence[Criterion]) -> dict[str, Verdict]:
        if self.once is None:
            return await self._rounds(criteria)
        key = (self.identity, tuple((c.id, c.text) for c in criteria), self.digest)
        make = partial(self._rounds, criteria)
        verdicts, shared = await self.memory.batches.get(key, make, keep=lambda _: False)
        if shared:
            return {c.id: _handed(verdicts[c.id], c) for c in criteria}
        for criterion in criteria:
            if _answered(verdicts[criterion.id]):
                self.once.put(self.key(criterion), verdicts[criterion.id])
        return verdicts

    async def _rounds(self, criteria: Sequence[Criterion]) -> dict[str, Verdict]:
        """Ask for all verdicts, then again for those that are missing or misquoted."""
        verdicts: dict[str, Verdict] = {}
        spent: list[Call] = []
        left, asked = self.options.attempts, list(criteria)
        while asked and left > 0:
            texts = [f"id: {criterion.id}\n{criterion.text}" for criterion in asked]
            ids = [criterion.id for criterion in asked]
            read = _Counted(partial(read_verdicts, ids=ids))
            form = Form(verdicts_schema(ids), read)
            said, calls = await self._asked(form, {"criteria": texts}, left)
            left -= max(1, read.times)
            spent += calls
            for criterion in asked:
                one = said if isinstance(said, Failure) else self._found(said, criterion)
                verdicts[criterion.id] = self._verdict(criterion, one, calls)
            asked = [each for each in criteria if _again(verdicts[each.id])]
        return _paid_once(verdicts, criteria, tuple(spent))

    def _found(
        self, answers: Mapping[str, Answer | StructuredOutputError], criterion: Criterion
    ) -> Answer | Failure:
        answer = answers.get(criterion.id)
        if answer is None:
            return Failure(kind="MissingVerdict", message="the judge left this criterion out")
        if isinstance(answer, StructuredOutputError):
            return Failure.of(answer)
        try:
            return self._checked(answer)
        except StructuredOutputError as error:
            return Failure.of(error)

    # --- both ---

    async def _asked(
        self, form: Form[T], slots: Mapping[str, str | list[str]], attempts: int
    ) -> tuple[T | Failure, list[Call]]:
        route = route_of(self.provider, self.options.route)
        messages = self.prompt.messages(form=form_name(route), response=self.response, **slots)
        request = self.judge.sampling.request(messages)
        send = partial(
            ask, self.provider, request, form, attempts=attempts, route=self.options.route
        )
        with recorded("judge") as calls:
            try:
                said, _ = await self.memory.warming.send(request, send)
            except (ConfigurationError, InvalidInputError):
                raise
            except CatError as error:
                return Failure.of(error), calls
        return said, calls

    def _checked(self, answer: Answer) -> Answer:
        if answer.met and self.forged:
            raise StructuredOutputError(
                "the response contains a yes in the form of a reply; this yes may be a copy of it"
            )
        policy, quote = self.options.evidence, answer.evidence
        if policy == "off" or answer.met is None:
            return answer
        if quote is None:
            if policy == "required" and answer.met:
                raise EvidenceNotFoundError("the verdict is yes, but no words are quoted for it")
            return answer
        if policy == "required" and answer.met and not self.quotable.is_told_by(quote):
            raise EvidenceNotFoundError(f"the quote {quote!r} proves nothing; quote whole words")
        if not self.quotable.holds(quote):
            raise EvidenceNotFoundError(
                f"the quote {quote[:200]!r} was not found in the response; quote whole words"
                " exactly, or leave the quote empty"
            )
        return answer

    def _verdict(
        self, criterion: Criterion, said: Answer | Failure, calls: Sequence[Call]
    ) -> Verdict:
        answer = Answer(None) if isinstance(said, Failure) else said
        failure = said if isinstance(said, Failure) else None
        if failure is None and answer.met is None:
            message = answer.reason or "the judge says that it cannot tell"
            failure = Failure(kind="CannotTell", message=message, model=self.name)
        quoted = answer.evidence is not None and self.options.evidence != "off"
        return Verdict(
            criterion_id=criterion.id,
            met=answer.met,
            evidence=answer.evidence,
            quoted=True if quoted and answer.met is not None else None,
            reason=answer.reason,
            judge=self.name,
            request_id=calls[-1].request_id if calls else None,
            failure=failure,
            calls=tuple(calls),
        )


class _Counted(Generic[T]):
    """Counts the replies that were read, against the limit of attempts."""

    def __init__(self, read: Callable[[str], T]) -> None:
        self.read, self.times = read, 0

    def __call__(self, text: str) -> T:
        self.times += 1
        return self.read(text)


def _answered(verdict: Verdict) -> bool:
    return verdict.met is not None


def _again(verdict: Verdict) -> bool:
    kinds = {
        "MissingVerdict",
        EvidenceNotFoundError.__name__,
        StructuredOutputError.__name__,
    }
    return verdict.failure is not None and verdict.failure.kind in kinds


def _handed(verdict: Verdict, criterion: Criterion) -> Verdict:
    """A verdict shared with another request: under that request's id, and without its cost."""
    update = {"criterion_id": criterion.id, "calls": (), "shared": True}
    return verdict.model_copy(update=update)


def _paid_once(
    verdicts: Mapping[str, Verdict], criteria: Sequence[Criterion], calls: tuple[Call, ...]
) -> dict[str, Verdict]:
    return {
        criterion.id: verdicts[criterion.id].model_copy(update={"calls": () if at else calls})
        for at, criterion in enumerate(criteria)
    }
