"""What a ledger may not live on, how far its clock is off, and what is wrong when it fails."""

from __future__ import annotations

import errno
import sqlite3
from datetime import datetime
from pathlib import Path, PurePath

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, _
from dispatcher.ledger.database import together

NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre gpfs beegfs ocfs2 gfs2 ncpfs"
    " fuse.sshfs fuse.glusterfs fuse.ceph fuse.ceph-fuse fuse.s3fs fuse.rclone fuse.davfs".split()
)
"""Kinds of file system on which a lock does not keep two machines apart, or a flush is no flush."""
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def refuse_network_folder(engine: Engine, mounts: str) -> None:
    """Refuses an SQLite file on a network file system; ``mounts`` is the text of
    ``/proc/self/mounts``."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or name in (None, "", ":memory:"):
        return
    path = Path(str(name)).resolve()
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
    query = text("SELECT name FROM pg_settings WHERE setting = 'off' AND name = ANY(:names)")
    with together(engine).begin() as conn:
        off = list(conn.scalars(query.bindparams(names=list(DURABLE))))
    if off:
        engine.dispose()
        raise DispatcherError(
            _("PostgreSQL has {name} = off and may forget what was sent, so that it is sent again; "
              "switch it on: ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()", name=min(off))
        )  # fmt: skip


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
SQLITE = {
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": READ_ONLY,
    "SQLITE_CANTOPEN": _("the database file cannot be opened: is its folder there and writable?"),
    "SQLITE_IOERR": _("the disk of the database fails: look into the system's log"),
    "SQLITE_BUSY": _("another process has held the database for too long"),
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
}


def _of_sqlite(error: sqlite3.Error) -> Text | None:
    # An extended code begins with the plain one: SQLITE_IOERR_WRITE.
    name = getattr(error, "sqlite_errorname", "")
    return next((text for plain, text in SQLITE.items() if name.startswith(plain)), None)


def _of_disk(error: OSError) -> Text | None:
    return DISK.get(error.errno or 0)


def _of_server(error: BaseException | None) -> Text | None:
    """By PostgreSQL's code; without any the connection was lost, or never made."""
    code = getattr(error, "sqlstate", None)
    if code in SERVER:
        return SERVER[code]
    lost = type(error).__name__ in ("OperationalError", "InterfaceError")
    return GONE if lost and (code is None or code.startswith("08")) else None
