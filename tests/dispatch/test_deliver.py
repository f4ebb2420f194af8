"""Delivery: at least once, at most one copy more per fault, and nothing lost in silence."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from dispatcher.channels.contract import Outgoing
from dispatcher.dispatch import passes
from dispatcher.dispatch.courier import BACKOFF, Courier, Parcel
from dispatcher.dispatch.deliver import deliver
from dispatcher.i18n import Text
from dispatcher.ledger import channels, installation, leases, outbox, queries
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.items import Item, items_of
from dispatcher.ledger.leases import LEASE
from dispatcher.ledger.outbox import Address, Content
from dispatcher.plan.model import Move
from tests.building import Office, a_duty, a_unit, compose, local, plan_with, trouble

ALONE = a_duty(units=("甲",))
TWO = [a_unit("甲", "one@example.com", "two@example.com"), a_unit("丙")]


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine, plan_with(ALONE))


def messages(office: Office) -> list[tuple[Any, ...]]:
    return office.ask("SELECT state, attempts FROM message ORDER BY id")


def told(office: Office) -> dict[str, str]:
    rows = office.ask("SELECT step, state FROM reminder ORDER BY id")
    return {step: state for step, state in rows if state != "superseded"}


def done(office: Office, duty: str = "work") -> None:
    office.say("done", f"{duty}/2026-01@甲")


def again(office: Office, minutes: float) -> None:
    """Delivers what is due some minutes later, without another look at the plan."""
    office.now += timedelta(minutes=minutes)
    deliver(office.parts)


def test_what_is_sent_is_on_record_as_it_was_sent(office: Office) -> None:
    office.at("2026-01-23")
    [sent] = office.box.sent
    [(epoch,)] = office.ask("SELECT epoch FROM installation")
    assert sent.reference == f"1.{epoch[:8]}"
    assert (sent.reply_to, sent.sender_name, sent.recipient_name) == ("丙@example.com", "丙", "甲")
    assert office.ask("SELECT state, subject, text, receipt FROM message") == [
        ("sent", "subject", "甲 work/2026-01 T-7", "vendor-1")
    ]
    assert office.ask("SELECT number, outcome FROM attempt") == [(1, "sent")]
    assert told(office) == {"T-7": "told"}


def test_the_attempt_is_committed_before_the_channel_is_called(office: Office) -> None:
    seen: list[tuple[Any, ...]] = []

    def look(_outgoing: Outgoing) -> None:
        seen.extend(office.ask(
            "SELECT m.state, outcome, text FROM message m JOIN attempt ON message_id = id"
        ))  # fmt: skip

    office.box.before_sending = look
    office.at("2026-01-23")
    assert seen == [("sending", "sending", "甲 work/2026-01 T-7")]


def test_a_temporary_failure_is_tried_again_with_growing_pauses_without_end(
    office: Office,
) -> None:
    office.box.troubles["*"] = [trouble("temporary") for _ in range(9)]
    office.at("2026-01-23")
    minutes = [1, 2, 5, 10, 30, 60, 60, 60, 60]
    assert [pause / timedelta(minutes=1) for pause in BACKOFF] == minutes[:6]
    for number, pause in enumerate(minutes, start=1):
        assert messages(office) == [("queued", number)]
        again(office, pause - 0.1)
        assert messages(office) == [("queued", number)]
        again(office, 0.1)
    assert messages(office) == [("sent", 10)]
    assert {sent.reference for sent in office.box.tried} == {office.box.sent[0].reference}


def test_a_channel_may_ask_for_a_longer_pause(office: Office) -> None:
    office.box.troubles["*"] = [trouble("temporary", retry_after=600)]
    office.at("2026-01-23")
    again(office, 9)
    assert messages(office) == [("queued", 1)]
    again(office, 1)
    assert messages(office) == [("sent", 2)]


def test_a_dead_server_loses_nothing_and_floods_nobody(office: Office) -> None:
    office.box.troubles["*"] = [trouble("temporary") for _ in range(10_000)]
    office.daily("2026-01-01", "2026-02-11")
    office.box.troubles.clear()
    # February's opening was tried in one message with T+1, and an attempt freezes the bytes.
    assert office.at("2026-02-12") == [
        "甲 work/2026-01 T+1",
        "甲 work/2026-01 T+8",
        "甲 work/2026-02 open",
    ]
    assert len(office.box.sent) == 2
    assert office.at("2026-02-13") == []
    assert {state for state, _attempts in messages(office)} == {"sent", "cancelled"}
    assert told(office) == {"T+8": "told", "open": "told"}


def test_a_message_that_only_held_what_a_later_step_says_is_cancelled_for_that(
    office: Office,
) -> None:
    office.box.troubles["*"] = [trouble("temporary")]
    office.at("2026-01-23")
    assert office.at("2026-01-29") == ["甲 work/2026-01 T-1"]
    assert office.ask("SELECT state, reason FROM message ORDER BY id") == [
        ("cancelled", '{"say": "superseded by {step}", "step": "T-1"}'),
        ("sent", None),
    ]


def test_a_permanent_failure_is_kept_with_its_reason_and_not_repeated(office: Office) -> None:
    office.box.troubles["*"] = [trouble("permanent")]
    assert office.at("2026-01-23") == []
    reason = '{"say": "the channel says {outcome}", "outcome": "permanent"}'
    assert office.ask("SELECT state, reason FROM message") == [("failed", reason)]
    assert office.ask("SELECT reason FROM reminder WHERE step = 'T-7'") == [(reason,)]
    assert office.at("2026-01-26") == []
    assert office.at("2026-01-29") == ["甲 work/2026-01 T-1"]


def test_a_mended_address_gets_what_the_wrong_one_did_not(office: Office) -> None:
    office.box.troubles["甲@example.com"] = [trouble("permanent")]
    office.at("2026-01-23")
    mended = plan_with(ALONE, units=[a_unit("甲", "right@example.com"), a_unit("丙")])
    office.edit(mended)
    assert office.at("2026-01-26") == ["甲 work/2026-01 T-7"]
    assert [sent.address for sent in office.box.sent] == ["right@example.com"]


def test_one_reached_contact_is_enough_to_have_told_the_unit(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, units=TWO))
    office.box.troubles["one@example.com"] = [trouble("permanent")]
    office.at("2026-01-23")
    assert messages(office) == [("failed", 1), ("sent", 1)]
    assert told(office) == {"T-7": "told"}


def test_a_unit_none_of_whose_contacts_is_reached_is_not_told(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, units=TWO))
    office.box.troubles["*"] = [trouble("permanent"), trouble("permanent")]
    office.at("2026-01-23")
    assert told(office) == {"T-7": "failed"}
    with office.conn() as conn:
        assert [found.key for found in queries.unreached(conn)] == ["work/2026-01@甲"]


def test_a_second_contact_is_tried_on_although_the_first_was_reached(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, units=TWO))
    office.box.troubles["two@example.com"] = [trouble("temporary"), trouble("temporary")]
    office.at("2026-01-23")
    assert told(office) == {"T-7": "told"}
    again(office, 1)
    again(office, 2)
    assert [sent.address for sent in office.box.sent] == ["one@example.com", "two@example.com"]


def test_a_second_contact_gets_the_later_step_instead_of_the_one_that_failed(
    engine: Engine,
) -> None:
    office = Office(engine, plan_with(ALONE, units=TWO))
    office.box.troubles["two@example.com"] = [trouble("temporary")]
    office.at("2026-01-23")
    office.at("2026-01-29")
    assert [(sent.address[:3], sent.text[-3:]) for sent in office.box.sent] == [
        ("one", "T-7"),
        ("one", "T-1"),
        ("two", "T-1"),
    ]
    assert messages(office) == [("sent", 1), ("cancelled", 1), ("sent", 1), ("sent", 1)]


def test_an_unknown_outcome_is_sent_again_as_the_same_message_and_listed(office: Office) -> None:
    office.box.troubles["*"] = [trouble("unknown")]
    office.at("2026-01-23")
    assert told(office) == {"T-7": "told"}
    again(office, 1)
    first, second = office.box.tried
    assert (first.reference, first.text) == (second.reference, second.text)
    assert (first.attempt, second.attempt) == (1, 2)
    assert messages(office) == [("sent", 2)]
    with office.conn() as conn:
        assert [found.number for found in queries.possible_duplicates(conn)] == [2]


def test_an_unknown_outcome_on_a_channel_that_must_not_repeat_waits_for_a_person(
    office: Office,
) -> None:
    office.box.on_unknown = "hold"
    office.box.troubles["*"] = [trouble("unknown")]
    office.at("2026-01-23")
    again(office, 60)
    assert messages(office) == [("unknown", 1)]
    assert len(office.box.tried) == 1


def test_what_may_have_arrived_is_not_sent_again_once_it_is_answered(office: Office) -> None:
    office.box.troubles["*"] = [trouble("unknown")]
    office.at("2026-01-23")
    done(office)
    again(office, 60)
    assert messages(office) == [("unknown", 1)]


def test_what_is_answered_before_it_leaves_leaves_the_digest(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, ALONE._replace(id="other")))
    office.stop.set()
    office.at("2026-01-23")
    done(office, "other")
    office.stop.clear()
    again(office, 1)
    assert [sent.text for sent in office.box.sent] == ["甲 work/2026-01 T-7"]
    assert office.ask("SELECT count(*) FROM message_item") == [(1,)]


def test_an_emptied_digest_is_cancelled_with_the_reason(office: Office) -> None:
    office.stop.set()
    office.at("2026-01-23")
    done(office)
    office.stop.clear()
    again(office, 1)
    assert office.box.tried == []
    reason = '{"say": "answered: {state}, by {by}", "state": {"say": "done"}, "by": "张三"}'
    assert office.ask("SELECT state, reason FROM message") == [("cancelled", reason)]
    assert office.ask("SELECT state, reason FROM reminder WHERE step = 'T-7'") == [
        ("cancelled", reason)
    ]


def test_what_is_no_longer_chased_leaves_the_digest_however_that_came(office: Office) -> None:
    office.stop.set()
    office.at("2026-01-23")
    office.ask("UPDATE assignment SET state = 'reported', next_at = NULL RETURNING id")
    office.stop.clear()
    again(office, 1)
    assert messages(office) == [("cancelled", 0)]
    assert told(office) == {"T-7": "cancelled"}


def test_after_the_first_attempt_the_bytes_never_change(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, ALONE._replace(id="other")))
    office.box.troubles["*"] = [trouble("temporary")]
    office.at("2026-01-23")
    done(office, "other")
    again(office, 1)
    first, second = office.box.tried
    assert first.text == second.text == "甲 other/2026-01 T-7\n甲 work/2026-01 T-7"
    assert office.ask("SELECT count(*) FROM message_item") == [(2,)]


def test_a_waiting_digest_takes_what_comes_later(office: Office) -> None:
    office.stop.set()
    office.at("2026-01-23")
    office.edit(plan_with(ALONE, ALONE._replace(id="new")))
    office.at("2026-01-23 10:00")
    office.stop.clear()
    assert office.at("2026-01-23 11:00") == ["甲 new/2026-01 T-7", "甲 work/2026-01 T-7"]
    assert messages(office) == [("sent", 1)]


def test_one_message_that_cannot_be_composed_stops_no_other(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty()))
    office.compose = _cannot_compose_for_first
    assert office.at("2026-01-23") == ["乙 work/2026-01 T-7"]
    assert messages(office) == [("queued", 0), ("sent", 1)]
    office.compose = compose
    again(office, 10)
    assert messages(office) == [("sent", 1), ("sent", 1)]


def _cannot_compose_for_first(items: Sequence[Item], at: datetime) -> tuple[str, str, str]:
    if items[0].unit == "甲":
        raise ZeroDivisionError
    return compose(items, at)


def test_a_channel_that_breaks_its_promise_stops_no_other_message(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty()))
    office.box.troubles["甲@example.com"] = [KeyError("bug")]
    assert office.at("2026-01-23") == ["乙 work/2026-01 T-7"]
    again(office, 1)
    assert [sent.address for sent in office.box.sent] == ["乙@example.com", "甲@example.com"]


def test_a_channel_that_is_not_set_up_is_waited_for(office: Office) -> None:
    office.courier = Courier({}, lambda: 0.0)
    office.at("2026-01-23")
    assert office.ask("SELECT detail FROM attempt") == [("channel 'email' is not set up",)]
    office.restart()
    again(office, 1)
    assert messages(office) == [("sent", 2)]


def test_a_stop_finishes_the_message_in_flight_and_gives_the_others_back(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty()))
    office.box.before_sending = lambda _outgoing: office.stop.set()
    office.at("2026-01-23")
    assert messages(office) == [("sent", 1), ("queued", 0)]
    office.stop.clear()
    again(office, 0)
    assert messages(office) == [("sent", 1), ("sent", 1)]


class Killed(BaseException):
    """The process ends here."""


class Dying(Courier):
    """Dies when an attempt has been committed, before anybody knows what came of it."""

    def carry(self, parcel: Parcel) -> None:
        raise Killed


@pytest.fixture
def killed(office: Office) -> Office:
    """An office whose process was killed while it was sending, and started again."""
    office.courier = Dying(office.channels, lambda: 0.0)
    with pytest.raises(Killed):
        office.at("2026-01-23")
    office.restart()
    return office


def test_a_kill_while_sending_is_unknown_to_the_next_daemon_and_sent_again(killed: Office) -> None:
    assert messages(killed) == [("sending", 1)]
    assert killed.at("2026-01-23 09:01", orphans=True) == ["甲 work/2026-01 T-7"]
    assert killed.ask("SELECT number, outcome FROM attempt ORDER BY number") == [
        (1, "unknown"),
        (2, "sent"),
    ]
    with killed.conn() as conn:
        assert len(queries.possible_duplicates(conn)) == 1


def test_a_kill_elsewhere_is_left_alone_while_its_lease_holds(killed: Office) -> None:
    assert killed.at("2026-01-23 09:30") == []
    expire(killed)
    assert killed.at("2026-01-23 09:31") == ["甲 work/2026-01 T-7"]


def expire(office: Office) -> None:
    office.ask("UPDATE message SET lease_until = lease_until - 10000 RETURNING id")


def test_a_sender_that_slept_beyond_its_lease_changes_nothing(office: Office) -> None:
    other = Office(office.engine, office.plan)

    def sleep(_outgoing: Outgoing) -> None:
        expire(office)
        other.now = office.now
        deliver(other.parts)

    office.box.before_sending = sleep
    office.at("2026-01-23")
    assert (len(office.box.sent), len(other.box.sent)) == (1, 1)
    assert messages(office) == [("sent", 2)]
    assert office.ask("SELECT outcome FROM attempt ORDER BY number") == [("unknown",), ("sent",)]


def test_an_attempt_that_was_overtaken_says_nothing_of_a_later_one_of_the_same_process(
    office: Office,
) -> None:
    office.box.connections = 2
    office.patience = 0.1
    let_go, other = Event(), Office(office.engine, office.plan)
    office.box.before_sending = lambda _outgoing: let_go.wait(30)
    other.box.troubles["*"] = [trouble("temporary")]
    office.at("2026-01-23")
    expire(office)
    other.at("2026-01-23 09:01")
    assert office.at("2026-01-23 09:10") == []
    assert len(office.courier.flying) == 2
    let_go.set()
    office.patience = 20.0
    office.at("2026-01-23 09:11")
    assert office.courier.flying == {}
    assert office.ask("SELECT number, outcome FROM attempt ORDER BY number") == [
        (1, "unknown"),
        (2, "temporary"),
        (3, "sent"),
    ]
    office.at("2026-01-23 09:30")
    assert sorted(sent.attempt for sent in office.box.sent) == [1, 3]


def test_who_was_overtaken_drops_nothing_that_another_has_sent(office: Office) -> None:
    office.box.troubles["*"] = [trouble("temporary")]
    office.at("2026-01-23")
    office.now += timedelta(minutes=10)
    with office.conn() as conn:
        claimed = leases.claim(conn, office.now, ["digest"], 10)
    office.courier.waiting["email"] = deque(claimed)
    expire(office)
    other = Office(office.engine, office.plan)
    assert other.at("2026-01-23 09:11") == ["甲 work/2026-01 T-7"]
    office.say("done")
    deliver(office.parts)
    assert messages(office) == [("sent", 2)]
    assert told(office) == {"T-7": "told"}


def test_a_message_that_a_process_holds_twice_leaves_once(office: Office) -> None:
    """Its first claim had expired unseen, and it claimed the same again."""
    office.box.connections = 4
    office.box.troubles["*"] = [trouble("temporary")]
    office.at("2026-01-23")
    office.now += timedelta(minutes=10)
    with office.conn() as conn:
        claimed = leases.claim(conn, office.now, ["digest"], 10)
    office.courier.waiting["email"] = deque([*claimed, *claimed])
    assert deliver(office.parts)["sent"] == 1
    assert messages(office) == [("sent", 2)]
    assert len(office.box.sent) == 1
    assert office.courier.flying == {}


def stopping_at(office: Office, number: int, stop: Callable[[Any], object]) -> list[str]:
    """Ten status messages, by one connection: what is left of them when ``stop`` happens while a
    message is sent."""
    office.at("2026-01-05")
    with office.conn() as conn:
        for each in range(10):
            to = Address("email", f"{each}@example.com")
            outbox.queue(conn, to, "status", office.now, content=Content("s", "t", "h"))
    left = iter(range(1, 11))

    def stopped(_outgoing: Outgoing) -> None:
        if next(left) == number:
            with office.conn() as conn:
                stop(conn)

    office.box.before_sending = stopped
    deliver(office.parts)
    return [
        state
        for (state,) in office.ask("SELECT state FROM message WHERE kind = 'status' ORDER BY id")
    ]


STOPS: dict[str, Callable[[Any], object]] = {
    "a pause": lambda conn: installation.pause(conn, "张三", "why", local("2026-01-05")),
    "a channel's pause": lambda conn: channels.pause(
        conn, "email", "张三", Text("why"), local("2026-01-05")
    ),
    "another calendar": lambda conn: installation.apply_revision(
        conn, "r2", date(2026, 1, 5), local("2026-01-05")
    ),
}


@pytest.mark.parametrize("what", STOPS)
def test_what_is_claimed_already_does_not_leave_after(office: Office, what: str) -> None:
    found = stopping_at(office, 3, STOPS[what])
    assert found == ["sent"] * 3 + ["queued"] * 7
    assert not any(office.courier.waiting.values())


def test_a_process_that_was_stopped_before_it_wrote_gives_the_attempt_back(office: Office) -> None:
    """The machine's own clock is asked again in the very moment of sending."""
    instants = iter([0.0, LEASE, LEASE, LEASE])
    office.courier = Courier(office.channels, lambda: next(instants))
    assert office.at("2026-01-23") == ["甲 work/2026-01 T-7"]
    assert office.ask("SELECT number, outcome FROM attempt ORDER BY number") == [
        (1, "released"),
        (2, "sent"),
    ]
    with office.conn() as conn:
        assert queries.possible_duplicates(conn) == []


