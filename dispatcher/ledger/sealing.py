"""Sealing the audit: every row is chained to the one before it, so that no rewriting goes unseen.

A row's hash is the SHA-256, in hex, of the hash before it (nothing for the first row) followed by
the row as JSON: ``[id, at, actor, action, subject, detail, reason]``, ``at`` in UTC with
microseconds, keys sorted, no blanks, ASCII only. Whoever has an export can compute it again.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, String, bindparam, cast, func, select, update

from dispatcher.i18n import Text, _
from dispatcher.ledger.tables import audit

BATCH = 1000
# As the database keeps them: what cannot be read as an instant or as JSON is hashed as it stands,
# so that a spoilt row is found and named, and never stops a pass.
_rows = select(
    audit.c.id,
    cast(audit.c.at, String).label("at"),
    *audit.c["actor", "action", "subject"],
    cast(audit.c.detail, String).label("detail"),
    cast(audit.c.reason, String).label("reason"),
    *audit.c["prev_hash", "hash"],
).order_by(audit.c.id)
_seal = update(audit).where(audit.c.id == bindparam("key"))
_seal = _seal.values(prev_hash=bindparam("before"), hash=bindparam("sealed"))


def seal(conn: Connection) -> int:
    """Chains every row that waits, in the order of their ids; gives how many."""
    last, head = _last_sealed(conn)
    sealed = 0
    while rows := conn.execute(_rows.where(audit.c.id > last).limit(BATCH)).all():
        chained = []
        for row in rows:
            found = _hash(head, row)
            chained.append({"key": row.id, "before": head, "sealed": found})
            last, head = row.id, found
        conn.execute(_seal, chained)
        sealed += len(chained)
    return sealed


def _last_sealed(conn: Connection) -> tuple[int, str | None]:
    query = select(*audit.c["id", "hash"]).where(audit.c.hash.is_not(None))
    row = conn.execute(query.order_by(audit.c.id.desc()).limit(1)).first()
    return (row.id, row.hash) if row else (0, None)


def _hash(before: str | None, row: Row[Any]) -> str:
    said = [row.id, _instant(row.at), row.actor, row.action, row.subject]
    said += [_read(row.detail), _read(row.reason)]
    content = json.dumps(said, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(f"{before or ''}{content}".encode()).hexdigest()


def _instant(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text
    aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return aware.isoformat(timespec="microseconds")


def _read(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


class Fault(NamedTuple):
    """The first row of the audit that does not fit, and what is wrong with it."""

    id: int
    text: Text


class Verdict(NamedTuple):
    """How many rows are sealed and how many wait, the last hash, what is wrong if anything, and
    whether the head that was noted earlier is still in the chain (None when none was given)."""

    sealed: int
    waiting: int
    head: str | None
    fault: Fault | None
    noted: bool | None


def verify(conn: Connection, noted: str | None = None) -> Verdict:
    """Computes the whole chain again, row by row, and compares.

    It sees what was altered, put in or taken out before the last sealed row. That the end was cut
    off shows only by ``noted``, a head that somebody wrote down earlier.
    """
    sealed, rows = conn.execute(select(func.count(audit.c.hash), func.count())
                                .select_from(audit)).one()  # fmt: skip
    kept = None
    if noted is not None:
        kept = conn.scalar(select(audit.c.id).where(audit.c.hash == noted).limit(1)) is not None
    _last, head = _last_sealed(conn)
    with closing(_faults(conn)) as faults:
        return Verdict(sealed, rows - sealed, head, next(faults, None), kept)


def _faults(conn: Connection) -> Generator[Fault, None, None]:
    before: str | None = None
    unsealed: int | None = None
    with conn.execute(_rows, execution_options={"yield_per": BATCH}) as rows:
        for row in rows:
            if row.hash is None:
                unsealed = unsealed or row.id
                continue
            if unsealed:
                yield Fault(unsealed, _("it is not sealed, though later ones are: it was put in"))
            if row.hash != _hash(row.prev_hash, row):
                yield Fault(row.id, _("its content is not what was sealed: it was altered"))
            if row.prev_hash != before:
                yield Fault(row.id, _("the row before it is not the one that it was sealed after: "
                                      "one was altered, taken out or put in"))  # fmt: skip
            before = row.hash
