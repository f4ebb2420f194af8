"""Encryption is verified, always, and cannot be talked away."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.smtp import Scheme, Smtp, SmtpServer
from dispatcher.errors import SettingsError
from tests.channels.servers import DIGEST, OFFICE, MailServer, Script, make_authority

pytestmark = [
    pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command is missing"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH"),
]
USERS = {"office": "right"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="module")
def context(authority: Path) -> ssl.SSLContext:
    return make_authority(authority, "127.0.0.1")


@pytest.fixture
def ca_file(authority: Path, context: ssl.SSLContext) -> Path:
    return authority / "ca.pem"


def encrypted(scheme: Scheme, context: ssl.SSLContext) -> MailServer:
    """A server that speaks only encrypted and knows its users."""
    if scheme == "smtps":
        # aiosmtpd takes only STARTTLS for encrypted when it decides whether a login is safe.
        return MailServer(USERS, ssl_context=context, auth_require_tls=False)
    return MailServer(USERS, tls_context=context, require_starttls=True)


def smtp(scheme: Scheme, port: int, ca_file: Path | None, deadline: float = 5.0) -> Smtp:
    server = SmtpServer(scheme, "127.0.0.1", port, "office", "right")
    return Smtp(server, OFFICE, ca_file=ca_file, deadline=deadline)


def failure(channel: Smtp) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel.send(DIGEST)
    channel.close()
    return failed.value


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_with_a_private_authority_is_accepted_by_its_file(
    scheme: Scheme, context: ssl.SSLContext, ca_file: Path
) -> None:
    with encrypted(scheme, context) as server:
        channel = smtp(scheme, server.port, ca_file)
        channel.send(DIGEST)
        channel.send(DIGEST)
        channel.close()
    assert len(server.received) == 2
    assert server.logins == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_that_nobody_vouches_for_is_refused(
    scheme: Scheme, context: ssl.SSLContext
) -> None:
    with encrypted(scheme, context) as server:
        error = failure(smtp(scheme, server.port, None))
    assert (error.reason, error.outcome, error.retry_after) == ("protocol", "temporary", 900.0)
    assert "DISPATCHER_SMTP_CA_FILE" in str(error)
    assert server.logins == 0


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_for_another_host_is_refused(scheme: Scheme, tmp_path: Path) -> None:
    context = make_authority(tmp_path, "mail.example.com")
    with encrypted(scheme, context) as server:
        error = failure(smtp(scheme, server.port, tmp_path / "ca.pem"))
    assert "127.0.0.1" in error.detail
    assert (error.reason, server.logins) == ("protocol", 0)


def test_a_server_without_starttls_is_told_neither_password_nor_content(ca_file: Path) -> None:
    with Script() as server:
        error = failure(smtp("smtp", server.port, ca_file))
    assert (error.reason, error.detail) == ("protocol", "the server offers no STARTTLS")
    assert [line.split()[0] for line in server.seen] == ["EHLO"]


def test_a_starttls_that_is_refused_is_not_gone_without(ca_file: Path) -> None:
    ehlo = b"250-here\r\n250 STARTTLS"
    for reply, reason in [(b"454 not now", "busy"), (b"502 no", "protocol")]:
        with Script(EHLO=ehlo, STARTTLS=reply) as server:
            assert failure(smtp("smtp", server.port, ca_file)).reason == reason
        assert [line.split()[0] for line in server.seen] == ["EHLO", "STARTTLS"]


def test_words_planted_before_the_encryption_are_not_taken_for_the_servers(ca_file: Path) -> None:
    ehlo = b"250-here\r\n250 STARTTLS"
    with Script(EHLO=ehlo, STARTTLS=b"220 go\r\n250 AUTH PLAIN") as server:
        error = failure(smtp("smtp", server.port, ca_file))
    assert (error.reason, error.detail) == (
        "protocol",
        "the server spoke before the encryption began",
    )


def test_an_encrypted_call_to_a_plain_port_hints_at_scheme_and_port(ca_file: Path) -> None:
    with Script() as server:
        error = failure(smtp("smtps", server.port, ca_file))
    assert (error.reason, error.outcome) == ("protocol", "temporary")
    assert "smtps:// is mostly 465" in str(error)


def test_a_server_that_hangs_up_on_the_handshake_is_unreachable(ca_file: Path) -> None:
    with Script(connect="drop") as server:
        error = failure(smtp("smtps", server.port, ca_file))
    assert (error.reason, error.outcome) == ("unreachable", "temporary")


def test_a_handshake_that_drips_ends_with_the_deadline(ca_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            sock, _address = listener.accept()
            with sock, suppress(OSError):
                sock.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB begins
                while True:
                    sock.sendall(b"\x02")
                    sleep(0.02)

        thread = threading.Thread(target=drip)
        thread.start()
        begun = monotonic()
        error = failure(smtp("smtps", listener.getsockname()[1], ca_file, deadline=0.3))
        assert monotonic() - begun < 1.3
        thread.join(5)
    assert (error.reason, error.outcome) == ("unreachable", "temporary")


def test_a_ca_file_that_holds_no_certificate_is_refused_by_its_setting(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(SettingsError, match=f"DISPATCHER_SMTP_CA_FILE: {file}"):
            smtp("smtps", 465, file)
