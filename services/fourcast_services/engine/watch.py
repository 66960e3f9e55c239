"""Notices what changes in the model repository."""

import asyncio
import logging

from fourcast_models.repository import RepositoryError
from fourcast_services.device import DeviceError
from fourcast_services.engine.engine import Engine

INTERVAL_SECONDS = 1.0
"""How often to look. Looking costs some file statuses; asking the system for events would not see
changes on most network file systems."""

_log = logging.getLogger(__name__)


async def watch(engine: Engine) -> None:
    """Have an engine take in what changes in its repository, until cancelled."""
    trouble = ""
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        try:
            await engine.refresh()
        except (RepositoryError, DeviceError) as error:
            # The repository may be away for a moment only; say it once.
            if str(error) != trouble:
                _log.error("cannot look into the repository; what serves goes on: %s", error)
            trouble = str(error)
        else:
            trouble = ""
