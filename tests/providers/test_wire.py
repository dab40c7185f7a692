"""What every wire shares: events, mended text, waits, checked addresses, hidden secrets."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catsdk.core.errors import ConfigurationError, InvalidInputError, UnsupportedError
from catsdk.core.ports import Capabilities
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.http.events import Events
from catsdk_providers.http.quirks import Quirks
from catsdk_providers.http.refusals import retry_after_of
from catsdk_providers.http.secrets import Hiding, hidden, scrubbed, shown
from catsdk_providers.http.text import Mending, mended
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask

CAT = "\U0001f408"
HALVES = (CAT.encode("utf-16-le", "surrogatepass")[:2], CAT.encode("utf-16-le")[2:])
HIGH, LOW = (half.decode("utf-16-le", "surrogatepass") for half in HALVES)


def pieces_of(whole: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted(at % (len(whole) + 1) for at in cuts), len(whole)]
    return [whole[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@given(st.lists(st.integers(0, 500), max_size=8), st.sampled_from([b"\n", b"\r\n"]))
def test_events_are_read_however_the_stream_is_cut(cuts: list[int], end: bytes) -> None:
    values = [{"text": f"naïve {CAT}"}, {"at": 1}]
    lines = [b": a comment", b"event: x", *(b"data: " + json.dumps(v).encode() for v in values)]
    whole = b"".join(line + end + end for line in [*lines, b"data: [DONE]"])
    events = Events()
    assert [value for piece in pieces_of(whole, cuts) for value in events.read(piece)] == values


def test_an_event_that_is_not_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Unterminated"):
        list(Events().read(b'data: {"oops\n\n'))


def test_halves_of_characters_are_replaced_and_whole_ones_kept() -> None:
    assert mended(f"a{HIGH}b") == "a\ufffdb"
    assert mended(f"a{HIGH}{LOW}b") == f"a{CAT}b"
    assert mended("plain") == "plain"


@given(st.lists(st.sampled_from(["a", CAT, HIGH, LOW, "", "é"]), max_size=10))
def test_a_mended_stream_joins_to_the_mended_text(pieces: list[str]) -> None:
    mending = Mending()
    told = [*map(mending.feed, pieces), mending.end()]
    assert "".join(told) == mending.text == mended("".join(pieces))
    "".join(told).encode()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_service_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_of(headers) == seconds


def test_a_date_to_come_is_a_wait_until_then() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    wait = retry_after_of({"retry-after": at})
    assert wait is not None
    assert 290 < wait <= 300


def test_secrets_are_hidden_and_placeholders_are_not() -> None:
    assert hidden("key sk-secret and none", ["sk-secret", "none", ""]) == "key *** and none"
    assert len(scrubbed("x" * 10_000, [])) < 600


@given(st.text("ab", max_size=20), st.lists(st.integers(0, 500), max_size=8))
def test_secrets_are_hidden_in_a_text_however_it_is_cut(text: str, cuts: list[int]) -> None:
    secrets = ["aabbab", "bbbbbb"]
    hiding = Hiding(secrets)
    pieces = [piece.decode() for piece in pieces_of(text.encode(), cuts)]
    told = "".join([*map(hiding.feed, pieces), hiding.end()])
    assert not any(secret in told for secret in secrets)
    if not any(secret in text for secret in secrets):
        assert told == text


WITH_PASSWORD = "https://me:hunter22@host.example/v1"


def test_the_password_of_an_address_is_not_shown() -> None:
    provider = AnthropicProvider("m", base_url=WITH_PASSWORD, api_key="sk-1234567")
    assert "hunter22" not in repr(provider)
    assert provider.hidden("hunter22 or sk-1234567") == "*** or ***"


async def test_the_password_of_an_address_reaches_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with LoopbackServer(FunctionProvider(lambda _: "ok")) as server:
        url = server.url.replace("http://", "http://me:hunter22@")
        async with AnthropicProvider(server.model, base_url=url, api_key=server.key) as provider:
            assert (await provider.complete(ask()))[0].text == "ok"
    assert "hunter22" not in caplog.text


def test_a_password_where_the_wire_sends_a_key_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidInputError, match="Authorization") as caught:
        OpenAIProvider("m", base_url=WITH_PASSWORD, api_key="sk-1234567")
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("made", [OpenAIProvider, AnthropicProvider])
class TestAddressesAndKeys:
    def test_the_values_of_headers_are_secret(
        self, made: type[OpenAIProvider | AnthropicProvider]
    ) -> None:
        provider = made("m", base_url="http://h", headers={"x-gateway-key": "gw-secret"})
        assert "gw-secret" not in repr(provider)
        assert provider.hidden("said gw-secret") == "said ***"

    @pytest.mark.parametrize(
        "url", ["localhost:8000", "ftp://host", "http://", "http://host:port", "/v1"]
    )
    def test_an_address_that_is_none_is_refused(
        self, made: type[OpenAIProvider | AnthropicProvider], url: str
    ) -> None:
        with pytest.raises(InvalidInputError, match="give a URL such as"):
            made("m", base_url=url, api_key="k")

    @pytest.mark.parametrize("key", ["sk-a\nb", "sk-\u201cquoted\u201d", "sk-\x00"])
    def test_a_key_that_no_header_takes_is_refused_and_not_shown(
        self, made: type[OpenAIProvider | AnthropicProvider], key: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="no HTTP header takes") as caught:
            made("m", base_url="http://h", api_key=key)
        assert key not in str(caught.value)

    def test_white_space_around_a_key_is_no_part_of_it(
        self, made: type[OpenAIProvider | AnthropicProvider]
    ) -> None:
        assert made("m", base_url="http://h", api_key=" sk-1234567\n").hidden("sk-1234567") == "***"


def test_an_address_is_shown_without_what_stands_before_the_at() -> None:
    assert shown("https://me:pass@word@host/v1") == "https://host/v1"
    assert shown("https://host/v1") == "https://host/v1"


def test_a_refusal_of_what_is_no_capability_teaches_nothing() -> None:
    quirks = Quirks("http://test-wire", "m")
    for name in ("context_length", "prompts", "__class__", "min_p"):
        quirks.refused(UnsupportedError("no", capability=name))
    assert quirks.within(Capabilities(n=True)) == Capabilities(n=True)
    quirks.refused(UnsupportedError("no", capability="n"))
    assert not quirks.within(Capabilities(n=True)).n
