"""The gateway: serves any client of OpenAI's or Anthropic's API one answer made of several."""
