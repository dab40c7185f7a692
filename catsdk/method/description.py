"""The configuration of a CaT: its roles, which can be printed, pickled and written as YAML."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Sequence as SequenceABC
from copy import copy
from typing import Any, Self, cast

from anyio import to_thread

from catsdk.answers.answers import Answers
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_kind
from catsdk.core.model_strings import (
    check_providers,
    is_built_in,
    known_providers,
    reaches_service,
)
from catsdk.core.settings import Settings
from catsdk.core.yaml_text import data_of, yaml_of
from catsdk.method.composing import (
    Model,
    defaults_of,
    estimator_of,
    policies_of,
    reward_of,
    sampler_of,
)
from catsdk.method.role_tree import models_of
from catsdk.recipes import digest_of, from_data, is_known_role, to_data, written
from catsdk.runtime import roles
from catsdk.runtime.client import Client
from catsdk.runtime.context import Defaults
from catsdk.runtime.output import Output, OutputLike
from catsdk.runtime.output_answers import OutputAnswers, answers_for
from catsdk.sampling.sampler import Sampler

__all__ = ["Description"]


class Description:
    """The roles of the method, and the models that play them; `CaT` does its work by one.

    Args:
        policy: A model, several, or a sampler.
        estimator: An estimator, or the anchor's model.
        reward: What rewards the rollouts, if anything.
        client: How calls are sent.
        answers: How final answers are found and compared.
        output: What references must be.

    Raises:
        InvalidInputError: an argument is of the wrong kind.
    """

    def __init__(
        self,
        policy: Model | SequenceABC[Model] | roles.Sampler | None = None,
        *,
        estimator: roles.Estimator | Model | None = None,
        reward: roles.Rewarder | None = None,
        client: Client | None = None,
        answers: Answers | None = None,
        output: OutputLike | Output | None = None,
    ) -> None:
        """Choose the roles; nothing is opened or sent."""
        check_kind("client", client, (Client,), "a Client such as Client(budget=Budget(usd=2))")
        check_kind("answers", answers, (Answers,), "Answers such as Answers(grader=ExactMatch())")
        settings = Settings()
        self._sampler = sampler_of(policy, settings)
        self._estimator = estimator_of(estimator, self._sampler)
        self._own_estimator = estimator is not None
        self._reward = reward_of(reward, self._sampler)
        self._client = client or Client.unnamed()
        self._answers = answers_for(answers or Answers(), output)
        self._defaults = defaults_of(self._sampler, self._estimator, settings)
        self._begin()

    def _begin(self) -> None:
        """Initialise the state that copies do not share."""

    @property
    def sampler(self) -> roles.Sampler:
        """What draws the rollouts."""
        return self._sampler

    @property
    def estimator(self) -> roles.Estimator:
        """What makes the reference."""
        return self._estimator

    @property
    def rewarder(self) -> roles.Rewarder | None:
        """What rewards the rollouts; `None` rewards nothing."""
        return self._reward

    @property
    def client(self) -> Client:
        """How calls are sent, and what was spent."""
        return self._client

    @property
    def answers(self) -> Answers:
        """How final answers are found and compared; with an `output`, how outputs are."""
        return self._answers

    @property
    def output(self) -> Output | None:
        """What references must be; `None` is any text."""
        return self._answers.output if isinstance(self._answers, OutputAnswers) else None

    @property
    def _plain_answers(self) -> Answers:
        return self._answers.plain if isinstance(self._answers, OutputAnswers) else self._answers

    @property
    def defaults(self) -> Defaults:
        """The models that play a role where none is named."""
        return self._defaults

    @property
    def always_estimates(self) -> bool:
        """Whether a run estimates a reference that no reward needs: one asked for by name."""
        independent = self._reward is not None and not getattr(
            self._reward, "needs_reference", True
        )
        return self._own_estimator or not independent

    @property
    def estimates(self) -> bool:
        """Whether a run makes a reference: the reward needs one, or an estimator was given."""
        return self.always_estimates or bool(getattr(self._reward, "needs_reference", True))

    async def _find_models(
        self,
        open: Callable[[Model], Awaitable[object]],
        *,
        policies: bool = False,
        rewards: bool = True,
    ) -> None:
        """Find an unknown provider or a missing key before anything is sampled or loaded.

        Args:
            open: Opens a model.
            policies: Whether to open the policies too, after the services of the other roles.
            rewards: Whether the reward is asked; without it a reference is made all the same.
        """
        reward = self._reward if rewards else None
        estimator = self._estimator if self.estimates or not rewards else None
        models = models_of((estimator, reward), self._defaults)
        others = [model for model in models if not is_built_in(model)]
        if others:
            # In a thread, since it reads the disk.
            await to_thread.run_sync(check_providers, others)
        for model in filter(reaches_service, models):
            await open(model)
        for policy in policies_of(self._sampler) if policies else ():
            await open(policy)

    def with_client(self, client: Client) -> Self:
        """Return the same roles with another client.

        Args:
            client: How calls are sent.

        Returns:
            A copy that is not open.
        """
        other = copy(self)
        other._client = client
        return other

    def without_reward(self) -> Self:
        """Return the same roles, rewarding nothing.

        Returns:
            A copy that is not open.
        """
        other = copy(self)
        other._reward = None
        return other

    def __repr__(self) -> str:
        """The roles as Python code."""
        policy: object = self._sampler
        if isinstance(policy, Sampler) and policy == Sampler(policy.policy):
            policy = policy.policy
        told = [] if policy is None else [written(policy)]
        told += [f"estimator={written(self._estimator)}"]
        told += [] if self._reward is None else [f"reward={written(self._reward)}"]
        told += [f"client={self._client!r}"] if self._client.named else []
        answers, output = self._plain_answers, self.output
        told += [f"answers={written(answers)}"] if answers != Answers() else []
        told += [f"output={output.as_written()}"] if output is not None else []
        return f"{type(self).__name__}({', '.join(told)})"

    def __getstate__(self) -> dict[str, Any]:
        """The roles and their models, without open connections."""
        names = ("_sampler", "_estimator", "_own_estimator", "_reward", "_client", "_answers")
        return {name: getattr(self, name) for name in (*names, "_defaults")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the roles."""
        self.__dict__.update(state)
        self._begin()

    # --- as data --------------------------------------------------------------------------

    def to_data(self) -> dict[str, Any]:
        """Write the description as data: names and arguments, no secrets.

        Returns:
            A mapping with `policy`, and `estimator`, `reward`, `answers`, `output` and `client`
            where they were given.

        Raises:
            InvalidInputError: a model is an object, or a role or the class of the output has no
                name to write.
        """
        policy = self._sampler
        plain = isinstance(policy, Sampler) and policy == Sampler(policy.policy)
        data = {
            "policy": to_data(policy.policy if isinstance(policy, Sampler) and plain else policy)
        }
        if self._own_estimator:
            data["estimator"] = to_data(self._estimator)
        if self._reward is not None:
            data["reward"] = to_data(self._reward)
        if self._plain_answers != Answers():
            data["answers"] = to_data(self._plain_answers)["Answers"]
        if self.output is not None:
            data["output"] = self.output.to_data()
        if self._client.named:
            data["client"] = self._client.to_data()
        return {name: value for name, value in data.items() if value is not None}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return the CaT that `data` describes.

        Args:
            data: What `to_data` gives. A role is a class's name, or a mapping from it to its
                arguments; a model is a string.

        Raises:
            InvalidInputError: a name is not known, or a value is out of its range.
        """
        known = ("policy", "estimator", "reward", "answers", "output", "client")
        unknown = [name for name in data if name not in known]
        if unknown:
            raise InvalidInputError(f"there is no {unknown[0]!r}; a CaT has {', '.join(known)}")
        client = data.get("client")
        return cls(
            _policy_from(data.get("policy")),
            estimator=_role_from(data.get("estimator"), "estimator"),
            reward=_role_from(data.get("reward"), "reward"),
            answers=_role_from(data.get("answers"), "answers"),
            output=Output.from_data(data.get("output")),
            client=None if client is None else Client.from_data(client),
        )

    def to_yaml(self) -> str:
        """Return the description as YAML; `from_yaml` makes an equal one.

        Raises:
            InvalidInputError: as `to_data`.
        """
        return yaml_of(self.to_data())

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """Return the CaT that a YAML text describes.

        Args:
            text: What `to_yaml` gives.

        Raises:
            InvalidInputError: it is not a mapping in YAML, or as `from_data`.
        """
        data = data_of(text, "the description")
        if not isinstance(data, Mapping):
            raise InvalidInputError(
                f"the description of a CaT is {data!r:.60}; write a mapping of roles"
            )
        return cls.from_data(cast("Mapping[str, Any]", data))

    @property
    def fingerprint(self) -> str:
        """What tells two methods apart; it changes if and only if what they do can change.

        How calls are sent, and what they may cost, does not count, but wrappers of your own do.
        """
        parts: dict[str, object] = {
            "sampler": self._sampler,
            "estimator": self._estimator,
            "reward": self._reward,
            "answers": self._plain_answers,
            "middleware": self._client.own_middleware,
        }
        if self.output is not None:
            parts["output"] = self.output.told_apart
        defaults = self._defaults
        models = {"policy": defaults.policy, "anchor": defaults.anchor, "judge": defaults.judge}
        return digest_of(parts, models)


def _policy_from(data: object) -> Any:
    """A model, several, or a sampler."""
    if isinstance(data, str):
        return from_data(data, "policy") if data in ("Sampler", "AdaptiveSampler") else data
    if isinstance(data, SequenceABC):
        return [*data]
    return _role_from(data, "policy")


def _role_from(data: object, kind: str) -> Any:
    """A role; for the estimator a model's string is the anchor."""
    if data is None:
        return None
    if kind == "answers":
        return from_data({"Answers": data}, kind)
    if kind == "estimator" and isinstance(data, str) and not is_known_role(data):
        try:
            return from_data(data, kind)
        except InvalidInputError:
            if not _names_model(data):
                raise
            return data
    return from_data(data, kind)


def _names_model(text: str) -> bool:
    """Whether `text` has the form of a model string, rather than of a misspelt class."""
    return ":" in text or "/" in text or text in known_providers()
