"""A model string leads to its provider, or to an error that says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from catsdk.core.errors import UnknownProviderError
from catsdk.core.model_strings import known_providers, resolve


@pytest.mark.parametrize("target", ["nowhere_at_all:Provider", "sys:Nothing", "sys:path"])
def test_a_broken_entry_point_is_named_and_spoils_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    folder = tmp_path / "broken-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[catsdk.providers]\nbroken = {target}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "broken" in known_providers()
    with pytest.raises(UnknownProviderError, match=f"'broken' cannot be .* from {target}"):
        resolve("broken:model")
