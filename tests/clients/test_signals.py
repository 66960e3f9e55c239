"""What signals do waits until a block has ended."""

import signal
import threading

import pytest

from fourcast_clients.signals import signals_held


def test_ctrl_c_comes_after_the_block() -> None:
    done = []
    before = signal.getsignal(signal.SIGINT)

    def work() -> None:
        with signals_held():
            signal.raise_signal(signal.SIGINT)
            done.append("the rest of the block")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the rest of the block"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_in_the_block_is_kept() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="wrong"), signals_held():
        raise ValueError("wrong")
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_go_on_undisturbed() -> None:
    done = []

    def work() -> None:
        with signals_held():
            done.append(threading.current_thread())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [thread]
