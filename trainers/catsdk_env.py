"""The verifiers environment `catsdk-env`, which verifiers finds by the name of this module."""

from catsdk.integrations.verifiers import CaTEnv

__all__ = ["CaTEnv"]
