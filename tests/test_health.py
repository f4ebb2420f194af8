"""What `dispatcher health` says: what is well, and what needs a hand, whatever else is broken."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher import bootstrap
from dispatcher.errors import DispatcherError, Refused
from dispatcher.health import PATIENCE, ROOM, health, what_failed
from dispatcher.heartbeat import Trouble, beat, falter
from dispatcher.i18n import Text
from dispatcher.ledger import channels, guards, installation, outbox
from dispatcher.ledger.outbox import Address, Content
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


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine stands in another zone than the office."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


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


# ------------------------------------------------------------------------------ what does not leave


def at_work(settings: Settings, work: Callable[[Any], object]) -> None:
    engine = bootstrap.ledger(settings)
    with engine.begin() as conn:
        work(conn)
    engine.dispose()


def queue(settings: Settings, since: datetime, kind: outbox.Kind = "brief") -> None:
    """A letter that waits since then, and leaves by nothing."""
    to, said = Address("email", "office@example.com"), Content("日报", "一切正常", "")
    at_work(settings, lambda conn: outbox.queue(conn, to, kind, since, content=said))


def try_in_vain(settings: Settings, outcome: str = "temporary") -> None:
    """The mail server is dead when what is queued is to leave."""
    at_work(settings, lambda conn: conn.exec_driver_sql("UPDATE message SET attempts = 1"))
    at_work(
        settings,
        lambda conn: conn.exec_driver_sql(
            "INSERT INTO attempt (message_id, number, started_at, finished_at, outcome, detail) "
            f"VALUES (1, 1, '{NOW:%F %T.%f}', '{NOW:%F %T.%f}', '{outcome}', 'unreachable')"
        ),
    )


@pytest.mark.parametrize(
    "minutes, late", [(61, []), (62, ["messages wait since 2026-11-26 07:58"])]
)
def test_what_has_waited_for_an_hour_untried_is_told_in_local_time(
    settings: Settings, elsewhere: None, minutes: int, late: list[str]
) -> None:
    queue(settings, NOW - minutes * MINUTE, "status")
    assert troubles(settings) == late


def test_what_waits_for_the_window_is_not_late(settings: Settings) -> None:
    evening, night = NOW.replace(hour=10, minute=30), NOW.replace(hour=18)  # UTC
    queue(settings, evening)
    beat(settings.heartbeat, night, night)
    assert "messages wait" not in str(troubles(settings))
    queue(settings, evening, "status")
    assert "messages wait since" in str(troubles(settings))


def test_what_was_tried_in_vain_is_told_at_once_with_its_channel_and_the_reason(
    settings: Settings, elsewhere: None
) -> None:
    queue(settings, NOW)
    try_in_vain(settings)
    told = "messages wait for channel 'email', tried in vain at 2026-11-26 09:00: unreachable"
    assert troubles(settings) == [told]
    at_work(settings, lambda conn: conn.exec_driver_sql("UPDATE message SET at = '2026-11-20'"))
    assert troubles(settings) == [told], "what is told needs no second line"


def test_what_was_given_back_unsent_has_not_been_tried_in_vain(settings: Settings) -> None:
    queue(settings, NOW - 99 * MINUTE, "status")
    try_in_vain(settings, "released")
    (said,) = troubles(settings)
    assert said.startswith("messages wait since")


def test_a_failure_of_the_past_is_no_trouble_of_what_has_not_been_tried(settings: Settings) -> None:
    queue(settings, NOW)
    try_in_vain(settings)
    at_work(
        settings,
        lambda conn: conn.exec_driver_sql(
            "UPDATE message SET state = 'sent', next_attempt_at = NULL, settled_at = at"
        ),
    )
    queue(settings, NOW + MINUTE)
    assert troubles(settings) == []


def test_a_channel_that_needs_a_hand_is_told(settings: Settings) -> None:
    at_work(settings, lambda conn: channels.pause(conn, "email", "张三", Text("迁移"), NOW))
    assert troubles(settings) == ["channel 'email' is paused by 张三: 迁移"]


# ------------------------------------------------------------------------- the ledger is only read


def test_a_ledger_that_is_gone_is_a_trouble_and_none_is_made_in_its_place(
    settings: Settings,
) -> None:
    path = settings.state / "dispatcher.db"
    path.unlink()
    assert troubles(settings) == [
        f"the ledger {path} is gone: stop the daemon, and put a backup back (dispatcher restore)"
    ]
    assert not path.exists()


def test_a_ledger_that_has_never_been_is_not_gone(tmp_path: Path) -> None:
    found = load_settings({}, tmp_path)
    falter(found.heartbeat, Trouble(NOW, guards.GONE))
    assert len(troubles(found)) == 1
    assert not (found.state / "dispatcher.db").exists()


def test_a_server_that_holds_no_ledger_any_more_is_told(settings: Settings) -> None:
    with a_database("health") as url:
        empty = settings._replace(database_url=type(settings.smtp_url)(url))
        (said,) = troubles(empty)
        assert said.startswith("the database holds the ledger no longer")
        (said,) = troubles(empty)


def test_an_older_schema_is_told_and_left_as_it_is(settings: Settings) -> None:
    path = settings.state / "dispatcher.db"
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0001'")
    (said,) = troubles(settings)
    assert said.startswith("the database has schema 0001")
    with sqlite3.connect(path) as conn:
        assert conn.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def test_a_writer_is_not_waited_for(settings: Settings) -> None:
    with a_database("health") as url:
        on_server = settings._replace(database_url=type(settings.smtp_url)(url))
        engine = bootstrap.ledger(on_server)
        with engine.begin():
            assert troubles(on_server) == []
        engine.dispose()


def test_a_ledger_that_does_not_answer_is_a_trouble_within_ten_seconds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PATIENCE <= 8
    monkeypatch.setattr("dispatcher.health.PATIENCE", 0.5)
    with a_database("health") as url:
        on_server = settings._replace(database_url=type(settings.smtp_url)(url))
        engine = bootstrap.ledger(on_server)
        with engine.begin() as conn:
            conn.exec_driver_sql("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
            (said,) = troubles(on_server)
        engine.dispose()
    assert said.startswith("the ledger has not answered within")


# ------------------------------------------------------------------------------------- templates


def test_each_broken_template_is_named_with_its_place_until_it_is_mended(
    settings: Settings,
) -> None:
    folder = settings.home / "templates"
    folder.mkdir()
    (folder / "digest.txt").write_text("好\n{{ 1/0 }}", "utf-8")
    (folder / "slip.html").write_text("{{ oops }}", "utf-8")
    assert troubles(settings) == [
        "a template is broken, a plain text stands in for it: digest.txt:2: division by zero",
        "a template is broken, a plain text stands in for it: slip.html:1: 'oops' is undefined",
    ]
    (folder / "digest.txt").write_text("好", "utf-8")
    (folder / "slip.html").unlink()
    assert troubles(settings) == []


def test_a_broken_template_is_found_whatever_else_is_broken(settings: Settings) -> None:
    spoil(settings.state / "dispatcher.db")
    (settings.home / "schedules.yaml").write_text("x: [", "utf-8")
    (settings.home / "templates").mkdir()
    (settings.home / "templates" / "brief.subject").write_text("", "utf-8")
    assert any("brief.subject: prints nothing" in said for said in troubles(settings))
