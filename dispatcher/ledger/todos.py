"""To-dos: what of the ledger stands on the lists of people, as far as their platform has said.

A vendor's list cannot be asked. So a call is committed before it is made, and a to-do whose opening
was never answered is held for a person: to open it once more might put it there twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    column,
    exists,
    func,
    insert,
    literal,
    select,
    true,
    update,
    values,
)

from dispatcher.i18n import Text, _
from dispatcher.ledger.tables import (
    IS_KEPT,
    assignment,
    installation,
    occurrence,
    reminder,
    todo,
)
from dispatcher.ledger.transitions import CHASED
from dispatcher.ledger.types import Instant, clock_seconds

LEASE = 150.0
"""Seconds, on the database's clock, for which a call is believed to be under way."""


class Place(NamedTuple):
    """An account of a unit on whose list its assignments belong."""

    unit: str
    channel: str
    account: str


class Begun(NamedTuple):
    """A to-do whose call is committed: ``opening``, or ``closing`` of the vendor's ``task``.

    ``reference`` is in no other to-do of any ledger.
    """

    reference: str
    id: int
    channel: str
    account: str
    due_on: date
    state: str
    attempts: int
    task: str | None
    title: str
    period: str


def look(conn: Connection, places: Collection[Place], now: datetime) -> None:
    """Notes what has to be opened and closed by ``now``, and what became of calls whose process
    has died.

    On a list belongs what is owed and chased, once its unit has been told of it in this round; by
    its present date.
    """
    _give_up(conn, now)
    place = _table_of(places)
    stays = _stays(place)
    waits = and_(todo.c.state == "opening", todo.c.next_at.is_not(None))
    conn.execute(
        update(todo)
        .where(IS_KEPT, waits, ~stays)
        .values(state="closed", next_at=None, settled_at=now)
    )
    opened = and_(IS_KEPT, todo.c.state == "open")
    conn.execute(
        update(todo).where(opened, ~stays).values(state="closing", next_at=now, attempts=0)
    )
    names = ["assignment_id", "round", "due_on", "channel", "account", "state", "next_at"]
    conn.execute(insert(todo).from_select(names, _missing(place, now)))


def _give_up(conn: Connection, now: datetime) -> None:
    """Nobody knows whether an opening has arrived whose process is dead; a closing may be said
    twice."""
    dead = todo.c.lease_until < clock_seconds()
    why = _("the program ended before the answer came")
    lost = {"state": "unknown", "reason": why, "settled_at": now}
    opening = update(todo).where(dead, todo.c.state == "opening")
    conn.execute(opening.values(lease_until=None, **lost))
    conn.execute(update(todo).where(dead).values(lease_until=None, next_at=now))


def _table_of(places: Collection[Place]) -> CTE:
    # A table of no rows cannot be written; no unit is without a name.
    rows = [*places] or [Place("", "", "")]
    columns = [column(name, String) for name in Place._fields]
    return values(*columns, name="places").data(rows).cte("place")


_chased = and_(assignment.c.owes, assignment.c.state.in_(CHASED))
_told = exists().where(
    reminder.c.assignment_id == assignment.c.id,
    reminder.c.round == assignment.c.round,
    reminder.c.state == "told",
)
"""Those above it are told only after the unit itself."""
_present = and_(todo.c.assignment_id == assignment.c.id, todo.c.round == assignment.c.round)


def _stays(place: CTE) -> ColumnElement[bool]:
    return exists().where(
        _chased,
        _present,
        todo.c.due_on == assignment.c.due_on,
        *(place.c[name] == todo.c[name] for name in ("channel", "account")),
        place.c.unit == assignment.c.unit,
    ).correlate(todo)  # fmt: skip


