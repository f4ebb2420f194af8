"""The load on those who are told: digests and items, by unit and month of 2026.

The shipped calendar, the daemon's pass at nine every day, every answer on its due day.
``python -m bench.digests 潭东镇 9`` prints that unit's fullest digest of September.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import ROOT, Table, output

if TYPE_CHECKING:
    from dispatcher.dispatch.parts import Compose, Parts
    from dispatcher.ledger.database import Connection
    from dispatcher.ledger.items import Item
    from dispatcher.ledger.outbox import Content

YEAR = 2026
DAYS = [date(YEAR, 1, 1) + timedelta(days=number) for number in range(365)]
MONTHS = range(1, 13)
TARGET = 3


class Told(NamedTuple):
    """A digest: to whom, in which month, how many items it has, and what it says."""

    unit: str
    month: int
    items: int
    text: str


def bench() -> list[Table]:
    """A table of digests and one of items; the year is passed in a process of its own."""
    told = [Told(*row) for row in json.loads(output([sys.executable, "-m", __name__]))]
    units = sorted({each.unit for each in told}, key=lambda unit: -_sum(told, unit))
    ending = f"when everybody answers on the due day, {YEAR}"
    average = len(told) / len(units) / len(MONTHS)
    note = f"On average {average:.1f} a month for each of {len(units)} units; expected: {TARGET}."
    digests = [_row(unit, [_count(told, unit, month) for month in MONTHS]) for unit in units]
    items = [_row(unit, [_sum(told, unit, month) for month in MONTHS]) for unit in units]
    fullest = max(told, key=lambda each: each.items)
    header = ("unit", *map(str, MONTHS), "year")
    return [
        Table(f"Digests a month {ending}", header, digests, [note]),
        Table(f"Items in them {ending}", header, items,
              [f"The fullest digest has {fullest.items} items ({fullest.unit}, "
               f"month {fullest.month})."]),
    ]  # fmt: skip


def _row(unit: str, months: Sequence[int]) -> list[str]:
    return [unit, *map(str, months), str(sum(months))]


def _count(told: Iterable[Told], unit: str, month: int) -> int:
    return sum((each.unit, each.month) == (unit, month) for each in told)


def _sum(told: Iterable[Told], unit: str, month: int = 0) -> int:
    return sum(each.items for each in told if each.unit == unit and month in (0, each.month))


# ------------------------------------------------------------------------------- the child's part


def main(unit: str = "", month: str = "") -> None:
    """Passes the year, and prints every digest as JSON, or the fullest of a unit, and of a month,
    as it reads."""
    with tempfile.TemporaryDirectory() as folder:
        told = _year(Path(folder))
    if unit:
        mine = [each for each in told if each.unit == unit and month in ("", str(each.month))]
        print(max(mine, key=lambda each: each.items).text)
    else:
        print(json.dumps(told))


def _year(home: Path) -> list[Told]:
    """What is told, to one contact of each unit, on every day of the year."""
    from dispatcher import bootstrap
    from dispatcher.dispatch.passes import run_pass
    from dispatcher.settings import load_settings

    settings = load_settings({"DISPATCHER_SCHEDULES": str(ROOT / "schedules.yaml")}, home)
    calendar = bootstrap.read_revision(settings.schedules)
    plan = calendar.plan
    units = {name: unit._replace(contacts=unit.contacts[:1]) for name, unit in plan.units.items()}
    plan = plan._replace(units=units)
    now = datetime(YEAR, 1, 1, tzinfo=UTC)
    engine = bootstrap.ledger(settings)
    told: list[Told] = []
    revision = calendar._replace(plan=plan)
    parts = bootstrap.parts(settings, revision, engine, lambda: now)
    parts = parts._replace(compose=_noting(parts.compose, told))
    for day in DAYS:
        now = datetime(day.year, day.month, day.day, 9, tzinfo=plan.zone).astimezone(UTC)
        run_pass(parts, now)
        _answer_what_is_due(parts, day, now)
    engine.dispose()
    return told


def _noting(compose: Compose, told: list[Told]) -> Compose:
    def noted(conn: Connection, items: Sequence[Item], now: datetime, channel: str) -> Content:
        content = compose(conn, items, now, channel)
        said = f"主题:{content.subject}\n\n{content.text}"
        # At nine in China it is the same day in UTC.
        told.append(Told(items[0].told, now.month, len(items), said))
        return content

    return noted


def _answer_what_is_due(parts: Parts, today: date, now: datetime) -> None:
    from dispatcher.dispatch.answering import answer
    from dispatcher.ledger.answers import Said
    from dispatcher.ledger.assignments import select_assigned
    from dispatcher.ledger.transitions import CHASED

    done = Said("done", "区农办", despite="逐项核对")
    with parts.engine.begin() as conn:
        for assigned in select_assigned(conn, states=CHASED):
            if assigned.owes and assigned.due_on <= today:
                answer(conn, parts.plan, assigned, done, now)


if __name__ == "__main__":
    main(*sys.argv[1:])
