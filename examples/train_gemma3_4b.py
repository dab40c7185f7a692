"""CaT-RL for Gemma 3 4B with the paper's settings; needs a GPU, and is untested for lack of one.

See `examples/preset_recipe.py` for the command line.
The weights include an image tower: text prompts do not use it, but full fine-tuning has to hold it.
"""

from examples.preset_recipe import main

if __name__ == "__main__":
    main("gemma3-4b", __doc__)
