"""CaT-RL for Llama 3.1 8B with the paper's settings; needs a GPU, and is untested for lack of one.

See `examples/preset_recipe.py` for the command line.
The weights are gated on the Hugging Face Hub: accept their terms there and set HF_TOKEN.
"""

from examples.preset_recipe import main

if __name__ == "__main__":
    main("llama3.1-8b", __doc__)
