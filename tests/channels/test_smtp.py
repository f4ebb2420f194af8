"""What each misbehaviour of a mail server means, cell by cell, and how the server is named."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from time import monotonic

import pytest

from dispatcher.channels import wire
from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.session import Session
from dispatcher.channels.smtp import Smtp, SmtpServer, parse_smtp_url
from dispatcher.errors import SettingsError
from tests.channels.sending import LOGIN, failure, smtp
from tests.channels.servers import DIGEST, OFFICE, PIPELINED, Fault, MailServer, Script

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
DEADLINE = 0.3


@pytest.fixture
def server() -> Iterator[Script]:
    with Script() as server:
        yield server


# --------------------------------------------------------------------------- the table of outcomes

STEPS = ["connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "content"]
BUSY, RATE = "busy temporary 120", "rate temporary 900"
AUTH, PROTOCOL = "auth temporary 900", "protocol temporary 900"
LOST, UNKNOWN = "unreachable temporary None", "unknown unknown None"
BAD_ADDRESS, BAD_CONTENT = "address permanent None", "content permanent None"
OUTCOMES: dict[Fault, list[str]] = {
    b"421 4.3.2 closing": [BUSY] * 7,
    b"421 HL:REP 1.2.3.4": [RATE] * 7,
    b"450 4.2.0 greylisted": [BUSY, BUSY, AUTH, BUSY, BUSY, BUSY, BUSY],
    b"451 MI:SFQ mail": [RATE, RATE, AUTH, RATE, RATE, RATE, RATE],
    b"452 4.3.1 disk full": [BUSY, BUSY, AUTH, BUSY, BUSY, BUSY, BUSY],
    b"530 5.7.0 log in first": [AUTH] * 7,
    b"535 5.7.8 wrong password": [AUTH] * 7,
    b"550 5.1.1 no such user": [PROTOCOL] * 2 + [AUTH] * 2 + [BAD_ADDRESS] + [BAD_CONTENT] * 2,
    b"552 too large": [PROTOCOL] * 2 + [AUTH] * 2 + [BAD_ADDRESS] + [BAD_CONTENT] * 2,
    b"554-DT:SPM\r\n554 spam": [PROTOCOL] * 2 + [AUTH] * 2 + [BAD_ADDRESS] + [BAD_CONTENT] * 2,
    b"554 5.7.1 Relay access denied": [PROTOCOL] * 2 + [AUTH] * 3 + [BAD_CONTENT] * 2,
    b"299 what": [PROTOCOL] * 6 + [UNKNOWN],
    b"HTTP/1.1 400 Bad Request": [PROTOCOL] * 6 + [UNKNOWN],
    b"": [PROTOCOL] * 6 + [UNKNOWN],
    b"250-" + b"x" * 20_000: [PROTOCOL] * 6 + [UNKNOWN],
    b"\r\n".join([b"250-more"] * 101): [PROTOCOL] * 6 + [UNKNOWN],
    "drop": [LOST] * 6 + [UNKNOWN],
    "hang": [LOST] * 6 + [UNKNOWN],
    "drip": [LOST] * 6 + [UNKNOWN],
}
CELLS = [
    pytest.param({step: fault} | more, expected, id="-".join((step, f"{fault[:20]!s}", *more)))
    for fault, row in OUTCOMES.items()
    for step, expected in zip(STEPS, row, strict=True)
    for more in ([{}] if step in STEPS[:3] else [{}, {"EHLO": PIPELINED}])
]


@pytest.mark.parametrize("faults, expected", CELLS)
def test_a_fault_at_a_step_has_exactly_one_outcome(faults: dict[str, Fault], expected: str) -> None:
    deadline = DEADLINE if {"hang", "drip"} & set(faults.values()) else 5.0
    with Script(**faults) as server:
        begun = monotonic()
        error = failure(smtp(server.port, deadline, **LOGIN))
        assert monotonic() - begun < deadline + 1
    found = f"{error.reason} {error.outcome} {error.retry_after and int(error.retry_after)}"
    assert found == expected
    assert len(server.contents) == ("content" in faults)
    assert "{" not in str(error) + error.office
    assert re.search("[一-鿿]", error.office.replace(error.detail, ""))


def test_an_address_that_the_server_forwards_is_accepted() -> None:
    with Script(RCPT=b"251 user not here, will forward") as server:
        channel = smtp(server.port)
        channel.send(DIGEST)
        channel.close()


def test_a_slow_server_that_stays_within_the_deadline_is_waited_for() -> None:
    with Script(content=b"250-still\r\n250-scanning\r\n250 queued as 9") as server:
        channel = smtp(server.port)
        assert channel.send(DIGEST).vendor_id == "still scanning queued as 9"
        channel.close()


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = failure(smtp(port))
    assert (error.reason, error.outcome) == ("unreachable", "temporary")
    assert "Connection refused" in error.detail
    assert f"127.0.0.1:{port}" in str(error)


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'a' * 64}.invalid"])
def test_a_name_that_does_not_resolve_is_unreachable(host: str) -> None:
    error = failure(Smtp(SmtpServer("smtps", host, 465), OFFICE))
    assert (error.reason, error.outcome) == ("unreachable", "temporary")


def test_the_next_address_of_a_server_is_tried(
    server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()
    kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
    both = [(*kind, closed), (*kind, ("127.0.0.1", server.port))]
    monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *_args, **_options: both)
    channel = smtp(server.port)
    channel.send(DIGEST)
    channel.close()
    assert len(server.contents) == 1


def test_an_address_that_drops_every_packet_leaves_the_next_its_time(
    server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as open_:
        silent = open_.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _place in range(2):  # what does not fit into its queue is dropped
            waiting = open_.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        unknown = (999, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
        found = [unknown, (*kind, silent.getsockname()), (*kind, ("127.0.0.1", server.port))]
        monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *_args, **_options: found)
        open_.enter_context(closing(wire.connect("mail.example.com", 25, monotonic() + 2)))
        found.pop()
        with pytest.raises(TimeoutError):
            wire.connect("mail.example.com", 25, monotonic() + 0.2)


# ----------------------------------------------------------------------------- the conversation


def test_one_message_goes_to_one_address(server: Script) -> None:
    channel = smtp(server.port)
    assert channel.send(DIGEST).vendor_id == "queued as 7"
    channel.close()
    said = [line for line in server.seen if not line.startswith("EHLO")]
    assert said == [
        "MAIL FROM:<office@example.com>",
        "RCPT TO:<tandong@example.com>",
        "DATA",
        "QUIT",
    ]


def test_a_line_that_begins_with_a_dot_does_not_end_the_message(server: Script) -> None:
    talk = Session(wire.connect("127.0.0.1", server.port, monotonic() + 5))
    talk.greet()
    talk.deliver(OFFICE, DIGEST.address, b".x: y\r\n\r\n.\r\n..\r\n.end\r\na.b\r\n\n.\r\n")
    talk.quit(monotonic() + 5)
    assert server.contents == [b"..x: y\r\n\r\n..\r\n...\r\n..end\r\na.b\r\n\n..\r\n"]


def test_a_server_that_speaks_out_of_turn_is_not_believed() -> None:
    for faults in ({"MAIL": b"250 fine\r\n250 fine"}, {"DATA": b"354 go on\r\n250 fine"}):
        with Script(**faults) as server:
            error = failure(smtp(server.port))
        assert (error.reason, error.detail) == ("protocol", "the server spoke out of turn")
        assert server.contents == []


def test_a_servers_chinese_is_readable_in_both_encodings() -> None:
    for encoding in ("utf-8", "gb18030"):
        with Script(RCPT="550 用户不存在\x1b[31m".encode(encoding)) as server:
            assert failure(smtp(server.port)).detail == "550 用户不存在 [31m"


# ----------------------------------------------------------------------------------- the login


@pytest.mark.parametrize("offer", [b"AUTH PLAIN LOGIN", b"AUTH LOGIN", b"AUTH=LOGIN PLAIN"])
def test_one_wrong_password_is_one_try(offer: bytes) -> None:
    good = b"334 VXNlcm5hbWU6" if b"PLAIN" not in offer else b"535 no"
    with Script(EHLO=b"250-here\r\n250 " + offer, AUTH=good, password=b"535 no") as server:
        error = failure(smtp(server.port, user="office", password="wrong"))
    assert (error.reason, error.retry_after) == ("auth", 900.0)
    assert sum(line.startswith("AUTH") for line in server.seen) == 1


def test_a_login_in_two_steps_works() -> None:
    ehlo = b"250-here\r\n250 AUTH LOGIN"
    with Script(EHLO=ehlo, AUTH=b"334 VXNlcm5hbWU6", password=b"235 welcome") as server:
        channel = smtp(server.port, **LOGIN)
        channel.send(DIGEST)
        channel.close()
    assert server.seen[1:3] == ["AUTH LOGIN b2ZmaWNl", "cmlnaHQ="]


def test_a_server_without_login_is_not_told_the_password() -> None:
    with Script(EHLO=b"250 here") as server:
        error = failure(smtp(server.port, **LOGIN))
    assert (error.reason, error.outcome) == ("protocol", "temporary")
    assert not any("AUTH" in line for line in server.seen)


def test_a_password_may_hold_any_character() -> None:
    password = "密码 %:@/'\"\\"
    with MailServer(users={"office": password}, auth_require_tls=False) as server:
        channel = smtp(server.port, user="office", password=password)
        channel.send(DIGEST)
        channel.close()
    assert len(server.received) == 1


# ---------------------------------------------------------------------------------- the setting


@pytest.mark.parametrize(
    "url, expected",
    [
        ("smtp://mail.example.com", SmtpServer("smtp", "mail.example.com", 587)),
        ("smtps://mail.example.com/", SmtpServer("smtps", "mail.example.com", 465)),
        ("smtps://mail.example.com:994", SmtpServer("smtps", "mail.example.com", 994)),
        ("smtp+plain://127.0.0.1", SmtpServer("smtp+plain", "127.0.0.1", 25)),
        ("smtp+plain://127.8.9.1:2525", SmtpServer("smtp+plain", "127.8.9.1", 2525)),
        ("smtp+plain://localhost", SmtpServer("smtp+plain", "localhost", 25)),
        ("smtp+plain://[::1]:26", SmtpServer("smtp+plain", "::1", 26)),
        (
            "smtps://office%40example.com:p%40ss%3A%2F@mail.example.com",
            SmtpServer("smtps", "mail.example.com", 465, "office@example.com", "p@ss:/"),
        ),
    ],
)
def test_a_url_says_how_and_where_to_send(url: str, expected: SmtpServer) -> None:
    assert parse_smtp_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.com",
        "mail.example.com:465",
        "https://office:canary@mail.example.com",
        "smtps://",
        "smtps://:465",
        "smtps://office:canary@",
        "smtps://office:can/ary@mail.example.com",
        "smtps://office:can#ary@mail.example.com",
        "smtps://office:can?ary@mail.example.com",
        "smtps://office:can@ary@mail.example.com:port",
        "smtps://office:canary@mail.example.com:99999",
        "smtps://office:canary@[mail.example.com",
        "smtps://office:canary@mail.example.com/path",
        "smtps://office:canary@mail.example.com?verify=no",
        "smtps://office:canary@mail.example.com#x",
        "smtps://office:canary@.example.com",
        "smtps://office:canary@mail example.com",
        "smtps://office:canary℀@mail.example.com",
    ],
)
def test_a_url_that_is_not_understood_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(SettingsError, match="DISPATCHER_SMTP_URL should be like") as refused:
        parse_smtp_url(url)
    assert "can" not in str(refused.value).lower()


@pytest.mark.parametrize(
    "host", ["mail.example.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.example.com", "localhost.cn"]
)
def test_mail_without_encryption_stays_on_this_machine(host: str) -> None:
    with pytest.raises(SettingsError, match="only for this machine"):
        parse_smtp_url(f"smtp+plain://{host}")
    with pytest.raises(SettingsError, match="only for this machine"):
        SmtpServer("smtp+plain", host, 25)


@pytest.mark.parametrize("login", ["office@", "office:@", ":canary@"])
def test_half_a_login_is_refused(login: str) -> None:
    with pytest.raises(SettingsError, match="both user and password") as refused:
        parse_smtp_url(f"smtps://{login}mail.example.com")
    assert "canary" not in str(refused.value)


def test_mail_needs_a_sender() -> None:
    with pytest.raises(SettingsError, match="DISPATCHER_MAIL_FROM"):
        Smtp(SmtpServer("smtps", "mail.example.com", 465), "")


@pytest.mark.parametrize(
    "step, reply, pauses",
    [
        ("AUTH", b"535 wrong password", True),
        ("MAIL", b"553 not your address", True),
        ("connect", b"554 go away", True),
        ("RCPT", b"550 no such user", False),
        ("RCPT", b"550 relay access denied", False),
        ("RCPT", b"553 Sender address rejected: not owned by user", False),
        ("RCPT", b"452 4.2.2 mailbox over its limit", False),
        ("content", b"554 DT:SPM", False),
    ],
)
def test_only_what_stands_against_every_message_pauses_the_channel(
    step: str, reply: bytes, pauses: bool
) -> None:
    with Script(**{step: reply}) as server:
        plain = SmtpServer("smtp+plain", "127.0.0.1", server.port, user="u", password="p")
        channel = Smtp(plain, OFFICE)
        with pytest.raises(DeliveryError) as failed:
            channel.send(DIGEST)
        channel.close()
    assert failed.value.pauses == pauses
