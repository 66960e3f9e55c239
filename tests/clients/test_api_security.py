"""The typed client and the terminal game against servers that want to know their callers."""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fourcast_clients.api import Credentials, CredentialsError, Fourcast, FourcastError
from fourcast_clients.credentials import read_token
from tests.clients.positions import LATE_WIN
from tests.services.certificates import TOKEN, Authority
from tests.services.fronts import run_front, unused_port
from tests.services.running import RunningServer, run_server

REPOSITORY = Path(__file__).resolve().parents[2] / "models" / "repository"
MOVES = "444462255664"


@pytest.fixture(scope="module")
def strict(ours: Authority, token_file: Path) -> Iterator[RunningServer]:
    """A server that wants a client certificate and a token, over TLS."""
    flags = (*ours.server_flags(), "--client-ca", str(ours.ca), "--token-file", str(token_file))
    with run_server(REPOSITORY, *flags) as running:
        yield running


@pytest.fixture(scope="module")
def plain(token_file: Path) -> Iterator[RunningServer]:
    """A server in plain text that wants a token."""
    with run_server(REPOSITORY, "--token-file", str(token_file)) as running:
        yield running


def right(authority: Authority) -> Credentials:
    client = authority.client
    return Credentials(ca=authority.ca, certificate=client.certificate, key=client.key, token=TOKEN)


def refusal(server: RunningServer, credentials: Credentials | None) -> FourcastError:
    """How a call fails that must."""
    with (
        Fourcast(server.address, credentials=credentials) as client,
        pytest.raises(FourcastError) as caught,
    ):
        client.connect4.describe(MOVES)
    return caught.value


def test_right_credentials_pass(strict: RunningServer, ours: Authority) -> None:
    with Fourcast(strict.address, credentials=right(ours)) as client:
        client.wait_until_ready(30)
        assert client.connect4.describe(MOVES).legal_columns


def test_token_passes_in_plain_text_on_this_computer(plain: RunningServer) -> None:
    with Fourcast(plain.address, credentials=Credentials(token=TOKEN)) as client:
        assert client.connect4.describe(MOVES).legal_columns


def test_missing_and_wrong_tokens_are_told_apart(
    plain: RunningServer, strict: RunningServer, ours: Authority
) -> None:
    for server, base in ((plain, Credentials()), (strict, right(ours))):
        missing = refusal(server, dataclasses.replace(base, token=None))
        wrong = refusal(server, dataclasses.replace(base, token="another-token"))
        assert (missing.code, wrong.code) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
        assert "wants a token" in missing.message
        assert "does not accept this token" in wrong.message
        assert "another-token" not in wrong.message
        assert not missing.is_passing


def test_failed_handshakes_are_explained(
    strict: RunningServer, plain: RunningServer, ours: Authority, strangers: Authority
) -> None:
    stranger = dataclasses.replace(
        right(ours), certificate=strangers.client.certificate, key=strangers.client.key
    )
    for server, credentials, words in (
        (strict, dataclasses.replace(right(ours), ca=strangers.ca), "not signed by an authority"),
        (strict, None, "closes the connection: it may want TLS"),
        (strict, Credentials(ca=ours.ca), "closes the connection"),
        (strict, stranger, "closes the connection"),
        (plain, Credentials(ca=ours.ca), "does not encrypt"),
    ):
        error = refusal(server, credentials)
        assert error.code == "UNAVAILABLE"
        assert words in error.message
        assert server.address in error.message


def test_commonly_trusted_authorities_do_not_know_ours(strict: RunningServer) -> None:
    error = refusal(strict, Credentials(tls=True))
    assert error.code == "UNAVAILABLE"
    assert "not signed by an authority" in error.message


def test_certificate_for_another_name(ours: Authority) -> None:
    with run_server(REPOSITORY, *ours.server_flags(), "--host", "127.0.0.2") as server:
        assert "another name" in refusal(server, Credentials(ca=ours.ca)).message


def test_servers_own_words_are_kept() -> None:
    with (
        run_front(f"grpc://127.0.0.1:{unused_port()}") as front,
        Fourcast(front.address) as client,
        pytest.raises(FourcastError, match="the server that runs the models cannot") as caught,
    ):
        client.connect4.choose_move(MOVES)
    assert caught.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("server", ["play.example:443", "10.0.0.7:50051", "[2001:db8::1]:50051"])
