"""What holds for every channel. A new channel joins by a Case: how to make it, and to read it.

What holds for those that send mail has mail's cases alone; what servers over HTTP do to a channel
is in test_http_conformance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

import pytest

from dispatcher.channels.contract import Channel, DeliveryError, Kind, OnUnknown
from dispatcher.channels.dingtalk import Dingtalk
from dispatcher.channels.feishu import Feishu
from dispatcher.channels.mailbox import Mailbox
from dispatcher.channels.mime import Sender, message_bytes
from dispatcher.channels.smtp import Smtp, SmtpServer
from dispatcher.channels.wecom import Wecom
from dispatcher.ledger.leases import LEASE
from tests.channels import fake_webhook
from tests.channels.fake_dingtalk import FakeDingtalk
from tests.channels.fake_feishu import FakeFeishu
from tests.channels.fake_webhook import Receiver
from tests.channels.fake_wecom import FakeWecom
from tests.channels.outcomes import SECRET
from tests.channels.robots import Turned, here
from tests.channels.sending import digests, join, references, send_at_once
from tests.channels.servers import DIGEST, OFFICE, MailServer, digest, parsed
from tests.channels.web import WebServer


class Case(NamedTuple):
    """A channel that works; what has arrived by it, as it came and as it reads; and how to break
    the way there."""

    channel: Channel
    received: Callable[[], list[bytes]]
    said: Callable[[], list[str]]
    cut: Callable[[], object]


def read(content: bytes) -> str:
    mail = parsed(content)
    body = mail.get_body(("plain",))
    assert body
    return f"{mail['Subject']}\n{body.get_content()}".replace("\r\n", "\n")


@contextmanager
def mailbox(folder: Path) -> Iterator[Case]:
    files = folder / "mailbox"

    def received() -> list[bytes]:
        return [path.read_bytes() for path in sorted(files.glob("*"))]

    def cut() -> None:
        if files.exists():
            files.rename(folder / "old")
        files.touch()

    channel = Mailbox(files, ZoneInfo("Asia/Shanghai"), OFFICE)
    yield Case(channel, received, lambda: list(map(read, received())), cut)


@contextmanager
def email(_folder: Path) -> Iterator[Case]:
    with ExitStack() as stack:
        server = stack.enter_context(MailServer())
        channel = Smtp(SmtpServer("smtp+plain", "127.0.0.1", server.port), OFFICE)
        yield Case(
            channel, lambda: server.contents, lambda: list(map(read, server.contents)), stack.close
        )
        channel.close()


@contextmanager
def over_http(server: WebServer, channel: Channel, said: Callable[[], list[str]]) -> Iterator[Case]:
    """A channel whose server remembers what it was asked."""
    with ExitStack() as stack:
        stack.enter_context(server)
        yield Case(channel, lambda: [asked.body for asked in server.asked], said, stack.close)
        channel.close()


def wecom(_folder: Path) -> AbstractContextManager[Case]:
    clock = Turned()
    server = FakeWecom(MANY, clock.now)
    channel = Wecom("wecom", server.key, client=here(), sleep=clock.sleep)
    return over_http(server, channel, server.said)


def dingtalk(_folder: Path) -> AbstractContextManager[Case]:
    clock = Turned()
    server = FakeDingtalk(MANY, clock.now)
    channel = Dingtalk(
        "dingtalk", server.key, SECRET, client=here(), now=clock.now, sleep=clock.sleep
    )
    return over_http(server, channel, server.said)


def feishu(_folder: Path) -> AbstractContextManager[Case]:
    clock = Turned()
    server = FakeFeishu(MANY, clock.now)
    channel = Feishu("feishu", server.key, SECRET, client=here(), now=clock.now, sleep=clock.sleep)
    return over_http(server, channel, server.said)


def webhook(_folder: Path) -> AbstractContextManager[Case]:
    receiver = Receiver()
    server = WebServer(receiver)

    def said() -> list[str]:
        return [f"{taken['subject']}\n{taken['text']}" for taken in receiver.taken.values()]

    return over_http(server, fake_webhook.channel(server), said)


MANY = 100_000
"""Messages in a time: more than any test sends."""
MAIL = (mailbox, email)
ALL = (*MAIL, wecom, dingtalk, feishu, webhook)


@pytest.fixture(params=ALL, ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with request.param(tmp_path) as case:
        yield case


@pytest.fixture(params=MAIL, ids=lambda make: make.__name__)
def mail(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with request.param(tmp_path) as case:
        yield case


def test_it_says_what_it_is(case: Case) -> None:
    assert case.channel.name
    assert case.channel.on_unknown in get_args(OnUnknown)
    assert 0 < case.channel.deadline < LEASE  # an attempt must end before another may begin
    assert case.channel.connections >= 1
    assert case.channel.pace >= 0


def test_it_delivers_a_message_whole_and_once(case: Case) -> None:
    case.channel.send(DIGEST)
    (said,) = case.said()
    for line in [DIGEST.subject, *DIGEST.text.splitlines()]:
        assert line in said
    assert len(case.received()) == case.channel.calls(DIGEST) == 1


def test_mail_is_the_message_byte_by_byte_and_has_a_receipt(mail: Case) -> None:
    assert mail.channel.send(DIGEST).vendor_id
    assert mail.received() == [message_bytes(DIGEST, Sender("", OFFICE))]


def test_it_delivers_a_message_of_every_kind(case: Case) -> None:
    for number, kind in enumerate(get_args(Kind)):
        case.channel.send(digest(kind=kind, reference=f"{number}.a", subject=kind))
    assert {said.splitlines()[0] for said in case.said()} == set(get_args(Kind))


def test_a_second_copy_is_the_very_same_message(case: Case) -> None:
    case.channel.send(DIGEST)
    case.channel.send(digest(attempt=2))
    assert len(set(case.received())) == 1


def test_as_many_threads_as_it_allows_deliver_each_message_once(case: Case) -> None:
    messages = [digest(reference=f"{n}.a", subject=f"第{n}封") for n in range(40)]
    join(send_at_once(case.channel, messages))
    found = [re.findall(r"第(\d+)封", said) for said in case.said()]
    assert sorted(int(number) for (number,) in found) == list(range(40))


def test_as_many_threads_as_it_allows_send_each_mail_under_its_own_name(mail: Case) -> None:
    messages = digests(40)
    join(send_at_once(mail.channel, messages))
    assert references(mail.received()) == [message.reference for message in messages]


def test_a_long_chinese_mail_arrives_as_it_was(mail: Case) -> None:
    text = "每季度开展农村住房安全动态排查监测,发现隐患立即整改。\n" * 2000
    mail.channel.send(digest(text=text, html=""))
    (content,) = mail.received()
    assert parsed(content).get_content().replace("\r\n", "\n") == text


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "a@example.com,b@example.com"},
        {"address": "a@example.com\r\nBcc: x@example.org"},
        {"subject": "a\r\nBcc: x@example.org"},
        {"recipient_name": "=?utf-8?q?hi=0ABcc:_x@example.org?="},
        {"reply_to": "a@example.com>, <x@example.org"},
    ],
)
def test_what_would_smuggle_an_addressee_never_leaves(mail: Case, changes: dict[str, str]) -> None:
    with pytest.raises(DeliveryError) as refused:
        mail.channel.send(digest(**changes))
    assert refused.value.outcome == "permanent"
    assert mail.received() == []


def test_a_refused_mail_does_not_hold_up_the_next(mail: Case) -> None:
    with pytest.raises(DeliveryError):
        mail.channel.send(digest(subject="a\nb"))
    mail.channel.send(DIGEST)
    assert len(mail.received()) == 1


@pytest.mark.parametrize("before", [0, 1])
def test_a_way_that_is_cut_is_a_temporary_failure_with_a_hint(case: Case, before: int) -> None:
    for _message in range(before):
        case.channel.send(DIGEST)
    case.cut()
    with pytest.raises(DeliveryError) as failed:
        case.channel.send(digest(reference="43.a"))
    error = failed.value
    assert (error.reason, error.outcome) == ("unreachable", "temporary")
    assert error.detail
    assert error.detail in str(error)
    assert error.detail in error.office != str(error)


def test_it_may_be_closed_at_any_time_and_used_again(case: Case) -> None:
    case.channel.close()
    case.channel.send(DIGEST)
    case.channel.close()
    case.channel.close()
    case.channel.send(digest(reference="43.a"))
    case.channel.close()
    assert len(case.received()) == 2
