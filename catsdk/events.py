"""The events of a run, in one place to import them from."""

from catsdk.core.events import *
from catsdk.core.events import __all__ as __all__  # noqa: PLC0414
