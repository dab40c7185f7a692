"""What the environment sets is taken as an option is, and a wrong value names its variable."""

import pytest

from catsdk.core.errors import ConfigurationError
from catsdk.core.runtime import Runtime
from catsdk.core.settings import Settings


def test_a_variable_sets_what_a_program_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATSDK_QUORUM", "3")
    monkeypatch.setenv("CATSDK_MAX_RETRIES", "9")
    assert Settings().runtime(Runtime(max_retries=1)) == Runtime(quorum=3, max_retries=1)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HEDGE", "perhaps", "CATSDK_HEDGE is 'perhaps'"),
        ("QUORUM", "0", "CATSDK_QUORUM is '0'"),
        ("TIMEOUT", "soon", "CATSDK_TIMEOUT is 'soon'"),
        ("PRICES", "{cheap", '"prices"'),
    ],
)
def test_a_wrong_value_is_an_error_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"CATSDK_{name}", value)
    with pytest.raises(ConfigurationError, match=told):
        Settings()
