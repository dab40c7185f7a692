from catsdk.batch.job import Progress, run
from catsdk.batch.plan import Plan
from catsdk.batch.products import PRODUCTS, Product
from catsdk.batch.summary import Summary
from catsdk.batch.workers.hosted import HostedModel, hosted
from catsdk.batch.workers.job import RayJob
from catsdk.batch.workers.mapper import RayMapper
from catsdk.batch.workers.on_ray import ray

__all__ = [
    "PRODUCTS",
    "HostedModel",
    "Plan",
    "Product",
    "Progress",
    "RayJob",
    "RayMapper",
    "Summary",
    "hosted",
    "ray",
    "run",
]
