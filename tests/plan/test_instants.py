"""Civil times as instants: the hour that clocks skip, and the hour that comes twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from dispatcher.plan.steps import instant

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # changed at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Africa/Casablanca",  # four changes a year
    "Asia/Gaza",
    "Pacific/Apia",  # left out 30 December 2011
    "America/Caracas",  # changed its offset by half an hour, for good
    "Antarctica/Troll",  # by two hours
]


@cache
def days_of_change(name: str) -> list[date]:
    """The civil days, 2010 to 2029, on which or next to which the zone's offset changes."""
    zone, found = ZoneInfo(name), []
    moment = datetime(2010, 1, 1, tzinfo=UTC)
    offset = moment.astimezone(zone).utcoffset()
    while moment.year < 2030:
        moment += DAY
        now = moment.astimezone(zone).utcoffset()
        if now != offset:
            found += [moment.date() + n * DAY for n in (-1, 0)]
        offset = now
    return found


def minutes_around(day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Every minute of a civil day and of the hours around it, with what clocks then show."""
    first = datetime.combine(day, time(), UTC) - timedelta(hours=15)
    minutes = (first + n * MINUTE for n in range(60 * 54))
    return [(moment, moment.astimezone(zone).replace(tzinfo=None)) for moment in minutes]


@pytest.mark.parametrize("name", ZONES)
def test_every_civil_time_around_a_change_is_the_first_instant_that_clocks_show_it(
    name: str,
) -> None:
    zone = ZoneInfo(name)
    times = [time(hour, minute) for hour in (0, 1, 2, 3, 9, 23) for minute in (0, 30, 59)]
    for day in days_of_change(name):
        minutes = minutes_around(day, zone)
        for clock_time in times:
            civil = datetime.combine(day, clock_time)
            naive = next(moment for moment, shown in minutes if shown >= civil)
            assert instant(day, clock_time, zone) == naive, (civil, name)


@pytest.mark.parametrize("name", ZONES)
def test_on_other_days_a_civil_time_is_what_clocks_show(name: str) -> None:
    zone = ZoneInfo(name)
    changes = set(days_of_change(name))
    for number in range(0, 20 * 365, 13):
        day = date(2010, 1, 1) + number * DAY
        if day not in changes:
            shown = instant(day, time(9), zone).astimezone(zone)
            assert shown.replace(tzinfo=None) == datetime.combine(day, time(9))


def test_a_time_that_does_not_exist_is_the_first_instant_after_the_gap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert instant(date(2026, 3, 29), time(2), berlin) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert instant(date(2026, 3, 29), time(2, 59), berlin) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert instant(date(2026, 3, 29), time(3), berlin) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_time_that_comes_twice_counts_the_first_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert instant(date(2026, 10, 25), time(2), berlin) == datetime(2026, 10, 25, tzinfo=UTC)


def test_a_day_that_was_left_out_altogether_is_the_first_instant_of_the_next() -> None:
    apia = ZoneInfo("Pacific/Apia")
    midnight = datetime(2011, 12, 31, tzinfo=apia).astimezone(UTC)
    assert instant(date(2011, 12, 30), time(9), apia) == midnight


def test_a_day_without_midnight_begins_when_its_clocks_do() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert instant(date(2018, 11, 4), time(0), sao_paulo) == datetime(2018, 11, 4, 3, tzinfo=UTC)
