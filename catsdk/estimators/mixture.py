"""MixtureOfAgents: layers of proposers that each read the layer before, then an aggregator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from catsdk.answers.answers import no_evidence
from catsdk.core.types import Group, Reference
from catsdk.estimators.population import made_from, next_population
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Estimator, reference_by

__all__ = ["MixtureOfAgents"]


@dataclass(frozen=True)
class MixtureOfAgents:
    r"""Estimates the reference by layers of models: x_{l+1} = (+)_j A_{l,j}(x_l) + q.

    Source: Wang et al., arXiv 2406.04692, equation 1; with one model in every place it is Self-MoA,
    arXiv 2502.00674. The group's rollouts are the first layer, which the paper's first proposers
    draw. A proposer that fails leaves its layer smaller (`failed` counts them); a layer that fails
    whole is an error. sum_l n_l + 1 calls, where each estimator makes one.

    Args:
        layers: The estimators A_{l,j} of each further layer (usually `GenerativeSelfAggregation`,
            one a model), which all read the layer before.
        final: Makes one answer of the last layer.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import GenerativeSelfAggregation, MixtureOfAgents
        >>> from catsdk.testing import FunctionProvider
        >>> step = GenerativeSelfAggregation(FunctionProvider(lambda request: r"\boxed{42}"))
        >>> mixture = MixtureOfAgents(layers=[[step, step]], final=step)
        >>> reference = await mixture.estimate(cat.group_of("6*7?", [r"\boxed{42}", "?"]))
        >>> reference.answer, len(reference.calls)
        ('42', 3)
    """

    layers: Sequence[Sequence[Estimator]]
    final: Estimator

    def __post_init__(self) -> None:
        """Keep the layers as they are now."""
        object.__setattr__(self, "layers", tuple(tuple(layer) for layer in self.layers))

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Go through the layers.

        Raises:
            NoEvidenceError: the group has no rollout, or every proposer of a layer failed.
            ProviderError: the final aggregator failed.
        """
        async with standing_alone(ctx, group) as context:
            if not group.rollouts:
                raise no_evidence(group)
            current, failed = group, 0
            with recorded("mixture") as calls:
                for layer in self.layers:
                    current = await next_population(
                        group, context, [(each, current) for each in layer]
                    )
                    failed += len(current.failures)
                last = await reference_by(self.final, current, context.on(current))
            layers: list[JsonValue] = [len(layer) for layer in self.layers]
            return await made_from(
                last,
                group,
                context,
                method="mixture of agents",
                settings={"layers": layers, "failed": failed},
                calls=calls,
            )
