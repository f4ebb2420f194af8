"""Whether a clock may be believed: jumps, sleep, other starts of the machine, a person's word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.dispatch.steadiness import Reading, Trust, accept, apart, judge
from dispatcher.i18n import Text
from tests.building import local

SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)
START = local("2026-11-26 09:00")
YEARS = 365 * DAY


class Machine:
    """A machine whose wall clock can be set; every look is judged as the daemon does it."""

    def __init__(self) -> None:
        self.wall, self.up, self.boot = START, 1000.0, "boot-1"
        self.watermark = START
        self.synchronised: bool | None = False
        self.trust: Trust | None = None

    @property
    def reading(self) -> Reading:
        return Reading(self.wall, self.up, self.boot)

    def passes(self, time: timedelta) -> None:
        self.wall += time
        self.up += time.total_seconds()

    def reboots(self, off: timedelta) -> None:
        self.wall += off
        self.up, self.boot = 20.0, self.boot + "+"

    def look(self) -> Text | None:
        """Why nothing is done; if nothing stops it, a pass moves the watermark."""
        found = judge(self.trust, self.reading, self.watermark, synchronised=self.synchronised)
        self.trust = found.trust
        if found.hold is None:
            self.watermark = max(self.watermark, self.wall)
        return found.hold

    def looks_for(self, time: timedelta) -> list[bool]:
        """Whether it was held, look by look, one each half minute."""
        held = []
        for _look in range(int(time / (30 * SECOND))):
            self.passes(30 * SECOND)
            held.append(self.look() is not None)
        return held


@pytest.fixture
def machine() -> Machine:
    """One that has been looked at once."""
    found = Machine()
    assert found.look() is None
    return found


def test_time_that_passes_holds_nothing(machine: Machine) -> None:
    assert not any(machine.looks_for(10 * MINUTE))


@pytest.mark.parametrize("time", [5 * MINUTE, 10 * DAY, 400 * DAY])
def test_sleep_and_a_stopped_process_are_no_jump(machine: Machine, time: timedelta) -> None:
    machine.passes(time)
    assert machine.look() is None


@pytest.mark.parametrize("seconds", [-60, -1, 1, 60])
def test_a_correction_of_up_to_a_minute_is_no_jump(machine: Machine, seconds: int) -> None:
    machine.wall += seconds * SECOND
    assert machine.look() is None


@pytest.mark.parametrize("jump", [61 * SECOND, HOUR, 2 * DAY])
def test_a_jump_forward_is_held_for_two_minutes(machine: Machine, jump: timedelta) -> None:
    machine.wall += jump
    why = machine.look()
    assert "jumped forward by" in str(why)
    assert machine.watermark == START
    assert machine.looks_for(2 * MINUTE) == [True, True, True, False]
    assert not any(machine.looks_for(5 * MINUTE))


def test_a_second_jump_begins_the_two_minutes_anew(machine: Machine) -> None:
    machine.wall += HOUR
    machine.look()
    machine.passes(MINUTE)
    machine.wall += HOUR
    assert machine.look()
    assert machine.looks_for(2 * MINUTE) == [True, True, True, False]


def test_a_jump_that_is_taken_back_is_forgotten_at_once(machine: Machine) -> None:
    machine.wall += YEARS
    assert machine.look()
    machine.passes(MINUTE)
    machine.wall -= YEARS
    assert machine.look() is None


@pytest.mark.parametrize("jump", [2 * DAY + MINUTE + SECOND, YEARS, 10 * YEARS])
def test_a_jump_of_more_than_two_days_waits_for_the_kernels_word(
    machine: Machine, jump: timedelta
) -> None:
    machine.wall += jump
    assert "until the system's time is synchronised" in str(machine.look())
    assert all(machine.looks_for(HOUR))
    machine.synchronised = True
    assert machine.look() is None


def test_where_the_kernel_cannot_be_asked_a_person_must_say_so(machine: Machine) -> None:
    machine.synchronised = None
    machine.wall += YEARS
    assert all(machine.looks_for(HOUR))
    machine.trust = accept(machine.reading, machine.watermark)
    assert machine.look() is None


@pytest.mark.parametrize("jump", [61 * SECOND, 2 * HOUR, 3 * DAY])
def test_a_jump_backward_is_held_until_the_clock_is_past_the_watermark(
    machine: Machine, jump: timedelta
) -> None:
    machine.wall -= jump
    why = str(machine.look())
    assert "work has been done until 2026-11-26 01:00" in why
    machine.passes(jump - SECOND)
    assert machine.look()
    machine.passes(SECOND)
    assert machine.look() is None


def test_a_person_may_say_that_the_earlier_time_is_right(machine: Machine) -> None:
    machine.wall += HOUR
    machine.watermark += YEARS
    assert machine.look()
    machine.trust = accept(machine.reading, machine.watermark)
    assert not any(machine.looks_for(HOUR))
    machine.wall -= DAY
    assert machine.look() is None, "the same watermark is excused, however far the clock is behind"


def test_what_a_person_excused_is_not_excused_for_the_next_watermark(machine: Machine) -> None:
    machine.trust = accept(machine.reading, machine.watermark)
    machine.look()
    machine.passes(DAY)
    machine.look()
    machine.wall -= HOUR
    assert machine.look()


@pytest.mark.parametrize("off", [MINUTE, 10 * DAY, 400 * DAY])
def test_a_machine_that_was_switched_off_is_believed(machine: Machine, off: timedelta) -> None:
    machine.reboots(off)
    assert machine.look() is None


def test_a_start_with_a_dead_battery_is_held_until_the_clock_is_set(machine: Machine) -> None:
    machine.reboots(START - START - 20 * YEARS)
    assert all(machine.looks_for(HOUR))
    machine.wall += 20 * YEARS
    assert machine.look() is None


def test_a_start_that_cannot_be_named_shows_by_the_time_since_it(machine: Machine) -> None:
    machine.boot = ""
    machine.look()
    machine.wall, machine.up = machine.wall + DAY, 5.0
    assert machine.look() is None


def test_a_first_look_knows_only_the_watermark() -> None:
    machine = Machine()
    machine.wall -= HOUR
    assert machine.look()
    machine.trust, machine.watermark = None, START - DAY
    assert machine.look() is None


def test_a_replica_whose_clock_is_a_little_slow_is_not_held(machine: Machine) -> None:
    machine.watermark += 59 * SECOND
    assert machine.look() is None
    machine.watermark += 2 * SECOND
    assert machine.look()


@pytest.mark.parametrize("seconds, held", [(60, False), (61, True), (-60, False), (-61, True)])
def test_two_clocks_that_differ_by_more_than_a_minute_are_apart(seconds: int, held: bool) -> None:
    why = apart(START + seconds * SECOND, START)
    assert (why is not None) is held
    assert not why or f"by {seconds} seconds" in str(why)
