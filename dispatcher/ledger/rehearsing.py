"""The ledger of a rehearsal: the real schema in a file that is thrown away, and what is asked of
it there alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, event, exists, func, select

from dispatcher.ledger.assignments import Assigned, assigned_where
from dispatcher.ledger.database import create_engine
from dispatcher.ledger.outbox import Address
from dispatcher.ledger.tables import (
    NO_SLIP,
    assignment,
    message,
    message_item,
    occurrence,
    reminder,
)
from dispatcher.ledger.transitions import CHASED


@contextmanager
def scratch_ledger() -> Iterator[Engine]:
    """An empty database in a file, so that it takes no memory, quicker than it is safe: nobody
    wants it after a power cut."""
    with TemporaryDirectory(prefix="rehearsal-") as folder:
        engine = create_engine(f"sqlite:///{Path(folder, 'ledger.db')}")
        event.listen(engine, "connect", _hurry)
        try:
            yield engine
        finally:
            engine.dispose()


def _hurry(connection: Any, _record: object) -> None:
    for pragma in ("synchronous = OFF", "cache_size = -16000"):
        connection.execute(f"PRAGMA {pragma}")


def owed_and_told(conn: Connection, day: date) -> list[Assigned]:
    """What is owed by ``day`` and open, as far as its unit has been told of it."""
    told = exists().where(reminder.c.assignment_id == assignment.c.id, reminder.c.state == "told")
    return assigned_where(
        conn,
        assignment.c.owes,
        assignment.c.due_on <= day,
        assignment.c.state.in_(CHASED),
        told,
    )


class Kept(NamedTuple):
    """A message as a list shows it; ``receipt`` is the name of its file, if it was sent."""

    at: datetime
    address: str
    state: str
    subject: str
    receipt: str | None
    items: int


_items = (
    select(func.count())
    .where(message_item.c.message_id == message.c.id)
    .correlate(message)
    .scalar_subquery()
)
_columns: tuple[ColumnElement[Any], ...] = (
    func.coalesce(message.c.settled_at, message.c.at),
    *message.c["address", "state"],
    func.coalesce(message.c.subject, ""),
    message.c.receipt,
    _items,
)
_kept = select(*_columns).where(
    NO_SLIP,
    message.c.state != "cancelled",
    *(message.c[name] == bindparam(name) for name in Address._fields),
)


def letters_to(conn: Connection, addresses: Iterable[Address]) -> list[Kept]:
    """Every message to these addresses that was not taken back, in order."""
    # An address at a time: only so does SQLite find its index of them.
    rows = (row for to in addresses for row in conn.execute(_kept, to._asdict()))
    return sorted((Kept(*row) for row in rows), key=attrgetter("at"))


def provisional(conn: Connection, first: date, last: date) -> dict[str, int]:
    """How many occurrences due from ``first`` to ``last`` rest on provisional dates, by the title
    of their duty."""
    query = select(occurrence.c.title, func.count()).where(
        occurrence.c.provisional, occurrence.c.due_on.between(first, last)
    )
    return dict(conn.execute(query.group_by(occurrence.c.title).order_by(occurrence.c.title)).all())


def built_in(conn: Connection) -> int:
    """How many mails have no web page in them, since their template is broken."""
    plain = (message.c.channel == "email", message.c.html == "")
    return conn.scalar(select(func.count()).select_from(message).where(*plain)) or 0
