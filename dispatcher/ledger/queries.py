"""What others ask of the ledger: a message's items, the office's figures, the state of health."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from dispatcher.i18n import Text
from dispatcher.ledger import channels
from dispatcher.ledger.tables import (
    ALIVE,
    IS_FAILED,
    IS_REPORT,
    IS_UNKNOWN,
    assignment,
    attempt,
    message,
    occurrence,
    reminder,
)
from dispatcher.ledger.transitions import CHASED


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
    # Sorted here: for rows in the order of their key SQLite would rather read them all.
    return sorted(Sent(*row) for row in conn.execute(select(*_sent).where(lately)))


def last_report(conn: Connection, kind: str) -> Sent | None:
    """The latest brief or status message, whatever became of it."""
    query = select(*_sent).where(IS_REPORT, message.c.kind == kind).order_by(message.c.id.desc())
    row = conn.execute(query.limit(1)).first()
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
        .where(IS_FAILED, assignment.c.state.in_(CHASED))
        .order_by(reminder.c.id)
    )
    return [
        Unreached(unit, f"{duty}/{period}@{unit}", step, reason)
        for unit, step, reason, duty, period in conn.execute(query)
    ]


class Duplicate(NamedTuple):
    """A message that may have arrived twice: attempt ``number`` followed one of unknown outcome,
    ``lost``, the last such before it."""

    message_id: int
    channel: str
    address: str
    number: int
    outcome: str
    started_at: datetime
    lost: int
    lost_at: datetime


def possible_duplicates(conn: Connection) -> list[Duplicate]:
    """Every possible second copy, in order. An attempt that certainly failed made none."""
    second = attempt.alias()
    followed = and_(second.c.message_id == attempt.c.message_id, second.c.number > attempt.c.number)
    columns: tuple[ColumnElement[Any], ...] = (
        *message.c["id", "channel", "address"],
        *second.c["number", "outcome", "started_at"],
        func.max(attempt.c.number),
        func.max(attempt.c.started_at),
    )
    query = (
        select(*columns)
        .join_from(attempt, second, followed)
        .join(message, message.c.id == attempt.c.message_id)
        .where(IS_UNKNOWN, second.c.outcome.in_(("sending", "sent", "unknown")))
        .group_by(message.c.id, second.c.message_id, second.c.number)
        .order_by(message.c.id, second.c.number)
    )
    return [Duplicate(*row) for row in conn.execute(query)]


class Health(NamedTuple):
    """How the ledger stands."""

    queued: int
    unknown: int
    failed: int
    open: int


def health(conn: Connection) -> Health:
    """Counts of messages queued, unknown and failed, and of assignments still chased."""
    by_state = select(message.c.state, func.count()).group_by(message.c.state)
    states: dict[str, int] = dict(conn.execute(by_state).all())
    chased = select(func.count()).where(assignment.c.state.in_(CHASED))
    return Health(
        queued=sum(states.get(state, 0) for state in ALIVE),
        unknown=states.get("unknown", 0),
        failed=states.get("failed", 0),
        open=conn.scalar(chased) or 0,
    )


def next_at(conn: Connection, now: datetime) -> datetime | None:
    """The next instant at which a step or another attempt falls due; it may have passed. What
    waits for a channel that may not be called ``now`` is due when it may be."""
    step = conn.scalar(
        select(func.min(assignment.c.next_at)).where(assignment.c.next_at.is_not(None))
    )
    found = [step, *_next_attempts(conn, now)]
    return min((instant for instant in found if instant), default=None)


def _next_attempts(conn: Connection, now: datetime) -> list[datetime | None]:
    first, waits = func.min(message.c.next_attempt_at), message.c.next_attempt_at.is_not(None)
    states = channels.states(conn)
    if not states:
        return [conn.scalar(select(first).where(waits))]
    rows = conn.execute(select(message.c.channel, first).where(waits).group_by(message.c.channel))
    return [
        max(at, opens)
        for name, at in rows
        if (opens := states.get(name, channels.State(name)).opens(now))
    ]
