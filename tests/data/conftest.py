"""Data sets that are loaded here leave nothing behind."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `datasets` keeps what it has read, in place of the user's own folder."""
    folder = tmp_path_factory.mktemp("datasets")
    try:
        config = import_module("datasets.config")
    except ModuleNotFoundError:
        return folder
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", folder)
    return folder