def test_digests_wait_for_the_window_even_when_they_are_tried_again(office: Office) -> None:
    office.box.troubles["*"] = [trouble("temporary")]
    office.at("2026-01-23 17:59:30")
    assert office.at("2026-01-23 18:01") == []
    assert office.at("2026-01-24 10:00") == []
    assert office.at("2026-01-26 09:00") == ["甲 work/2026-01 T-7"]


@pytest.mark.parametrize(
    "kind, at_night, when_paused",
    [("test", True, True), ("status", True, False), ("brief", False, False)],
)
def test_what_may_leave_at_night_or_in_a_pause(
    office: Office, kind: outbox.Kind, at_night: bool, when_paused: bool
) -> None:
    office.at("2026-01-05")
    office.box.sent.clear()
    content = Content("s", "t", "h")
    for number, moment in enumerate(("2026-01-05 22:00", "2026-01-06 10:00")):
        with office.conn() as conn:
            if number:
                installation.pause(conn, "张三", "why", office.now)
            to = Address("email", f"{number}@example.com")
            outbox.queue(conn, to, kind, local(moment), content=content)
        office.now = local(moment)
        deliver(office.parts)
    sent = [sent.address for sent in office.box.sent]
    expected = ["0@example.com"] * at_night + ["1@example.com"] * when_paused
    assert sent == expected


