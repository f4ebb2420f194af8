"""What a ledger may not live on, how far its clock is off, and what is wrong when it fails."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from sqlalchemy import Connection, Engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, _
from dispatcher.ledger.database import together
from dispatcher.ledger.reading import versions

NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre gpfs beegfs ocfs2 gfs2 ncpfs"
    " fuse.sshfs fuse.glusterfs fuse.ceph fuse.ceph-fuse fuse.s3fs fuse.rclone fuse.davfs".split()
)
"""Kinds of file system on which a lock does not keep two machines apart, or a flush is no flush."""
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
IN_MEMORY = (None, "", ":memory:")


def real_name(url: str) -> str:
    """The same database, an SQLite file by its real name: a lock beside a link to it would keep
    nobody apart."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in IN_MEMORY:
        return url
    real = parsed.set(database=os.path.realpath(str(parsed.database)))
    return real.render_as_string(hide_password=False)


def refuse_another_file(engine: Engine, url: str) -> None:
    """Refuses all further work as soon as the SQLite file that ``url`` names is no longer the one
    that ``engine`` opened: what is recorded in a file without a name is lost with the process."""
    parsed = make_url(url)
    if engine.dialect.name == "sqlite" and parsed.database not in IN_MEMORY:
        _OneFile(engine, Path(str(parsed.database)).absolute())


class _OneFile:
    """``opened`` is the file's device and inode; once it was found to be gone, it stays ``gone``:
    what was put back meanwhile may be older than what this process remembers."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.path, self.gone = path, False
        self.opened: tuple[int, int] | None = None
        event.listen(engine, "do_connect", self._before)
        event.listen(engine, "connect", self._after)
        event.listen(engine, "checkout", self._again)

    def _before(self, *_connecting: object) -> None:
        """Nor is an empty file made in its place."""
        if self.opened and not self._is_there():
            raise self._error()

    def _after(self, *_connected: object) -> None:
        self.opened = self.opened or _identity(self.path)

    def _again(self, connection: Any, *_pooled: object) -> None:
        if self._is_there():
            return
        # What was committed goes home, wherever that is now: SQLite would take a log that is left
        # here for that of the file that has come in its place, and mix the two.
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raise self._error()

    def _is_there(self) -> bool:
        self.gone = self.gone or _identity(self.path) != self.opened
        return not self.gone

    def _error(self) -> DispatcherError:
        return DispatcherError(
            _("the ledger {file} was replaced or taken away while the daemon was running, and "
              "nothing more is recorded: start the daemon anew", file=self.path)
        )  # fmt: skip


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def refuse_newer(conn: Connection, migrations: Path) -> None:
    """Refuses a ledger that another program has brought to another schema than that of
    ``migrations`` since it was opened."""
    found = conn.scalar(text("SELECT version_num FROM alembic_version"))
    newest = _newest(migrations)
    if found == newest:
        return
    if found in versions(migrations):
        raise DispatcherError(
            _("the database has schema {found}, older than this program's {newest}: start the "
              "daemon anew, which brings it up to date", found=found, newest=newest)
        )  # fmt: skip
    raise DispatcherError(
        _("the database has schema {found}, newer than this program's {newest}; "
          "install the newer program again", found=found, newest=newest)
    )  # fmt: skip


@cache
def _newest(migrations: Path) -> str:
    return versions(migrations)[-1]


def refuse_network_folder(engine: Engine, mounts: str) -> None:
    """Refuses an SQLite file on a network file system; ``mounts`` is the text of
    ``/proc/self/mounts``."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or name in IN_MEMORY:
        return
    path = Path(os.path.realpath(str(name)))
    kind = file_system(path, mounts)
    if kind in NETWORK:
        raise DispatcherError(
            _("{file} is on a network file system ({kind}), where SQLite loses data; move it to a "
              "local disk (DISPATCHER_DATABASE_URL), or use PostgreSQL", file=path, kind=kind)
        )  # fmt: skip


def file_system(path: PurePath, mounts: str) -> str:
    """The kind of file system that holds ``path``; empty when ``mounts`` does not say.

    >>> file_system(PurePath("/data/a/x"), "d / ext4 rw 0 0\\nh:/v /data nfs4 rw 0 0")
    'nfs4'
    """
    found: dict[PurePath, str] = {}
    for line in mounts.splitlines():
        _device, point, kind, *_options = line.split(" ")
        found[PurePath(_plain(point))] = kind
    return next((found[each] for each in (path, *path.parents) if each in found), "")