def _missing(place: CTE, now: datetime) -> Select[Any]:
    there = exists().where(
        _present, *(place.c[name] == todo.c[name] for name in ("channel", "account")), IS_KEPT
    )
    return (
        select(
            *assignment.c["id", "round", "due_on"],
            *place.c["channel", "account"],
            literal("opening"),
            literal(now, Instant),
        )
        .join_from(place, assignment, place.c.unit == assignment.c.unit)
        .where(_chased, _told, ~there.correlate(place, assignment))
        .order_by(assignment.c.due_on, assignment.c.id)
    )


_next = (
    select(
        installation.c.epoch,
        *todo.c["id", "channel", "account", "due_on", "state", "attempts", "task"],
        *occurrence.c["title", "period"],
    )
    .join_from(todo, assignment, todo.c.assignment_id == assignment.c.id)
    .join(occurrence)
    .join(installation, true())
    .order_by(todo.c.next_at, todo.c.id)
    .limit(1)
)


def begin(
    conn: Connection, channels: Collection[str], states: Collection[str], now: datetime
) -> Begun | None:
    """Commits the oldest of what is due by ``now`` to its call; None when there is none."""
    due = and_(todo.c.next_at <= now, todo.c.channel.in_(channels), todo.c.state.in_(states))
    row = conn.execute(_next.where(due)).first()
    if row is None:
        return None
    epoch, *found = row
    begun = Begun(f"todo.{row.id}.{epoch[:8]}", *found)._replace(attempts=row.attempts + 1)
    lease = {"lease_until": clock_seconds() + LEASE, "next_at": None, "attempts": begun.attempts}
    conn.execute(update(todo).where(todo.c.id == begun.id).values(lease))
    return begun


def opened(conn: Connection, begun: Begun, task: str) -> None:
    """It stands on its list, and is called ``task`` there."""
    _settle(conn, begun, state="open", task=task)


def again(conn: Connection, begun: Begun, at: datetime) -> None:
    """Its call certainly did nothing, or may be made twice: it is made again."""
    _settle(conn, begun, state=begun.state, next_at=at)


def end(
    conn: Connection, begun: Begun, state: str, now: datetime, reason: Text | None = None
) -> None:
    """It is closed, or unknown or failed for a reason: nothing more is called for it."""
    _settle(conn, begun, state=state, reason=reason, settled_at=now)


def _settle(conn: Connection, begun: Begun, **found: object) -> None:
    """Whoever has given it up meanwhile knew less than the answer that has come."""
    empty = dict.fromkeys(("next_at", "lease_until", "reason", "settled_at"))
    conn.execute(update(todo).where(todo.c.id == begun.id).values({**empty, **found}))


def rest(conn: Connection, channel: str, until: datetime) -> None:
    """Nothing that waits for a channel is called for before ``until``."""
    mine = and_(todo.c.channel == channel, todo.c.next_at < until)
    conn.execute(update(todo).where(mine).values(next_at=until))


def counts(conn: Connection) -> dict[str, dict[str, int]]:
    """How many to-dos of each channel are in each state, closed ones left out."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    key = (todo.c.channel, todo.c.state)
    query = select(*key, func.count()).where(IS_KEPT).group_by(*key).order_by(*key)
    for channel, state, number in conn.execute(query):
        found[channel][state] = number
    return found


class Unsettled(NamedTuple):
    """A to-do that the program cannot bring to its end; without ``task`` it was to be opened."""

    unit: str
    title: str
    period: str
    account: str
    state: str
    task: str | None
    reason: Text


def unsettled(conn: Connection, since: datetime) -> list[Unsettled]:
    """What has become unknown or failed after ``since``, in order."""
    query = (
        select(
            assignment.c.unit,
            *occurrence.c["title", "period"],
            *todo.c["account", "state", "task", "reason"],
        )
        .join_from(todo, assignment, todo.c.assignment_id == assignment.c.id)
        .join(occurrence)
        .where(IS_KEPT, todo.c.reason.is_not(None), todo.c.settled_at > since)
        .order_by(todo.c.id)
    )
    return [Unsettled(*row) for row in conn.execute(query)]
