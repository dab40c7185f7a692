"""The method as tools of the Model Context Protocol, for assistants that call tools."""
