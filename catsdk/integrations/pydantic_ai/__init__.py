"""pydantic-ai: a model around your model, whose final answers are synthesized from n samples."""

from catsdk.integrations.pydantic_ai.model import CaTModel, ToolTurns

__all__ = ["CaTModel", "ToolTurns"]
