"""What a person decides of messages that failed, or of which nobody knows the outcome.

The duty of these tests is monthly and 甲's alone; January 2026 is due on Friday the 30th.
"""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.errors import Refused
from dispatcher.ledger import mending, messages, queries
from dispatcher.ledger.database import Engine
from dispatcher.ledger.messages import Wanted
from dispatcher.ledger.outbox import Address
from dispatcher.ledger.outcomes import MAX_UNKNOWN
from tests.building import Office, a_duty, a_unit, local, plan_with, trouble

ALONE = a_duty(units=("甲",))


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine, plan_with(ALONE))


@pytest.fixture
def failed(office: Office) -> Office:
    """The T-7 of January was refused for good."""
    office.box.troubles["*"] = [trouble("permanent")]
    office.at("2026-01-23")
    assert message(office) == ("failed", 1)
    return office


@pytest.fixture
def unknown(office: Office) -> Office:
    """Nobody knows whether the T-7 of January arrived, and the channel cannot be asked twice."""
    office.box.on_unknown = "hold"
    office.box.troubles["*"] = [trouble("unknown")]
    office.at("2026-01-23")
    assert message(office) == ("unknown", 1)
    return office


def message(office: Office, id: int = 1) -> tuple[Any, ...]:
    return office.ask("SELECT state, attempts FROM message WHERE id = :id", id=id)[0]


def reminders(office: Office) -> dict[str, str]:
    return dict(office.ask("SELECT step, state FROM reminder WHERE state <> 'superseded'"))  # type: ignore[arg-type]


def retry(office: Office, id: int = 1, note: str = "") -> bool:
    with office.conn() as conn:
        return mending.retry(conn, id, "张三", note, office.now)


def resolve(office: Office, *, arrived: bool, id: int = 1) -> bool:
    with office.conn() as conn:
        return mending.resolve(conn, id, "张三", "电话核实", office.now, arrived=arrived)


def audit(office: Office) -> list[tuple[Any, ...]]:
    query = "SELECT actor, action, subject, detail FROM audit WHERE subject LIKE 'message#%'"
    return office.ask(query)


def test_a_failed_message_that_is_retried_leaves_as_it_was_and_its_reminder_is_told(
    failed: Office,
) -> None:
    assert reminders(failed) == {"T-7": "failed"}
    assert retry(failed)
    assert (message(failed), reminders(failed)) == (("queued", 1), {"T-7": "queued"})
    assert failed.at("2026-01-23 10:00") == ["甲 work/2026-01 T-7"]
    assert (message(failed), reminders(failed)) == (("sent", 2), {"T-7": "told"})
    assert [sent.id for sent in failed.box.tried] == [1, 1]


def test_a_retry_is_on_record_with_who_and_why(failed: Office) -> None:
    retry(failed, note="邮箱已恢复")
    detail = '{"address": "甲@example.com", "was": "failed"}'
    assert audit(failed) == [("张三", "retry", "message#1", detail)]
    assert "邮箱已恢复" in failed.ask("SELECT reason FROM audit ORDER BY id DESC LIMIT 1")[0][0]


def test_a_retry_of_what_is_on_its_way_changes_nothing(failed: Office) -> None:
    assert [retry(failed), retry(failed)] == [True, False]
    assert len(audit(failed)) == 1


def test_a_retried_message_may_fail_again_and_be_retried_again(failed: Office) -> None:
    failed.box.troubles["*"] = [trouble("permanent")]
    retry(failed)
    failed.at("2026-01-23 10:00")
    assert (message(failed), reminders(failed)) == (("failed", 2), {"T-7": "failed"})
    assert retry(failed)


def test_an_unknown_message_that_is_retried_is_listed_as_a_possible_duplicate(
    unknown: Office,
) -> None:
    assert retry(unknown)
    unknown.at("2026-01-23 10:00")
    assert message(unknown) == ("sent", 2)
    with unknown.conn() as conn:
        [found] = queries.possible_duplicates(conn)
    assert (found.message_id, found.number, found.lost) == (1, 2, 1)
    assert found.lost_at == local("2026-01-23")


def test_a_persons_retry_works_after_so_many_unknown_attempts_that_no_program_would(
    office: Office,
) -> None:
    office.box.troubles["*"] = [trouble("unknown") for _ in range(MAX_UNKNOWN + 1)]
    for minute in (0, 10, 20, 30, 40):
        office.at(f"2026-01-23 09:{minute:02}")
    assert message(office) == ("unknown", MAX_UNKNOWN)
    retry(office)
    office.at("2026-01-23 10:00")
    assert message(office) == ("unknown", MAX_UNKNOWN + 1)
    retry(office)
    office.at("2026-01-23 11:00")
    assert message(office) == ("sent", MAX_UNKNOWN + 2)


def test_a_message_that_was_sent_is_not_sent_again(office: Office) -> None:
    office.at("2026-01-23")
    with pytest.raises(Refused, match="message 1 is sent: only a failed or unknown one"):
        retry(office)


def test_a_message_that_nobody_has_is_refused(office: Office) -> None:
    with pytest.raises(Refused, match="there is no message 7"):
        retry(office, 7)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("state", ["failed", "unknown"])
def test_what_has_been_answered_is_not_sent_again_and_nothing_changes(
    state: str, request: pytest.FixtureRequest
) -> None:
    office: Office = request.getfixturevalue(state)
    office.say("report")
    before = (message(office), reminders(office))
    with office.conn() as conn, pytest.raises(Refused, match="message 1 is no longer needed"):
        mending.retry(conn, 1, "张三", "", office.now)
    assert (message(office), reminders(office), audit(office)) == (*before, [])


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("state", ["failed", "unknown"])
def test_what_a_later_message_has_said_is_not_sent_again(
    state: str, request: pytest.FixtureRequest
) -> None:
    office: Office = request.getfixturevalue(state)
    assert office.at("2026-01-29") == ["甲 work/2026-01 T-1"]
    with pytest.raises(Refused, match="a later one says it"):
        retry(office)
    assert message(office)[0] == state


