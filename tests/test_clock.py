"""The one reader of the wall clock, and the clocks that stand in for it."""

from __future__ import annotations

import ctypes
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from dispatcher import bootstrap, clock
from dispatcher.clock import clock_starting_at, still_clock, system_clock
from dispatcher.settings import shipped

MOMENT = datetime(2026, 11, 23, 1, tzinfo=UTC)


def test_the_present_is_an_aware_instant() -> None:
    with freeze_time(MOMENT):
        assert system_clock() == MOMENT


def test_today_is_the_day_in_the_plans_zone_and_not_in_utc() -> None:
    plan = bootstrap.read_calendar(shipped("schedules.yaml"))
    with freeze_time("2026-11-23 17:00"):
        assert bootstrap.today(plan).isoformat() == "2026-11-24"


def test_a_shifted_clock_goes_on_and_a_still_one_does_not() -> None:
    china = timezone(timedelta(hours=8))
    start = datetime(2020, 1, 1, 9, tzinfo=china)
    shifted, still = clock_starting_at(start), still_clock(start)
    assert start <= shifted() <= shifted() < start + timedelta(minutes=1)
    assert still() == still() == start


def test_the_time_since_the_start_goes_on_and_its_start_has_a_name() -> None:
    before = clock.boottime()
    assert 0 < before <= clock.boottime()
    assert clock.boot_id() == clock.boot_id() == clock.BOOT_ID.read_text().strip()


def test_a_start_that_cannot_be_named_has_no_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clock, "BOOT_ID", tmp_path / "hidden")
    assert clock.boot_id() == ""


class Kernel:
    """Answers adjtimex with one state."""

    def __init__(self, state: int) -> None:
        self.state = state

    def adjtimex(self, asked: Any) -> int:
        assert not any(asked.raw), "anything else than zero would change the clock"
        return self.state


@pytest.mark.parametrize("state, kept_right", [(0, True), (1, True), (5, False), (-1, None)])
def test_the_kernel_says_whether_the_clock_is_kept_right(
    monkeypatch: pytest.MonkeyPatch, state: int, kept_right: bool | None
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Kernel(state))
    assert clock.kernel_synchronised() is kept_right


def test_this_kernel_can_be_asked() -> None:
    assert clock.kernel_synchronised() in (True, False)


def test_where_there_is_nobody_to_ask_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert clock.kernel_synchronised() is None
