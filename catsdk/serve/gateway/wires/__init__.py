"""The dialects that clients speak: a file each, which reads requests and writes replies."""
