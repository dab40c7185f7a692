"""The prompts that are sent: versioned, replaceable files in sets, filled in one pass."""

from catsdk.prompts.prompt import Prompt, load

__all__ = ["Prompt", "load"]
