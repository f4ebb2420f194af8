"""What others ask of the ledger: a message's items, the office's figures, the state of health."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from dispatcher.i18n import Text
from dispatcher.ledger.reminders import MOVED
from dispatcher.ledger.tables import (
    ALIVE,
    CHASED,
    IS_UNKNOWN,
    assignment,
    attempt,
    message,
    message_item,
    occurrence,
    reminder,
)


class Item(NamedTuple):
    """An assignment as a digest tells it; the same fields as ``dispatch.digest.Item``.

    ``times`` counts the overdue steps told in this round, this one included, ``lapsed`` the earlier
    periods of the duty that the unit let lapse.
    """

    unit: str
    role: str
    owes: bool
    duty: str
    title: str
    task: str
    rows: tuple[int, ...]
    clause: str
    period: str
    opens: date
    due: date
    nominal: date
    provisional: bool
    progress: bool
    step: str
    round: int
    times: int
    lapsed: int
    lead: tuple[str, ...]
    old_due: date | None


_urged = reminder.alias()
_times = (
    select(func.count())
    .select_from(_urged)
    .where(
        _urged.c.assignment_id == reminder.c.assignment_id,
        _urged.c.round == reminder.c.round,
        _urged.c.addressee == reminder.c.addressee,
        _urged.c.step.like("T+%"),
        _urged.c.state.in_(("told", "queued")),
    )
    .scalar_subquery()
)
_let_lapse, _lapsed_of = assignment.alias(), occurrence.alias()
_lapsed = (
    select(func.count())
    .select_from(_let_lapse.join(_lapsed_of))
    .where(
        _let_lapse.c.unit == assignment.c.unit,
        _let_lapse.c.state == "lapsed",
        _lapsed_of.c.duty == occurrence.c.duty,
    )
    .scalar_subquery()
)
_item: tuple[ColumnElement[Any], ...] = (
    *assignment.c["unit", "role", "owes"],
    *occurrence.c["duty", "title", "task", "rows", "clause", "period", "opens_on"],
    assignment.c.due_on,
    *occurrence.c["nominal_on", "provisional", "progress"],
    *reminder.c["step", "round"],
    _times,
    _lapsed,
    occurrence.c.lead,
    reminder.c.old_due_on,
)


def items_of(conn: Connection, message_id: int) -> list[Item]:
    """What a message holds, by due date: an assignment once, as its latest notice or step.

    A move speaks for a step beside it, since it gives the same date and the one before as well.
    """
    query = (
        select(reminder.c.assignment_id, *_item)
        .join_from(message_item, reminder)
        .join(assignment)
        .join(occurrence)
        .where(message_item.c.message_id == message_id)
        .order_by(reminder.c.step.like(f"{MOVED}%"), reminder.c.id)
    )
    found = {}
    for key, *values in conn.execute(query):
        item = Item(*values)
        found[key] = item._replace(rows=tuple(item.rows), lead=tuple(item.lead))
    return sorted(found.values(), key=lambda item: (item.due, item.unit, item.duty, item.period))


class Standing(NamedTuple):
    """An assignment that a unit still owes; ``times`` is how often it was urged in this round."""

    unit: str
    duty: str
    title: str
    period: str
    due: date
    state: str
    provisional: bool
    progress: bool
    times: int


def outstanding(conn: Connection, until: date) -> list[Standing]:
    """What is owed and unanswered with a due date up to ``until``, by due date, duty, unit."""
    urged = (
        select(func.count())
        .select_from(reminder)
        .where(
            reminder.c.assignment_id == assignment.c.id,
            reminder.c.round == assignment.c.round,
            reminder.c.addressee == "owner",
            reminder.c.step.like("T+%"),
            reminder.c.state == "told",
        )
        .scalar_subquery()
    )
    columns: tuple[ColumnElement[Any], ...] = (
        assignment.c.unit,
        *occurrence.c["duty", "title", "period"],
        *assignment.c["due_on", "state"],
        *occurrence.c["provisional", "progress"],
        urged,
    )
    query = (
        select(*columns)
        .join_from(assignment, occurrence)
        .where(assignment.c.owes, assignment.c.due_on <= until, assignment.c.state.in_(CHASED))
        .order_by(assignment.c.due_on, occurrence.c.duty, assignment.c.id)
    )
    return [Standing(*row) for row in conn.execute(query)]


class Sent(NamedTuple):
    """A message as the outbox has it; ``reason`` says why it failed or was cancelled."""

    id: int
    channel: str
    address: str
    kind: str
    at: datetime
    state: str
    attempts: int
    next_attempt_at: datetime | None
    settled_at: datetime | None
    subject: str | None
    reason: Text | None


_sent = message.c[
    "id", "channel", "address", "kind", "at", "state", "attempts", "next_attempt_at",
    "settled_at", "subject", "reason",
]  # fmt: skip


def messages_since(conn: Connection, since: datetime) -> list[Sent]:
    """Everything settled after ``since``, and everything that is still on its way, in order."""
    lately = or_(message.c.settled_at > since, message.c.state.in_(ALIVE))
    return [Sent(*row) for row in conn.execute(select(*_sent).where(lately).order_by(message.c.id))]


def last_message(conn: Connection, kind: str) -> Sent | None:
    """The latest message of a kind, whatever became of it."""
    query = select(*_sent).where(message.c.kind == kind).order_by(message.c.id.desc()).limit(1)
    row = conn.execute(query).first()
    return Sent(*row) if row else None


class Unreached(NamedTuple):
    """A reminder that could be told to nobody."""

    unit: str
    key: str
    step: str
    reason: Text


def unreached(conn: Connection) -> list[Unreached]:
    """The failed reminders of what is still chased: the office has to mend an address."""
    query = (
        select(*reminder.c["unit", "step", "reason"], *occurrence.c["duty", "period"])
        .join_from(reminder, assignment)
        .join(occurrence)
        .where(reminder.c.state == "failed", assignment.c.state.in_(CHASED))
        .order_by(reminder.c.id)
    )
    return [
        Unreached(unit, f"{duty}/{period}@{unit}", step, reason)
        for unit, step, reason, duty, period in conn.execute(query)
    ]


class Duplicate(NamedTuple):
    """A message that may have arrived twice: attempt ``number`` followed one of unknown outcome."""

    message_id: int
    channel: str
    address: str
    number: int
    outcome: str
    started_at: datetime


def possible_duplicates(conn: Connection) -> list[Duplicate]:
    """Every possible second copy, in order. An attempt that certainly failed made none."""
    before = attempt.alias()
    lost = and_(
        attempt.c.message_id == before.c.message_id,
        attempt.c.number < before.c.number,
        IS_UNKNOWN,
    )
    query = (
        select(*message.c["id", "channel", "address"], *before.c["number", "outcome", "started_at"])
        .join_from(message, before)
        .where(
            before.c.outcome.in_(("sending", "sent", "unknown")),
            select(attempt.c.number).where(lost).exists(),
        )
        .order_by(message.c.id, before.c.number)
    )
    return [Duplicate(*row) for row in conn.execute(query)]


class Health(NamedTuple):
    """How the ledger stands: what waits, and since when."""

    queued: int
    oldest_queued_at: datetime | None
    unknown: int
    failed: int
    open: int
    next_at: datetime | None


def health(conn: Connection) -> Health:
    """Counts of messages queued, unknown and failed, and of assignments still chased."""
    by_state = select(message.c.state, func.count()).group_by(message.c.state)
    states: dict[str, int] = dict(conn.execute(by_state).all())
    chased = select(func.count()).where(assignment.c.state.in_(CHASED))
    return Health(
        queued=sum(states.get(state, 0) for state in ALIVE),
        oldest_queued_at=conn.scalar(
            select(message.c.at).where(message.c.state.in_(ALIVE)).order_by(message.c.at).limit(1)
        ),
        unknown=states.get("unknown", 0),
        failed=states.get("failed", 0),
        open=conn.scalar(chased) or 0,
        next_at=next_at(conn),
    )


def next_at(conn: Connection) -> datetime | None:
    """The next instant at which a step or another attempt falls due; it may have passed."""
    found: list[datetime | None] = [
        conn.scalar(select(func.min(column)).where(column.is_not(None)))
        for column in (assignment.c.next_at, message.c.next_attempt_at)
    ]
    return min((instant for instant in found if instant), default=None)
