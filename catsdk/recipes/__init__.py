"""Roles as data: what a role is and how it is set, to and from YAML, with one fingerprint.

A role is written as the name of its class, or as a mapping from that name to the arguments that
differ from their defaults. A model is a string. Classes of one's own are written `module:Class`;
the name that they have under an entry point group is read as well::

    policy: openai:gpt-5
    estimator:
      Cascade:
        easy: {Adaptive: {estimator: Majority}}
        hard: {Synthesizer: {anchor: openai:gpt-5, show_question: false}}
    reward: {Sum: {rewards: [RubricReward, {LengthPenalty: {over: 750}}], weights: [1, 0.1]}}

A prompt is written as its sections, and may be read from a file that is named: `prompt: mine.md`.

Nothing secret is ever written: a model that is an object, and may hold a key, is refused. Reading
makes objects of roles, data classes and models alone, and calls no function that a file names. A
file of somebody else is still to be looked at: the modules that it names are imported, and a run
calls the functions that it gives to roles.
"""

from catsdk.core.doors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
