"""The local provider keeps the contract, with the model in the box and with one from memory."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from catsdk_providers.local.provider import LocalProvider
from tests.providers.contract import ProviderContract
from tests.providers.tiny_models import tiny_model, tiny_tokenizer

pytestmark = pytest.mark.needs_torch


class TestModelInTheBox(ProviderContract):
    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[LocalProvider]:
        async with LocalProvider() as provider:
            yield provider


class TestModelInMemory(ProviderContract):
    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[LocalProvider]:
        async with LocalProvider.of(tiny_model(), tiny_tokenizer()) as provider:
            yield provider
