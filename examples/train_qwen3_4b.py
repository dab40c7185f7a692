"""CaT-RL for Qwen 3 4B with the paper's settings. The model was not run here: it needs a GPU.

Its command line is that of `examples/preset_recipe.py`, which says how to run it.
Thinking is off, as in the paper.
"""

from examples.preset_recipe import main

if __name__ == "__main__":
    main("qwen3-4b", __doc__)
