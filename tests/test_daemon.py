"""The ticker: what goes wrong in a pass, or around it, never ends the daemon."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from dispatcher import daemon, heartbeat
from dispatcher.clock import system_clock
from dispatcher.daemon import Daemon, notify
from dispatcher.heartbeat import Trouble, beat, call, falter, last_beat, trouble
from dispatcher.i18n import Text


class Passes:
    """Fails the first time, and stops the daemon the third."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self.count = 0

    def __call__(self) -> datetime:
        self.count += 1
        if self.count == 3:
            self.stopping.set()
        if self.count == 1:
            raise ZeroDivisionError
        return system_clock()


def test_a_pass_that_fails_does_not_end_the_daemon(caplog: pytest.LogCaptureFixture) -> None:
    stopping = threading.Event()
    passes = Passes(stopping)
    ticking = Daemon(passes, system_clock, stopping)
    for _tick in range(3):
        ticking._tick()
    assert passes.count == 3
    assert "the pass failed" in caplog.text
    ticking._tick()
    assert passes.count == 3


def test_the_heartbeat_says_when_the_last_good_pass_was(tmp_path: Path) -> None:
    path = tmp_path / "var" / "heartbeat.json"
    assert last_beat(path) is None
    at = datetime(2026, 11, 23, 1, tzinfo=UTC)
    beat(path, at, at + timedelta(days=1))
    found = last_beat(path)
    assert found
    assert (found.at, found.next_at) == (at, at + timedelta(days=1))
    path.write_text("{")
    assert last_beat(path) is None


@pytest.mark.parametrize("host", ["127.0.0.1:9", "a..b"])
def test_a_watchdog_that_is_not_there_is_logged_without_its_address(
    caplog: pytest.LogCaptureFixture, host: str
) -> None:
    with caplog.at_level(logging.WARNING):
        call(f"http://{host}/ping?key=canary")
    assert "the watchdog was not reached" in caplog.text
    assert "canary" not in caplog.text


def test_a_pass_that_fails_again_and_again_shows_where_only_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> datetime:
        raise ZeroDivisionError("again")

    ticking = Daemon(fail, system_clock, threading.Event())
    for _tick in range(3):
        ticking._tick()
    assert [bool(line.exc_info) for line in caplog.records] == [True, False, False]


def test_trouble_stands_beside_the_last_good_pass_until_the_next(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat.json"
    at = datetime(2026, 11, 23, 1, tzinfo=UTC)
    beat(path, at, at)
    assert trouble(path) is None
    found = Trouble(at, Text("the disk of {folder} is nearly full", folder="/x"))
    falter(path, found)
    assert trouble(path) == found
    assert last_beat(path) == (at, at)
    beat(path, at, at)
    assert trouble(path) is None


def test_a_clock_that_is_set_back_does_not_put_the_daemon_to_sleep(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each next pass is planned for a time that the clock, set back, reaches in an hour."""
    stopping = threading.Event()
    passes = Passes(stopping)
    passes.count = 1
    planned = iter([timedelta(0), timedelta(hours=1), timedelta(0), timedelta(hours=1)])
    monkeypatch.setattr(daemon, "system_clock", lambda: system_clock() + next(planned))
    monkeypatch.setattr(daemon, "MIN_WAIT", timedelta(milliseconds=10))
    monkeypatch.setattr(daemon, "WATCH", 0.01)
    at_last = threading.Timer(20, stopping.set)
    at_last.start()
    Daemon(passes, system_clock, stopping).run()
    at_last.cancel()
    assert passes.count == 3
    assert "the clock was set back" in caplog.text


def test_of_what_a_clock_set_forward_missed_there_is_one_run() -> None:
    found = Daemon(system_clock, system_clock, threading.Event())
    found._tick()
    found._tick()
    planned = {type(job.trigger).__name__ for job in found.ticker.get_jobs()}
    assert planned == {"Once"}


def test_a_pass_that_is_wanted_before_its_time_comes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopping = threading.Event()
    passes = Passes(stopping)
    monkeypatch.setattr(daemon, "WATCH", 0.05)
    monkeypatch.setattr(daemon, "MIN_WAIT", timedelta(hours=1))
    at_last = threading.Timer(20, stopping.set)
    at_last.start()
    begun = monotonic()
    Daemon(passes, system_clock, stopping, lambda: True).run()
    at_last.cancel()
    assert passes.count == 3
    assert monotonic() - begun < 10


class Supervisor:
    """Where systemd listens, and what it has been told."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def told(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(99).decode())
            except BlockingIOError:
                return found


@pytest.fixture(params=["file", "abstract"])
def supervisor(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Supervisor]:
    name = f"@dispatcher-{tmp_path.name}" if request.param == "abstract" else f"{tmp_path}/notify"
    found = Supervisor(name.replace("@", "\0", 1))
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    yield found
    found.socket.close()


def test_the_watchdog_is_fed_by_every_pass_that_ends(supervisor: Supervisor) -> None:
    stopping = threading.Event()
    ticking = Daemon(Passes(stopping), system_clock, stopping)
    for _failed_and_good in range(2):
        ticking._tick()
        assert supervisor.told() == ["WATCHDOG=1"]


def test_the_watchdog_is_not_fed_while_a_pass_hangs(supervisor: Supervisor) -> None:
    hangs, answers = threading.Event(), threading.Event()

    def hang() -> datetime:
        hangs.set()
        assert answers.wait(60)
        return system_clock()

    ticking = Daemon(hang, system_clock, threading.Event())
    thread = threading.Thread(target=ticking._tick)
    thread.start()
    assert hangs.wait(60)
    assert supervisor.told() == []
    answers.set()
    thread.join()
    assert supervisor.told() == ["WATCHDOG=1"]


def test_systemd_hears_when_the_daemon_is_up(supervisor: Supervisor) -> None:
    stopping = threading.Event()
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]

    def only_pass() -> datetime:
        stopping.set()
        return system_clock()

    assert Daemon(only_pass, system_clock, stopping).run()
    assert set(supervisor.told()) == {"READY=1", "WATCHDOG=1"}
    for number, handler in handlers:
        signal.signal(number, handler)


def test_a_supervisor_that_is_gone_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/nobody")
    with caplog.at_level(logging.WARNING):
        notify("WATCHDOG=1")
    assert "systemd was not reached" in caplog.text
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("WATCHDOG=1")
    assert len(caplog.records) == 1


def test_a_watchdog_that_never_stops_answering_holds_up_no_pass(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "PATIENCE", 0.3)
    dripping = threading.Event()

    def drip() -> None:
        connection, _peer = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not dripping.wait(0.05):
                connection.sendall(b".")

    with socket.create_server(("127.0.0.1", 0)) as server, caplog.at_level(logging.WARNING):
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        serving = threading.Thread(target=drip, daemon=True)
        serving.start()
        begun = monotonic()
        call(url)
        call(url)
        assert monotonic() - begun < 5
        dripping.set()
        serving.join()
    assert "the watchdog was not called: the call before has not ended" in caplog.text
