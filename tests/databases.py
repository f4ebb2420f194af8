"""The two databases that a ledger may live in, for tests that hold for both.

PostgreSQL is the one at ``TEST_POSTGRESQL``, by default this machine's; without it those tests are
skipped. Each test process has a database of its own there, emptied after each test.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from dispatcher.ledger.database import Engine, create_engine, migrate, with_driver
from dispatcher.ledger.tables import metadata
from tests.building import MIGRATIONS, a_ledger

SERVER = os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
BOTH = ("sqlite", "postgresql")
AT_THE_END: list[Callable[[], object]] = []
EMPTY = "; ".join(
    [
        "SET LOCAL session_replication_role = replica",
        *[f'DELETE FROM "{table}"' for table in metadata.tables],
        "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence",
    ]
)
"""A TRUNCATE of tables that hold a few rows takes a hundred times as long, and no guard is in force
for a replica (which only a superuser may be)."""


@contextmanager
def a_ledger_in(database: str, folder: Path) -> Iterator[Engine]:
    """An empty ledger in one of the two."""
    if database == "sqlite":
        with a_ledger(folder / "ledger.db") as engine:
            yield engine
        return
    engine = _migrated()
    yield engine
    with engine.begin() as conn:
        conn.exec_driver_sql(EMPTY)
        for table in ("audit", "attempt"):
            conn.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    _vacuum(engine)


def _vacuum(engine: Engine) -> None:
    """Else rows would go where others were, and a test that names no order would see any."""
    raw = engine.raw_connection()
    driver: Any = raw.driver_connection
    driver.autocommit = True
    driver.execute("VACUUM " + ", ".join(f'"{table}"' for table in metadata.tables))
    driver.autocommit = False
    raw.close()


def unguard(engine: Engine, table: str) -> None:
    """Puts a table's triggers out of force, as somebody with the database in his hands would."""
    with engine.begin() as conn:
        if engine.dialect.name == "postgresql":
            conn.exec_driver_sql(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
            return
        names = conn.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        )
        for name in [name for (name,) in names]:
            conn.exec_driver_sql(f"DROP TRIGGER {name}")


@contextmanager
def a_database(name: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database, which is dropped at the end."""
    name = f"dispatcher_test_{name}_{os.getpid()}"
    _on_server(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')
    try:
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    finally:
        _on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@cache
def _migrated() -> Engine:
    """This process's database, quicker than it is safe."""
    held = a_database("shared")
    url = held.__enter__()
    name = make_url(url).database
    _on_server(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    engine = create_engine(url)
    migrate(engine, MIGRATIONS)
    AT_THE_END.append(engine.dispose)
    AT_THE_END.append(lambda: held.__exit__(None, None, None))
    return engine


def clear_away() -> None:
    """Drops what this process has made, at the end of its tests. Not by atexit, which a worker of
    pytest-xdist does not live to see."""
    while AT_THE_END:
        AT_THE_END.pop(0)()


def _on_server(*statements: str) -> None:
    engine = sqlalchemy.create_engine(with_driver(make_url(SERVER)), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)
    except OperationalError as error:
        if "refused" not in str(error):
            raise
        pytest.skip("no PostgreSQL at TEST_POSTGRESQL")
    finally:
        engine.dispose()
