"""CaT-RL for Llama 3.1 8B with the paper's settings. The model was not run here: it needs a GPU.

Its command line is that of `examples/preset_recipe.py`, which says how to run it.
The weights are gated on the hub: accept their terms there and set HF_TOKEN.
"""

from examples.preset_recipe import main

if __name__ == "__main__":
    main("llama3.1-8b", __doc__)
