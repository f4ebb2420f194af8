"""Opening the database, keeping its schema current, guarding and copying its file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, inspect, make_url, text

from dispatcher.errors import DispatcherError, Refused
from dispatcher.files import flush
from dispatcher.i18n import _

__all__ = ["Connection", "Engine", "create_engine", "migrate"]
BUSY = 30_000
"""How long, in milliseconds, a transaction waits for another process's to end."""
_readable = partial(json.dumps, ensure_ascii=False)
PRAGMAS = (
    f"busy_timeout = {BUSY}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
)
SESSION = {
    "timezone": "UTC",
    "lock_timeout": BUSY,
    # A process that is stopped in the middle of a transaction must not stop all the others.
    "idle_in_transaction_session_timeout": BUSY // 2,
}
REACH = {
    "connect_timeout": 10,
    # A server that vanishes without a word would else be waited for by the system's own measure:
    # a quarter of an hour for what was sent, two hours for an answer.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""In seconds, the last in milliseconds."""
ONE_WRITER = "SELECT pg_advisory_xact_lock(20260101)"
POSTGRESQL = ("postgresql", "postgres")


def create_engine(url: str) -> Engine:
    """The engine of a database; ``engine.begin()`` is a transaction, and there is one at a time.

    SQLite: each begins IMMEDIATE and so waits for its turn; a deferred one that reads first and
    writes later can fail with "database is locked" at once. PostgreSQL: each takes the ledger's
    lock first, so that replicas behave as one process does; ``together(engine)`` does not.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _on_postgresql(parsed)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sqlalchemy.create_engine(parsed, json_serializer=_readable)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _on_postgresql(url: URL) -> Engine:
    settings = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    engine = sqlalchemy.create_engine(
        with_driver(url),
        pool_pre_ping=True,
        json_serializer=_readable,
        connect_args={**REACH, "options": settings, "application_name": "dispatcher"},
    )
    event.listen(engine, "begin", _wait_for_turn)
    return engine


def with_driver(url: URL) -> URL:
    """``postgresql://`` by the driver that is installed; refused for any other database."""
    if url.get_backend_name() not in POSTGRESQL:
        raise DispatcherError(
            _("DISPATCHER_DATABASE_URL: '{name}' is not a database that dispatcher knows; write "
              "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME", name=url.drivername)
        )  # fmt: skip
    if find_spec("psycopg") is None:
        raise DispatcherError(_("PostgreSQL needs its driver: pip install 'psycopg[binary]'"))
    return url.set(drivername="postgresql+psycopg")


def together(engine: Engine) -> Engine:
    """The same database, for transactions that need not wait for each other: a single statement
    that takes only what nobody else has in hand."""
    return engine.execution_options(together=True)


def _wait_for_turn(conn: Connection) -> None:
    if not conn.get_execution_options().get("together"):
        conn.exec_driver_sql(ONE_WRITER)


def _set_up(connection: Any, _record: object) -> None:
    # Else the driver would begin transactions by itself, deferred ones, and only before a write.
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def migrate(engine: Engine, folder: Path) -> None:
    """Brings the schema to the newest of the migrations in ``folder``.

    Refused, and nothing changed, when the database was made by a newer program.
    """
    known = sorted(path.name.split("_")[0] for path in (folder / "versions").glob("[0-9]*.py"))
    with _foreign_keys_asleep(engine) as conn, conn.begin():
        found = _schema_version(conn)
        if found == known[-1]:
            return
        if found and found not in known:
            raise DispatcherError(
                _("the database has schema {found}, newer than this program's {newest}; "
                  "install the newer program again", found=found, newest=known[-1])
            )  # fmt: skip
        from alembic import command
        from alembic.config import Config

        config = Config(attributes={"connection": conn})
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        command.upgrade(config, "head")
        if conn.dialect.name == "sqlite":
            broken = conn.exec_driver_sql("PRAGMA foreign_key_check").all()
            assert not broken, broken


@contextmanager
def _foreign_keys_asleep(engine: Engine) -> Iterator[Connection]:
    """A table that others refer to can be made anew in SQLite only while nobody minds, and the
    switch has no effect inside a transaction."""
    with engine.connect() as conn:
        if conn.dialect.name != "sqlite":
            yield conn
            return
        driver: Any = conn.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            yield conn
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


def _schema_version(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return found


@contextmanager
def single_daemon(engine: Engine) -> Iterator[bool]:
    """Holds the daemon's lock of a SQLite file; False where the database needs none.

    Refused, naming the other's process, when a daemon works on the file already. The lock ends
    with the process, however it ends.
    """
    path = _file(engine)
    if path is None:
        yield False
        return
    import fcntl

    with path.with_name(path.name + ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise Refused(
                _("another daemon (process {pid}) works on {file}; stop it first",
                  pid=lock.read().strip() or "?", file=path)
            ) from None  # fmt: skip
        # A full disk keeps the daemon from saying who it is, not from saying that it is full.
        with suppress(OSError):
            os.truncate(lock.fileno(), 0)
            os.write(lock.fileno(), str(os.getpid()).encode())
        yield True


def backup(engine: Engine, target: Path) -> None:
    """A consistent copy of the database, made while others write; complete, or not there at all.

    Refused when ``target`` exists, or its folder does not.
    """
    if _file(engine) is None:
        raise Refused(_("only a SQLite file is copied; use the database's own tools"))
    if target.exists():
        raise Refused(_("{file} exists; a backup overwrites nothing", file=target))
    if not target.parent.is_dir():
        raise Refused(_("{folder} is not a folder", folder=target.parent))
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    raw = engine.raw_connection()
    try:
        part.touch(0o600)  # whose messages name people
        raw.driver_connection.execute("VACUUM INTO ?", (str(part),))  # type: ignore[union-attr]
        flush(part)  # SQLite does not do so for VACUUM INTO.
        part.rename(target)
        flush(target.parent)
    finally:
        raw.close()
        part.unlink(missing_ok=True)


def _file(engine: Engine) -> Path | None:
    """The SQLite file behind ``engine``; None for anything else."""
    if engine.dialect.name != "sqlite" or engine.url.database in (None, "", ":memory:"):
        return None
    return Path(str(engine.url.database)).absolute()
