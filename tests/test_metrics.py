"""What Prometheus is told: read over HTTP, as it would read it."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dispatcher.errors import SettingsError
from dispatcher.i18n import Text
from dispatcher.ledger import installation, restoring
from dispatcher.ledger.database import Engine
from dispatcher.metrics import Server, serve
from dispatcher.plan.workdays import Workdays
from dispatcher.settings import load_settings
from dispatcher.watch import Watch
from tests.building import Office, a_duty, local, plan_with, trouble
from tests.cli.conftest import SMALL, Shell

OPENED, WEEK_BEFORE = "2026-01-01", "2026-01-23"
Figures = dict[tuple[str, ...], float]


class Watched:
    """An office whose daemon is asked for its figures."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.office = Office(engine, plan_with(a_duty(open=False), workdays=Workdays("china")))
        url = engine.url.render_as_string(hide_password=False)
        self.settings = load_settings({"DISPATCHER_DATABASE_URL": url}, folder)
        self.watch = Watch(self.settings, self.office.parts, lambda report: None, None)
        # It would refuse the tests' PostgreSQL, which is quicker than it is safe.
        self.watch.opened = True
        self.server = Server(self.watch, 0)
        self.port = self.server.socket.getsockname()[1]

    def at(self, moment: str) -> None:
        """A pass at a local time."""
        self.office.now = local(moment)
        self.watch.parts = self.office.parts
        self.watch()

    def page(self, path: str = "/metrics") -> str:
        thread = Thread(target=self.server.handle_request)
        thread.start()
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return str(answer.read().decode())
        finally:
            thread.join()

    def figures(self) -> Figures:
        """Each figure by its name without ``dispatcher_`` and its labels' values."""
        return {
            (sample.name.removeprefix("dispatcher_"), *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(self.page())
            for sample in family.samples
        }


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture
def watched(engine: Engine, tmp_path: Path) -> Iterator[Watched]:
    found = Watched(engine, tmp_path)
    yield found
    found.server.server_close()


def test_what_was_told_and_how_it_went_follows_the_ledger(watched: Watched) -> None:
    watched.office.box.troubles["甲@example.com"] = [trouble("temporary")]
    watched.at(OPENED)
    watched.at(WEEK_BEFORE)
    found = watched.figures()
    assert found["reminders_told", "T-7"] == 1
    assert found["attempts", "email", "sent"] == 1
    assert found["attempts", "email", "temporary"] == 1
    assert found["passes_total", "good"] == 2
    watched.at(WEEK_BEFORE + " 09:01")
    found = watched.figures()
    assert found["reminders_told", "T-7"] == 2
    assert found["attempts", "email", "sent"] == 2
    assert found["passes_total", "good"] == 3


def test_a_step_that_no_pass_has_looked_at_is_due_and_grows_older(watched: Watched) -> None:
    watched.at("2026-01-04")
    assert watched.figures()["due", "reminder"] == 0
    assert watched.figures()["oldest_due_age_seconds", "reminder"] == 0
    watched.office.now = local(WEEK_BEFORE) + timedelta(minutes=7)
    assert watched.figures()["due", "reminder"] == 2
    assert watched.figures()["oldest_due_age_seconds", "reminder"] == 7 * 60
    watched.at(WEEK_BEFORE + " 09:08")
    assert watched.figures()["due", "reminder"] == 0


def test_what_opens_on_a_holiday_is_not_late_before_the_next_workday(watched: Watched) -> None:
    watched.at(OPENED)
    watched.office.now = local("2026-01-03 12:00")
    assert watched.figures()["due", "reminder"] == 0
    watched.office.now = local("2026-01-04 12:00")
    assert watched.figures()["due", "reminder"] == 2


def test_a_message_that_is_backing_off_is_due_since_it_should_have_left(watched: Watched) -> None:
    watched.office.box.troubles["*"] = [trouble("temporary") for _time in range(2)]
    watched.at(OPENED)
    watched.at(WEEK_BEFORE)
    watched.office.now += timedelta(seconds=40)
    found = watched.figures()
    assert found["due", "message"] == 2
    assert found["oldest_due_age_seconds", "message"] == 40


def test_what_rests_on_holidays_not_announced_is_counted_while_it_is_open(
    watched: Watched,
) -> None:
    watched.at(OPENED)
    last = watched.office.plan.workdays.last_year
    assert watched.figures()["provisional_assignments",] == 0
    assert watched.figures()["holiday_horizon_days",] == 364 + 365 * (last - 2026)
    watched.at(f"{last + 1}-01-20")
    assert watched.figures()["provisional_assignments",] == 2
    assert watched.figures()["holiday_horizon_days",] == -20
    watched.office.say("withdraw", f"work/{last + 1}-01@甲", "取消")
    assert watched.figures()["provisional_assignments",] == 1


def test_passes_are_counted_by_how_they_went(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.at(OPENED)
    with monkeypatch.context() as patch:
        patch.setattr("dispatcher.watch.run_pass", lambda *_given, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            watched.at(OPENED)
    found = watched.figures()
    assert (found["passes_total", "good"], found["passes_total", "failed"]) == (1, 1)


def test_a_pause_is_shown_with_who_may_end_it_while_passes_go_on(watched: Watched) -> None:
    def paused() -> tuple[float, float]:
        found = watched.figures()
        return found["paused", "program"], found["paused", "person"]

    assert paused() == (0, 0)
    watched.at(OPENED)
    assert paused() == (0, 0)
    now = watched.office.now
    with watched.office.conn() as conn:
        installation.pause(conn, "张三", "系统迁移", now)
    watched.at(OPENED)
    assert paused() == (0, 1)
    with watched.office.conn() as conn:
        restoring.hold(conn, Text("an older copy"), now.date(), now)
    watched.at(OPENED)
    assert paused() == (1, 0)
    assert watched.figures()["passes_total", "good"] == 3
    with watched.office.conn() as conn:
        installation.resume(conn, "张三", now)
    assert paused() == (0, 0)


def test_what_a_dead_process_held_is_counted_when_it_is_rescued(watched: Watched) -> None:
    watched.at(OPENED)
    with watched.office.conn() as conn:
        conn.exec_driver_sql(
            "INSERT INTO message (channel, address, kind, at, state, attempts, lease_until) "
            "VALUES ('email', 'a@example.com', 'test', '2026-01-01 00:00:00', 'claimed', 0, 1)"
        )
    watched.at(OPENED)
    assert watched.figures()["leases_rescued_total",] == 1


def test_the_page_is_given_while_somebody_writes(watched: Watched) -> None:
    watched.at(OPENED)
    with watched.office.conn() as conn:
        conn.exec_driver_sql("UPDATE installation SET held_by = NULL")
        assert watched.figures()["ledger_readable",] == 1


def test_a_pass_goes_on_while_the_ledger_is_asked(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.at(OPENED)
    from dispatcher import metrics

    def slow(conn: Any, *asked: Any) -> Any:
        before = metrics_of(conn, *asked)
        watched.at(WEEK_BEFORE)
        return before

    metrics_of = metrics.figures
    monkeypatch.setattr(metrics, "figures", slow)
    assert ("reminders_told", "T-7") not in watched.figures()
    monkeypatch.setattr(metrics, "figures", metrics_of)
    assert watched.figures()["reminders_told", "T-7"] == 2


def test_without_its_ledger_the_process_still_speaks_for_itself_and_shows_no_secret(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.at(OPENED)
    secret = "postgresql://office:Geheim1@127.0.0.1:1/ledger"
    environ = {
        "DISPATCHER_DATABASE_URL": secret,
        "DISPATCHER_SMTP_URL": "smtps://office:Geheim2@mail.example.com",
        "DISPATCHER_HEARTBEAT_URL": "https://example.com/Geheim3",
    }
    watched.watch.settings = load_settings(environ, watched.settings.home)
    with caplog.at_level(logging.DEBUG):
        text = watched.page()
    assert "dispatcher_ledger_readable 0.0" in text
    assert 'dispatcher_passes_total{result="good"} 1.0' in text
    assert "cannot be asked" in caplog.text
    assert "Geheim" not in text + caplog.text


def test_there_is_one_page(watched: Watched) -> None:
    with pytest.raises(HTTPError, match="404"):
        watched.page("/")


@pytest.mark.sqlite
def test_only_this_machine_can_ask(watched: Watched) -> None:
    socket.create_connection(("127.0.0.1", watched.port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", watched.port), timeout=5)


@pytest.mark.sqlite
def test_a_port_that_is_taken_is_said_and_stops_nothing(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert serve(watched.watch, other.getsockname()[1]) is None
    assert "cannot be used" in caplog.text


@pytest.mark.parametrize("value", ["0", "65536", "-1", "http", "9108 "])
def test_what_is_no_port_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsError, match="METRICS_PORT"):
        load_settings({"DISPATCHER_METRICS_PORT": value}, tmp_path)


# ---------------------------------------------------------------------------------- the command

LOOK = """
import os, sys
from contextlib import suppress
from dispatcher import daemon
from dispatcher.cli import main

def look(self):
    for name in ("prometheus_client", "http.server"):
        print(name, name in sys.modules)
    links = []
    for fd in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
    print("sockets", sum(link.startswith("socket:") for link in links))
    return True

daemon.Daemon.run = look
sys.argv[1:] = ["run"]
main()
"""


def look(folder: Path, **environ: str) -> list[str]:
    """What the daemon has imported, and how many sockets it has, when it is up."""
    (folder / "schedules.yaml").write_text(SMALL, "utf-8")
    command = [sys.executable, "-c", LOOK]
    done = subprocess.run(
        command, cwd=folder, env=Shell(folder).environ(**environ), capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_off_nothing_is_imported_and_nothing_listens(tmp_path: Path) -> None:
    assert look(tmp_path) == ["prometheus_client False", "http.server False", "sockets 0"]


def test_the_daemon_listens_where_it_is_told_to(tmp_path: Path) -> None:
    found = look(tmp_path, DISPATCHER_METRICS_PORT=str(a_free_port()))
    assert found == ["prometheus_client True", "http.server True", "sockets 1"]
