"""Ledgers for the campaign: made, copied and dropped on SQLite and on a PostgreSQL server.

The server is the one at ``TEST_POSTGRESQL``, by default this machine's.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from dispatcher.ledger.database import create_engine, migrate
from dispatcher.settings import shipped

SERVER = os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
SAVED = "_saved"


def missing() -> str:
    """Why there is no PostgreSQL to be had; empty if there is."""
    try:
        with socket.create_connection(place(SERVER), timeout=5):
            return ""
    except OSError:
        return "no PostgreSQL at TEST_POSTGRESQL"


def fresh(database: str, home: Path) -> str:
    """The URL of an empty ledger for the office in a folder: on ``sqlite``, on ``postgresql``, or
    on the PostgreSQL server of a URL."""
    server = SERVER if database == "postgresql" else database
    url = f"sqlite:///{home / 'ledger.db'}" if database == "sqlite" else _named(server, home.name)
    copy(_migrated(server), url)
    return url


def copy(source: str, target: str) -> None:
    """Copies a ledger that nobody works on."""
    drop(target)
    if not _is_file(source):
        on_server(target, f'CREATE DATABASE "{_name(target)}" TEMPLATE "{_name(source)}"')
        return
    for path in _files(source):
        shutil.copy(path, str(path).replace(_name(source), _name(target)))


def drop(url: str) -> None:
    """Removes a ledger, if there is one."""
    if not _is_file(url):
        on_server(url, f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')
        return
    for path in _files(url):
        path.unlink()


def on_server(url: str, *statements: str) -> None:
    """Runs statements on the server of a database, each by itself."""
    import psycopg

    with psycopg.connect(_named(url, "postgres"), autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def place(url: str) -> tuple[str, int]:
    """The host and port of a server."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 5432


def through(url: str, port: int) -> str:
    """The same database by way of another port of this machine, in the clear."""
    parts = urlsplit(url)
    where = f"{parts.username}@127.0.0.1:{port}"
    return parts._replace(netloc=where, query="sslmode=disable").geturl()


def _is_file(url: str) -> bool:
    return url.startswith("sqlite")


def _name(url: str) -> str:
    """A file's whole path; the name of a database on the server."""
    return url.removeprefix("sqlite:///") if _is_file(url) else url.rpartition("/")[2]


def _named(server: str, name: str) -> str:
    """A database on the same server."""
    return f"{server.rpartition('/')[0]}/{name.lower()}"


def _files(url: str) -> list[Path]:
    """A SQLite file and its log; the shared memory beside them is made anew by whoever opens it."""
    found = (Path(_name(url) + more) for more in ("", "-wal"))
    return [path for path in found if path.exists()]


@cache
def _migrated(server: str) -> str:
    """A ledger with nothing in it, to be copied."""
    if server == "sqlite":
        folder = tempfile.mkdtemp(prefix="campaign-")
        atexit.register(shutil.rmtree, folder)
        url = f"sqlite:///{folder}/ledger.db"
    else:
        url = _named(server, f"campaign-template-{os.getpid()}")
        on_server(url, f'CREATE DATABASE "{_name(url)}"')
        if server == SERVER:
            atexit.register(drop, url)
    engine = create_engine(url)
    migrate(engine, shipped("db"))
    engine.dispose()
    return url
