"""How connections are kept for the next messages, and shared by several threads."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep

import pytest

from dispatcher.channels import kept, session
from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.wire import Wire
from tests.channels.sending import (
    LOGIN,
    digests,
    failure,
    join,
    references,
    send_all,
    send_at_once,
    smtp,
)
from tests.channels.servers import DIGEST, PIPELINED, Fault, MailServer, Script, digest

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


@pytest.fixture(params=[{}, {"EHLO": PIPELINED}], ids=["one by one", "pipelined"])
def server(request: pytest.FixtureRequest) -> Iterator[Script]:
    with Script(**request.param) as server:
        yield server


@pytest.fixture
def distrust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection has been idle long enough to be asked whether it lives."""
    monkeypatch.setattr(session, "FRESH", -1.0)


def test_many_messages_need_one_connection_and_one_login() -> None:
    with MailServer(users={"office": "right"}, auth_require_tls=False) as server:
        channel = smtp(server.port, **LOGIN)
        send_all(channel, 5)
        channel.close()
    assert len(server.received) == 5
    assert server.logins == 1


def test_a_connection_in_use_is_not_asked_whether_it_lives(server: Script) -> None:
    channel = smtp(server.port)
    send_all(channel, 3)
    channel.close()
    assert "RSET" not in server.seen


def test_an_idle_connection_is_asked_first(server: Script, distrust: None) -> None:
    channel = smtp(server.port)
    send_all(channel, 3)
    channel.close()
    assert server.seen.count("RSET") == 2
    assert (server.connections, len(server.contents)) == (1, 3)


def test_a_server_that_hung_up_between_messages_goes_unnoticed(server: Script) -> None:
    channel = smtp(server.port)
    send_all(channel, 1)
    server.hang_up()
    send_all(channel, 1)
    channel.close()
    assert (server.connections, len(server.contents)) == (2, 2)
    assert "RSET" not in server.seen


@pytest.mark.parametrize("ehlo", [None, PIPELINED])
def test_a_server_that_has_had_enough_is_called_again(ehlo: bytes | None) -> None:
    with Script(limit=2, EHLO=[ehlo]) as server:
        channel = smtp(server.port)
        send_all(channel, 5)
        channel.close()
    assert server.connections == 3
    assert references(server.contents) == [message.reference for message in digests(5)]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", ["drop", b"421 closing", b"299 what"])
def test_a_kept_connection_that_dies_before_the_content_costs_one_more_and_no_message(
    server: Script, step: str, fault: Fault
) -> None:
    channel = smtp(server.port)
    send_all(channel, 1)
    server.faults[step] = [fault, None]
    send_all(channel, 1)
    channel.close()
    assert (server.connections, len(server.contents)) == (2, 2)


@pytest.mark.parametrize("fault", ["drop", b"299 what"])
def test_a_kept_connection_that_dies_after_the_content_is_not_made_good_by_a_second_copy(
    server: Script, fault: Fault
) -> None:
    channel = smtp(server.port)
    send_all(channel, 1)
    server.faults["content"] = fault
    assert failure(channel).outcome == "unknown"
    assert (server.connections, len(server.contents)) == (1, 2)


@pytest.mark.parametrize(
    "fault, meaning",
    [
        (b"552 5.3.4 too big", ("permanent", "content")),
        (b"451 4.3.0 later", ("temporary", "busy")),
        ("drop", ("temporary", "unreachable")),
    ],
)
@pytest.mark.parametrize("kept", [0, 1])
def test_what_is_refused_in_the_middle_of_its_content_has_not_arrived(
    server: Script, kept: int, fault: Fault, meaning: tuple[str, str]
) -> None:
    channel = smtp(server.port)
    send_all(channel, kept)
    server.faults["middle"] = fault
    error = failure(channel, digest(text="催办\n" * 1_000_000))
    assert (error.outcome, error.reason) == meaning
    assert len(server.contents) == kept


def test_a_message_that_is_put_off_after_the_content_is_not_tried_twice_at_once(
    server: Script,
) -> None:
    channel = smtp(server.port)
    send_all(channel, 1)
    server.faults["content"] = b"421 closing"
    assert failure(channel).reason == "busy"
    assert (server.connections, len(server.contents)) == (1, 2)


@pytest.mark.parametrize("fault", ["drop", b"421 closing"])
def test_a_server_that_always_hangs_up_is_called_once_more_and_not_for_ever(
    server: Script, fault: Fault
) -> None:
    channel = smtp(server.port)
    send_all(channel, 1)
    server.faults["MAIL"] = fault
    assert failure(channel).outcome == "temporary"
    assert (server.connections, len(server.contents)) == (2, 1)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "content"])
