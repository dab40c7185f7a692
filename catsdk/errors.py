"""The exceptions of catsdk, collected for import; see `CatError` for the tree."""

from catsdk.core.errors import *
from catsdk.core.errors import __all__ as __all__  # noqa: PLC0414
