"""The outbox: one sender at a time, and nothing that was overtaken changes anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from dispatcher.i18n import Text
from dispatcher.ledger import leases, outbox, outcomes, queries
from dispatcher.ledger.database import Connection, Engine, together
from dispatcher.ledger.leases import Claimed
from dispatcher.ledger.outbox import Address, Content
from dispatcher.ledger.outcomes import MAX_DEATHS, MAX_RESCUES, Ended, Outcome, Settled
from dispatcher.ledger.pruning import prune
from dispatcher.ledger.tables import message
from dispatcher.ledger.types import clock_seconds
from tests.building import local

NOW = local("2026-01-05")
TO = Address("email", "a@example.com")
SAID = Content("subject", "text", "<p>html</p>")
WHY = Text("the server says no")


def a_message(engine: Engine, kind: outbox.Kind = "test") -> int:
    with engine.begin() as conn:
        found = outbox.queue(conn, TO, kind, NOW, content=SAID)
    assert found
    return found


def claim(engine: Engine, kind: str = "test") -> list[Claimed]:
    with engine.begin() as conn:
        return leases.claim(conn, NOW, [kind], 10)


def begin(engine: Engine, claimed: Claimed) -> int | None:
    with engine.begin() as conn:
        begun = leases.begin_sending(conn, [(claimed, SAID)], NOW)
        return begun[0].number if begun else None


def settle(engine: Engine, outcome: Outcome, number: int = 1, *, again: bool = True) -> str | None:
    again_at = NOW if again and outcome != "sent" else None
    with engine.begin() as conn:
        settled = Settled(outcome, Text("") if outcome == "sent" else WHY)
        return outcomes.settle(conn, [Ended(1, number, settled, again_at)], NOW).get(1)


def rescue(engine: Engine, *, orphans: bool = False) -> tuple[int, int]:
    with engine.begin() as conn:
        return outcomes.rescue(conn, NOW, ["email"], orphans=orphans)


def expire(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE message SET lease_until = lease_until - 10000"))


def state(engine: Engine) -> str:
    with engine.begin() as conn:
        return str(conn.scalar(text("SELECT state FROM message")))


def outcomes_of(engine: Engine) -> list[str]:
    with engine.begin() as conn:
        return [row[0] for row in conn.execute(text("SELECT outcome FROM attempt ORDER BY number"))]


def test_a_message_is_claimed_by_one_process_only(engine: Engine) -> None:
    a_message(engine)
    assert [len(claim(engine)), len(claim(engine))] == [1, 0]


def test_a_message_of_later_is_not_claimed_now(engine: Engine) -> None:
    with engine.begin() as conn:
        outbox.queue(conn, TO, "test", NOW + timedelta(seconds=1), content=SAID)
    assert claim(engine) == []


def test_only_the_kinds_that_may_leave_are_claimed(engine: Engine) -> None:
    a_message(engine, "brief")
    assert claim(engine, "test") == []
    assert len(claim(engine, "brief")) == 1


def test_a_second_message_of_the_same_kind_and_instant_is_not_queued(engine: Engine) -> None:
    a_message(engine)
    with engine.begin() as conn:
        assert outbox.queue(conn, TO, "test", NOW, content=SAID) is None


def test_the_attempt_is_on_record_before_anything_is_written(engine: Engine) -> None:
    a_message(engine)
    assert begin(engine, *claim(engine)) == 1
    assert (state(engine), outcomes_of(engine)) == ("sending", ["sending"])


def test_of_two_with_the_same_claim_only_the_first_begins(engine: Engine) -> None:
    a_message(engine)
    [claimed] = claim(engine)
    assert [begin(engine, claimed), begin(engine, claimed)] == [1, None]


def test_a_claim_that_has_expired_begins_nothing(engine: Engine) -> None:
    a_message(engine)
    [claimed] = claim(engine)
    expire(engine)
    assert begin(engine, claimed) is None


def test_a_lease_that_holds_is_not_rescued(engine: Engine) -> None:
    a_message(engine)
    [claimed] = claim(engine)
    assert rescue(engine) == (0, 0)
    begin(engine, claimed)
    assert rescue(engine) == (0, 0)


def test_a_claim_of_a_dead_process_is_simply_freed(engine: Engine) -> None:
    a_message(engine)
    claim(engine)
    expire(engine)
    assert rescue(engine) == (1, 0)
    assert (state(engine), outcomes_of(engine)) == ("queued", [])


def test_what_a_dead_process_was_sending_is_unknown_and_sent_again(engine: Engine) -> None:
    a_message(engine)
    begin(engine, *claim(engine))
    expire(engine)
    assert rescue(engine) == (0, 1)
    assert (state(engine), outcomes_of(engine)) == ("queued", ["unknown"])


def test_the_only_daemon_need_not_wait_for_the_leases_of_the_one_before(engine: Engine) -> None:
    a_message(engine)
    begin(engine, *claim(engine))
    assert rescue(engine, orphans=True) == (0, 1)


def test_a_channel_that_cannot_be_asked_twice_leaves_it_to_a_person(engine: Engine) -> None:
    a_message(engine)
    begin(engine, *claim(engine))
    with engine.begin() as conn:
        outcomes.rescue(conn, NOW, [], orphans=True)
    assert state(engine) == "unknown"


def test_an_outcome_that_comes_after_the_rescue_changes_nothing(engine: Engine) -> None:
    a_message(engine)
    begin(engine, *claim(engine))
    expire(engine)
    rescue(engine)
    assert settle(engine, "sent") is None
    begin(engine, *claim(engine))
    assert settle(engine, "sent", 1) is None
    assert (state(engine), outcomes_of(engine)) == ("sending", ["unknown", "sending"])


def test_what_a_process_has_in_its_own_hands_it_does_not_rescue(engine: Engine) -> None:
    """On SQLite leases follow this machine's clock, which may jump."""
    key = a_message(engine)
    begin(engine, *claim(engine))
    expire(engine)
    with engine.begin() as conn:
        assert outcomes.rescue(conn, NOW, ["email"], {key}) == (0, 0)
    assert settle(engine, "sent") == "sent"


