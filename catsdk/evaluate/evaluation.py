"""Evaluation: which aggregator, on this data, with these models, at what cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from anyio import to_thread
from pydantic import JsonValue

from catsdk.core import ports
from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.runtime import Runtime
from catsdk.equivalence.extract import STATED, Extractor
from catsdk.equivalence.graders.grader import Grader
from catsdk.evaluate.calibrate import Calibration, calibrate
from catsdk.evaluate.contenders import (
    DEFAULTS,
    LOGPROBS,
    SCORED,
    Contender,
    Models,
    make_contenders,
    scored_contenders,
)
from catsdk.evaluate.experiment import Experiment, Sweep
from catsdk.evaluate.grading import BY_MEANING, ItemGrader
from catsdk.evaluate.items import Item
from catsdk.evaluate.models import NO_MODEL, open_models
from catsdk.evaluate.notes import notes_on
from catsdk.evaluate.observations import Seen
from catsdk.evaluate.packages import NUMBERS, check_packages
from catsdk.evaluate.recorded import Recorded
from catsdk.evaluate.report import Report
from catsdk.evaluate.summary import summarise
from catsdk.middleware.account import Budget
from catsdk.rubrics.judge import Judge
from catsdk.runs.ledger import paid
from catsdk.runs.store import RunStore
from catsdk.sampling.sampler import Sampler

__all__ = ["Evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """Compares aggregators on the same rollouts of `policies`.

    `names` are contenders of `catsdk.evaluate.contenders`; `extra` are others, made by the caller.
    Those that go by recorded scores are there wherever the scores are, named or not.
    `grader` says when an answer is the gold one, `extractor` where it stands in a rollout.
    With `recorded` rollouts nothing is drawn, and there are no policies; an `anchor` may be there
    for the aggregators that ask a model, and is asked for log-probabilities where the rollouts have
    none. With `calibrate_on`, items that are not in the report, the cascade's confidence and threshold
    are chosen there: the cheapest that loses less than `margin` against synthesis there, with its
    95 % interval. With `store`, a
    file, every answer is kept as it arrives: the same evaluation started again pays only for what
    is missing, with the same result where the models repeat themselves under `seed`.
    """

    policies: Sequence[str | Provider] = ()
    anchor: str | Provider | None = None
    judge: str | Provider | None = None
    names: Sequence[str] = DEFAULTS
    extra: Sequence[Contender] = ()
    sweep: Sweep = Sweep()
    sampling: Sampling = Sampling()
    seed: int | None = 0
    grader: Grader = BY_MEANING
    extractor: Extractor = STATED
    recorded: Recorded | None = None
    calibrate_on: Sequence[Item] = ()
    margin: float = 0.01
    store: Path | None = None
    budget: Budget | None = None
    runtime: Runtime = Runtime()

    async def run(
        self,
        items: Sequence[Item],
        *,
        title: str,
        data: str,
        notes: Sequence[str] = (),
        on_seen: Callable[[Seen], None] = lambda _: None,
    ) -> tuple[Report, list[Seen]]:
        """Evaluate on `items`; gives the report and what it was made from.

        Raises:
            InvalidInputError: no items, an unknown contender, one that needs a model where there is
                none, or items to calibrate on that are evaluated too, have no gold answer, or have
                no cascade to calibrate.
            ConfigurationError: a model is not there, or another process writes the store.
            MissingExtraError: numpy is not installed.
        """
        check_packages(NUMBERS)
        self._check(items)
        async with AsyncExitStack() as exits:
            store = None
            if self.store is not None:
                store = await exits.enter_async_context(RunStore(self.store))
            models = await exits.enter_async_context(
                open_models(
                    self._policies(),
                    self.anchor,
                    self.judge,
                    store=store,
                    budget=self.budget,
                    runtime=self.runtime.model_copy(update={"cache": None}),
                    sampling=self.sampling,
                    seed=self.seed,
                )
            )
            models = replace(models, scored=self._scored())
            contenders = self._contenders(models)
            calibration = None
            if self.calibrate_on:
                calibration = await self._calibrated(models, store, on_seen)
                chosen = calibration.chosen
                models = replace(models, confidence=chosen.confidence, threshold=chosen.threshold)
                contenders = self._contenders(models)
            seen = await self._experiment(models, contenders, self.sweep, store).run(items, on_seen)

            def report() -> Report:
                return summarise(
                    seen,
                    contenders,
                    title=title,
                    data=data,
                    models=self._named(models),
                    settings=self._settings(models),
                    calibration=calibration,
                    notes=[*notes, *notes_on(models.policies, self.recorded, contenders)],
                    seed=self.sweep.seed,
                )

            # Resampling takes seconds of CPU.
            made = await to_thread.run_sync(report)
            usage = await paid(store) if store is not None else None
        return made.model_copy(update={"paid": usage}), seen

    def _check(self, items: Sequence[Item]) -> None:
        if not items:
            raise InvalidInputError("there are no items to evaluate")
        if self.recorded is not None and self.policies:
            raise InvalidInputError(
                "recorded rollouts need no policies; name a model as the anchor"
            )
        both = {item.prompt for item in items} & {item.prompt for item in self.calibrate_on}
        if both:
            raise InvalidInputError(
                f"{len(both)} items to calibrate on are evaluated too; give others"
            )
        if self.calibrate_on and all(item.gold is None for item in self.calibrate_on):
            raise InvalidInputError("the items to calibrate on have no gold answers")
        if self.calibrate_on and "cascade" not in self.names:
            raise InvalidInputError(
                "items to calibrate on set the cascade, which is not among the aggregators"
            )

    def _policies(self) -> Sequence[str | Provider]:
        if self.recorded is None:
            return self.policies
        return [NO_MODEL if self.anchor is None else self.anchor]

    def _scored(self) -> bool:
        return self.recorded is not None and self.anchor is not None and not self.recorded.logprobs

    def _contenders(self, models: Models) -> list[Contender]:
        rater = self.recorded.scores if self.recorded is not None else None
        scored = [name for name in self.names if name in SCORED]
        if scored and rater is None:
            raise InvalidInputError(
                f"{', '.join(scored)}: the data holds no scores to go by; give recorded completions"
                " with a score each (--recorded), or leave it out"
            )
        asked = [name for name in self.names if name not in SCORED]
        contenders = [*make_contenders(asked, models), *self.extra]
        if self.recorded is not None and self.anchor is None:
            asking = [each.name for each in contenders if not each.free]
            if asking:
                raise InvalidInputError(
                    f"{', '.join(asking)} ask a model, and recorded rollouts come without one; name"
                    " an anchor"
                )
        return [*contenders, *(scored_contenders(rater, self.seed) if rater is not None else ())]

    def _experiment(
        self,
        models: Models,
        contenders: Sequence[Contender],
        sweep: Sweep,
        store: RunStore | None,
    ) -> Experiment:
        greedy = Sampling(temperature=0.0, max_tokens=self.sampling.max_tokens)
        return Experiment(
            self._sampler(models),
            contenders,
            ItemGrader(Judge(models.judge, greedy), self.grader),
            sweep,
            store,
        )

    def _sampler(self, models: Models) -> ports.Sampler:
        if self.recorded is not None:
            return self.recorded
        return Sampler(
            models.policies,
            self._rollout_sampling(models),
            seed=self.seed,
            extractor=self.extractor,
        )

    def _rollout_sampling(self, models: Models) -> Sampling:
        wanted = LOGPROBS & set(self.names)
        able = all(capabilities_of(policy).logprobs for policy in models.policies)
        return self.sampling.model_copy(update={"logprobs": bool(wanted) and able})

    async def _calibrated(
        self, models: Models, store: RunStore | None, on_seen: Callable[[Seen], None]
    ) -> Calibration:
        sweep = self.sweep.model_copy(update={"sizes": (self.sweep.most,), "draws": 1})
        hard = make_contenders(["synthesis"], models)
        seen = await self._experiment(models, hard, sweep, store).run(self.calibrate_on, on_seen)
        return await calibrate(seen, margin=self.margin, grader=self.grader)

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

    def _named(self, models: Models) -> dict[str, JsonValue]:
        policies = [name_of(policy) for policy in models.policies]
        if self.recorded is not None:
            policies = [f"recorded: {', '.join(self.recorded.models) or 'of no named model'}"]
        return {
            "policies": ", ".join(policies),
            "anchor": name_of(models.anchor),
            "judge": name_of(models.judge),
        }
