"""Durable runs over many prompts: resumed where they were stopped, with every row accounted for."""

from catsdk.batch.plan import Plan
from catsdk.batch.products import PRODUCTS
from catsdk.batch.run import Progress, run
from catsdk.batch.summary import Summary

__all__ = ["PRODUCTS", "Plan", "Progress", "Summary", "run"]
