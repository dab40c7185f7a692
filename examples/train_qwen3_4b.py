"""CaT-RL for Qwen 3 4B with the paper's settings; needs a GPU, and is untested for lack of one.

See `examples/preset_recipe.py` for the command line.
Thinking is off, as in the paper.
"""

from examples.preset_recipe import main

if __name__ == "__main__":
    main("qwen3-4b", __doc__)
