"""The service that the game starts for itself."""

import os
import signal
import sys
from pathlib import Path

import pytest

from fourcast_clients.api import Fourcast
from fourcast_clients.terminal.local_service import LocalService, LocalServiceError


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_serves_until_it_is_stopped() -> None:
    with LocalService() as service:
        with Fourcast(service.server) as fourcast:
            fourcast.wait_until_ready()
            assert fourcast.connect4.describe("").legal_columns == (1, 2, 3, 4, 5, 6, 7)
        process = service.process_id
        assert runs(process)
    assert not runs(process)
    service.stop()


def test_it_is_revived_at_the_same_address_only_if_it_is_gone() -> None:
    with LocalService() as service, Fourcast(service.server) as fourcast:
        first = service.process_id
        service.revive()
        assert service.process_id == first
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        service.revive()
        assert service.process_id != first
        fourcast.wait_until_ready()
        assert fourcast.connect4.describe("4").side_to_move.value == "second"


def test_a_missing_installation_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A bare interpreter: no site-packages, so neither the service nor what it needs is there.
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(LocalServiceError, match=r"pip install 'fourcast\[serve\]'"):
        LocalService()


def test_a_failed_start_shows_the_end_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(LocalServiceError, match="could not start") as caught:
        LocalService()
    assert "the disk is full" in str(caught.value)
