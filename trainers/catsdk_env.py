"""The environment `catsdk-env` of verifiers, which finds it by the name of this module."""

from catsdk.integrations.verifiers import CaTEnv

__all__ = ["CaTEnv"]
