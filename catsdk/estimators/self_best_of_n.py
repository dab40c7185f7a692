"""SelfBestOfN: the model that wrote the responses picks its own best one."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.estimators.choice import Choosing

__all__ = ["SelfBestOfN"]


@dataclass(frozen=True)
class SelfBestOfN(Choosing):
    r"""Selects the rollout that a model, by default the policy itself, calls the best.

    Source: the self-selected best-of-n baseline of CaT, arXiv 2509.14234, section 4: y* = argmax_i
    as judged by pi_0 that sees q and all o_i. One call; a reply that names no rollout is asked for
    again once.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import SelfBestOfN
        >>> from catsdk.testing import FunctionProvider
        >>> model = FunctionProvider(lambda request: "2")
        >>> group = cat.group_of("6*7?", [r"\boxed{41}", r"\boxed{42}"])
        >>> (await SelfBestOfN(model).estimate(group)).answer
        '42'
    """

    method = "self best-of-n"
    task = "choose_best"
    role = "policy"
