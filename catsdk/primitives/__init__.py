"""The verbs of the method, one a file: sample, synthesize, propose a rubric, judge, reward."""
