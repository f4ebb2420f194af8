"""Who may be called: pauses by people and by themselves, and budgets that outlive the process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dispatcher.i18n import Text
from dispatcher.ledger import channels
from dispatcher.ledger.channels import LONGEST, Closing, State
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.tables import audit

NOW = datetime(2026, 6, 1, 1, tzinfo=UTC)
MINUTE, PACE = timedelta(minutes=1), timedelta(seconds=3)
WHY = Text("the robot is gone")


def of(conn: Connection, name: str = "群") -> State:
    return channels.states(conn).get(name, State(name))


def test_a_channel_that_nobody_has_touched_may_be_called(engine: Engine) -> None:
    with engine.begin() as conn:
        assert channels.states(conn) == {}
        assert State("群").opens(NOW) == NOW


def test_a_person_pauses_until_somebody_resumes(engine: Engine) -> None:
    with engine.begin() as conn:
        assert channels.pause(conn, "群", "张三", WHY, NOW)
        assert not channels.pause(conn, "群", "李四", WHY, NOW)
    with engine.begin() as conn:
        assert of(conn).opens(NOW + timedelta(days=99)) is None
        assert (of(conn).paused_by, of(conn).reason) == ("张三", WHY)
        assert of(conn, "别的").opens(NOW) == NOW
        assert channels.resume(conn, "群", "李四", NOW)
        assert not channels.resume(conn, "群", "李四", NOW)
        assert of(conn) == State("群")
        columns = select(audit.c.actor, audit.c.action, audit.c.subject)
        rows = conn.execute(columns.order_by(audit.c.id)).all()
        assert rows == [("张三", "pause", "channel/群"), ("李四", "resume", "channel/群")]


def test_a_channel_that_closes_itself_opens_by_itself(engine: Engine) -> None:
    with engine.begin() as conn:
        until = channels.close(conn, "群", WHY, Closing(10 * MINUTE, False), NOW)
        assert until == of(conn).opens(NOW) == NOW + 10 * MINUTE
        assert of(conn).opens(until) == until
        assert not of(conn).is_paused(until)


def test_a_fault_that_lasts_doubles_the_wait_up_to_an_hour(engine: Engine) -> None:
    now, waits = NOW, []
    with engine.begin() as conn:
        for _time in range(8):
            until = channels.close(conn, "群", WHY, Closing(15 * MINUTE, True), now)
            waits.append((until - now) / MINUTE)
            now = until
    assert waits == [15, 30, 60, 60, 60, 60, 60, 60]
    assert LONGEST / MINUTE == 60


def test_a_spent_budget_is_no_fault(engine: Engine) -> None:
    with engine.begin() as conn:
        for _time in range(3):
            channels.close(conn, "群", WHY, Closing(MINUTE, False), NOW)
        assert of(conn).opens(NOW) == NOW + MINUTE


def test_success_ends_what_was_wrong(engine: Engine) -> None:
    with engine.begin() as conn:
        until = channels.close(conn, "群", WHY, Closing(MINUTE, True), NOW)
        channels.worked(conn, "群", until)
        assert of(conn) == State("群")


def test_what_was_begun_before_a_pause_does_not_end_it(engine: Engine) -> None:
    with engine.begin() as conn:
        until = channels.close(conn, "群", WHY, Closing(10 * MINUTE, False), NOW)
        channels.worked(conn, "群", NOW + MINUTE)
        assert of(conn).opens(NOW + MINUTE) == until


@pytest.mark.parametrize("fault", [True, False])
def test_what_a_person_has_paused_stays_so(engine: Engine, fault: bool) -> None:
    with engine.begin() as conn:
        channels.pause(conn, "群", "张三", WHY, NOW)
        channels.close(conn, "群", Text("busy"), Closing(MINUTE, fault), NOW)
        channels.worked(conn, "群", NOW + timedelta(days=1))
        assert of(conn).opens(NOW + timedelta(days=1)) is None
        assert of(conn).paused_by == "张三"


def test_a_shorter_wait_does_not_end_a_longer_one(engine: Engine) -> None:
    with engine.begin() as conn:
        channels.close(conn, "群", WHY, Closing(10 * MINUTE, False), NOW)
        channels.close(conn, "群", Text("busy"), Closing(MINUTE, False), NOW)
        assert of(conn).opens(NOW) == NOW + 10 * MINUTE
        assert of(conn).reason == WHY


def test_calls_are_spaced_by_the_pace_and_not_made_up_for(engine: Engine) -> None:
    with engine.begin() as conn:
        channels.spend(conn, "群", 1, PACE, NOW)
        assert of(conn).opens(NOW) == NOW + PACE
        channels.spend(conn, "群", 3, PACE, NOW + PACE)
        assert of(conn).opens(NOW + PACE) == NOW + 4 * PACE
    with engine.begin() as conn:  # an hour of rest earns no burst
        later = NOW + timedelta(hours=1)
        channels.spend(conn, "群", 1, PACE, later)
        assert of(conn).opens(later) == later + PACE


def test_nothing_was_sent_on_a_channel_that_was_never_used(engine: Engine) -> None:
    with engine.begin() as conn:
        assert channels.used(conn, "群") == channels.Used()


def test_messages_that_fail_at_one_time_show_one_fault(engine: Engine) -> None:
    with engine.begin() as conn:
        for second in range(4):
            now = NOW + timedelta(seconds=second)
            channels.close(conn, "群", WHY, Closing(15 * MINUTE, True), now)
        assert of(conn).faults == 1
        assert of(conn).opens(NOW) == NOW + 15 * MINUTE


def test_a_fault_needs_a_hand_until_something_has_left_again(engine: Engine) -> None:
    with engine.begin() as conn:
        until = channels.close(conn, "群", WHY, Closing(MINUTE, True), NOW)
        later = until + MINUTE
        assert not of(conn).is_paused(later)
        assert of(conn).needs_hand(later)
        assert of(conn).reason == WHY
        channels.worked(conn, "群", later)
        assert not of(conn).needs_hand(later)


def test_resuming_ends_a_fault_and_a_budget_that_a_wrong_clock_has_spent(engine: Engine) -> None:
    with engine.begin() as conn:
        until = channels.close(conn, "群", WHY, Closing(MINUTE, True), NOW)
        assert channels.resume(conn, "群", "张三", until + MINUTE)
        assert of(conn) == State("群")
        channels.spend(conn, "群", 1, PACE, NOW + timedelta(days=400))
        assert channels.resume(conn, "群", "张三", NOW)
        assert of(conn).opens(NOW) == NOW
        channels.spend(conn, "群", 1, PACE, NOW)
        assert not channels.resume(conn, "群", "张三", NOW)
        assert of(conn).opens(NOW) == NOW + PACE
