"""The words that are sent: prompt files in sets, versioned, replaceable, filled in one pass."""

from catsdk.prompts.prompt import Prompt, load

__all__ = ["Prompt", "load"]
