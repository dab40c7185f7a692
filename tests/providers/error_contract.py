"""The contract of failures: what each failure of a service becomes, on whatever wire it comes.

A provider's test module subclasses `ErrorContract` and says in `made` how one is made. A wire on
which a fault cannot show, or shows otherwise, says so in `apart`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import ClassVar

import anyio
import pytest

from catsdk.core import errors
from catsdk.core.errors import ProviderError
from catsdk.core.ports import Provider, name_of
from catsdk.core.types import Failure
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import Fault
from tests.providers.contract import ask

WRONG_KEY = "sk-secret-1234-5678-90ab"


class ErrorContract:
    """Each test opens a fresh provider at a loopback server and lets a call fail."""

    # Faults that this wire shows in another way, with the error that they become; `None` skips.
    apart: ClassVar[Mapping[Fault, type[ProviderError] | None]] = {}

    def made(
        self, server: LoopbackServer, *, key: str, model: str
    ) -> AbstractAsyncContextManager[Provider]:
        raise NotImplementedError

    async def failing(
        self,
        server: LoopbackServer,
        fault: Fault | None = None,
        *,
        key: str | None = None,
        model: str | None = None,
        pieces: list[str] | None = None,
    ) -> ProviderError:
        """The error of one call; `pieces` asks for a stream."""
        if fault is not None:
            server.fail_next(fault)
        making = self.made(server, key=key or server.key, model=model or server.model)
        tell = None if pieces is None else pieces.append
        with anyio.fail_after(20):
            async with making as provider:
                with pytest.raises(ProviderError) as caught:
                    await provider.complete(ask(), tell)
        assert caught.value.model == name_of(provider)
        return caught.value

    async def failing_as(
        self,
        kind: type[ProviderError],
        server: LoopbackServer,
        fault: Fault,
        pieces: list[str] | None = None,
    ) -> ProviderError:
        """The error of one call, which is a `kind` unless this wire shows the fault otherwise."""
        kind_here = self.apart.get(fault, kind)
        if kind_here is None:
            pytest.skip(f"{fault} does not show on this wire")
        error = await self.failing(server, fault, pieces=pieces)
        assert type(error) is kind_here
        return error

    @pytest.mark.behaviour("provider-error-classes")
    @pytest.mark.parametrize(
        ("fault", "kind", "statuses"),
        [
            ("400", errors.RequestRefusedError, {400}),
            ("403", errors.AuthenticationError, {403}),
            ("429", errors.RateLimitedError, {429}),
            ("quota", errors.RequestRefusedError, {402, 429}),
            ("500", errors.ServerError, {500}),
            ("503", errors.OverloadedError, {503}),
            ("529", errors.OverloadedError, {529}),
            ("no_n", errors.UnsupportedError, {400}),
            ("no_logprobs", errors.UnsupportedError, {400}),
            ("no_temperature", errors.UnsupportedError, {400}),
            ("no_schema", errors.UnsupportedError, {400}),
            ("context", errors.ContextTooLongError, {400}),
            ("filter", errors.ContentFilteredError, {400}),
        ],
    )
    async def test_each_refusal_has_its_own_error_with_status_and_request_id(
        self, server: LoopbackServer, fault: Fault, kind: type[ProviderError], statuses: set[int]
    ) -> None:
        error = await self.failing_as(kind, server, fault)
        assert error.status in statuses
        assert error.request_id == f"req-{fault}"
        assert server.key not in str(error)

    @pytest.mark.behaviour("provider-refused-parameter")
    @pytest.mark.parametrize(
        ("fault", "capability"),
        [
            ("no_n", "n"),
            ("no_logprobs", "logprobs"),
            ("no_temperature", "temperature"),
            ("no_schema", "json_schema"),
        ],
    )
    async def test_a_refused_parameter_is_named_as_the_capability_that_lacks(
        self, server: LoopbackServer, fault: Fault, capability: str
    ) -> None:
        error = await self.failing(server, fault)
        assert isinstance(error, errors.UnsupportedError)
        assert error.capability == capability

    @pytest.mark.behaviour("keys-are-never-shown")
    async def test_a_wrong_key_is_an_authentication_error_and_never_shown(
        self, server: LoopbackServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        error = await self.failing(server, key=WRONG_KEY)
        assert type(error) is errors.AuthenticationError
        assert (error.status, error.request_id) == (401, "req-401")
        shown = [
            str(error),
            repr(error),
            "".join(traceback.format_exception(error)),
            Failure.of(error).model_dump_json(),
            repr(self.made(server, key=WRONG_KEY, model=server.model)),
            caplog.text,
        ]
        assert not any(WRONG_KEY in text for text in shown)

    async def test_an_unknown_model_is_named(self, server: LoopbackServer) -> None:
        error = await self.failing(server, model="other")
        assert type(error) is errors.ModelNotFoundError
        assert (error.status, error.request_id) == (404, "req-404")
        assert "other" in str(error)

    @pytest.mark.behaviour("provider-transient")
    @pytest.mark.parametrize("fault", ["429", "500", "503", "529"])
    async def test_what_may_pass_is_transient(self, server: LoopbackServer, fault: Fault) -> None:
        assert (await self.failing(server, fault)).transient

    @pytest.mark.behaviour("provider-transient")
    @pytest.mark.parametrize("fault", ["400", "403", "quota", "no_n", "context", "filter"])
    async def test_what_will_not_pass_is_not(self, server: LoopbackServer, fault: Fault) -> None:
        assert not (await self.failing(server, fault)).transient

    @pytest.mark.behaviour("provider-no-own-retries")
    async def test_a_failed_call_is_not_sent_again(self, server: LoopbackServer) -> None:
        await self.failing(server, "500")
        assert server.counters.requests == 1

    @pytest.mark.behaviour("provider-retry-after")
    async def test_retry_after_is_read_in_seconds_and_as_a_date(
        self, server: LoopbackServer
    ) -> None:
        assert (await self.failing(server, "429")).retry_after == 1.0
        assert (await self.failing(server, "429_date")).retry_after == 0.0

    @pytest.mark.behaviour("provider-malformed")
    @pytest.mark.parametrize("fault", ["malformed", "not_json", "empty", "no_message"])
    async def test_a_reply_that_is_not_of_the_wire_is_malformed(
        self, server: LoopbackServer, fault: Fault
    ) -> None:
        error = await self.failing_as(errors.MalformedResponseError, server, fault)
        assert error.transient
        assert error.request_id == f"req-{fault}"

    @pytest.mark.behaviour("provider-size-limit")
    @pytest.mark.parametrize("fault", ["endless", "bomb"])
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_a_reply_over_the_limit_is_given_up(
        self, server: LoopbackServer, fault: Fault, streamed: bool
    ) -> None:
        pieces: list[str] | None = [] if streamed else None
        error = await self.failing_as(errors.MalformedResponseError, server, fault, pieces)
        assert "is over" in str(error)
        assert (error.status, error.request_id) == (200, f"req-{fault}")

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_an_error_that_a_good_reply_reports_is_that_error(
        self, server: LoopbackServer, streamed: bool
    ) -> None:
        pieces: list[str] | None = [] if streamed else None
        error = await self.failing_as(errors.OverloadedError, server, "reported", pieces)
        assert error.request_id == "req-reported"

    @pytest.mark.behaviour("provider-broken-connection")
    @pytest.mark.parametrize("fault", ["reset", "cut"])
    async def test_a_broken_connection_is_a_transient_failure(
        self, server: LoopbackServer, fault: Fault
    ) -> None:
        error = await self.failing_as(errors.ConnectionFailedError, server, fault)
        assert error.transient

    @pytest.mark.behaviour("provider-broken-connection")
    async def test_a_stream_that_is_cut_fails_after_its_pieces(
        self, server: LoopbackServer
    ) -> None:
        pieces: list[str] = []
        error = await self.failing(server, "cut", pieces=pieces)
        assert error.transient
        assert "".join(pieces) != "one two\nthree"
        assert pieces
