"""What tests of several shelves share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.services.certificates import TOKEN, Authority

# A property is about answers; how long one takes on a busy machine says nothing.
settings.register_profile("fourcast", deadline=None)
settings.load_profile("fourcast")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets that are not in the repository, or a skip.

    It is ``../shared/data`` beside the checkout unless FOURCAST_SHARED_DATA names another one.
    """
    folder = Path(os.environ.get("FOURCAST_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data in {folder}: set FOURCAST_SHARED_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of the tests' servers and of their callers."""
    return Authority.make(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One that no server here trusts."""
    return Authority.make(tmp_path_factory.mktemp("strangers"))


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the token, and the whitespace around it that editors leave."""
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(f" {TOKEN}\n")
    file.chmod(0o600)
    return file
