"""What the scripted servers cannot prove: a mail server from the system's packages takes our mail,
and its own words are understood."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.mime import message_bytes, parse_sender
from dispatcher.channels.smtp import Scheme, Smtp, SmtpServer
from tests.channels.mailservers import Postfix, missing, postfix
from tests.channels.reading import decoded, said
from tests.channels.sending import digests, join, references, send_at_once
from tests.channels.servers import DIGEST, OFFICE, digest, parsed

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
PASSWORD = "密码 %:@/"
SIZE = 100_000
SECURE: dict[str, Scheme] = {"starttls": "smtp", "one_by_one": "smtp", "tls": "smtps"}


@pytest.fixture(scope="module")
def server() -> Iterator[Postfix]:
    with postfix((OFFICE, PASSWORD), [*SECURE, "many", "strict", "other"], SIZE) as server:
        yield server


def smtp(
    server: Postfix, port: str, login: tuple[str, str] = (OFFICE, PASSWORD), sender: str = OFFICE
) -> Smtp:
    scheme = SECURE.get(port, "smtp")
    at = SmtpServer(scheme, server.host, server.ports[port], *login)
    return Smtp(at, sender, ca_file=server.ca_file, deadline=20.0)


def failure(channel: Smtp, **changes: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel.send(digest(**changes))
    return failed.value


@pytest.mark.parametrize("port", SECURE)
def test_a_chinese_digest_lies_in_the_mailbox_as_it_was(server: Postfix, port: str) -> None:
    message = digest(address=f"{port}@example.com")
    channel = smtp(server, port)
    receipt = channel.send(message)
    channel.close()
    (content,) = server.mailbox(port, 1)
    # Above it stand the server's own headers; lines end as this machine's do.
    assert content.endswith(message_bytes(message, parse_sender(OFFICE)).replace(b"\r\n", b"\n"))
    assert decoded(content, "Subject") == message.subject
    body = parsed(content).get_body(("plain",))
    assert body
    assert said(body) == message.text
    assert re.search(rb"with ESMTPSA? ?\w* id (\w+)", content)
    assert receipt.vendor_id.rpartition(" ")[2].encode() in content


def test_many_messages_over_several_connections_arrive_once_each(server: Postfix) -> None:
    since = len(server.log)
    channel = smtp(server, "starttls")
    messages = [digest(address="many@example.com", reference=m.reference) for m in digests(60)]
    join(send_at_once(channel, messages))
    channel.close()
    found = server.mailbox("many", len(messages))
    assert references(found) == [message.reference for message in messages]
    logged = server.log[since:]
    assert 2 <= len(re.findall(r"smtpd\[\d+\]: connect from", logged)) <= channel.connections


@pytest.mark.parametrize("port", SECURE)
def test_a_wrong_password_is_one_failed_login(server: Postfix, port: str) -> None:
    since = len(server.log)
    channel = smtp(server, port, (OFFICE, "wrong"))
    error = failure(channel)
    channel.close()
    assert (error.reason, error.outcome, error.retry_after) == ("auth", "temporary", 900.0)
    assert error.detail.startswith("535 5.7.8")
    assert server.heard("auth=0/1 commands=", since)


@pytest.mark.parametrize(
    "port, commands", [("starttls", "mail=1 rcpt=0/1 data=0/1"), ("one_by_one", "mail=1 rcpt=0/1")]
)
def test_an_unknown_addressee_is_refused_for_good_and_asked_for_as_the_server_offers(
    server: Postfix, port: str, commands: str
) -> None:
    since = len(server.log)
    channel = smtp(server, port)
    error = failure(channel, address="nobody@example.com")
    channel.close()
    assert (error.reason, error.outcome) == ("address", "permanent")
    assert error.detail.startswith("550 5.1.1 <nobody@example.com>")
    # The server's own count: DATA that it refused was sent before it had refused the addressee.
    assert server.heard(f"auth=1 {commands} quit=1 commands=", since)


@pytest.mark.parametrize("port", SECURE)
def test_the_message_after_an_unknown_addressee_arrives(server: Postfix, port: str) -> None:
    channel = smtp(server, port)
    failure(channel, address="nobody@example.com")
    channel.send(digest(address="other@example.com"))
    channel.close()


@pytest.mark.parametrize("port", SECURE)
def test_a_message_that_is_too_large_is_refused_for_good(server: Postfix, port: str) -> None:
    channel = smtp(server, port)
    error = failure(channel, text="长" * SIZE, address="other@example.com")
    channel.close()
    assert (error.reason, error.outcome) == ("content", "permanent")
    assert error.detail.startswith("552 5.3.4")


@pytest.mark.parametrize("login", [(OFFICE, PASSWORD), ("", "")], ids=["other name", "no login"])
def test_a_sender_that_is_not_the_logins_is_not_blamed_on_the_contact(
    server: Postfix, login: tuple[str, str]
) -> None:
    channel = smtp(server, "starttls", login, sender=OFFICE if not login[0] else "o@example.com")
    error = failure(channel)
    channel.close()
    assert (error.reason, error.outcome, error.retry_after) == ("auth", "temporary", 900.0)
    assert error.detail.startswith("553 5.7.1")
    assert "DISPATCHER_MAIL_FROM" in str(error)


def test_a_server_that_counts_is_given_time(server: Postfix) -> None:
    first, second = smtp(server, "strict"), smtp(server, "strict")
    first.send(digest(address="strict@example.com"))
    crowded = failure(second)
    too_many = failure(first, address="strict@example.com")
    first.close()
    second.close()
    assert crowded.detail.startswith("421 4.7.0")
    assert too_many.detail.startswith("450 4.7.1")
    for error in (crowded, too_many):
        assert (error.reason, error.outcome, error.retry_after) == ("rate", "temporary", 900.0)


def test_a_certificate_by_an_authority_of_ones_own_is_not_taken_without_its_file(
    server: Postfix,
) -> None:
    at = SmtpServer("smtp", server.host, server.ports["starttls"], OFFICE, PASSWORD)
    since = len(server.log)
    error = failure(Smtp(at, OFFICE))
    assert (error.reason, error.outcome) == ("protocol", "temporary")
    assert server.heard("SSL_accept error", since)


def test_nothing_stays_of_a_server_that_was_stopped() -> None:
    with postfix((OFFICE, PASSWORD), ["tandong"], SIZE) as stopped:
        channel = smtp(stopped, "starttls")
        channel.send(DIGEST)
    assert not stopped.folder.exists()
    error = failure(channel)
    assert (error.reason, error.outcome) == ("unreachable", "temporary")
