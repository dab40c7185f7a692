"""Local versions of the vendors' batch APIs, including their failures."""
