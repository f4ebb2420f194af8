"""Deliberately broken variants of the product: each must be caught, else the campaign is blind.

Each is a patch that a replica applies to itself before it begins. ``tried`` are the runs that may
notice it, in order: kind, seed and count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import event, update

from dispatcher import bootstrap, holds
from dispatcher.dispatch import courier, deliver
from dispatcher.dispatch.steadiness import Trust, Verdict
from dispatcher.ledger import database, leases, outbox, outcomes
from dispatcher.ledger.outcomes import Ended, Settled
from dispatcher.ledger.tables import reminder

Trial = tuple[str, int, int]


class Mutant(NamedTuple):
    """A broken variant: what is wrong with it, how it is made, who should notice, and whether the
    short form tries it."""

    wrong: str
    patch: Callable[[], None]
    tried: tuple[Trial, ...]
    short: bool = False


def _mark_before_send() -> None:
    begin = leases.begin_sending

    def marked(conn: Any, written: Any, now: Any, **more: Any) -> Any:
        begun = begin(conn, written, now, **more)
        ended = [Ended(each.claimed.id, each.number, Settled("sent")) for each in begun]
        outcomes.settle(conn, ended, now)
        return begun

    leases.begin_sending = marked


def _errors_swallowed() -> None:
    hand_over = courier.hand_over

    def swallowed(channel: Any, parcel: Any) -> Any:
        settled, wait = hand_over(channel, parcel)
        return settled._replace(outcome="sent"), wait

    courier.hand_over = swallowed


def _unknown_taken_for_unsent() -> None:
    settle = outcomes.settle

    def forgetful(conn: Any, ended: Any, now: Any) -> Any:
        def certain(settled: Settled) -> Settled:
            known = settled.outcome != "unknown"
            return settled if known else settled._replace(outcome="temporary")

        return settle(conn, [each._replace(settled=certain(each.settled)) for each in ended], now)

    outcomes.settle = forgetful


def _unknown_never_resent() -> None:
    rescue = outcomes.rescue
    outcomes.rescue = lambda conn, now, _resend, *mine, **more: rescue(conn, now, (), *mine, **more)


def _another_message_id() -> None:
    carry = courier.hand_over

    def renamed(channel: Any, parcel: Any) -> Any:
        outgoing = parcel.outgoing
        reference = f"{outgoing.reference}.{outgoing.attempt}"
        return carry(channel, parcel._replace(outgoing=replace(outgoing, reference=reference)))

    courier.hand_over = renamed


def _sending_before_commit() -> None:
    begin = deliver._Delivery._begin

    def eager(self: Any, conn: Any, claimed: Any) -> Any:
        for parcel in begin(self, conn, claimed):
            self.courier.carry(parcel)
        for crew in self.courier._crews.values():
            crew.look_after()
        time.sleep(0.05)
        return []

    deliver._Delivery._begin = eager  # type: ignore[method-assign]


def _synchronous(level: str) -> Callable[[], None]:
    def patch() -> None:
        database.PRAGMAS = tuple(
            f"synchronous = {level}" if pragma.startswith("synchronous") else pragma
            for pragma in database.PRAGMAS
        )

    return patch


def _no_fencing() -> None:
    """Nor does a worker ask the clock: else it gives back what it is too late for."""
    leases._still = lambda _conn, _query, attempts: set(attempts)
    courier.Courier._carry = _never_late  # type: ignore[method-assign]


def _never_late(_self: Any, channel: Any, parcel: Any) -> Any:
    return courier.Carried(parcel.begun, *courier.hand_over(channel, parcel))


def _unguarded_rescue() -> None:
    outcomes._expired = outcomes._leased


def _lease_too_short() -> None:
    def shortened(function: Any) -> Any:
        return lambda *given, **more: function(*given, **{**more, "lease": 0.3})

    leases.claim, leases.begin_sending = shortened(leases.claim), shortened(leases.begin_sending)
    leases.renew = lambda *_given: None


def _no_rescue() -> None:
    outcomes.rescue = lambda *_given, **_more: (0, 0)


def _no_key() -> None:
    """And no turns: with them, nobody ever meets the key."""
    opened = bootstrap.open_ledger

    def without(engine: Any) -> None:
        opened(engine)
        with database.together(engine).begin() as conn:
            for table, name in conn.exec_driver_sql(KEYS).all():
                drop = f'DROP CONSTRAINT IF EXISTS "{name}" CASCADE'
                conn.exec_driver_sql(f'ALTER TABLE "{table}" {drop}')

    bootstrap.open_ledger = without
    database._wait_for_turn = lambda _conn: None


KEYS = """SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'u' AND connamespace = 'public'::regnamespace"""


def _deferred_begin() -> None:
    made = database.create_engine

    def deferred(url: str) -> Any:
        engine = made(url)
        event.listen(engine, "begin", _deferred)
        return engine

    database.create_engine = deferred


def _deferred(conn: Any) -> None:
    """The write lock is given back as soon as it was taken."""
    conn.exec_driver_sql("ROLLBACK")
    conn.exec_driver_sql("BEGIN")


def _told_when_queued() -> None:
    queue_digests = outbox.queue_digests

    def told(conn: Any, waiting: Any, at: Any, *more: Any) -> Any:
        done = queue_digests(conn, waiting, at, *more)
        items = {item for pile in waiting.values() for item in pile.reminders}
        told = update(reminder).where(reminder.c.id.in_(items), reminder.c.state == "queued")
        conn.execute(told.values(state="told", told_at=at))
        return done

    outbox.queue_digests = told


def _any_clock() -> None:
    holds.judge = lambda _trust, now, _watermark, **_more: Verdict(Trust(now), None)


POWER = (("power-cuts", 1, 12),)
KILLED = (("kills-sqlite", 1, 15), ("failpoints-sqlite", 1, 60))

MUTANTS: dict[str, Mutant] = {
    "mark before send": Mutant(
        "a message counts as sent as soon as it may be sent", _mark_before_send, KILLED
    ),
    "errors swallowed": Mutant(
        "a channel's error counts as success",
        _errors_swallowed,
        (("dropped-replies", 1, 20),),
        short=True,
    ),
    "unknown taken for unsent": Mutant(
        "what may have arrived is sent again as if it had not",
        _unknown_taken_for_unsent,
        KILLED,
        short=True,
    ),
    "unknown never resent": Mutant(
        "what a dead process was sending is left alone", _unknown_never_resent, KILLED
    ),
    "another Message-ID": Mutant(
        "each attempt has a Message-ID of its own", _another_message_id, KILLED
    ),
    "sending before commit": Mutant(
        "a message is handed over while its attempt is not yet committed",
        _sending_before_commit,
        KILLED,
    ),
    "synchronous=NORMAL": Mutant(
        "SQLite does not make sure of each commit", _synchronous("NORMAL"), POWER
    ),
    "synchronous=OFF": Mutant("SQLite makes sure of nothing", _synchronous("OFF"), POWER),
    "no fencing": Mutant(
        "who was overtaken begins and settles all the same",
        _no_fencing,
        (("stopped", 1, 10), ("stopped", 2, 25)),
    ),
    "unguarded rescue": Mutant(
        "what another process has in hand is taken for a dead one's",
        _unguarded_rescue,
        (("race", 1, 3),),
    ),
    "lease shorter than an attempt": Mutant(
        "a lease ends before the deadline of an attempt, and nobody renews it",
        _lease_too_short,
        (("slow-server", 1, 2),),
    ),
    "no rescue": Mutant("what a dead process held is left lying", _no_rescue, KILLED),
    "no unique key": Mutant(
        "nothing in the schema keeps a reminder from being made twice", _no_key, (("race", 1, 5),)
    ),
    "deferred BEGIN": Mutant(
        "a transaction on SQLite reads first and asks to write later",
        _deferred_begin,
        (("clerk", 1, 2),),
    ),
    "any clock believed": Mutant(
        "nobody doubts a clock that jumps", _any_clock, (("clock-jumps", 1, 6),), short=True
    ),
    "told when queued": Mutant(
        "a reminder counts as told as soon as its message is queued",
        _told_when_queued,
        (("dead-server", 1, 2),),
    ),
}
