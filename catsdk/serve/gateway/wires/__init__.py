"""The dialects that clients speak, one a file, which reads requests and writes replies."""