def test_of_a_failed_digest_only_what_is_still_needed_is_told_again(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, a_duty("other", units=("甲",))))
    office.box.troubles["*"] = [trouble("permanent")]
    office.at("2026-01-23")
    office.say("done", "other/2026-01@甲")
    retry(office)
    office.at("2026-01-23 10:00")
    rows = office.ask(
        "SELECT duty, r.state FROM reminder r JOIN assignment a ON a.id = assignment_id"
        " JOIN occurrence o ON o.id = occurrence_id WHERE step = 'T-7'"
    )
    assert dict(rows) == {"work": "told", "other": "cancelled"}  # type: ignore[arg-type]


def test_a_message_that_arrived_counts_as_sent(unknown: Office) -> None:
    assert resolve(unknown, arrived=True)
    assert (message(unknown), reminders(unknown)) == (("sent", 1), {"T-7": "told"})
    assert audit(unknown)[0][:3] == ("张三", "arrived", "message#1")
    assert unknown.at("2026-01-23 10:00") == []


def test_a_message_that_was_lost_has_failed_and_the_office_sees_it(unknown: Office) -> None:
    unknown.now = local("2026-01-23 15:00")
    assert resolve(unknown, arrived=False)
    assert (message(unknown), reminders(unknown)) == (("failed", 1), {"T-7": "failed"})
    with unknown.conn() as conn:
        [unreached] = queries.unreached(conn)
        [settled] = queries.messages_since(conn, local("2026-01-23 14:00"))
    assert (unreached.key, unreached.step) == ("work/2026-01@甲", "T-7")
    assert str(settled.reason) == "lost, as 张三 found out"


def test_after_a_loss_a_retry_or_a_later_step_follows(unknown: Office) -> None:
    resolve(unknown, arrived=False)
    retry(unknown)
    assert unknown.at("2026-01-23 10:00") == ["甲 work/2026-01 T-7"]
    assert unknown.at("2026-01-29") == ["甲 work/2026-01 T-1"]


def test_what_another_message_has_told_stays_told_when_one_was_lost(engine: Engine) -> None:
    units = [a_unit("甲", "one@example.com", "two@example.com"), a_unit("丙")]
    office = Office(engine, plan_with(ALONE, units=units))
    office.box.on_unknown = "hold"
    office.box.troubles["one@example.com"] = [trouble("unknown")]
    office.at("2026-01-23")
    resolve(office, arrived=False)
    assert reminders(office) == {"T-7": "told"}


@pytest.mark.parametrize("arrived", [True, False])
def test_to_resolve_twice_alike_is_harmless_and_otherwise_refused(
    unknown: Office, arrived: bool
) -> None:
    assert [resolve(unknown, arrived=arrived) for _ in range(2)] == [True, False]
    assert len(audit(unknown)) == 1
    with pytest.raises(Refused, match="only one of unknown outcome"):
        resolve(unknown, arrived=not arrived)


def test_a_message_on_its_way_is_not_resolved(failed: Office) -> None:
    retry(failed)
    with pytest.raises(Refused, match="message 1 is queued"):
        resolve(failed, arrived=True)


def listed(office: Office, limit: int = 9, **wanted: Any) -> list[int]:
    with office.conn() as conn:
        return [found.id for found in messages.latest(conn, Wanted(**wanted), limit)]


def test_the_newest_messages_come_last_page_by_page(office: Office) -> None:
    for day in ("2026-01-23", "2026-01-29", "2026-01-30"):
        office.at(day)
    assert listed(office, 2) == [2, 3]
    assert listed(office, 2, before=2) == [1]


def test_messages_are_found_by_state_by_kind_and_by_the_unit_that_they_told(
    failed: Office,
) -> None:
    failed.at("2026-01-29")
    assert (listed(failed, state="failed"), listed(failed, state="sent")) == ([1], [2])
    assert (listed(failed, kind="digest"), listed(failed, kind="brief")) == ([1, 2], [])
    assert (listed(failed, unit="甲"), listed(failed, unit="乙")) == ([1, 2], [])
    assert listed(failed, unit="乙", to=[Address("email", "甲@example.com")]) == []


def test_what_holds_no_items_is_found_by_the_address_of_its_unit(office: Office) -> None:
    from dispatcher.ledger import outbox

    to = Address("email", "丙@example.com")
    with office.conn() as conn:
        outbox.queue(conn, to, "brief", office.now, content=outbox.Content("s", "t", ""))
    assert listed(office, unit="丙", to=[to]) == [1]
    assert listed(office, unit="甲", to=[Address("email", "甲@example.com")]) == []


def test_a_letter_shows_what_was_sent_and_every_attempt(failed: Office) -> None:
    retry(failed)
    failed.at("2026-01-23 10:00")
    with failed.conn() as conn:
        letter = messages.letter(conn, 1)
    assert (letter.sent.subject, letter.text) == ("subject", "甲 work/2026-01 T-7")
    assert [item[:5] for item in letter.items] == [
        ("work/2026-01@甲", "T-7", "owner", "甲", "told")
    ]
    assert [(tried.number, tried.outcome) for tried in letter.attempts] == [
        (1, "permanent"),
        (2, "sent"),
    ]
    assert letter.attempts[0].detail == "address"