def test_a_channel_whose_deadline_outlasts_the_lease_is_not_used(office: Office) -> None:
    office.box.deadline = LEASE
    with pytest.raises(AssertionError):
        office.at("2026-01-23")


def test_the_brief_is_queued_after_the_digests_have_left_and_leaves_in_the_same_pass(
    office: Office,
) -> None:
    seen = []

    def brief(conn: Connection, now: datetime) -> None:
        seen.extend(found.state for found in queries.messages_since(conn, now - timedelta(days=1)))
        outbox.queue(conn, Address("email", "丙@example.com"), "brief", now, content=Content(
            "brief", "all well", ""))  # fmt: skip

    office.queue_brief = brief
    assert office.at("2026-01-23") == ["all well", "甲 work/2026-01 T-7"]
    assert seen == ["sent"]


def test_what_is_queued_leaves_even_when_the_plan_cannot_be_followed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.stop.set()
    office.at("2026-01-23")
    office.stop.clear()
    monkeypatch.setattr(passes, "reconcile", None)
    with pytest.raises(TypeError):
        office.at("2026-01-23 10:00")
    assert [sent.text for sent in office.box.sent] == ["甲 work/2026-01 T-7"]


def items(office: Office) -> list[Item]:
    [(last,)] = office.ask("SELECT max(id) FROM message")
    with office.conn() as conn:
        return items_of(conn, [last])[last]


