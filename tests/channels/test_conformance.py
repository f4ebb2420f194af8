"""What holds for every channel. A new channel joins by a Case: how to make it, and to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

import pytest

from dispatcher.channels.contract import Channel, DeliveryError, OnUnknown
from dispatcher.channels.mailbox import Mailbox
from dispatcher.channels.mime import Sender, message_bytes
from dispatcher.channels.smtp import Smtp, SmtpServer
from dispatcher.ledger.leases import LEASE
from tests.channels.sending import digests, join, references, send_at_once
from tests.channels.servers import DIGEST, OFFICE, MailServer, digest, parsed


class Case(NamedTuple):
    """A channel that works, what has arrived by it, and how to break the way there."""

    channel: Channel
    received: Callable[[], list[bytes]]
    cut: Callable[[], object]


@contextmanager
def mailbox(folder: Path) -> Iterator[Case]:
    files = folder / "mailbox"

    def received() -> list[bytes]:
        return [path.read_bytes() for path in sorted(files.glob("*"))]

    def cut() -> None:
        if files.exists():
            files.rename(folder / "old")
        files.touch()

    yield Case(Mailbox(files, ZoneInfo("Asia/Shanghai"), OFFICE), received, cut)


@contextmanager
def email(_folder: Path) -> Iterator[Case]:
    with ExitStack() as stack:
        server = stack.enter_context(MailServer())
        channel = Smtp(SmtpServer("smtp+plain", "127.0.0.1", server.port), OFFICE)
        yield Case(channel, lambda: server.contents, stack.close)
        channel.close()


@pytest.fixture(params=[mailbox, email], ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with request.param(tmp_path) as case:
        yield case


def test_it_says_what_it_is(case: Case) -> None:
    assert case.channel.name
    assert case.channel.on_unknown in get_args(OnUnknown)
    assert 0 < case.channel.deadline < LEASE  # an attempt must end before another may begin
    assert case.channel.connections >= 1


def test_it_delivers_a_message_whole_and_once_with_a_receipt(case: Case) -> None:
    assert case.channel.send(DIGEST).vendor_id
    assert case.received() == [message_bytes(DIGEST, Sender("", OFFICE))]


def test_it_delivers_a_message_of_every_kind(case: Case) -> None:
    for number, kind in enumerate(("digest", "brief", "status", "test")):
        case.channel.send(digest(kind=kind, reference=f"{number}.a", subject=kind))
    assert {parsed(content)["Subject"] for content in case.received()} == {
        *("digest", "brief", "status", "test")
    }


def test_a_second_copy_is_the_very_same_message(case: Case) -> None:
    case.channel.send(DIGEST)
    case.channel.send(digest(attempt=2))
    assert len(set(case.received())) == 1


def test_as_many_threads_as_it_allows_deliver_each_message_once(case: Case) -> None:
    messages = digests(40)
    join(send_at_once(case.channel, messages))
    assert references(case.received()) == [message.reference for message in messages]


def test_a_long_chinese_message_arrives_as_it_was(case: Case) -> None:
    text = "每季度开展农村住房安全动态排查监测,发现隐患立即整改。\n" * 2000
    case.channel.send(digest(text=text, html=""))
    (content,) = case.received()
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
def test_what_would_smuggle_an_addressee_never_leaves(case: Case, changes: dict[str, str]) -> None:
    with pytest.raises(DeliveryError) as refused:
        case.channel.send(digest(**changes))
    assert refused.value.outcome == "permanent"
    assert case.received() == []


def test_a_refused_message_does_not_hold_up_the_next(case: Case) -> None:
    with pytest.raises(DeliveryError):
        case.channel.send(digest(subject="a\nb"))
    case.channel.send(DIGEST)
    assert len(case.received()) == 1


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
