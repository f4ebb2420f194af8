"""The ticker: what goes wrong in a pass, or around it, never ends the daemon."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.clock import system_clock
from dispatcher.daemon import Daemon
from dispatcher.heartbeat import beat, call, last_beat


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
    daemon = Daemon(passes, system_clock, stopping)
    for _tick in range(3):
        daemon._tick()
    assert passes.count == 3
    assert "the pass failed" in caplog.text
    daemon._tick()
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


def test_a_watchdog_that_is_not_there_is_logged_without_its_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        call("http://127.0.0.1:9/ping?key=canary")
    assert "the watchdog was not reached" in caplog.text
    assert "canary" not in caplog.text
