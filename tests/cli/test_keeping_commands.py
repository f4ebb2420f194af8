"""Copying the ledger, putting a copy back, taking out what is long closed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import event

from dispatcher import bootstrap
from dispatcher.cli import keeping
from dispatcher.ledger.database import Connection, Engine
from dispatcher.settings import Settings
from tests.cli.conftest import Shell
from tests.cli.test_service_commands import wait_for

MONDAY = "2026-03-30T09:00+08:00"
LATER = "2027-06-01T09:00+08:00"


def sql(shell: Shell, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(shell.folder / "var" / "dispatcher.db") as raw:
        rows = raw.execute(statement).fetchall()
    raw.close()
    return rows


def test_a_backup_is_a_whole_ledger_and_overwrites_nothing(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    assert shell("backup", "copy.db").returncode == 0
    assert stat.S_IMODE((shell.folder / "copy.db").stat().st_mode) == 0o600
    with sqlite3.connect(shell.folder / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM message").fetchone() == (4,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    assert shell("backup", "copy.db").returncode == 1


@pytest.fixture
def restored(shell: Shell) -> Shell:
    """A ledger of the second of March, put back on the thirtieth."""
    shell("run", "--once", "--now", "2026-03-02T09:00+08:00")
    shell("backup", "copy.db")
    shell("run", "--once", "--now", MONDAY)
    done = shell("restore", "copy.db")
    assert done.returncode == 0, done.stderr
    assert "copy.db put back; nothing leaves until 'dispatcher resume'" in done.stdout
    assert "the ledger that was there is now " in done.stdout
    return shell


def test_what_was_put_back_sends_nothing_before_somebody_resumes(restored: Shell) -> None:
    before = restored.mail()
    done = restored("run", "--once", "--now", "2026-03-31T09:00+08:00")
    assert "paused: restored from copy.db, which knows what was done until" in done.stdout
    assert restored.mail() == before
    asked = restored("health")
    assert (asked.returncode, "paused by dispatcher: restored from" in asked.stdout) == (1, True)
    assert restored("resume", "--by", "张三").stdout == "resumed\n"
    restored("run", "--once", "--now", "2026-03-31T09:00+08:00")
    assert restored.mail() != before
    assert sql(restored, "SELECT generation FROM installation") == [(2,)]


def test_once_is_enough_to_resume_however_often_it_was_put_back(restored: Shell) -> None:
    restored("resume", "--by", "张三")
    restored("run", "--once", "--now", "2026-03-31T09:00+08:00")
    restored("restore", "copy.db", DISPATCHER_NOW="2026-03-31T10:00+08:00")
    restored("resume", "--by", "张三")
    done = restored("run", "--once", "--now", "2026-04-01T09:00+08:00")
    assert "paused" not in done.stdout
    assert sql(restored, "SELECT generation FROM installation") == [(3,)]


def test_the_ledger_that_was_there_is_kept(restored: Shell) -> None:
    (aside,) = restored.folder.glob("var/dispatcher.db.2*Z")
    with sqlite3.connect(aside) as raw:
        (until,) = raw.execute("SELECT watermark FROM installation").fetchone()
    raw.close()
    assert until.startswith("2026-03-30")


def test_a_ledger_put_back_by_hand_holds_itself(shell: Shell) -> None:
    shell("run", "--once", "--now", "2026-03-02T09:00+08:00")
    shell("backup", "copy.db")
    shell("run", "--once", "--now", MONDAY)
    before = shell.mail()
    for path in shell.folder.glob("var/dispatcher.db*"):
        path.unlink()
    shutil.copy(shell.folder / "copy.db", shell.folder / "var" / "dispatcher.db")
    done = shell("run", "--once", "--now", MONDAY)
    assert "paused: the ledger is an older copy" in done.stdout
    assert shell.mail() == before


def test_nothing_is_put_back_under_a_running_daemon(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    shell("backup", "copy.db")
    with shell.start("run", "--now", MONDAY) as daemon:
        wait_for(daemon, "next: ")
        done = shell("restore", "copy.db")
        daemon.terminate()
        assert daemon.wait(20) == 0
    assert (done.returncode, f"process {daemon.pid}" in done.stderr) == (1, True)


def test_what_is_no_ledger_is_not_put_back(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    done = shell("restore", "schedules.yaml")
    assert done.returncode == 1
    assert done.stderr.startswith("schedules.yaml is not a ledger that can be read")
    assert len(sql(shell, "SELECT * FROM message")) == 4


@pytest.fixture
def old(shell: Shell) -> Shell:
    """A ledger whose March is closed, a year later."""
    shell("run", "--once", "--now", MONDAY)
    done = shell("done", "report/2026-03@区农办", "--by", "张三", DISPATCHER_NOW=MONDAY)
    assert done.returncode == 0, done.stderr
    return shell


PRUNE = ("prune", "--before", "2026-04-15", "--to", "old.jsonl", "--by", "张三")


def test_without_yes_it_is_only_shown_what_would_go(old: Shell) -> None:
    done = old(*PRUNE, DISPATCHER_NOW=LATER)
    assert done.returncode == 0, done.stderr
    assert "occurrence    1" in done.stdout
    assert "add --yes to take this out" in done.stdout
    assert not (old.folder / "old.jsonl").exists()
    assert len(sql(old, "SELECT * FROM occurrence WHERE duty = 'report'")) == 1


def test_with_yes_it_goes_and_is_in_the_file(old: Shell) -> None:
    done = old(*PRUNE, "--yes", DISPATCHER_NOW=LATER)
    assert done.returncode == 0, done.stderr
    assert "taken out; all of it is in old.jsonl, SHA-256 " in done.stdout
    lines = (old.folder / "old.jsonl").read_text("utf-8").splitlines()
    assert {"occurrence", "assignment"} <= {json.loads(line)["table"] for line in lines}
    assert sql(old, "SELECT * FROM occurrence WHERE duty = 'report'") == []
    assert "prune" in old("audit").stdout
    assert "nothing to take out" in old(*PRUNE, "--yes", DISPATCHER_NOW=LATER).stdout


@pytest.mark.parametrize("code, left", [("SQLITE_FULL", False), ("SQLITE_IOERR_FSYNC", True)])
def test_an_export_is_left_only_where_what_it_holds_may_have_gone(
    old: Shell, monkeypatch: pytest.MonkeyPatch, code: str, left: bool
) -> None:
    def fail(_conn: Connection) -> None:
        error = sqlite3.OperationalError(code)
        error.sqlite_errorname = code
        raise error

    def ledger(settings: Settings) -> Engine:
        engine = bootstrap.database(settings)
        event.listen(engine, "commit", fail)
        return engine

    monkeypatch.chdir(old.folder)
    monkeypatch.setenv("DISPATCHER_NOW", LATER)
    monkeypatch.setattr(bootstrap, "ledger", ledger)
    with pytest.raises(sqlite3.OperationalError, match=code):
        keeping.prune.main([*PRUNE[1:], "--yes"], standalone_mode=False)
    assert (old.folder / "old.jsonl").exists() == left
    assert len(sql(old, "SELECT * FROM occurrence WHERE duty = 'report'")) == 1


def test_what_is_younger_than_400_days_stays(old: Shell) -> None:
    done = old(*PRUNE, "--yes", DISPATCHER_NOW="2026-12-01T09:00+08:00")
    assert (done.returncode, "is too recent" in done.stderr) == (1, True)


def test_a_database_out_of_reach_is_one_line(shell: Shell, tmp_path: Path) -> None:
    done = shell("status", DISPATCHER_DATABASE_URL="postgresql://127.0.0.1:1/x")
    assert done.returncode == 2
    assert done.stderr.startswith("the database cannot be reached")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["pause", "--reason", "会议", "--by", " "],
        ["pause", "--reason", "", "--by", "张三"],
        ["resume", "--by", ""],
        ["channels", "pause", "email", "--by", ""],
        ["slip", "release", "1", "--by", ""],
        ["done", "report/2026-01@区农办", "--by", ""],
    ],
)
def test_nobody_signs_with_an_empty_name(shell: Shell, words: list[str]) -> None:
    asked = shell(*words)
    assert (asked.returncode, "must not be empty" in asked.stderr) == (2, True), asked
