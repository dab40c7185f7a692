from catsdk.batch.estimates import Estimate, StageEstimate
from catsdk.batch.job import Progress
from catsdk.batch.plan import Plan
from catsdk.batch.products import PRODUCTS, Product
from catsdk.batch.ranges import Range
from catsdk.batch.running import estimate, run
from catsdk.batch.summary import Summary

__all__ = [
    "PRODUCTS",
    "Estimate",
    "Plan",
    "Product",
    "Progress",
    "Range",
    "StageEstimate",
    "Summary",
    "estimate",
    "run",
]
