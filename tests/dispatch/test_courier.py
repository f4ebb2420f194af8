"""Several messages at once: one a connection, and no channel waits for another."""

from __future__ import annotations

import threading

import pytest

from dispatcher.channels.contract import Outgoing
from dispatcher.dispatch.deliver import deliver
from dispatcher.ledger import leases, outbox
from dispatcher.ledger.database import Engine
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
        self.let_go = threading.Event()

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
