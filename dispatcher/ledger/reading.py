"""Asking the ledger: a look at it that changes nothing, waits for nobody and holds up nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, inspect, make_url, text

from dispatcher.errors import DispatcherError
from dispatcher.i18n import _
from dispatcher.ledger.database import BUSY, with_driver

Schema = Literal["none", "older", "current", "newer"]


@contextmanager
def reading(url: str, migrations: Path) -> Iterator[Connection | None]:
    """The ledger as it is at this moment; None where there is none yet, for none is made.

    Raises DispatcherError when its schema is not that of this program's ``migrations``.
    """
    with _looking(url) as conn:
        yield conn if conn and _is_current(conn, migrations) else None


def schema(url: str, migrations: Path) -> Schema:
    """How old the ledger in a database is, compared with this program; nothing is changed."""
    with _looking(url) as conn:
        found = _version(conn) if conn else None
    known = versions(migrations)
    if found is None:
        return "none"
    if found not in known:
        return "newer"
    return "current" if found == known[-1] else "older"


@contextmanager
def _looking(url: str) -> Iterator[Connection | None]:
    parsed = make_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and not Path(parsed.database or "").is_file():
        yield None
        return
    engine = _sqlite(parsed) if sqlite else _postgresql(parsed)
    try:
        with engine.connect() as conn:
            yield conn
    finally:
        engine.dispose()


def _postgresql(url: URL) -> Engine:
    """One snapshot for all that is asked."""
    snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    limits = {"connect_timeout": 10, "options": "-c timezone=UTC"}
    engine = sqlalchemy.create_engine(with_driver(url), connect_args=limits)
    return engine.execution_options(**snapshot)


def _sqlite(url: URL) -> Engine:
    """One snapshot for all that is asked, and no lock: a pager may keep it open for hours."""
    engine = sqlalchemy.create_engine(url)

    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY}")
        connection.execute("PRAGMA query_only = ON")

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN"))
    return engine


def _is_current(conn: Connection, migrations: Path) -> bool:
    """Whether there is a ledger in the database, and it is of this program's time."""
    found = _version(conn)
    if found is None:
        return False
    newest = versions(migrations)[-1]
    if found != newest:
        raise DispatcherError(
            _("the database has schema {found}, this program {newest}: start the newer program's "
              "daemon, or 'dispatcher run --once', and ask again", found=found, newest=newest)
        )  # fmt: skip
    return True


def _version(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def versions(migrations: Path) -> list[str]:
    """Those that this program knows, the newest last."""
    return sorted(path.name.split("_")[0] for path in migrations.glob("versions/[0-9]*.py"))
