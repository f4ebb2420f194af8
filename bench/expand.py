"""Spreading 10,000 rules over a year: this program, dateutil's rrule, APScheduler's CronTrigger."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bench.measure import MB, Table, measure_here, medians, module, output
from bench.rules import COUNT, FIRST_DAY, calendar_text, rules

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

    from dispatcher.plan.model import Plan

YEAR = 2026
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
ROOM = timedelta(days=31)
ZONE = "Asia/Shanghai"
SIDES = {
    "plan": "dispatcher `upcoming`: due dates, holidays, rolls, exceptions, reasons",
    "rrule": f"dateutil `rrule.between`, dtstart {FIRST_DAY}: nominal dates",
    "rrule-shared": "the same with `cache=True` and one object for equal rules",
    "rrule-near": f"dateutil `rrule.between`, dtstart {YEAR}-01-01: nominal dates",
    "cron": "APScheduler `CronTrigger.get_next_fire_time`: nominal dates",
}
TARGET = 10


def bench() -> list[Table]:
    """The table of all sides, after proof that they give the same nominal dates."""
    agreed = json.loads(output([sys.executable, "-m", __name__, "agree"]))
    times = medians({side: partial(module, __name__, side) for side in SIDES})
    peaks = {side: module(__name__, side, "memory").peak for side in SIDES}
    ours = times["plan"].seconds
    rows = [
        (name, f"{times[side].seconds:.2f} s", f"{times[side].seconds / ours:.1f} x",
         f"{peaks[side] / MB:.0f} MB")
        for side, name in SIDES.items()
    ]  # fmt: skip
    notes = [
        f"Target: `rrule` takes at least {TARGET} x as long.",
        f"All sides give the same {agreed['dates']:,} nominal dates (checked in this run). Only "
        f"ours then moved {agreed['moved']:,} of them off a rest day and skipped "
        f"{agreed['skipped']:,} weeks without a workday, each with its reason.",
    ]
    different = len({rule.rrule for rule in rules()})
    title = f"Spreading {COUNT:,} duties, {different} different rules among them, over {YEAR}"
    return [Table(title, ("expander", "time", "against ours", "memory"), rows, notes)]


def _plan() -> Plan:
    from dispatcher.plan.reading import read_plan

    return read_plan("schedules.yaml", calendar_text())


def expand_plan() -> Callable[[], object]:
    """What a command of ours does for a year."""
    from dispatcher.plan.occurrences import upcoming

    plan = _plan()
    return lambda: upcoming(plan, FIRST, LAST)


def expand_rrule(start: str, shared: bool = False) -> Callable[[], list[list[datetime]]]:
    """What a user of dateutil writes; ``shared``, what one writes who knows that rules repeat."""
    from dateutil.rrule import rrulestr

    def make(text: str) -> Any:
        return rrulestr(text, dtstart=datetime.fromisoformat(start), cache=shared)

    make_each = cache(make) if shared else make
    made = [make_each(rule.rrule) for rule in rules()]
    first, last = datetime(YEAR, 1, 1), datetime(YEAR, 12, 31)  # noqa: DTZ001
    return lambda: [rule.between(first, last, inc=True) for rule in made]


def expand_cron() -> Callable[[], list[list[datetime]]]:
    """What a user of APScheduler writes: it gives one moment at a time."""
    from apscheduler.triggers.cron import CronTrigger

    zone = ZoneInfo(ZONE)
    made = [CronTrigger(timezone=zone, **rule.cron) for rule in rules()]
    return lambda: [_fire_times(trigger, zone) for trigger in made]


def _fire_times(trigger: CronTrigger, zone: ZoneInfo) -> list[datetime]:
    found: list[datetime] = []
    now, previous = datetime(YEAR, 1, 1, tzinfo=zone), None
    while (moment := trigger.get_next_fire_time(previous, now)) and moment.year == YEAR:
        found.append(moment)
        previous = now = moment
    return found


PREPARE: dict[str, Callable[[], Callable[[], Any]]] = {
    "plan": expand_plan,
    "rrule": partial(expand_rrule, FIRST_DAY),
    "rrule-shared": partial(expand_rrule, FIRST_DAY, shared=True),
    "rrule-near": partial(expand_rrule, f"{YEAR}-01-01"),
    "cron": expand_cron,
}


def agree() -> None:
    """Compares the nominal dates of all sides, duty by duty, and prints how many there are."""
    from dispatcher.plan.occurrences import occurrences

    plan = _plan()
    ours = [
        [one for one in occurrences(plan, duty, FIRST - ROOM, LAST + ROOM)
         if FIRST <= one.nominal <= LAST]
        for duty in plan.duties.values()
    ]  # fmt: skip
    nominal = [sorted(one.nominal for one in found) for found in ours]
    for side in SIDES.keys() - {"plan"}:
        theirs = [[moment.date() for moment in found] for found in PREPARE[side]()()]
        assert theirs == nominal, side
    every = [one for found in ours for one in found]
    moved = sum(one.due != one.nominal for one in every)
    skipped = sum(one.skipped is not None for one in every)
    print(json.dumps({"dates": len(every), "moved": moved, "skipped": skipped}))


def main(side: str, memory: str = "") -> None:
    """A child's part: prepares as ``side`` does, expands once, and prints what that took."""
    if side == "agree":
        agree()
        return
    measure_here(PREPARE[side](), bool(memory))


if __name__ == "__main__":
    main(*sys.argv[1:])
