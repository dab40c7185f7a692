"""All services that litellm supports."""