@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_kept_connection_has_the_same_deadline(server: Script, step: str, fault: Fault) -> None:
    channel = smtp(server.port, 0.3)
    send_all(channel, 1)
    server.faults[step] = fault
    begun = monotonic()
    assert failure(channel).outcome == ("unknown" if step == "content" else "temporary")
    assert monotonic() - begun < 1.3


def test_a_kept_connection_has_a_deadline_of_its_own_for_each_message(server: Script) -> None:
    channel = smtp(server.port, 0.2)
    send_all(channel, 1)
    sleep(0.25)
    send_all(channel, 1)
    channel.close()
    assert (server.connections, len(server.contents)) == (1, 2)


def test_an_idle_connection_that_has_had_enough_is_replaced(distrust: None) -> None:
    with Script(RSET=b"421 idle for too long") as server:
        channel = smtp(server.port)
        send_all(channel, 3)
        channel.close()
    assert (server.connections, len(server.contents)) == (3, 3)


def test_an_idle_connection_that_does_not_answer_costs_no_message(
    monkeypatch: pytest.MonkeyPatch, distrust: None
) -> None:
    monkeypatch.setattr(session, "PROBE", 0.1)
    with Script(RSET="hang") as server:
        channel = smtp(server.port, 2.0)
        send_all(channel, 2)
        channel.close()
    assert (server.connections, len(server.contents)) == (2, 2)


def test_a_long_idle_connection_is_not_even_asked(
    server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = smtp(server.port)
    send_all(channel, 1)
    monkeypatch.setattr(kept, "IDLE", -1.0)
    send_all(channel, 1)
    channel.close()
    assert server.connections == 2
    assert "RSET" not in server.seen


def test_a_refused_addressee_does_not_cost_the_connection(server: Script) -> None:
    server.faults["RCPT"] = b"550 no such user"
    channel = smtp(server.port)
    for _time in range(3):
        with pytest.raises(DeliveryError, match="no such user"):
            channel.send(DIGEST)
    channel.close()
    assert server.connections == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "content"])
@pytest.mark.parametrize("fault", [b"421 closing", b"451 later", "drop", b"299 what"])
def test_the_message_after_a_failure_gets_a_fresh_connection(
    server: Script, step: str, fault: Fault
) -> None:
    server.faults[step] = [fault, None]
    channel = smtp(server.port)
    with pytest.raises(DeliveryError):
        channel.send(DIGEST)
    channel.send(DIGEST)
    channel.close()
    assert server.connections == 2


def test_an_interrupt_in_the_middle_of_a_message_leaves_no_half_open_conversation(
    server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = smtp(server.port)
    real = Wire.say

    def interrupted(self: Wire, data: bytes) -> None:
        if data.startswith(b"From:"):
            raise KeyboardInterrupt
        real(self, data)

    monkeypatch.setattr(Wire, "say", interrupted)
    with pytest.raises(KeyboardInterrupt):
        channel.send(DIGEST)
    monkeypatch.undo()
    channel.send(DIGEST)
    channel.close()
    assert server.connections == 2
    assert len(server.contents) == 1


# -------------------------------------------------------------------------- several threads at once


def test_threads_have_a_connection_each_and_send_each_message_once(server: Script) -> None:
    channel = smtp(server.port)
    messages = digests(60)
    join(send_at_once(channel, messages))
    channel.close()
    assert references(server.contents) == [message.reference for message in messages]
    assert server.most <= channel.connections
    assert server.connections <= channel.connections


def test_slow_answers_are_waited_for_side_by_side(server: Script) -> None:
    server.faults["content"] = "slow"
    channel = smtp(server.port)
    join(send_at_once(channel, digests(8)))
    channel.close()
    assert (server.most, len(server.contents)) == (channel.connections, 8)


def test_threads_whose_connections_die_send_each_message_once() -> None:
    with Script(limit=3, EHLO=PIPELINED) as server:
        channel = smtp(server.port)
        messages = digests(60)
        join(send_at_once(channel, messages))
        channel.close()
    assert references(server.contents) == [message.reference for message in messages]
    assert server.connections >= 20


def test_closing_while_others_send_lets_them_finish_and_hangs_up_after_them(
    server: Script,
) -> None:
    server.faults["content"] = "slow"
    channel = smtp(server.port)
    threads = send_at_once(channel, digests(channel.connections))
    while len(server.contents) < channel.connections and any(t.is_alive() for t in threads):
        sleep(0.001)
    channel.close()
    join(threads)
    assert (server.connections, len(server.contents)) == (4, 4)
    assert server.seen.count("QUIT") == 4
    send_all(channel, 1)
    channel.close()
    assert server.connections == 5
