"""Every test of a provider begins with nothing learnt of the servers at this machine's ports."""

import pytest

from catsdk_providers.http.learnt import forget


@pytest.fixture(autouse=True)
def nothing_learnt() -> None:
    """Servers of other tests had the same ports."""
    forget()
