"""The page of a rehearsal: one file that a browser opens from the disk, and nothing else."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Iterator, Sequence
from datetime import date
from math import ceil, sqrt
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from dispatcher.i18n import Text, translator
from dispatcher.ledger import rehearsing
from dispatcher.ledger.database import Connection
from dispatcher.ledger.outbox import Address
from dispatcher.rehearsal.living import Life
from dispatcher.rehearsal.report import Report, conditions
from dispatcher.rehearsal.stage import MESSAGES
from dispatcher.rehearsal.tally import Load

TEMPLATE = Path(__file__).with_name("page.html")
SHADES = 5
WEEKDAYS = "一二三四五六日"
STATES = {"sent": "", "failed": "没有发到", "unknown": "不知是否收到"}
chinese = translator("zh_CN")


class Cell(NamedTuple):
    """A day of the calendar: the darker its ``shade`` (0 to 5), the more items."""

    day: int
    shade: int
    load: Load
    rests: bool


class Month(NamedTuple):
    """A month as weeks that begin on Monday, None for the days of others."""

    name: str
    weeks: list[list[Cell | None]]


class Row(NamedTuple):
    """A message in the table of its unit; ``to`` is whom it went to, where the unit has several
    addresses; ``page`` and ``file`` are links, or empty."""

    day: str
    subject: str
    to: str
    items: int
    page: str
    file: str
    state: str


class Unit(NamedTuple):
    """A unit with its load by month; its messages are read when the page comes to it."""

    name: str
    loads: list[Load]
    total: Load
    conn: Connection
    addresses: Sequence[Address]
    life: Life

    def rows(self) -> Iterator[Row]:
        """Its messages in order."""
        zone = self.life.plan.zone
        for kept in rehearsing.letters_to(self.conn, self.addresses):
            day = kept.at.astimezone(zone).date()
            file = f"{MESSAGES}/{quote(kept.receipt, safe='@+')}" if kept.receipt else ""
            page = f"{file.removesuffix('.eml')}.html" if file else ""
            state = STATES.get(kept.state, "没有发出")
            to = kept.address if len(self.addresses) > 1 else ""
            yield Row(in_words(day), kept.subject, to, kept.items, page, file, state)


def write_page(out: Path, life: Life, report: Report, conn: Connection) -> Path:
    """Writes ``index.html`` piece by piece, so that it takes no more memory than one unit does."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    tally, stretch = life.tally, life.wishes.stretch
    months = sorted({(day.year, day.month) for day in tally.days})
    path = out / "index.html"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(
            template.generate(
                title=life.plan.title,
                first=in_full(stretch.first),
                last=in_full(stretch.last),
                conditions=_said(conditions(life.wishes)),
                total=tally.total,
                wrong=_said(report.wrong),
                notes=_said(report.notes),
                more_than=tally.more_than,
                heavy_days=tally.heavy_days,
                heaviest=[(in_words(each.day), each.unit, each.items) for each in tally.heaviest],
                months=[_month(life, *month) for month in months],
                columns=[f"{month}月" for _year, month in months],
                units=list(_units(life, conn, months)),
                weekdays=WEEKDAYS,
            )
        )
    return path


def in_words(day: date) -> str:
    """A day as it is read: ``3月31日(周二)``."""
    return f"{day.month}月{day.day}日(周{WEEKDAYS[day.weekday()]})"


def in_full(day: date) -> str:
    """A day with its year."""
    return f"{day.year}年{day.month}月{day.day}日"


def _said(texts: Iterator[Text] | list[Text]) -> list[str]:
    return [text.render(chinese) for text in texts]


def _units(life: Life, conn: Connection, months: list[tuple[int, int]]) -> Iterator[Unit]:
    """Those that were told anything, in the calendar's order."""
    for name, addresses in life.addresses().items():
        loads = [life.tally.months.get((*month, name), Load()) for month in months]
        total = sum(loads, Load())
        if total.messages:
            yield Unit(name, loads, total, conn, addresses, life)


def _month(life: Life, year: int, month: int) -> Month:
    heaviest = max(load.items for load in life.tally.days.values())
    weeks = [
        [_cell(life, day, heaviest) if day.month == month else None for day in week]
        for week in Calendar().monthdatescalendar(year, month)
    ]
    return Month(f"{year}年{month}月", weeks)


def _cell(life: Life, day: date, heaviest: int) -> Cell:
    load = life.tally.days.get(day, Load())
    # By the root: else the last days of the quarters would leave all others white.
    shade = ceil(SHADES * sqrt(load.items / heaviest)) if load.items else 0
    return Cell(day.day, shade, load, not life.plan.workdays.is_workday(day))
