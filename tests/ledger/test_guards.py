"""What a ledger is refused to live on, and what a failing database is called."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import pytest
import sqlalchemy
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from dispatcher.errors import DispatcherError
from dispatcher.ledger import guards
from dispatcher.ledger.database import ONE_WRITER, Engine, create_engine, together
from tests.building import MIGRATIONS
from tests.databases import a_database, a_ledger_in

MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
server:/export /srv nfs4 rw,vers=4.2 0 0
/dev/vdb /srv/local ext4 rw 0 0
//nas/share /mnt/with\\040blank cifs rw 0 0
"""


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    with a_database("guards") as url:
        yield url


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/var/lib/dispatcher.db", "ext4"),
        ("/srv/dispatcher.db", "nfs4"),
        ("/srv/local/dispatcher.db", "ext4"),
        ("/srv/localised/dispatcher.db", "nfs4"),
        ("/mnt/with blank/dispatcher.db", "cifs"),
    ],
)
def test_the_longest_mount_point_says_what_a_file_is_on(path: str, kind: str) -> None:
    assert guards.file_system(PurePath(path), MOUNTS) == kind


def test_what_is_mounted_later_lies_on_top() -> None:
    over = MOUNTS + "other:/ / nfs rw 0 0\n"
    assert guards.file_system(PurePath("/var/x"), over) == "nfs"


@pytest.mark.parametrize(
    "kind",
    "nfs nfs4 cifs smb3 9p fuse.sshfs ceph glusterfs fuse.glusterfs lustre afs".split(),
)
def test_an_sqlite_file_on_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    mounts = f"/dev/vda / ext4 rw 0 0\nhost:/x {tmp_path} {kind} rw 0 0\n"
    with pytest.raises(DispatcherError, match=rf"ledger.db is on a network .*\({kind}\).* move it"):
        guards.refuse_network_folder(engine, mounts)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuseblk"])
