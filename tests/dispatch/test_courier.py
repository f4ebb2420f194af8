"""Several messages at once: one a connection, and no channel waits for another."""

from __future__ import annotations

import threading
from datetime import timedelta
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import event, text

from dispatcher.channels.contract import Outgoing, Receipt
from dispatcher.dispatch import courier
from dispatcher.dispatch.deliver import deliver
from dispatcher.ledger import leases, outbox
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.outbox import Address, Content
from tests.building import Box, Office, a_duty, plan_with, trouble

SAID = Content("subject", "text", "")


@pytest.fixture
def office(engine: Engine) -> Office:
    """An office on the first day of a year, with nothing to tell."""
    found = Office(engine, plan_with(a_duty()))
    found.at("2026-01-02")
    found.box.sent.clear()
    return found


def queue(office: Office, count: int, channel: str = "email") -> None:
    with office.conn() as conn:
        for number in range(count):
            to = Address(channel, f"{number}@example.com")
            outbox.queue(conn, to, "test", office.now, content=SAID)


def states(office: Office, channel: str = "email") -> list[tuple[str, int]]:
    return office.ask(
        "SELECT state, count(*) FROM message WHERE channel = :channel AND kind = 'test'"
        " GROUP BY state ORDER BY state",
        channel=channel,
    )


class Crowd(Box):
    """A channel of several connections that notes how many messages it has at once, and what the
    ledger says of them."""

    def __init__(self, office: Office, connections: int) -> None:
        super().__init__()
        self.office, self.connections = office, connections
        self.inside, self.most, self.sending = 0, 0, 0
        self.lock = threading.Lock()
        self.full = threading.Barrier(connections, timeout=5)

    def send(self, outgoing: Outgoing) -> object:  # type: ignore[override]
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.full.wait()
        [(sending,)] = self.office.ask("SELECT count(*) FROM message WHERE state = 'sending'")
        with self.lock:
            self.sending = max(self.sending, sending)
        self.full.wait()
        with self.lock:
            self.inside -= 1
        return super().send(outgoing)


def test_as_many_leave_at_once_as_there_are_connections_and_never_more_are_open(
    office: Office,
) -> None:
    crowd = Crowd(office, 4)
    office.channels["email"] = crowd
    office.restart()
    queue(office, 12)
    assert deliver(office.parts)["sent"] == 12
    assert (crowd.most, crowd.sending) == (4, 4)
    assert sorted(sent.id for sent in crowd.sent) == sorted({sent.id for sent in crowd.sent})


