from catsdk.batch.job import Progress, run
from catsdk.batch.plan import Plan
from catsdk.batch.products import PRODUCTS, Product
from catsdk.batch.summary import Summary

__all__ = ["PRODUCTS", "Plan", "Product", "Progress", "Summary", "run"]
