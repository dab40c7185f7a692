"""Evaluation: compares estimators on the same rollouts, by score and cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from anyio import CancelScope, to_thread
from pydantic import JsonValue

from catsdk.answers.answers import Answers
from catsdk.cat import CaT
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_many
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.evaluate.calibration import Calibration, calibrate
from catsdk.evaluate.contenders import (
    DEFAULTS,
    LOGPROBS,
    NAMES,
    SCORED,
    Contender,
    Models,
    contender_of,
    make_contenders,
    scored_contenders,
)
from catsdk.evaluate.experiment import Experiment, Sweep
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.items import Item
from catsdk.evaluate.notes import notes_on
from catsdk.evaluate.observations import Seen
from catsdk.evaluate.packages import NUMBERS, check_packages
from catsdk.evaluate.patience import Patience
from catsdk.evaluate.recorded import Recorded
from catsdk.evaluate.report import Report
from catsdk.evaluate.summary import summarise
from catsdk.method.composing import setting_of
from catsdk.rubrics.judge import Judge
from catsdk.runs.ledger import Ledger, paid
from catsdk.runs.store import RunStore
from catsdk.runtime import roles
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, Defaults, context_of
from catsdk.sampling.sampler import Sampler

__all__ = ["Evaluation"]

Model = str | Provider


@dataclass(frozen=True)
class Evaluation:
    """Compares estimators on the same rollouts.

    Contenders that go by recorded scores are there wherever the scores are, named or not. With
    `store`, every answer is kept as it arrives: the same evaluation started again pays only for
    what is missing, with the same result where the models repeat themselves under `seed`. A kept
    answer takes nothing from the client's budget, which therefore caps each run.

    Args:
        policies: The models that are sampled; none with `recorded`.
        anchor: The model that synthesizes; by default the first policy.
        judge: The model that judges; by default the anchor.
        names: Contenders by name, see `make_contenders`.
        extra: Estimators of one's own, named by their class, or `Contender`s with other names.
        sampler: Draws the rollouts instead of a `Sampler` over `policies`.
        sweep: Which sub-samples are looked at.
        sampling: How policies and contenders are sampled.
        seed: Makes rollouts and contenders repeatable if the model supports seeds.
        answers: How final answers are found and compared, everywhere: in rollouts, known answers,
            references, votes and recorded data.
        recorded: Completions that are there already; then nothing is drawn. An `anchor` may be
            there for contenders that ask a model, and is asked for log-probabilities where the
            completions have none.
        calibrate_on: Items that are not in the report, by which the cascade's confidence and
            threshold are chosen: the cheapest that loses less than `margin` against synthesis
            there, by its 95 % interval.
        margin: The score that the cascade may lose.
        store: The file in which answers are kept; `None` keeps none.
        keeps_texts: Whether `run` returns what was seen with its texts: prompts, completions, calls
            and references, which take many times the memory of what the report needs.
        patience: The equal failures of a model that has not answered once, after which the
            evaluation stops; `None` never stops it.
        client: How calls are sent; it must have no cache, whose answers would seem to cost nothing.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.evaluate import Evaluation, Sweep, item_of
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: "The answer is 4.")
        >>> evaluation = Evaluation([policy], names=("majority",), sweep=Sweep(sizes=(2,)))
        >>> report, seen = await evaluation.run([item_of("2+2?", "4")], title="Sums", data="one")
        >>> report.point("majority", 2).score.mean
        1.0
    """

    policies: Sequence[Model] = ()
    anchor: Model | None = None
    judge: Model | None = None
    names: Sequence[str] = DEFAULTS
    extra: Sequence[Contender | roles.Estimator] = ()
    sampler: roles.Sampler | None = None
    sweep: Sweep = Sweep()
    sampling: Sampling = Sampling()
    seed: int | None = 0
    answers: Answers = Answers()
    recorded: Recorded | None = None
    calibrate_on: Sequence[Item] = ()
    margin: float = 0.01
    store: Path | None = None
    keeps_texts: bool = True
    patience: int | None = 10
    client: Client | None = None

    @classmethod
    def of(cls, method: CaT, **settings: Any) -> Self:
        """Return the evaluation of a CaT: its estimator, on rollouts of its sampler.

        Its answers and its client are used, too.

        Args:
            method: The CaT, which need not be open.
            settings: Fields of the evaluation; `names` are compared beside the CaT's estimator.
        """
        models = method.defaults
        given: dict[str, Any] = {
            "sampler": method.sampler,
            "anchor": models.anchor,
            "judge": models.judge,
            "answers": method.answers,
            "client": method.client if method.client.named else None,
            **settings,
        }
        extra = [contender_of(method.estimator), *given.pop("extra", ())]
        return cls(extra=extra, **given)

    async def run(
        self,
        items: Sequence[Item],
        *,
        title: str,
        data: str,
        notes: Sequence[str] = (),
        on_seen: Callable[[Seen], None] = lambda _: None,
    ) -> tuple[Report, list[Seen]]:
        """Evaluate on `items`.

        Args:
            items: What is asked.
            title: The report's heading.
            data: What the items are, for the report.
            notes: Sentences for the report's reader.
            on_seen: Hears of each item as it is finished.

        Returns:
            The report, and what it was made from.

        Raises:
            InvalidInputError: no items, an unknown contender, one that needs a model where there is
                none, or items to calibrate on that are evaluated too, have no gold answer, or have
                no cascade to calibrate.
            ConfigurationError: a model is not there, or another process writes the store.
            MissingExtraError: numpy is not installed.
            ProviderError: a model failed `patience` times alike and never answered; what was paid
                for is in the store.
        """
        check_packages(NUMBERS)
        self._check(items)
        client = self.client or Client.unnamed(cache="")
        patience = Patience(self.patience)
        async with AsyncExitStack() as exits:
            ledger = None
            if self.store is not None:
                store = await exits.enter_async_context(RunStore(self.store))
                limits = client.sending.limits
                ledger = Ledger(store, client.sending.prices, unkept=2 * limits.in_flight)
            ctx = await exits.enter_async_context(
                context_of(
                    client,
                    answers=self.answers,
                    defaults=self._defaults(),
                    around=(patience.watched,),
                )
            )
            # Open every model now, so that a wrong name is found before anything is paid for.
            named = await self._named(ctx)
            work = _Work(self, self._contenders, ctx, patience, ledger, on_seen)
            seen, contenders, models, calibration = await work.done(items, self._models())
            settings = self._settings(models)
            policies = [await ctx.model(each) for each in self._policies()]

            def report() -> Report:
                return summarise(
                    seen,
                    contenders,
                    title=title,
                    data=data,
                    models=named,
                    settings=settings,
                    calibration=calibration,
                    notes=[*notes, *notes_on(items, policies, self.recorded, contenders)],
                    seed=self.sweep.seed,
                )

            # In a thread: the bootstrap takes seconds of CPU.
            made = await to_thread.run_sync(report)
            usage = await paid(ledger.store) if ledger is not None else None
        return made.model_copy(update={"paid": usage}), seen

    def _check(self, items: Sequence[Item]) -> None:
        if not items:
            raise InvalidInputError("there are no items to evaluate")
        if self.recorded is not None and (self.policies or self.sampler):
            raise InvalidInputError(
                "recorded rollouts are not sampled, so policies cannot be given; name a model as"
                " the anchor instead"
            )
        check_many("policies", self.policies, "give a list of models")
        if self.recorded is None and self.sampler is None and not self.policies:
            raise InvalidInputError("there is no model to sample; give at least one policy")
        if self.client is not None and self.client.sending.cache is not None:
            raise InvalidInputError(
                "the client has a cache, whose answers would seem to cost nothing; give a client"
                ' without one (cache="" if the environment sets one); the run store keeps answers'
            )
        both = {item.prompt for item in items} & {item.prompt for item in self.calibrate_on}
        if both:
            raise InvalidInputError(
                f"{counted(len(both), 'item')} to calibrate on would also be evaluated; give others"
            )
        if self.calibrate_on and not any(item.accepted for item in self.calibrate_on):
            raise InvalidInputError("the items to calibrate on have no gold answers")
        if self.calibrate_on and "cascade" not in self.names:
            raise InvalidInputError(
                "calibrate_on calibrates the cascade, which is not among the contenders"
            )
        judged = any(item.criteria and not item.accepted for item in items)
        if judged and self._defaults().judge is None:
            raise InvalidInputError("the items have criteria, but there is no judge; name one")

    def _defaults(self) -> Defaults:
        first = next(iter(self._policies()), None)
        anchor = self.anchor if self.anchor is not None else first
        return Defaults(
            policy=first if first is not None else anchor,
            anchor=anchor,
            judge=self.judge if self.judge is not None else anchor,
        )

    def _policies(self) -> Sequence[Model]:
        """The models that are sampled, if a custom sampler names them."""
        if self.sampler is None:
            return self.policies
        policy: Any = setting_of(self.sampler, "policy")
        if policy is None:
            return ()
        return (policy,) if isinstance(policy, str | Provider) else tuple(policy)

    def _models(self) -> Models:
        asked = self.recorded is not None and not self.recorded.logprobs
        return Models(
            () if self.recorded is not None else self._policies(),
            self.sampling,
            self.seed,
            scorer=self.anchor if asked else None,
        )

    def _contenders(self, models: Models) -> list[Contender]:
        rater = self.recorded.scores if self.recorded is not None else None
        scored = [name for name in self.names if name in SCORED]
        if scored and rater is None:
            raise InvalidInputError(
                f"{', '.join(scored)}: the data holds no scores to select by; give recorded"
                " completions with a score each (--recorded), or leave it out"
            )
        named = make_contenders([name for name in self.names if name not in SCORED], models)
        if self.recorded is not None and self.anchor is None:
            asking = [each.name for each in named if not each.free and each.name in NAMES]
            if asking:
                raise InvalidInputError(
                    f"{', '.join(asking)} need a model, and recorded rollouts come without one;"
                    " name an anchor"
                )
        contenders = [*named, *map(contender_of, self.extra)]
        return [*contenders, *(scored_contenders(rater, self.seed) if rater is not None else ())]

    def _settings(self, models: Models) -> dict[str, JsonValue]:
        sampling = self.sampling.model_dump(exclude_defaults=True)
        settings: dict[str, JsonValue] = {
            "sizes": list(self.sweep.sizes),
            "draws": self.sweep.draws,
            "seed": self.seed,
            "sampling": sampling or "the model's own",
        }
        if "cascade" in self.names:
            settings["cascade"] = (
                f"confidence {models.confidence:g}, threshold {models.threshold:g}"
            )
        return settings

    async def _named(self, ctx: Context) -> dict[str, JsonValue]:
        """The names of the models, by their roles."""
        if self.recorded is not None:
            policies = [f"recorded: {', '.join(self.recorded.models) or 'of no named model'}"]
        else:
            policies = [name_of(await ctx.model(each)) for each in self._policies()]
        anchor, judge = ctx.defaults.anchor, ctx.defaults.judge
        return {
            "policies": ", ".join(policies) or type(self.sampler).__name__,
            "anchor": "none" if anchor is None else name_of(await ctx.model(anchor)),
            "judge": "none" if judge is None else name_of(await ctx.model(judge)),
        }


@dataclass(frozen=True)
class _Work:
    """A running evaluation, whose models are open."""

    evaluation: Evaluation
    make: Callable[[Models], list[Contender]]
    ctx: Context
    patience: Patience
    ledger: Ledger | None
    on_seen: Callable[[Seen], None]

    async def done(
        self, items: Sequence[Item], models: Models
    ) -> tuple[list[Seen], list[Contender], Models, Calibration | None]:
        """The observations, with the contenders, models and calibration that they came from."""
        evaluation = self.evaluation
        # In a thread: this may import the user's own classes.
        contenders = await to_thread.run_sync(self.make, models)
        sampler = await self._sampler()
        calibration = None
        if evaluation.calibrate_on:
            calibration = await self._calibrated(sampler, models)
            chosen = calibration.chosen
            models = replace(models, confidence=chosen.confidence, threshold=chosen.threshold)
            contenders = await to_thread.run_sync(self.make, models)
        seen = await self._seen(
            sampler, contenders, evaluation.sweep, items, keeps_texts=evaluation.keeps_texts
        )
        return seen, contenders, models, calibration

    async def _seen(
        self,
        sampler: roles.Sampler,
        contenders: list[Contender],
        sweep: Sweep,
        items: Sequence[Item],
        *,
        keeps_texts: bool = True,
    ) -> list[Seen]:
        greedy = Sampling(temperature=0.0, max_tokens=self.evaluation.sampling.max_tokens)
        grader = ItemGrader(Judge(sampling=greedy))
        experiment = Experiment(sampler, contenders, grader, sweep, self.ledger, keeps_texts)
        seen: list[Seen] = []
        with CancelScope() as self.patience.scope:
            seen = await experiment.run(items, self.ctx, self.on_seen)
        if self.patience.cause is not None:
            raise self.patience.cause
        return seen

    async def _sampler(self) -> roles.Sampler:
        evaluation = self.evaluation
        chosen = evaluation.recorded or evaluation.sampler
        if chosen is not None:
            return chosen
        policies = [await self.ctx.model(each) for each in evaluation.policies]
        able = all(capabilities_of(policy).logprobs for policy in policies)
        wanted = bool(LOGPROBS & set(evaluation.names))
        sampling = evaluation.sampling.model_copy(update={"logprobs": wanted and able})
        return Sampler(evaluation.policies, sampling, seed=evaluation.seed)

    async def _calibrated(self, sampler: roles.Sampler, models: Models) -> Calibration:
        evaluation = self.evaluation
        sweep = evaluation.sweep.model_copy(update={"sizes": (evaluation.sweep.most,), "draws": 1})
        hard = make_contenders(["synthesis"], models)
        seen = await self._seen(sampler, hard, sweep, evaluation.calibrate_on)
        return await calibrate(seen, self.ctx, margin=evaluation.margin)
