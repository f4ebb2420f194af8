"""A ledger is one file: the one that was opened, by whatever name."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatcher import bootstrap
from dispatcher.errors import DispatcherError
from dispatcher.ledger import guards
from dispatcher.ledger.database import Engine, backup, create_engine, single_daemon
from dispatcher.settings import Settings, load_settings

GONE = "ledger.db was replaced or taken away .*: start the daemon anew"


def settings_for(file: Path) -> Settings:
    return load_settings({"DISPATCHER_DATABASE_URL": f"sqlite:///{file}"}, file.parent)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def running(file: Path) -> Iterator[Engine]:
    """The ledger as a daemon has it open, with a copy of it from before: ``copy.db``."""
    engine = bootstrap.database(settings_for(file))
    work(engine, "CREATE TABLE work (done)", "INSERT INTO work VALUES ('before')")
    backup(engine, file.with_name("copy.db"))
    work(engine, "INSERT INTO work VALUES ('after')")
    yield engine
    engine.dispose()


def work(engine: Engine, *statements: str) -> None:
    with engine.begin() as conn:
        for statement in statements:
            conn.execute(text(statement))


def done(file: Path) -> list[str]:
    with sqlite3.connect(file) as raw:
        found = [name for (name,) in raw.execute("SELECT done FROM work")]
    raw.close()
    return found


def test_the_file_may_be_made_and_is_worked_on_as_long_as_it_is_the_same(
    running: Engine, file: Path
) -> None:
    running.dispose()
    work(running, "INSERT INTO work VALUES ('more')")
    assert done(file) == ["before", "after", "more"]


def test_nothing_is_recorded_once_another_file_has_come_in_its_place(
    running: Engine, file: Path
) -> None:
    with file.open("rb") as unlinked:
        file.with_name("copy.db").rename(file)
        for _time in range(2):
            with pytest.raises(DispatcherError, match=GONE):
                work(running, "INSERT INTO work VALUES ('lost')")
        assert b"lost" not in unlinked.read()
    assert done(file) == ["before"]


def test_a_file_that_was_put_back_is_worked_on_only_by_a_new_process(
    running: Engine, file: Path
) -> None:
    aside = file.rename(file.with_name("aside.db"))
    with pytest.raises(DispatcherError, match=GONE):
        work(running, "INSERT INTO work VALUES ('lost')")
    assert not file.exists()
    assert done(aside) == ["before", "after"]
    aside.rename(file)
    with pytest.raises(DispatcherError, match=GONE):
        work(running, "INSERT INTO work VALUES ('lost')")
    again = bootstrap.database(settings_for(file))
    work(again, "INSERT INTO work VALUES ('more')")
    again.dispose()
    assert done(file) == ["before", "after", "more"]


def test_a_new_connection_makes_no_file_in_the_place_of_one_taken_away(
    running: Engine, file: Path
) -> None:
    running.dispose()
    file.unlink()
    with pytest.raises(DispatcherError, match=GONE):
        work(running, "CREATE TABLE work (done)")
    assert not file.exists()


def test_the_log_of_the_one_before_is_not_mixed_into_the_file_in_its_place(
    running: Engine, file: Path
) -> None:
    file.with_name("copy.db").rename(file)
    assert file.with_name("ledger.db-wal").stat().st_size
    with pytest.raises(DispatcherError, match=GONE):
        work(running, "SELECT 1")
    assert not file.with_name("ledger.db-wal").stat().st_size


def test_a_link_that_points_elsewhere_is_another_file(tmp_path: Path) -> None:
    link = tmp_path / "ledger.db"
    link.symlink_to(tmp_path / "one.db")
    engine = bootstrap.database(settings_for(link))
    work(engine, "CREATE TABLE work (done)")
    link.unlink()
    link.symlink_to(tmp_path / "other.db")
    with pytest.raises(DispatcherError, match=GONE):
        work(engine, "INSERT INTO work VALUES ('lost')")
    engine.dispose()
    assert not done(tmp_path / "one.db")


def test_a_ledger_in_memory_has_no_file_to_lose() -> None:
    engine = create_engine("sqlite://")
    guards.refuse_another_file(engine, "sqlite://")
    work(engine, "CREATE TABLE work (done)", "INSERT INTO work VALUES ('more')")


# ---------------------------------------------------------------------------- by other names


@pytest.fixture
def other_name(request: pytest.FixtureRequest, file: Path) -> Path:
    """Another name of the file: a link to it, or to its folder."""
    sqlite3.connect(file).close()
    if request.param == "file":
        link = file.with_name("link.db")
        link.symlink_to(file)
        return link
    folder = file.with_name("link")
    folder.symlink_to(file.parent)
    return folder / file.name


TRY = """
import sys
from pathlib import Path
from dispatcher import bootstrap
from dispatcher.errors import Refused
from dispatcher.ledger.database import single_daemon
from dispatcher.settings import load_settings
given = {"DISPATCHER_DATABASE_URL": "sqlite:///" + sys.argv[1]}
try:
    with single_daemon(bootstrap.database(load_settings(given, Path("/nowhere")))):
        print("two daemons")
except Refused as error:
    print(error)
"""


@pytest.mark.parametrize("other_name", ["file", "folder"], indirect=True)
def test_a_second_daemon_is_refused_by_whatever_name_it_knows_the_file(
    file: Path, other_name: Path
) -> None:
    with single_daemon(bootstrap.database(settings_for(file))):
        by_link = [sys.executable, "-c", TRY, str(other_name)]
        said = subprocess.run(by_link, capture_output=True, text=True, check=True).stdout
    assert f"another daemon (process {os.getpid()}) works on {file}" in said
    with single_daemon(bootstrap.database(settings_for(other_name))):
        by_name = [sys.executable, "-c", TRY, str(file)]
        said = subprocess.run(by_name, capture_output=True, text=True, check=True).stdout
    assert f"another daemon (process {os.getpid()}) works on {file}" in said


def test_names_that_lead_in_a_circle_are_no_file_to_open(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to(tmp_path / "b.db")
    (tmp_path / "b.db").symlink_to(tmp_path / "a.db")
    engine = bootstrap.database(settings_for(tmp_path / "a.db"))
    with pytest.raises(Exception, match="unable to open") as found:
        work(engine, "SELECT 1")
    assert "cannot be opened" in str(guards.trouble(found.value))


def test_a_database_that_is_no_file_keeps_its_name() -> None:
    for url in ("sqlite://", "sqlite:///:memory:", "postgresql://u:p@h/x"):
        assert guards.real_name(url) == url
