"""The gateway: any client of OpenAI's or Anthropic's API gets one answer made of several."""