@pytest.mark.parametrize("begun", [False, True])
def test_a_heartbeat_keeps_a_lease_alive_unless_it_was_lost(engine: Engine, begun: bool) -> None:
    a_message(engine)
    [claimed] = claim(engine)
    with engine.begin() as conn:
        mine = leases.begin_sending(conn, [(claimed, SAID)], NOW) if begun else []
    expire(engine)
    renew(engine, [] if begun else [claimed], mine)
    assert rescue(engine) == (0, 0)
    expire(engine)
    rescue(engine)
    renew(engine, [] if begun else [claimed], mine)
    assert state(engine) == "queued"


def renew(engine: Engine, claimed: list[Claimed], begun: list[leases.Begun]) -> None:
    with engine.begin() as conn:
        leases.renew(conn, claimed, begun, leases.LEASE)


def test_a_channel_that_is_busy_holds_up_no_other(engine: Engine) -> None:
    a_message(engine)
    with engine.begin() as conn:
        outbox.queue(conn, Address("sms", "139"), "test", NOW, content=SAID)
        [claimed] = leases.claim(conn, NOW, ["test"], 10, busy=["email"])
    assert claimed.channel == "sms"


def test_two_processes_claim_at_once_without_waiting_and_nothing_twice(engine: Engine) -> None:
    with engine.begin() as conn:
        for number in range(4):
            outbox.queue(conn, Address("email", f"{number}@x"), "test", NOW, content=SAID)
    if engine.dialect.name == "sqlite":
        found = [claim_some(engine), claim_some(engine)]
    else:
        with together(engine).begin() as first, together(engine).begin() as second:
            found = [leases.claim(conn, NOW, ["test"], 2) for conn in (first, second)]
    assert sorted(each.id for claimed in found for each in claimed) == [1, 2, 3, 4]


