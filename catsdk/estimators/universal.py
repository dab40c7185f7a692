"""UniversalSelfConsistency: a model names the response that agrees most with the others."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.estimators.choice import Choosing

__all__ = ["UniversalSelfConsistency"]


@dataclass(frozen=True)
class UniversalSelfConsistency(Choosing):
    """Selects the rollout that a model calls the most consistent, for answers of any form.

    Source: Chen et al., arXiv 2311.17311, section 3: y* = M(q, o_1..o_G, "the most consistent
    response based on majority consensus"). One call of a model, by default the
    anchor; a reply that names no rollout is asked for again once.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import UniversalSelfConsistency
        >>> from catsdk.testing import FunctionProvider
        >>> model = FunctionProvider(lambda request: "1")
        >>> group = cat.group_of("Why?", ["It rains.", "There is rain.", "The sun shines."])
        >>> (await UniversalSelfConsistency(model).estimate(group)).text
        'It rains.'
    """

    method = "universal self-consistency"
    task = "choose_consistent"
