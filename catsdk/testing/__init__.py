"""What users test with: a scripted model that is a provider."""

from catsdk.testing.function import FunctionProvider

__all__ = ["FunctionProvider"]