def test_an_sqlite_file_on_a_local_disk_is_not_refused(tmp_path: Path, kind: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    guards.refuse_network_folder(engine, f"/dev/vda / {kind} rw 0 0\n")
    guards.refuse_network_folder(engine, "")


def test_a_link_into_a_network_file_system_does_not_hide_it(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "share")
    engine = create_engine(f"sqlite:///{tmp_path}/var/ledger.db")
    with pytest.raises(DispatcherError, match="network file system"):
        guards.refuse_network_folder(engine, f"h:/ {tmp_path}/share nfs rw 0 0\n")


def test_a_server_that_commits_without_waiting_for_its_disk_is_refused(postgresql: str) -> None:
    engine = create_engine(postgresql)
    guards.refuse_forgetful_server(engine)
    with engine.begin() as conn:
        name = conn.scalar(text("SELECT current_database()"))
        conn.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    engine.dispose()
    with pytest.raises(DispatcherError, match="synchronous_commit = off"):
        guards.refuse_forgetful_server(engine)
    engine.dispose()


@pytest.fixture
def role(postgresql: str) -> Iterator[str]:
    """A user of the server who may connect and no more, and whose name has to be quoted."""
    name = f"Dispatcher test {os.getpid()}"
    say(postgresql, f'CREATE ROLE "{name}" LOGIN')
    yield name
    say(postgresql, f'DROP ROLE "{name}"')


def say(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize("where", ['DATABASE "{0}"', 'ROLE "{1}"', 'ROLE "{1}" IN DATABASE "{0}"'])
def test_the_cure_of_a_forgetful_server_is_one_that_works(
    postgresql: str, role: str, where: str
) -> None:
    url = make_url(postgresql)
    where = where.format(url.database, role)
    engine = create_engine(url.set(username=role).render_as_string(hide_password=False))
    say(postgresql, f"ALTER {where} SET synchronous_commit = off")
    with pytest.raises(DispatcherError) as refused:
        guards.refuse_forgetful_server(engine)
    say(postgresql, str(refused.value).partition("switch it on: ")[2])
    guards.refuse_forgetful_server(engine)
    engine.dispose()


@pytest.mark.parametrize(
    "source, cure",
    [
        ("configuration file", "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf()"),
        ("global", "ALTER ROLE ALL SET fsync = on"),
        ("command line", "out of the command that starts the server"),
        ("session", "this connection sets it"),
    ],
)
def test_what_the_server_or_the_connection_sets_is_to_be_mended_there(
    source: str, cure: str
) -> None:
    assert cure in str(guards._cure("fsync", source, "ledger", "dispatcher"))


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_what_it_wrote_is_refused(postgresql: str, name: str) -> None:
    engine = create_engine(postgresql)
    setting = f"SELECT '{name}' AS name, 'off' AS setting, 'default' AS source"
    with engine.begin() as conn:
        conn.execute(text(f"CREATE VIEW public.pg_settings AS {setting}"))
        database = conn.scalar(text("SELECT current_database()"))
        conn.execute(text(f'ALTER DATABASE "{database}" SET search_path = public, pg_catalog'))
    engine.dispose()
    with pytest.raises(DispatcherError, match=f"{name} = off"):
        guards.refuse_forgetful_server(engine)
    engine.dispose()


def test_the_databases_clock_is_asked_only_where_it_is_another(tmp_path: Path) -> None:
    for database, another in (("sqlite", False), ("postgresql", True)):
        with a_ledger_in(database, tmp_path) as engine, engine.begin() as conn:
            assert (guards.server_clock(conn) is not None) is another


def failing(engine: Engine, *statements: str) -> DBAPIError:
    def run() -> None:
        with engine.begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    with pytest.raises(DBAPIError) as found:
        run()
    engine.dispose()
    return found.value


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    error = failing(
        engine,
        "PRAGMA max_page_count = 4",
        "CREATE TABLE t (x)",
        "INSERT INTO t VALUES (zeroblob(100000))",
    )
    assert guards.trouble(error) == guards.FULL
    assert guards.trouble(OSError(errno.ENOSPC, "No space left on device")) == guards.FULL


def test_a_read_only_disk_is_named(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "x.db").close()
    engine = sqlalchemy.create_engine(f"sqlite:///file:{tmp_path}/x.db?mode=ro&uri=true")
    assert "read-only" in str(guards.trouble(failing(engine, "CREATE TABLE t (x)")))
    assert guards.trouble(OSError(errno.EROFS, "Read-only file system")) == guards.READ_ONLY


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("precious " * 1000)
    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    assert "put a backup back" in str(guards.trouble(failing(engine, "SELECT 1")))


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/gone/x.db")
    (tmp_path / "gone").rmdir()
    assert "cannot be opened" in str(guards.trouble(failing(engine, "SELECT 1")))


def test_a_server_that_does_not_answer_is_named() -> None:
    engine = create_engine("postgresql://127.0.0.1:1/nowhere")
    assert guards.trouble(failing(engine, "SELECT 1")) == guards.GONE


def test_a_connection_that_the_server_ends_is_named(postgresql: str) -> None:
    engine = create_engine(postgresql)
    error = failing(engine, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert guards.trouble(error) == guards.RESTARTED


def test_a_lock_that_is_not_given_back_is_named(postgresql: str) -> None:
    other, engine = create_engine(postgresql), create_engine(postgresql)
    with other.begin():
        for limit in ("lock_timeout", "statement_timeout"):
            error = failing(together(engine), f"SET {limit} = 1", ONE_WRITER)
            assert guards.trouble(error) == guards.HELD
    other.dispose()


def test_a_process_that_stood_still_in_a_transaction_is_named() -> None:
    """Made by hand: where the server hangs up, its last word may be lost on the way."""
    error = DBAPIError("SELECT 1", None, IdleInTransactionSessionTimeout())
    assert "this process stood still" in str(guards.trouble(error))


def test_a_user_who_may_make_no_tables_is_named_with_the_cure(postgresql: str, role: str) -> None:
    url = make_url(postgresql)
    theirs = create_engine(url.set(username=role).render_as_string(hide_password=False))
    said = str(guards.trouble(failing(theirs, "CREATE TABLE t (x int)")))
    assert "(permission denied for schema public)" in said
    assert "GRANT CREATE ON SCHEMA public TO" in said


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
def test_a_file_of_another_user_is_named(code: int) -> None:
    said = str(guards.trouble(OSError(code, "Permission denied", "/srv/var/dispatcher.db.lock")))
    assert said.startswith("/srv/var/dispatcher.db.lock is not this user's")
    assert guards.trouble(OSError(code, "a firewall refuses a connection")) is None


@pytest.mark.parametrize(
    "version, sentence",
    [
        ("9999", "schema 9999, newer than this program's .* install the newer program again"),
        ("0001", "schema 0001, older than this program's .* start the daemon anew"),
    ],
)
def test_a_ledger_that_another_program_has_migrated_meanwhile_is_refused(
    engine: Engine, version: str, sentence: str
) -> None:
    with engine.connect() as conn:
        guards.refuse_newer(conn, MIGRATIONS)
        conn.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": version})
        with pytest.raises(DispatcherError, match=sentence):
            guards.refuse_newer(conn, MIGRATIONS)
        conn.rollback()


def test_a_mistake_of_the_program_is_no_trouble_of_the_database(engine: Engine) -> None:
    with engine.connect() as conn, pytest.raises(DBAPIError) as found:
        conn.execute(text("SELECT nonsense FROM message"))
    assert guards.trouble(found.value) is None
    assert guards.trouble(ZeroDivisionError()) is None
    assert guards.trouble(OperationalError("x", None, ValueError())) is None


@pytest.mark.postgresql
def test_a_server_that_vanishes_is_not_waited_for_by_the_systems_measure(engine: Engine) -> None:
    with engine.connect() as conn:
        driver: Any = conn.connection.driver_connection
        with socket.socket(fileno=os.dup(driver.pgconn.socket)) as found:
            idle = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
            most = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            alive = found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert (idle, most, alive) == (30, 60_000, 1)
