"""The one reader of the wall clock, and the clocks that stand in for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from freezegun import freeze_time

from dispatcher import bootstrap
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
