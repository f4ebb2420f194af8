"""Opening, guarding and copying the file of a ledger in SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatcher.errors import Refused
from dispatcher.ledger.database import Engine, backup, create_engine, single_daemon

pytestmark = pytest.mark.sqlite


def test_what_is_committed_survives_a_power_cut_and_keys_are_kept(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/new/ledger.db")
    with engine.begin() as conn:
        pragmas = {
            name: conn.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engine.dispose()


def test_a_second_daemon_on_one_file_is_refused_and_the_first_is_named(engine: Engine) -> None:
    with single_daemon(engine) as held:
        assert held
        with (
            pytest.raises(Refused, match=rf"process {os.getpid()}"),
            single_daemon(create_engine(str(engine.url))),
        ):
            pass
    with single_daemon(engine) as held:
        assert held


def test_the_lock_of_a_killed_daemon_is_free(engine: Engine) -> None:
    program = (
        "import os, sys; from dispatcher.ledger.database import create_engine, single_daemon\n"
        "with single_daemon(create_engine(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(engine.url)], check=False)
    assert killed.returncode == -9
    with single_daemon(engine) as held:
        assert held


def test_a_database_in_memory_needs_no_lock() -> None:
    with single_daemon(create_engine("sqlite://")) as held:
        assert not held


def test_a_backup_is_whole_and_consistent_while_others_write(
    engine: Engine, tmp_path: Path
) -> None:
    insert = text("INSERT INTO revision VALUES (:name, '2026-01-01', NULL)")
    with engine.begin() as conn:
        conn.execute(insert, {"name": "committed"})
    with engine.begin() as conn:
        conn.execute(insert, {"name": "not yet"})
        backup(engine, tmp_path / "copy.db")
    copy = create_engine(f"sqlite:///{tmp_path}/copy.db")
    with copy.begin() as conn:
        assert conn.execute(text("SELECT hash FROM revision")).all() == [("committed",)]
        assert conn.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    copy.dispose()
    assert not list(tmp_path.glob("*.part"))


def test_a_backup_overwrites_nothing(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(Refused, match="exists"):
        backup(engine, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_into_a_folder_that_is_not_there_is_refused(
    engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="is not a folder"):
        backup(engine, tmp_path / "usb" / "copy.db")
