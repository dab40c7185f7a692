"""The vendors' batch APIs on this machine, with what goes wrong there."""
