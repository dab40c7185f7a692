"""The local provider keeps the contract, with the model in the box and with one from memory."""

import pytest

from catsdk_providers.local.provider import LocalProvider
from tests.providers.contract import Opened, ProviderContract
from tests.providers.tiny_models import tiny_model, tiny_tokenizer

pytestmark = pytest.mark.needs_torch


class TestModelInTheBox(ProviderContract):
    @pytest.fixture
    def opened(self) -> Opened:
        return LocalProvider


class TestModelInMemory(ProviderContract):
    @pytest.fixture
    def opened(self) -> Opened:
        return lambda: LocalProvider.of(tiny_model(), tiny_tokenizer())