def claim_some(engine: Engine) -> list[Claimed]:
    with engine.begin() as conn:
        return leases.claim(conn, NOW, ["test"], 2)


def claim_suspect(engine: Engine) -> list[Claimed]:
    with engine.begin() as conn:
        return leases.claim_suspect(conn, NOW, ["test"])


def test_what_a_process_died_with_comes_last_and_alone_and_is_given_up_in_the_end(
    engine: Engine,
) -> None:
    with engine.begin() as conn:
        for number in range(3):
            outbox.queue(conn, Address("email", f"{number}@x"), "test", NOW, content=SAID)
    assert len(claim(engine)) == 3
    rescue(engine, orphans=True)
    with engine.begin() as conn:
        outbox.queue(conn, Address("email", "new@x"), "test", NOW, content=SAID)
    assert [each.id for each in claim(engine)] == [4]
    assert claim(engine) == []
    assert [each.id for each in claim_suspect(engine)] == [1]
    for _death in range(MAX_RESCUES - 2):
        rescue(engine, orphans=True)
        while (found := claim(engine) or claim_suspect(engine))[0].id != 1:
            assert len(found) == 1
            begin(engine, *found)
            with engine.begin() as conn:
                outcomes.settle(conn, [Ended(found[0].id, 1, Settled("sent"))], NOW)
    assert rescue(engine, orphans=True) == (1, 0)
    with engine.begin() as conn:
        row = conn.execute(select(*message.c["state", "reason"]).where(message.c.id == 1)).one()
    assert row.state == "failed"
    assert (
        str(row.reason) == f"the process ended {MAX_RESCUES} times while it prepared this message"
    )


def test_a_rescue_never_undoes_what_has_been_settled(engine: Engine) -> None:
    a_message(engine)
    begin(engine, *claim(engine))
    settle(engine, "sent")
    assert rescue(engine, orphans=True) == (0, 0)
    assert (state(engine), outcomes_of(engine)) == ("sent", ["sent"])


@pytest.mark.parametrize(
    "outcome, again, expected",
    [
        ("sent", True, "sent"),
        ("temporary", True, "queued"),
        ("permanent", True, "failed"),
        ("unknown", True, "queued"),
        ("unknown", False, "unknown"),
        ("released", True, "queued"),
    ],
)
def test_an_outcome_decides_what_becomes_of_the_message(
    engine: Engine, outcome: Outcome, again: bool, expected: str
) -> None:
    a_message(engine)
    begin(engine, *claim(engine))
    assert settle(engine, outcome, again=again) == expected == state(engine)
    assert outcomes_of(engine) == [outcome]


def test_after_three_attempts_of_unknown_outcome_nobody_tries_again(engine: Engine) -> None:
    a_message(engine)
    found = []
    for number in (1, 2, 3):
        begin(engine, *claim(engine))
        found.append(settle(engine, "unknown", number))
    assert found == ["queued", "queued", "unknown"]


def test_a_process_that_ends_uses_up_more_attempts_than_an_answer_that_does_not_come(
    engine: Engine,
) -> None:
    a_message(engine)
    found = []
    for _death in range(MAX_DEATHS):
        begin(engine, *claim(engine))
        rescue(engine, orphans=True)
        found.append(state(engine))
    assert found == ["queued"] * (MAX_DEATHS - 1) + ["unknown"]


def test_of_two_attempts_that_end_together_the_overtaken_one_settles_nothing(
    engine: Engine,
) -> None:
    a_message(engine)
    begin(engine, *claim(engine))
    expire(engine)
    rescue(engine)
    begin(engine, *claim(engine))
    with engine.begin() as conn:
        late, sent = Ended(1, 1, Settled("permanent", WHY)), Ended(1, 2, Settled("sent"))
        assert outcomes.settle(conn, [sent, late], NOW) == {1: "sent"}
    assert outcomes_of(engine) == ["unknown", "sent"]


