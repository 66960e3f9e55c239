"""What tests of several shelves share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
