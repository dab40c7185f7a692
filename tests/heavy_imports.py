"""What programs that `tests/forked.py` starts find loaded already, as far as it is installed."""

import gc
from contextlib import suppress
from importlib import import_module

_HEAVY = (
    "catsdk.cli.app",
    "openai.resources.chat",
    "aiohttp",
    "matplotlib.pyplot",
    "scipy.stats",
    "catsdk_providers.local.provider",
    "transformers.models.qwen3.modeling_qwen3",
    "peft",
    "trl.trainer.grpo_trainer",
    "trl.trainer.sft_trainer",
    # How multiprocessing begins a child of pytest.
    "pytest.__main__",
)

for _name in _HEAVY:
    # Packages that do not fit each other raise whatever they like.
    with suppress(Exception):
        import_module(_name)

# A collection in a child would copy every page that it looks at.
gc.collect()
gc.freeze()
