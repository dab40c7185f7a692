"""`catsdk reward-server` serves other machines only where there is a token."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

from catsdk.cli.reward_server import reward_server
from catsdk.core.errors import InvalidInputError

# No machine has this address, so that it cannot be served by mistake (RFC 5737).
OF_NOBODY = "192.0.2.1"


def test_an_empty_token_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("cat: {reward: ClusterShare}\n")
    monkeypatch.setenv("CATSDK_REWARD_TOKEN", "")
    with pytest.raises(InvalidInputError, match="give a token"):
        reward_server(file, host=OF_NOBODY, port=0)
