"""A ledger that went back: a restored copy has forgotten what was sent, and must not send it again.

The daemon remembers outside the database how far the ledger had come. A ledger that knows less is
held, until a person has looked and says ``resume``.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, Engine, update

from dispatcher.errors import Refused
from dispatcher.files import flush
from dispatcher.i18n import Text, _
from dispatcher.ledger import assignments, audit, channels, installation, outbox
from dispatcher.ledger.database import create_engine, migrate, single_daemon
from dispatcher.ledger.tables import installation as installations

PROGRAM = "dispatcher"
"""The actor of what the program does by itself; who holds a ledger that went back."""


class Mark(NamedTuple):
    """How far a ledger had come when it was last seen."""

    epoch: str
    generation: int
    watermark: datetime


def mark(conn: Connection) -> Mark | None:
    """How far this ledger has come; None before the first pass."""
    found = installation.find(conn)
    return Mark(found.epoch, found.generation, found.watermark) if found else None


def gone_back(found: Mark | None, known: Mark | None) -> Text | None:
    """Why the ledger ``found`` is older than, or another than, the one ``known``; None if it is
    neither. One of a later generation was resumed by a person, who has seen to that."""
    if known is None or (found and found.generation > known.generation):
        return None
    until = _minute(known.watermark)
    if found is None:
        return _("the ledger is empty, but work has been done until {known}; what was sent before "
                 "would be sent again", known=until)  # fmt: skip
    if found.epoch != known.epoch:
        return _("this is another ledger: it knows what was done until {found}, the one before "
                 "until {known}; what was sent from that may be sent again",
                 found=_minute(found.watermark), known=until)  # fmt: skip
    if (found.generation, found.watermark) < (known.generation, known.watermark):
        return _("the ledger is an older copy: it knows what was done until {found}, but work has "
                 "been done until {known}; what was sent in between would be sent again",
                 found=_minute(found.watermark), known=until)  # fmt: skip
    return None


def hold(conn: Connection, reason: Text, today: date, now: datetime) -> None:
    """Holds every message until a person resumes; an empty ledger goes live held."""
    if installation.find(conn) is None:
        installation.install(conn, today, now)
    conn.execute(update(installations).values(hold=reason, held_by=PROGRAM, held_at=now))
    audit.record(conn, now, PROGRAM, "pause", "dispatcher", reason)


def resume(conn: Connection, by: str, now: datetime, known: Mark | None = None) -> bool:
    """Ends a pause; False when there was none.

    A ledger that had gone back begins a new generation under a new epoch, for the references of
    what it has forgotten may be with their addressees already. It comes after the one ``known``.
    """
    found = installation.find(conn)
    if not installation.resume(conn, by, now):
        return False
    if found and found.held_by == PROGRAM:
        latest = max(found.generation, known.generation if known else 0)
        conn.execute(update(installations).values(epoch=uuid4().hex, generation=latest + 1))
    return True


def come_back(conn: Connection, now: datetime) -> None:
    """Goes on from ``now`` where a clock that was ahead has been worked by: nothing waits for a
    moment of that time. Its watermark goes back, so that a new generation begins."""
    found = installation.find(conn)
    if found is None or found.watermark <= now:
        return
    values = {"watermark": now, "generation": found.generation + 1}
    conn.execute(update(installations).values(values))
    outbox.hurry(conn, now)
    channels.open_at(conn, now)
    assignments.look_at_all(conn, now)


def restore(engine: Engine, source: Path, migrations: Path, now: datetime) -> Path | None:
    """Puts a copy in the place of the SQLite ledger, held; gives where the present one went.

    Refused, and nothing touched, while a daemon runs on the ledger, and when ``source`` is no
    whole ledger or one of a newer program.
    """
    target = _file_of(engine)
    aside = target.with_name(f"{target.name}.{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise Refused(_("{file} exists: wait a second", file=aside))
    with single_daemon(engine):
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            _copy(source, part)
            _prepare(part, source, migrations, now)
            flush(part)
            moved = _move_aside(engine, target, aside)
            part.rename(target)
            flush(target.parent)
        finally:
            part.unlink(missing_ok=True)
    return aside if moved else None


def _file_of(engine: Engine) -> Path:
    if engine.dialect.name != "sqlite":
        raise Refused(
            _("PostgreSQL is restored by its own tools (pg_restore); a ledger that has gone back "
              "then holds itself until 'dispatcher resume'")
        )  # fmt: skip
    return Path(str(engine.url.database)).absolute()


def _copy(source: Path, part: Path) -> None:
    """A whole copy of a whole ledger, of which nothing is changed."""
    if not source.is_file():
        raise Refused(_("there is no file {file}", file=source))
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            raw.execute("SELECT epoch, watermark FROM installation, alembic_version").fetchall()
            (sound,) = raw.execute("PRAGMA integrity_check(1)").fetchone()
            raw.execute("VACUUM INTO ?", (str(part),))
    except sqlite3.Error as error:
        raise Refused(
            _("{file} is not a ledger that can be read: {detail}", file=source, detail=error)
        ) from None
    if sound != "ok":
        raise Refused(_("{file} is damaged: {detail}", file=source, detail=sound))


def _prepare(part: Path, source: Path, migrations: Path, now: datetime) -> None:
    """Brings the copy to the newest schema and holds it, while nobody works on it yet."""
    copy = create_engine(f"sqlite:///{part}")
    try:
        migrate(copy, migrations)
        with copy.begin() as conn:
            found = mark(conn)
            if found is None:
                raise Refused(_("{file} is empty: no pass has ever run on it", file=source))
            reason = _("restored from {file}, which knows what was done until {found}; what was "
                       "sent after that would be sent again",
                       file=source, found=_minute(found.watermark))  # fmt: skip
            hold(conn, reason, now.date(), now)
            audit.record(conn, now, PROGRAM, "restore", "dispatcher", file=str(source))
    finally:
        copy.dispose()


def _move_aside(engine: Engine, target: Path, aside: Path) -> bool:
    """Nothing is deleted: the present file, and what was not yet written into it, are renamed."""
    if target.exists():
        with suppress(Exception), engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    # The file itself last: without its log it would be a ledger that went back, and be held.
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            target.with_name(target.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside.exists()


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
