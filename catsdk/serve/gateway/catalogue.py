"""The model names that a client may request, and the method or model behind each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import Provider
from catsdk.recipes import from_data
from catsdk.runtime import roles
from catsdk.runtime.client import Client
from catsdk.serve.gateway.asked import Wanted
from catsdk.serve.gateway.config import GatewayConfig
from catsdk.serve.site.problems import Problem

__all__ = ["Catalogue", "Composed", "Entry", "Plain"]

PREFIX: Final = "cat/"


@dataclass(frozen=True, slots=True)
class Plain:
    """A model that is asked as it is."""

    name: str
    model: str | Provider


@dataclass(frozen=True, slots=True)
class Composed:
    """A method that makes one answer of several.

    Args:
        name: What clients call it.
        method: The estimator's name, or the profile's.
        cat: The method, open.
        model: The model that is asked where a request is passed on; `None` if there are several.
    """

    name: str
    method: str
    cat: CaT
    model: str | Provider | None


Entry = Plain | Composed


class Catalogue:
    """Everything that may be asked, by its exact name.

    Use `opened` to make one: its models stay open as long as the block.
    """

    def __init__(
        self, client: Client, entries: dict[str, Entry], estimators: dict[str, Any]
    ) -> None:
        """Hold the entries, whose methods are open."""
        self.client = client
        self._entries = entries
        self._estimators = estimators

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, config: GatewayConfig, client: Client, providers: Mapping[str, Provider]
    ) -> AsyncGenerator[Self]:
        """Open every model and method of a configuration.

        Args:
            config: What may be asked.
            client: How calls are sent.
            providers: Further models, by name; who made them closes them.

        Raises:
            InvalidInputError: nothing may be asked, two things have one name, or a role is not
                described correctly.
            ConfigurationError: a model cannot be made.
        """
        estimators = {
            name: from_data(data, f"the estimator {name!r}")
            for name, data in config.estimators.items()
        }
        models: dict[str, str | Provider] = {model: model for model in config.models}
        entries = _entries(config, client, models | dict(providers), estimators)
        async with AsyncExitStack() as exits:
            await exits.enter_async_context(client)
            for entry in entries.values():
                if isinstance(entry, Composed):
                    await exits.enter_async_context(entry.cat.client)
                    await exits.enter_async_context(entry.cat)
            yield cls(client, entries, estimators)

    def __contains__(self, name: str) -> bool:
        """Whether there is such a name."""
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._entries)

    def find(self, name: str, wanted: Wanted) -> tuple[Entry, roles.Estimator | None]:
        """Return what a name stands for, and the estimator that the request prefers to its own.

        Args:
            name: What the client asked for.
            wanted: How the answer is to be made.

        Raises:
            Problem: there is no such name, or no such estimator.
        """
        entry = self._entries.get(name)
        if entry is None:
            known = ", ".join(list(self._entries)[:20])
            raise Problem(
                404, f"there is no model {name[:80]!r}; there are {known}", "model_not_found"
            )
        if wanted.estimator is None:
            if isinstance(entry, Plain) and wanted.n is not None:
                raise InvalidInputError(
                    f"cat.n is set for the plain model {name!r}; ask for"
                    f" {PREFIX}{next(iter(self._estimators), 'ESTIMATOR')}:{name}, or set"
                    " cat.estimator"
                )
            return entry, None
        if wanted.estimator not in self._estimators:
            raise InvalidInputError(
                f"cat.estimator is {wanted.estimator!r:.80}; there are"
                f" {', '.join(self._estimators)}"
            )
        if isinstance(entry, Plain):
            entry = self._entries[f"{PREFIX}{wanted.estimator}:{entry.name}"]
        return entry, self._estimators[wanted.estimator]


def _entries(
    config: GatewayConfig,
    client: Client,
    models: Mapping[str, str | Provider],
    estimators: dict[str, Any],
) -> dict[str, Entry]:
    if not models and not config.profiles:
        raise InvalidInputError("there is nothing to serve; name at least one model or profile")
    entries: dict[str, Entry] = {name: Plain(name, model) for name, model in models.items()}
    for own_name, model in models.items():
        for method, estimator in estimators.items():
            name = f"{PREFIX}{method}:{own_name}"
            cat = CaT(model, estimator=estimator, client=client)
            entries[name] = Composed(name, method, cat, model)
    for name, data in config.profiles.items():
        if name in entries:
            raise InvalidInputError(f"a profile and a model are named {name!r}; rename the profile")
        entries[name] = Composed(name, name, _profile(name, data, client), None)
    return entries


def _profile(name: str, data: dict[str, Any], client: Client) -> CaT:
    """The method of a profile; it uses the gateway's settings for calls unless it has its own."""
    try:
        described = CaT.from_data(data)
    except InvalidInputError as error:
        raise InvalidInputError(f"the profile {name!r}: {error}") from error
    if described.client.named:
        return described
    return CaT(
        described.sampler,
        estimator=described.estimator,
        client=client,
        answers=described.answers,
        output=described.output,
    )
