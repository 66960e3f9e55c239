from collections.abc import Iterator

import pytest

from tests.end_to_end.terminals import marked_environment


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """An environment that marks a process and its children; nothing marked may stay behind."""
    with marked_environment() as variables:
        yield variables