class Hanging(Box):
    """A channel that does not come back until it is let go."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.let_go = Event()

    def send(self, outgoing: Outgoing) -> object:  # type: ignore[override]
        self.let_go.wait(30)
        return super().send(outgoing)


@pytest.fixture
def slow(office: Office) -> Hanging:
    channel = Hanging()
    office.channels["slow"] = channel
    office.restart()
    office.patience = 0.2
    queue(office, 20, "slow")
    queue(office, 3)
    return channel


def test_a_channel_that_hangs_holds_up_no_other_and_is_picked_up_by_a_later_pass(
    office: Office, slow: Hanging
) -> None:
    assert deliver(office.parts)["sent"] == 3
    assert states(office) == [("sent", 3)]
    assert states(office, "slow") == [("queued", 19), ("sending", 1)]
    assert deliver(office.parts)["sent"] == 0
    slow.let_go.set()
    office.patience = 20.0
    assert deliver(office.parts)["sent"] == 20
    assert [sent.attempt for sent in slow.sent] == [1] * 20


def test_what_is_in_the_hands_of_a_channel_that_is_no_more_still_arrives(
    office: Office, slow: Hanging
) -> None:
    """An edit of the calendar takes the channel away."""
    deliver(office.parts)
    again = Box()
    office.courier.equip({"email": again})
    office.now += timedelta(minutes=1)
    queue(office, 2)
    assert deliver(office.parts)["sent"] == 2
    assert len(again.sent) == 2
    slow.let_go.set()
    office.patience = 20.0
    deliver(office.parts)
    assert len(slow.sent) == 1
    assert ("sent", 1) in states(office, "slow")


def test_what_was_not_among_the_first_claimed_does_not_wait_for_them(
    office: Office, slow: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.dispatch.deliver.BATCH", 5)

    def let_go(_outgoing: Outgoing) -> Receipt:
        slow.let_go.set()
        return Receipt("")

    monkeypatch.setattr(office.box, "send", let_go)
    office.patience = 10.0
    begun = monotonic()
    assert deliver(office.parts)["sent"] == 23
    assert monotonic() - begun < office.patience


def test_what_hangs_is_nobody_elses_while_it_is_in_hand(office: Office, slow: Hanging) -> None:
    deliver(office.parts)
    office.courier.renewed_at -= leases.LEASE
    office.ask("UPDATE message SET lease_until = lease_until - 10000 WHERE state = 'sending'"
               " RETURNING id")  # fmt: skip
    deliver(office.parts)
    other = Office(office.engine, office.plan)
    other.now = office.now
    assert deliver(other.parts)["rescued"] == 0
    slow.let_go.set()
    office.patience = 20.0
    deliver(office.parts)
    assert office.ask("SELECT DISTINCT attempts FROM message WHERE channel = 'slow'") == [(1,)]


def test_a_stop_waits_for_what_is_in_flight(office: Office, slow: Hanging) -> None:
    deliver(office.parts)
    office.stop.set()
    threading.Timer(0.3, slow.let_go.set).start()
    deliver(office.parts)
    assert states(office, "slow") == [("queued", 19), ("sent", 1)]


def test_an_outcome_that_could_not_be_recorded_is_recorded_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(office, 3)
    real, broken = office.engine.begin, iter([False, False, True])

    def begin() -> object:
        if next(broken, False):
            raise OSError("the database is gone")
        return real()

    monkeypatch.setattr(type(office.engine), "begin", lambda _engine: begin())
    with pytest.raises(OSError, match="gone"):
        deliver(office.parts)
    assert deliver(office.parts)["sent"] == 3
    assert [sent.attempt for sent in office.box.sent] == [1, 1, 1]


def test_one_message_that_cannot_leave_stops_none_of_a_batch(office: Office) -> None:
    queue(office, 5)
    office.box.troubles = {"1@example.com": [trouble("permanent")],
                           "3@example.com": [trouble("temporary")]}  # fmt: skip
    counts = deliver(office.parts)
    assert (counts["sent"], counts["failed"], counts["queued"]) == (3, 1, 1)
    attempts = office.ask("SELECT address, outcome, detail FROM attempt JOIN message"
                          " ON id = message_id WHERE kind = 'test' ORDER BY id")  # fmt: skip
    assert attempts == [
        ("0@example.com", "sent", "accepted"),
        ("1@example.com", "permanent", "address"),
        ("2@example.com", "sent", "accepted"),
        ("3@example.com", "temporary", "address"),
        ("4@example.com", "sent", "accepted"),
    ]


class Quick(Box):
    """A channel of four connections that answers at once and notes which thread asked."""

    connections = 4

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def send(self, outgoing: Outgoing) -> object:  # type: ignore[override]
        self.threads.add(threading.get_ident())
        return super().send(outgoing)


@pytest.fixture
def quick(office: Office) -> Quick:
    channel = Quick()
    office.channels["email"] = channel
    office.restart()
    queue(office, 12)
    return channel


def test_one_thread_brings_everything_while_the_channel_answers_at_once(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "AT_ONCE", 60.0)
    assert deliver(office.parts)["sent"] == 12
    assert len(quick.threads) == 1


class Sluggish(Quick):
    """Takes its time over each message, and notes how many it had at most."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = self.most = 0
        self.takes = 10 * courier.AT_ONCE

    def send(self, outgoing: Outgoing) -> object:
        self.inside += 1
        self.most = max(self.most, self.inside)
        sleep(self.takes)
        self.inside -= 1
        return super().send(outgoing)


