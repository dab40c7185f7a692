"""The kinds of task behind one protocol: an answer and a reference in, a verdict out."""