def test_an_item_counts_how_often_it_was_urged_and_what_lapsed_before(office: Office) -> None:
    office.daily("2026-01-29", "2026-02-04")
    [item] = items(office)
    assert (item.step, item.times, item.lapsed) == ("T+3", 2, 0)
    office.at("2026-02-27")
    [item] = items(office)
    assert (item.step, item.times, item.lapsed) == ("T", 0, 1)
    assert (item.rows, item.lead, item.task, item.old_due) == ((1,), ("甲",), "做好工作", None)


def test_the_brief_can_ask_who_is_late_and_how_often_they_were_urged(office: Office) -> None:
    office.daily("2026-01-29", "2026-02-04")
    with office.conn() as conn:
        late = queries.outstanding(conn, local("2026-02-04").date())
        health = queries.health(conn)
        last = queries.messages_since(conn, local("2026-01-29 00:00"))[-1:]
        assert queries.last_report(conn, "brief") is None
    assert [(found.unit, found.period, found.times) for found in late] == [("甲", "2026-01", 2)]
    assert (health.queued, health.open, health.unknown, health.failed) == (0, 2, 0, 0)
    assert [sent.state for sent in last] == ["sent"]


def test_a_moved_item_and_its_step_are_one_item(office: Office) -> None:
    office.at("2026-01-20")
    office.edit(plan_with(ALONE._replace(move={"2026-01": Move(date(2026, 1, 27), "开会")})))
    assert office.at("2026-01-21") == ["甲 work/2026-01 moved 2026-01-27"]
    assert told(office) == {"open": "told", "moved 2026-01-27": "told", "T-7": "told"}


def test_a_move_with_a_step_beside_it_reaches_every_contact(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, units=TWO))
    office.at("2026-01-20")
    moved = ALONE._replace(move={"2026-01": Move(date(2026, 1, 27), "开会")})
    office.edit(plan_with(moved, units=TWO))
    office.at("2026-01-21")
    assert [sent.text for sent in office.box.sent[2:]] == ["甲 work/2026-01 moved 2026-01-27"] * 2


def test_who_is_asked_to_end_during_a_pass_begins_no_brief(office: Office) -> None:
    briefed = []
    office.queue_brief = lambda conn, now: briefed.append(now)
    office.box.before_sending = lambda outgoing: office.stop.set()
    office.at("2026-01-23")
    assert briefed == []
    office.stop.clear()
    office.at("2026-01-23 09:01")
    assert len(briefed) == 1
