"""Who may call a server, over what, and where it listens; with real processes and certificates."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_services import exposure
from fourcast_services.credentials import CredentialsError, read_token, server_credentials
from fourcast_services.settings import Access, Settings
from tests.services import refusals
from tests.services.certificates import TOKEN, Authority, Identity
from tests.services.running import RunningServer, run_server
from tests.services.status import Failure, failure

SECONDS = 30

Metadata = tuple[tuple[str, str | bytes], ...]


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


def describe(channel: grpc.Channel, metadata: Metadata = ()) -> wire.DescribePositionResponse:
    stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
    request = wire.DescribePositionRequest(position=wire.Position(moves="44"))
    return stub.DescribePosition(request, timeout=SECONDS, metadata=metadata)


def refused(channel: grpc.Channel, metadata: Metadata = ()) -> Failure:
    """How a call fails that must."""
    return failure(lambda: describe(channel, metadata))


def tls(authority: Authority, identity: Identity | None = None) -> grpc.ChannelCredentials:
    """A client that trusts an authority, and perhaps has a certificate itself."""
    return grpc.ssl_channel_credentials(
        authority.ca.read_bytes(),
        identity.key.read_bytes() if identity else None,
        identity.certificate.read_bytes() if identity else None,
    )


@pytest.fixture(scope="module")
def tls_server(repository: Path, ours: Authority) -> Iterator[RunningServer]:
    with run_server(repository, *ours.server_flags()) as running:
        yield running


@pytest.fixture(scope="module")
def mutual_server(repository: Path, ours: Authority) -> Iterator[RunningServer]:
    with run_server(repository, *ours.server_flags(), "--client-ca", str(ours.ca)) as running:
        yield running


@pytest.fixture(scope="module")
def token_channel(repository: Path, token_file: Path) -> Iterator[grpc.Channel]:
    """To a server that wants a token, health checks included."""
    with (
        run_server(repository, "--token-file", str(token_file)) as running,
        grpc.insecure_channel(running.address) as channel,
    ):
        yield channel


def test_tls_answers_who_trusts_its_authority(tls_server: RunningServer, ours: Authority) -> None:
    with grpc.secure_channel(tls_server.address, tls(ours)) as channel:
        assert describe(channel).board.legal_columns


def test_tls_is_not_taken_from_another_authority(
    tls_server: RunningServer, strangers: Authority
) -> None:
    with grpc.secure_channel(tls_server.address, tls(strangers)) as channel:
        error = refused(channel)
    # The handshake ends before there is a call, so there is no status but gRPC's own for that.
    assert error.code is grpc.StatusCode.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in error.message


def test_plain_text_against_tls_fails(tls_server: RunningServer) -> None:
    with grpc.insecure_channel(tls_server.address) as channel:
        assert refused(channel).code is grpc.StatusCode.UNAVAILABLE


def test_mutual_tls_answers_a_caller_with_a_certificate(
    mutual_server: RunningServer, ours: Authority
) -> None:
    with grpc.secure_channel(mutual_server.address, tls(ours, ours.client)) as channel:
        assert describe(channel).board.legal_columns


@pytest.mark.parametrize("with_certificate", [False, True])
def test_mutual_tls_refuses_others_in_the_handshake(
    mutual_server: RunningServer, ours: Authority, strangers: Authority, with_certificate: bool
) -> None:
    credentials = tls(ours, strangers.client if with_certificate else None)
    with grpc.secure_channel(mutual_server.address, credentials) as channel:
        # Never UNAUTHENTICATED: the server closes the connection before any call has begun.
        assert refused(channel).code is grpc.StatusCode.UNAVAILABLE


def test_right_token_passes(token_channel: grpc.Channel) -> None:
    assert describe(token_channel, bearer(TOKEN)).board.legal_columns


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        bearer("wrong" + TOKEN),
        bearer(TOKEN + "x"),
        bearer(TOKEN[:-1]),
        bearer(""),
        (("authorization", TOKEN),),
        (("authorization", f"Basic {TOKEN}"),),
        (("authorization-bin", f"Bearer {TOKEN}".encode()),),
        (*bearer("wrong"), *bearer(TOKEN)),
    ],
)
def test_wrong_or_missing_token_is_unauthenticated(
    token_channel: grpc.Channel, metadata: Metadata
) -> None:
    error = refused(token_channel, metadata)
    assert error.code is grpc.StatusCode.UNAUTHENTICATED
    assert "authorization" in error.message
    assert TOKEN not in error.message


def test_token_guards_every_service(token_channel: grpc.Channel) -> None:
    check = health_pb2_grpc.HealthStub(token_channel).Check
    live = service_pb2_grpc.GRPCInferenceServiceStub(token_channel).ServerLive
    stream = service_pb2_grpc.GRPCInferenceServiceStub(token_channel).ModelStreamInfer
    for call in (
        lambda: check(health_pb2.HealthCheckRequest(), timeout=SECONDS),
        lambda: live(service_pb2.ServerLiveRequest(), timeout=SECONDS),
        lambda: list(stream(iter(()), timeout=SECONDS)),
        lambda: ProtoReflectionDescriptorDatabase(token_channel).get_services(),
    ):
        assert failure(call).code is grpc.StatusCode.UNAUTHENTICATED


def test_open_health_opens_health_alone(repository: Path, token_file: Path) -> None:
    with (
        run_server(repository, "--token-file", str(token_file), "--open-health") as running,
        grpc.insecure_channel(running.address) as channel,
    ):
        check = health_pb2_grpc.HealthStub(channel).Check
        status = check(health_pb2.HealthCheckRequest(), timeout=SECONDS).status
        assert status == health_pb2.HealthCheckResponse.SERVING
        assert refused(channel).code is grpc.StatusCode.UNAUTHENTICATED
        live = service_pb2_grpc.GRPCInferenceServiceStub(channel).ServerLive
        error = failure(lambda: live(service_pb2.ServerLiveRequest(), timeout=SECONDS))
        assert error.code is grpc.StatusCode.UNAUTHENTICATED


def test_token_over_tls(repository: Path, ours: Authority, token_file: Path) -> None:
    flags = (*ours.server_flags(), "--token-file", str(token_file))
    credentials = grpc.composite_channel_credentials(
        tls(ours), grpc.access_token_call_credentials(TOKEN)
    )
    with run_server(repository, *flags) as running:
        with grpc.secure_channel(running.address, credentials) as channel:
            assert describe(channel).board.legal_columns
        with grpc.secure_channel(running.address, tls(ours)) as channel:
            assert refused(channel).code is grpc.StatusCode.UNAUTHENTICATED


def test_several_workers_want_the_token_and_tls_too(
    repository: Path, ours: Authority, token_file: Path
) -> None:
    flags = (*ours.server_flags(), "--token-file", str(token_file), "--workers", "2")
    with run_server(repository, *flags) as running:
        for _ in range(6):
            # A connection each, so that both workers get some.
            with grpc.secure_channel(running.address, tls(ours)) as channel:
                assert describe(channel, bearer(TOKEN)).board.legal_columns
                assert refused(channel).code is grpc.StatusCode.UNAUTHENTICATED


def listening_hosts(pid: int) -> set[IPv4Address | IPv6Address]:
    """The addresses that a process listens on, from /proc; see proc_net_tcp of the kernel."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink())
        if target.startswith("socket:["):
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    hosts = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            is_listening = fields[3] == "0A"
            if is_listening and fields[9] in inodes:
                words = bytes.fromhex(fields[1].partition(":")[0])
                # The kernel writes each 32-bit word in this machine's own byte order.
                packed = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
                host = ip_address(packed)
                # gRPC's sockets take IPv4 and IPv6 alike.
                mapped = host.ipv4_mapped if isinstance(host, IPv6Address) else None
                hosts.add(mapped or host)
    return hosts