def test_deaths_do_not_use_up_the_answers_that_a_message_may_lack(engine: Engine) -> None:
    a_message(engine)
    found = []
    for number in range(1, 6):
        begin(engine, *claim(engine))
        if number < 3:
            rescue(engine, orphans=True)
        else:
            settle(engine, "unknown", number)
        found.append(state(engine))
    assert found == ["queued"] * 4 + ["unknown"]


def test_a_digest_that_a_clock_was_ahead_for_stands_in_the_way_of_none(engine: Engine) -> None:
    to, pile = Address("email", "a@example.com"), outbox.Pile([])
    found = []
    for at, since in ((NOW + timedelta(days=60),) * 2, (NOW, NOW), (NOW + timedelta(hours=1), NOW)):
        with engine.begin() as conn:
            found.append(outbox.queue_digests(conn, {to: pile}, at, since))
            tried = update(message).values(attempts=1, subject="s", text="t", html="")
            conn.execute(tried)
    assert found == [1, 1, 0]


def test_temporary_failures_do_not_use_up_the_attempts(engine: Engine) -> None:
    a_message(engine)
    for number in range(1, 30):
        begin(engine, *claim(engine))
        assert settle(engine, "temporary", number) == "queued"


def test_a_claim_given_back_leaves_no_trace(engine: Engine) -> None:
    a_message(engine)
    [claimed] = claim(engine)
    with engine.begin() as conn:
        leases.release(conn, [claimed], NOW)
    assert (state(engine), outcomes_of(engine)) == ("queued", [])
    assert begin(engine, claimed) is None


def duplicates(engine: Engine) -> list[int]:
    with engine.begin() as conn:
        return [found.number for found in queries.possible_duplicates(conn)]


def attempts(*ends: Outcome) -> Callable[[Engine], None]:
    def run(engine: Engine) -> None:
        a_message(engine)
        for number, outcome in enumerate(ends, start=1):
            begin(engine, *claim(engine))
            settle(engine, outcome, number)

    return run


@pytest.mark.parametrize(
    "run, expected",
    [
        (attempts("sent"), []),
        (attempts("temporary", "sent"), []),
        (attempts("unknown", "sent"), [2]),
        (attempts("unknown", "temporary", "sent"), [3]),
        (attempts("unknown", "unknown", "sent"), [2, 3]),
        (attempts("unknown", "permanent"), []),
        (attempts("unknown", "released"), []),
    ],
)
def test_every_possible_second_copy_is_listed_and_no_other(
    engine: Engine, run: Callable[[Engine], None], expected: list[int]
) -> None:
    run(engine)
    assert duplicates(engine) == expected


def test_leases_are_measured_by_the_database(engine: Engine) -> None:
    """``now`` is years away from the database's clock here, and no lease minds."""
    a_message(engine)
    with engine.begin() as conn:
        [claimed] = leases.claim(conn, local("2036-01-05"), ["test"], 10)
        left = conn.scalar(select(message.c.lease_until - clock_seconds()))
        assert leases.LEASE - 5 < left <= leases.LEASE
        assert leases.begin_sending(conn, [(claimed, SAID)], local("2036-01-05"))


def test_a_newer_brief_replaces_one_that_could_not_leave(engine: Engine) -> None:
    a_message(engine, "brief")
    with engine.begin() as conn:
        outbox.queue(conn, TO, "brief", NOW + timedelta(hours=1), content=SAID)
    with engine.begin() as conn:
        old, new = leases.claim(conn, NOW + timedelta(hours=2), ["brief"], 10)
        assert prune(conn, [old, new], NOW) == [new]
    assert states(engine) == ["cancelled", "claimed"]


def states(engine: Engine) -> list[str]:
    with engine.begin() as conn:
        return _states(conn)


def _states(conn: Connection) -> list[str]:
    return [row[0] for row in conn.execute(text("SELECT state FROM message ORDER BY id"))]
