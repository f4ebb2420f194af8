"""Taking out what is long closed: exported first, and nothing that the export does not hold.

Numbered slips and the audit stay for ever, and so does an occurrence with a slip, whole.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from dispatcher.errors import Refused, said_by_system
from dispatcher.files import flush
from dispatcher.i18n import Text, _, packed
from dispatcher.ledger import audit
from dispatcher.ledger.tables import (
    IS_REPORT,
    adoption,
    answer,
    assignment,
    attachment,
    attempt,
    installation,
    message,
    message_item,
    occurrence,
    reminder,
    round_,
    slip,
    todo,
)
from dispatcher.ledger.transitions import CLOSED

KEEP = timedelta(days=400)
"""What is younger is still needed: figures are compared with those of the year before."""
Going = dict[Table, ColumnElement[bool]]
"""Which rows of each table go; whatever refers to another table stands before it."""


class Export(NamedTuple):
    """How many rows of each table a file holds, and its SHA-256."""

    counts: Counter[str]
    digest: str


def prunable(conn: Connection, before: date, today: date) -> Counter[str]:
    """How many rows of each table ``prune`` would take out."""
    _refuse_recent(before, today)
    counts: Counter[str] = Counter()
    for table, goes in _going(before).items():
        counts[table.name] = conn.scalar(select(func.count()).where(goes)) or 0
    return +counts


def prune(conn: Connection, before: date, to: Path, by: str, now: datetime) -> Export:
    """Writes what was closed ``before`` into a new file, reads that back, and takes it all out.

    Nothing goes unless everything is in the file, and no file is left where that fails. Refused
    when ``before`` is less than 400 days ago, and when the file exists.
    """
    _refuse_recent(before, now.date())
    with _new_file(to):
        going = _going(before)
        written = _export(conn, going, to)
        if _read_back(to) != written or _take_out(conn, before, going) != written.counts:
            raise Refused(_("{file} does not hold all that goes; nothing was taken out", file=to))
        facts: dict[str, Any] = {"sha256": written.digest, "rows": dict(written.counts)}
        audit.record(conn, now, by, "prune", str(before), file=to.name, **facts)
    return written


def _refuse_recent(before: date, today: date) -> None:
    if before > today - KEEP:
        raise Refused(
            _("{day} is too recent: what was closed after {latest} is still needed",
              day=before, latest=today - KEEP)
        )  # fmt: skip


def _going(before: date) -> Going:
    occurrences = select(occurrence.c.id).where(_is_over(before))
    assignments = select(assignment.c.id).where(assignment.c.occurrence_id.in_(occurrences))
    reminders = select(reminder.c.id).where(reminder.c.assignment_id.in_(assignments))
    messages = select(message.c.id).where(_says_nothing_else(before, reminders))
    return {
        attempt: attempt.c.message_id.in_(messages),
        attachment: attachment.c.message_id.in_(messages),
        message_item: message_item.c.reminder_id.in_(reminders),
        message: message.c.id.in_(messages),
        reminder: reminder.c.id.in_(reminders),
        answer: answer.c.assignment_id.in_(assignments),
        todo: todo.c.assignment_id.in_(assignments),
        round_: round_.c.assignment_id.in_(assignments),
        assignment: assignment.c.id.in_(assignments),
        occurrence: occurrence.c.id.in_(occurrences),
    }


def _is_over(before: date) -> ColumnElement[bool]:
    """An occurrence that was due, closed and told of for the last time before a day."""
    midnight = _midnight(before)
    own = assignment.c.occurrence_id == occurrence.c.id
    on_its_way = message.c.settled_at.is_(None) | (message.c.settled_at >= midnight)
    reasons_to_stay = (
        assignment.c.state.not_in(CLOSED),
        assignment.c.due_on >= before,
        assignment.c.closed_at >= midnight,
        exists().where(slip.c.assignment_id == assignment.c.id),
        exists().where(reminder.c.assignment_id == assignment.c.id, reminder.c.state == "queued"),
        exists().where(
            reminder.c.assignment_id == assignment.c.id,
            message_item.c.reminder_id == reminder.c.id,
            message.c.id == message_item.c.message_id,
            on_its_way,
        ),
    )
    return (occurrence.c.due_on < before) & ~exists().where(own, or_(*reasons_to_stay))


def _says_nothing_else(before: date, reminders: Select[Any]) -> ColumnElement[bool]:
    """A message of before a day in which only ``reminders`` are told, or none as in a brief."""
    others = exists().where(
        message_item.c.message_id == message.c.id, message_item.c.reminder_id.not_in(reminders)
    )
    # By the latest of each kind a pass knows that the office has had one.
    latest = select(func.max(message.c.id)).where(IS_REPORT).group_by(message.c.kind)
    over = (message.c.settled_at < _midnight(before)) & message.c.id.not_in(latest)
    return over & message.c.slip_id.is_(None) & ~others


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@contextmanager
def _new_file(path: Path) -> Iterator[None]:
    """Makes a file for its owner alone; it is gone again when what is to fill it fails."""
    try:
        path.touch(0o600, exist_ok=False)
    except FileExistsError:
        raise Refused(_("{file} exists; an export overwrites nothing", file=path)) from None
    except OSError as error:
        raise Refused(
            _("{file} cannot be written: {detail}", file=path, detail=said_by_system(error))
        ) from None
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _export(conn: Connection, going: Going, to: Path) -> Export:
    """A line of JSON for each row: its table, and its columns by name."""
    counts: Counter[str] = Counter()
    digest = sha256()
    with to.open("wb") as file:
        for table, goes in going.items():
            for row in conn.execute(select(table).where(goes)).mappings():
                line = _line(table.name, dict(row))
                digest.update(line)
                file.write(line)
                counts[table.name] += 1
    flush(to)
    flush(to.absolute().parent)
    return Export(counts, digest.hexdigest())


def _line(table: str, row: dict[str, Any]) -> bytes:
    facts = {"table": table, **{str(name): _plain(value) for name, value in row.items()}}
    return json.dumps(facts, ensure_ascii=False).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return packed(value) if isinstance(value, Text) else value


def _read_back(path: Path) -> Export:
    counts: Counter[str] = Counter()
    digest = sha256()
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            counts[json.loads(line)["table"]] += 1
    return Export(counts, digest.hexdigest())


def _take_out(conn: Connection, before: date, going: Going) -> Counter[str]:
    conn.execute(update(installation).values(pruned_before=before))
    counts = Counter({table.name: conn.execute(delete(table).where(goes)).rowcount
                      for table, goes in going.items()})  # fmt: skip
    conn.execute(update(installation).values(pruned_before=None))
    # Else the next edit of the plan would miss what is gone, and enter it again.
    forgotten = update(adoption).where(adoption.c.adopted_on < before)
    conn.execute(forgotten.values(adopted_on=before))
    return +counts
