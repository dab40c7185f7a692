"""CaT-RL for Gemma 3 4B with the paper's settings. The model was not run here: it needs a GPU.

Its command line is that of `examples/preset_recipe.py`, which says how to run it.
Its weights hold an image tower too, which text prompts leave alone but full fine-tuning carries.
"""

from examples.preset_recipe import main

if __name__ == "__main__":
    main("gemma3-4b", __doc__)