def test_nothing_listens_beyond_loopback_by_default(repository: Path) -> None:
    with run_server(repository, "--metrics-port", "0") as running:
        assert listening_hosts(running.process.pid) == {ip_address("127.0.0.1")}


def test_the_look_at_sockets_sees_those_beyond_loopback(repository: Path) -> None:
    with run_server(repository, "--host", "0.0.0.0") as running:
        assert any(host.is_unspecified for host in listening_hosts(running.process.pid))


def test_certificates_that_cannot_be_used(
    tmp_path: Path, ours: Authority, strangers: Authority
) -> None:
    certificate, key = ours.server.certificate, ours.server.key
    missing, text = tmp_path / "missing.pem", tmp_path / "text.pem"
    text.write_text("no certificate\n")
    encrypted = ours.server.encrypted_key(tmp_path)
    cases: list[tuple[Access, str, Path, str]] = [
        (Access(missing, key), "--tls-certificate", missing, "No such file"),
        (Access(certificate, missing), "--tls-key", missing, "No such file"),
        (Access(tmp_path, key), "--tls-certificate", tmp_path, "directory"),
        (Access(text, key), "--tls-certificate", text, "BEGIN CERTIFICATE"),
        (Access(key, key), "--tls-certificate", key, "BEGIN CERTIFICATE"),
        (Access(certificate, text), "--tls-key", text, "BEGIN PRIVATE KEY"),
        (Access(certificate, certificate), "--tls-key", certificate, "BEGIN PRIVATE KEY"),
        (Access(certificate, encrypted), "--tls-key", encrypted, "password"),
        (Access(certificate, strangers.server.key), "--tls-key", certificate, "not the key"),
        (Access(certificate, key, missing), "--client-ca", missing, "No such file"),
        (Access(certificate, key, text), "--client-ca", text, "BEGIN CERTIFICATE"),
    ]
    for access, flag, file, reason in cases:
        with pytest.raises(CredentialsError) as caught:
            server_credentials(access)
        assert str(caught.value).startswith(f"{flag}: ")
        assert str(file) in str(caught.value)
        assert reason in str(caught.value)


