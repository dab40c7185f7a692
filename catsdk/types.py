"""The values of the method (groups, references, rubrics, scores), in one place to import from."""

from catsdk.core.types import *
from catsdk.core.types import __all__ as __all__  # noqa: PLC0414
