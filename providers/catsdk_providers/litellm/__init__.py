"""Whatever litellm reaches."""