@pytest.fixture
def sluggish(office: Office) -> Sluggish:
    channel = Sluggish()
    office.channels["email"] = channel
    office.restart()
    queue(office, 12)
    return channel


def test_a_server_that_takes_its_time_has_as_many_at_once_as_there_are_connections(
    office: Office, sluggish: Sluggish
) -> None:
    assert deliver(office.parts)["sent"] == 12
    assert (sluggish.most, len(sluggish.threads)) == (4, 4)


def test_a_server_that_has_become_quick_gets_one_message_at_a_time_again(
    office: Office, sluggish: Sluggish, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver(office.parts)["sent"] == 12
    monkeypatch.setattr(courier, "AT_ONCE", 60.0)
    sleep(courier.WIDE)
    sluggish.takes, sluggish.most = 0.001, 0
    office.now += timedelta(minutes=1)
    queue(office, 12)
    assert deliver(office.parts)["sent"] == 12
    assert sluggish.most == 1


def test_one_connection_that_hangs_does_not_keep_the_others_of_its_channel(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = Event()
    real = quick.send

    def send(outgoing: Outgoing) -> object:
        if outgoing.address == "0@example.com":
            let_go.wait(30)
        return real(outgoing)

    monkeypatch.setattr(quick, "send", send)
    office.patience = 0.2
    assert deliver(office.parts)["sent"] == 11
    let_go.set()
    office.patience = 20.0
    assert deliver(office.parts)["sent"] == 1


def test_a_machine_that_has_no_more_threads_for_a_while_loses_nothing(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = iter([True] * 3)
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if next(refused, False):
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert deliver(office.parts)["sent"] == 12
    assert next(refused, None) is None


def test_what_waits_for_a_thread_arrives_though_its_channel_goes_and_comes_back(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    office.patience = 0.1
    with monkeypatch.context() as busy:
        busy.setattr(threading.Thread, "start", refuse)
        assert deliver(office.parts)["sent"] == 0
    for channels in ({}, office.channels):
        office.courier.equip(channels)
    office.patience = 20.0
    deliver(office.parts)
    assert states(office) == [("sent", 12)]


def test_a_thread_that_nobody_needs_ends_and_another_takes_its_place(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "LINGER", 0.01)
    deliver(office.parts)
    for thread in threading.enumerate():
        if thread.name == "courier-email":
            thread.join(5)
            assert not thread.is_alive()
    office.now += timedelta(minutes=1)
    queue(office, 3)
    assert deliver(office.parts)["sent"] == 3


def test_there_is_one_commit_for_as_many_messages_as_there_are_connections(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "AT_ONCE", 60.0)
    commits: list[object] = []
    event.listen(office.engine, "commit", commits.append)
    deliver(office.parts)
    # The rescue, a claim, three rounds of four, the last outcomes, and a look at what is left.
    assert len(quick.sent) == 12
    assert len(commits) <= 7


def noting_what_is_claimed_before(monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    """How many messages are claimed at each call of a function of ``leases``."""
    real, found = getattr(leases, name), list[int]()

    def noting(conn: Connection, *given: Any, **more: Any) -> Any:
        found.extend(conn.scalars(text("SELECT count(*) FROM message WHERE state = 'claimed'")))
        return real(conn, *given, **more)

    monkeypatch.setattr(leases, name, noting)
    return found


def test_no_more_is_claimed_while_enough_waits_for_the_next_round(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.dispatch.deliver.BATCH", 9)
    held = noting_what_is_claimed_before(monkeypatch, "claim")
    assert deliver(office.parts)["sent"] == 12
    assert max(held) < quick.connections


def test_what_a_process_has_died_with_is_claimed_alone_when_nothing_else_is_claimed(
    office: Office, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ask("UPDATE message SET rescues = 1 WHERE id % 2 = 0 RETURNING id")
    held = noting_what_is_claimed_before(monkeypatch, "claim_suspect")
    assert deliver(office.parts)["sent"] == 12
    assert len(held) > 6
    assert set(held) == {0}