def test_token_never_leaves_this_computer_in_plain_text(server: str) -> None:
    with pytest.raises(CredentialsError, match=re.escape(server)) as caught:
        Fourcast(server, credentials=Credentials(token=TOKEN))
    assert caught.value.field == "token"
    Fourcast(server, credentials=Credentials(token=TOKEN, tls=True)).close()


@pytest.mark.parametrize("server", ["127.0.0.1:1", "127.8.8.8:1", "localhost:1", "[::1]:1"])
def test_token_may_go_to_this_computer(server: str) -> None:
    Fourcast(server, credentials=Credentials(token=TOKEN)).close()


def test_token_is_not_shown() -> None:
    assert TOKEN not in repr(Credentials(token=TOKEN))


def test_credentials_that_cannot_be_used(
    tmp_path: Path, ours: Authority, strangers: Authority
) -> None:
    certificate, key = ours.client.certificate, ours.client.key
    missing, text = tmp_path / "missing.pem", tmp_path / "text.pem"
    text.write_text("no certificate\n")
    encrypted = ours.client.encrypted_key(tmp_path)

    def error(**fields: Path | str) -> CredentialsError:
        with pytest.raises(CredentialsError) as caught:
            Credentials(**fields)  # type: ignore[arg-type]  # one at a time, of either type
        return caught.value

    for fields, field, words in (
        ({"certificate": certificate}, "key", "belongs to the certificate"),
        ({"key": key}, "certificate", "belongs to the key"),
        ({"ca": missing}, "ca", "No such file"),
        ({"ca": text}, "ca", "BEGIN CERTIFICATE"),
        ({"certificate": missing, "key": key}, "certificate", "No such file"),
        ({"certificate": certificate, "key": missing}, "key", "No such file"),
        ({"certificate": text, "key": key}, "key", "not a certificate and its private key"),
        ({"certificate": certificate, "key": encrypted}, "key", "password"),
        ({"certificate": certificate, "key": strangers.client.key}, "key", "is not the key of"),
        ({"token": "two words"}, "token", "one word"),
        ({"token": ""}, "token", "one word"),
        ({"token": "lettérs"}, "token", "one word"),
        ({"token": "a\nb"}, "token", "one word"),
    ):
        caught = error(**fields)
        assert caught.field == field
        assert words in str(caught)


def test_token_file(tmp_path: Path, token_file: Path) -> None:
    assert read_token(token_file) == TOKEN
    odd = tmp_path / "token"
    for content in (b"", b"\n", b"two words", b"\xff\xfe"):
        odd.write_bytes(content)
        with pytest.raises(CredentialsError, match="one word") as caught:
            read_token(odd)
        assert caught.value.field == "token_file"


def play(*flags: str | Path) -> "subprocess.CompletedProcess[str]":
    """One demo game."""
    return subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", "play", *map(str, flags)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_play_on_a_strict_server(strict: RunningServer, ours: Authority, token_file: Path) -> None:
    client = ours.client
    who = ("--ca", ours.ca, "--certificate", client.certificate, "--key", client.key)
    start = ("--server", strict.address, "--moves", LATE_WIN)
    done = play(*start, *who, "--token-file", token_file)
    assert done.returncode == 0, done.stderr
    assert f"Moves: {LATE_WIN}" in done.stdout
    without = play(*start, *who)
    assert without.returncode == 1
    assert "wants a token" in without.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--token-file", "{token}"), "go with --server"),
        (("--server", "play.example:443", "--token-file", "{token}"), "--token-file: everybody"),
        (("--server", "127.0.0.1:1", "--token-file", "/nowhere"), "--token-file: cannot read"),
        (("--server", "127.0.0.1:1", "--ca", "/nowhere"), "--ca: cannot read /nowhere"),
        (("--server", "127.0.0.1:1", "--key", "/nowhere"), "--certificate: is missing"),
        (("--server", "nowhere", "--tls"), "HOST:PORT"),
    ],
)
def test_flags_that_cannot_be(flags: tuple[str, ...], words: str, token_file: Path) -> None:
    done = play(*(flag.format(token=token_file) for flag in flags))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
