"""What `dispatcher health` says: what is well, and what needs a hand, whatever else is broken."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from dispatcher import bootstrap
from dispatcher.errors import DispatcherError, Refused
from dispatcher.health import ROOM, health, what_failed
from dispatcher.heartbeat import Trouble, beat, falter
from dispatcher.i18n import Text
from dispatcher.ledger import guards, installation
from dispatcher.settings import Settings, load_settings
from tests.databases import a_database

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A ledger that went live, and a good pass a minute ago."""
    found = load_settings({}, tmp_path)
    engine = bootstrap.ledger(found)
    with engine.begin() as conn:
        installation.install(conn, NOW.date(), NOW)
    engine.dispose()
    beat(found.heartbeat, NOW - MINUTE, NOW)
    monkeypatch.setattr(bootstrap, "now", lambda: NOW)
    return found


def troubles(settings: Settings) -> list[str]:
    return [str(each) for each in health(settings).troubles]


def test_all_is_well_after_a_good_pass(settings: Settings) -> None:
    found = health(settings)
    assert found.troubles == []
    assert [str(fact) for fact in found.facts] == [
        "last good pass 60 s ago",
        "open 0, queued 0, failed 0, unknown 0",
    ]


def test_where_the_daemon_has_never_run_there_is_nothing_to_say(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no heartbeat"):
        health(load_settings({}, tmp_path))


def test_silence_is_a_trouble(settings: Settings) -> None:
    beat(settings.heartbeat, NOW - 3 * MINUTE, NOW)
    assert troubles(settings) == ["last good pass 180 s ago"]


def test_it_says_since_when_passes_fail_and_why(settings: Settings) -> None:
    falter(settings.heartbeat, Trouble(NOW, guards.FULL))
    (said,) = troubles(settings)
    assert said.startswith("nothing is done since 2026-11-26")
    assert said.endswith("the disk is full: make room, and everything goes on by itself")


def test_a_first_pass_that_fails_is_said_too(tmp_path: Path) -> None:
    found = load_settings({}, tmp_path)
    falter(found.heartbeat, Trouble(NOW, Text("x")))
    assert "nothing is done since" in troubles(found)[0]


@pytest.mark.parametrize("free, full", [(ROOM, False), (ROOM - 1, True)])
def test_a_disk_that_is_nearly_full_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, full: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    expected = [f"the disk of {settings.state} is nearly full"] if full else []
    assert troubles(settings) == expected


def spoil(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_text("x" * 9999)


def test_a_database_that_cannot_be_opened_is_a_trouble_and_no_traceback(
    settings: Settings,
) -> None:
    spoil(settings.state / "dispatcher.db")
    (said,) = troubles(settings)
    assert "put a backup back" in said


def test_a_server_that_is_gone_is_a_trouble_and_no_traceback(settings: Settings) -> None:
    gone = settings._replace(database_url=type(settings.smtp_url)("postgresql://127.0.0.1:1/x"))
    assert troubles(gone) == [str(guards.GONE)]
    falter(settings.heartbeat, Trouble(NOW, guards.GONE))
    assert len(troubles(gone)) == 1, "the daemon's word and its own are the same"


def test_what_is_refused_at_the_start_is_a_trouble(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/export / nfs4 rw 0 0\n")
    monkeypatch.setattr(bootstrap, "MOUNTS", mounts)
    (said,) = troubles(settings)
    assert "network file system (nfs4)" in said


def test_a_server_that_may_forget_is_refused_by_whatever_opens_the_ledger() -> None:
    with a_database("forgetful") as url:
        found = load_settings({"DISPATCHER_DATABASE_URL": url}, Path("/"))
        engine = bootstrap.database(found)
        with engine.begin() as conn:
            name = engine.url.database
            conn.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        engine.dispose()
        with pytest.raises(DispatcherError, match="synchronous_commit = off"):
            bootstrap.ledger(found)


def test_an_error_without_a_name_is_its_first_line_without_secrets(settings: Settings) -> None:
    secret = settings._replace(smtp_url=type(settings.smtp_url)("smtps://u:canary@host"))
    error = RuntimeError("no answer from smtps://u:canary@host\nand more")
    assert str(what_failed(error, secret)) == "RuntimeError: no answer from ***"


def test_a_password_in_anothers_words_is_hidden_too(settings: Settings) -> None:
    secret = settings._replace(smtp_url=type(settings.smtp_url)("smtps://office:canary@host"))
    error = RuntimeError("login of office with canary refused")
    assert str(what_failed(error, secret)) == "RuntimeError: login of office with *** refused"