def _plain(point: str) -> str:
    """A mount point as it is: blanks are written as octal numbers."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, letter)
    return point


def refuse_forgetful_server(engine: Engine) -> None:
    """Refuses a PostgreSQL server that may forget what it has said is committed."""
    if engine.dialect.name != "postgresql":
        return
    with together(engine).begin() as conn:
        off = conn.execute(OFF, {"names": list(DURABLE)}).first()
    if off:
        engine.dispose()
        raise DispatcherError(
            _("PostgreSQL has {name} = off and may forget what was sent, so that it is sent again; "
              "switch it on: {how}", name=off.name, how=_cure(*off))
        )  # fmt: skip


OFF = text(
    "SELECT name, source, quote_ident(current_database()), quote_ident(session_user)"
    " FROM pg_settings WHERE setting = 'off' AND name = ANY(:names) ORDER BY name LIMIT 1"
)


def _cure(name: str, source: str, database: str, user: str) -> Text | str:
    """What changes a setting where it was made: the server's own yields to every other."""
    if source in ("command line", "environment variable"):
        return _("take it out of the command that starts the server, and start that anew")
    if source in ("client", "session"):
        return _("this connection sets it: take it out of PGOPTIONS, or of the pooler before the "
                 "server")  # fmt: skip
    where = {
        "database": f"DATABASE {database}",
        "user": f"ROLE {user}",
        "database user": f"ROLE {user} IN DATABASE {database}",
        "global": "ROLE ALL",
    }
    if source in where:
        return f"ALTER {where[source]} SET {name} = on"
    return f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()"


def server_clock(conn: Connection) -> datetime | None:
    """The present by the database's clock; None where it is this machine's own."""
    if conn.dialect.name != "postgresql":
        return None
    found: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found


def trouble(error: BaseException) -> Text | None:
    """What is wrong with the database or its disk; None when the error has another cause."""
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    if isinstance(cause, OSError):
        return _of_disk(cause)
    return _of_server(cause) if isinstance(error, SQLAlchemyError) else None


FULL = _("the disk is full: make room, and everything goes on by itself")
READ_ONLY = _("the disk is read-only: nothing can be written to the database")
GONE = _("the database cannot be reached: is it running, and is DISPATCHER_DATABASE_URL right?")
RESTARTED = _("the database is being restarted")
HELD = _("another process has held the database for too long")
SQLITE = {
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": _("nothing can be written to the database file: it belongs to another user, "
                         "or its disk is read-only"),
    "SQLITE_CANTOPEN": _("the database file cannot be opened: is its folder there and writable?"),
    "SQLITE_IOERR": _("the disk of the database fails: look into the system's log"),
    "SQLITE_BUSY": HELD,
    "SQLITE_CORRUPT": _("the database file is damaged: put a backup back (dispatcher restore)"),
    "SQLITE_NOTADB": _("the database file is none, or damaged: put a backup back "
                       "(dispatcher restore)"),
}  # fmt: skip
DISK = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY}
SERVER = {
    "53100": FULL,
    "25006": READ_ONLY,
    "57P01": RESTARTED,
    "57P02": RESTARTED,
    "57P03": RESTARTED,
    "53300": _("the database takes no more connections"),
    "55P03": HELD,
    "57014": HELD,
    "25P03": _("this process stood still in the middle of its work, and the database has taken "
               "that back; it is done again"),
}  # fmt: skip


def _of_sqlite(error: sqlite3.Error) -> Text | None:
    # An extended code begins with the plain one: SQLITE_IOERR_WRITE.
    name = getattr(error, "sqlite_errorname", "")
    return next((text for plain, text in SQLITE.items() if name.startswith(plain)), None)


def _of_disk(error: OSError) -> Text | None:
    if error.errno in (errno.EACCES, errno.EPERM) and error.filename is not None:
        return _("{file} is not this user's to use: a command was perhaps run as root; run all as "
                 "the daemon's user, and give the file to it (chown)",
                 file=error.filename)  # fmt: skip
    return DISK.get(error.errno or 0)


def _of_server(error: BaseException | None) -> Text | None:
    """By PostgreSQL's code; without any the connection was lost, or never made."""
    code = getattr(error, "sqlstate", None)
    if code in SERVER:
        return SERVER[code]
    if code == "42501":
        detail = str(error).partition("\n")[0]
        return _("the database refuses its user a right ({detail}); where the tables cannot be "
                 "made, its owner says: GRANT CREATE ON SCHEMA public TO USER",
                 detail=detail)  # fmt: skip
    lost = type(error).__name__ in ("OperationalError", "InterfaceError")
    return GONE if lost and (code is None or code.startswith("08")) else None