def test_no_credentials_without_certificates() -> None:
    assert server_credentials(Access()) is None
    assert read_token("--token-file", None) is None


def test_token_is_read_without_the_whitespace_around_it(token_file: Path) -> None:
    assert read_token("--token-file", token_file) == TOKEN


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"fifteen-letters\n", "holds 15 characters"),
        ("sixteen-lettérs!!".encode(), "ASCII"),
        (b"two words, sixteen letters", "one word"),
        (b"sixteen-letters\0and-more", "one word"),
        (b"\xff" * 20, "ASCII"),
    ],
)
def test_tokens_that_are_none(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(CredentialsError, match=reason) as caught:
        read_token("--token-file", file)
    assert str(caught.value).startswith(f"--token-file: {file}")


def test_token_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"--token-file: cannot read .*: No such file"):
        read_token("--token-file", tmp_path / "missing")


def test_server_does_not_start_with_a_wrong_key(
    repository: Path, ours: Authority, strangers: Authority
) -> None:
    flags = ("--tls-certificate", ours.server.certificate, "--tls-key", strangers.server.key)
    said = refusals.refused(repository, *map(str, flags), status=1)
    assert "cannot start: --tls-key: " in said


def test_warnings_about_who_can_reach_the_server(tmp_path: Path, ours: Authority) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    certificate, key = ours.server.certificate, ours.server.key

    def warned(host: str, access: Access) -> list[str]:
        return list(exposure.warnings(Settings(host=host, access=access)))

    for host in ("127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"):
        assert warned(host, Access()) == []
    for host in ("0.0.0.0", "[::]", "10.0.0.7", "gateway"):
        (everybody,) = warned(host, Access())
        assert "everybody" in everybody
        assert host in everybody
        assert warned(host, Access(certificate, key, token_file=token)) == []
        assert warned(host, Access(certificate, key, client_ca=ours.ca)) == []
    (plain,) = warned("0.0.0.0", Access(token_file=token))
    assert "plain text" in plain
    token.chmod(0o604)
    (readable,) = warned("127.0.0.1", Access(token_file=token))
    assert "--token-file" in readable
    assert str(token) in readable


def test_server_logs_the_warnings(repository: Path) -> None:
    with run_server(repository, "--host", "0.0.0.0") as running:
        assert "WARNING: everybody who reaches 0.0.0.0 may call" in running.log()
