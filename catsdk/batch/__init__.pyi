from catsdk.batch.estimates import Estimate, StageEstimate
from catsdk.batch.job import Progress
from catsdk.batch.plan import Plan
from catsdk.batch.products import PRODUCTS, Product
from catsdk.batch.ranges import Range
from catsdk.batch.running import estimate, run
from catsdk.batch.summary import Summary
from catsdk.batch.workers.hosted import HostedModel, hosted
from catsdk.batch.workers.job import RayJob
from catsdk.batch.workers.mapper import RayMapper
from catsdk.batch.workers.on_ray import ray

__all__ = [
    "PRODUCTS",
    "Estimate",
    "HostedModel",
    "Plan",
    "Product",
    "Progress",
    "Range",
    "RayJob",
    "RayMapper",
    "StageEstimate",
    "Summary",
    "estimate",
    "hosted",
    "ray",
    "run",
]
