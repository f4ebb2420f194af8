"""Letters: briefs, status messages and slips, whose words are kept from the start and behind which
no reminder stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, literal_column, or_, select

from dispatcher.ledger.outbox import Address, Content, Kind
from dispatcher.ledger.reminders import Tried
from dispatcher.ledger.tables import IS_REPORT, assignment, message, slip
from dispatcher.ledger.transitions import CHASED

REPORTS: tuple[Kind, ...] = ("brief", "status")
OPEN = ("queued", "failed")
_columns = message.c[
    *("kind", "at", "slip_id", "subject", "text", "html"),
    *("channel", "address", "id", "state", "attempts"),
]


class Letter(NamedTuple):
    """A letter that somebody may not get: a slip, or else a report to the office. ``tried`` is its
    message to each address, ``content`` the fullest words that it has anywhere."""

    kind: Kind
    at: datetime
    slip_id: int | None
    content: Content
    tried: dict[Address, Tried]


def undelivered(conn: Connection) -> list[Letter]:
    """The latest brief and status message, and the slips, of which a message waits or has failed.

    A slip that failed counts only while its answer is owed; one that is void never does.
    """
    found = [_letter(rows) for kind in REPORTS if (rows := _latest(conn, kind))]
    found += [_letter(rows) for rows in _slips(conn)]
    return [each for each in found if any(one.state in OPEN for one in each.tried.values())]


def _latest(conn: Connection, kind: Kind) -> list[Row[Any]]:
    reports = select(message.c.at).where(IS_REPORT, message.c.kind == kind)
    last = reports.order_by(message.c.id.desc()).limit(1).scalar_subquery()
    same = (message.c.kind == kind, message.c.at == last)
    return list(conn.execute(select(*_columns).where(IS_REPORT, *same).order_by(message.c.id)))


def _slips(conn: Connection) -> Iterable[list[Row[Any]]]:
    owed = and_(assignment.c.state.in_(CHASED), assignment.c.round == slip.c.round)
    waits, failed = (message.c.state == literal_column(f"'{state}'") for state in OPEN)
    troubled = (
        select(message.c.slip_id)
        .join_from(message, slip)
        .join(assignment, assignment.c.id == slip.c.assignment_id)
        .where(message.c.slip_id.is_not(None), slip.c.state == "released")
        .where(or_(waits, and_(failed, owed)))
    )
    found = defaultdict(list)
    query = select(*_columns).where(message.c.slip_id.in_(troubled)).order_by(message.c.id)
    for row in conn.execute(query):
        found[row.slip_id].append(row)
    return found.values()


def _letter(rows: list[Row[Any]]) -> Letter:
    first = rows[0]
    said = max(rows, key=lambda row: (len(row.html or ""), len(row.text)))
    content = Content(said.subject, said.text, said.html)
    tried = {
        Address(row.channel, row.address): Tried(row.id, row.state, row.at, row.attempts)
        for row in rows
    }
    return Letter(first.kind, first.at, first.slip_id, content, tried)
