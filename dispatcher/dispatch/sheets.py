"""Sheets (台账): the plan and the ledger, as the rows of a workbook that a unit fills in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from dispatcher.dispatch.answering import measures_by_name
from dispatcher.dispatch.wording import day_words, period_words, sources, titled
from dispatcher.errors import DispatcherError
from dispatcher.i18n import _, translator
from dispatcher.ledger import sheets
from dispatcher.ledger.database import Connection
from dispatcher.ledger.sheets import Kept
from dispatcher.ledger.terms import COLOURS, colour_of
from dispatcher.ledger.transitions import CHASED, OPEN
from dispatcher.plan.measures import PERCENT, WHOLE, read_figure, target_words
from dispatcher.plan.model import Measure, Plan
from dispatcher.plan.periods import Period, periods_of
from dispatcher.sheet import Figure, Line, Sheet

ALL = "全部单位"
"""Whose sheet the office's own is: it has a row for each unit."""
STATUSES = {
    "pending": "未启动",
    "acknowledged": "正在办理",
    "returned": "正在办理",
    "reported": "已办结",
    "done": "已办结",
    "waived": "免报",
    "withdrawn": "已撤销",
    "lapsed": "逾期未办",
}
"""What the column 完成情况 says of each state."""
STRETCHES = ("year", "half-year", "quarter", "month")
UNFIT = re.compile(r'[\\:*?"<>|]')
"""What a file's name cannot hold on an office computer; no name of a unit has a slash."""
chinese = translator("zh_CN")


def stretch_called(key: str) -> Period:
    """The stretch of time of ``2026``, ``2026-H1``, ``2026-Q4`` or ``2026-11``.

    Raises DispatcherError for anything else.
    """
    if re.fullmatch(r"20\d\d(-\w+)?", key, re.ASCII):
        for length in STRETCHES:
            for period in periods_of(length, int(key[:4])):
                if period.key == key:
                    return period
    raise DispatcherError(
        _("'{value}' is not a period; write 2026, 2026-H1, 2026-Q4 or 2026-11", value=key)
    )


def quarter_of(day: date) -> Period:
    """The quarter in which ``day`` lies."""
    return next(period for period in periods_of("quarter", day.year) if day <= period.last)


def unit_sheet(conn: Connection, plan: Plan, unit: str, stretch: Period, now: datetime) -> Sheet:
    """A unit's sheet: what it owes in ``stretch`` and what is open from before, by due date, so
    that the longest overdue comes first.

    What has not opened yet is not on it, and nothing that is due only later.
    """
    return _sheet(plan, unit, stretch, sheets.of_stretch(conn, stretch, unit), now)


def every_sheet(conn: Connection, plan: Plan, stretch: Period, now: datetime) -> list[Sheet]:
    """The sheet of each unit that has anything on it, and first the office's, with every row;
    none when nobody has anything."""
    kept = sheets.of_stretch(conn, stretch)
    by_unit = defaultdict(list)
    for each in kept:
        by_unit[each.assigned.unit].append(each)
    whole = {ALL: kept} if kept else {}
    return [_sheet(plan, unit, stretch, mine, now) for unit, mine in (whole | by_unit).items()]


def attached_sheet(conn: Connection, plan: Plan, unit: str, now: datetime) -> tuple[str, bytes]:
    """The name and the workbook of a unit's sheet for the quarter of ``now``."""
    from dispatcher.sheet.writing import write_sheet

    quarter = quarter_of(now.astimezone(plan.zone).date())
    sheet = unit_sheet(conn, plan, unit, quarter, now)
    return file_name(unit, quarter), write_sheet(sheet)


def file_name(unit: str, stretch: Period) -> str:
    """How a sheet's file is called.

    >>> file_name("潭东镇", quarter_of(date(2026, 10, 12)))
    '台账-潭东镇-2026-Q4.xlsx'
    """
    return f"台账-{UNFIT.sub('_', unit)}-{stretch.key}.xlsx"


def _sheet(plan: Plan, unit: str, stretch: Period, kept: Sequence[Kept], now: datetime) -> Sheet:
    today = now.astimezone(plan.zone).date()
    lines = tuple(_line(plan, each, today) for each in kept)
    return Sheet(titled(f"{unit}督办事项台账", stretch.key), unit, today, lines)


def _line(plan: Plan, kept: Kept, today: date) -> Line:
    assigned, state = kept.assigned, kept.assigned.state
    return Line(
        key=assigned.key,
        number=kept.code,
        source=sources(kept.rows, kept.clause),
        title=kept.title,
        task="\n".join([kept.task, *_remarks(kept, today)]),
        period=period_words(assigned.period),
        leader="、".join(_leaders(plan, kept.lead)),
        lead="、".join(kept.lead),
        unit=assigned.unit,
        contact=_contact(plan, assigned.unit),
        assigned_on=(kept.told_at or kept.entered_at).astimezone(plan.zone).date(),
        due_on=assigned.due_on,
        acknowledged_on=_day(plan, kept.acknowledged_at),
        progress=kept.progress,
        status=STATUSES[state],
        colour=_colour(kept, today),
        overdue=max((today - assigned.due_on).days, 0) if state in CHASED else 0,
        done_on=_day(plan, kept.closed_at) if state == "done" else None,
        note=kept.reason.render(chinese) if kept.reason else "",
        open=state in OPEN,
        figures=tuple(_figures(plan, kept)),
    )


def _day(plan: Plan, moment: datetime | None) -> date | None:
    return moment.astimezone(plan.zone).date() if moment else None


def _remarks(kept: Kept, today: date) -> Iterator[str]:
    """How it stands between unit and office; in a cell that is not filled in, so that nobody's
    words are taken for the unit's."""
    if kept.assigned.state == "reported":
        yield "(已反馈,待审核)"
    if kept.assigned.state == "returned":
        yield f"(退回重办:{kept.returned})"
    if kept.assigned.asked_on:
        yield f"(已申请延期至{day_words(kept.assigned.asked_on, today)},待审批)"


def _leaders(plan: Plan, units: Iterable[str]) -> Iterator[str]:
    """Who stands above the units, each once: by name, where the file gives one."""
    above = (plan.units[unit].superior for unit in units if unit in plan.units)
    for leader in dict.fromkeys(filter(None, above)):
        contacts = plan.units[leader].contacts
        yield contacts[0].name if contacts else leader


def _contact(plan: Plan, unit: str) -> str:
    contacts = plan.units[unit].contacts if unit in plan.units else ()
    return f"{contacts[0].name} {contacts[0].mobile}".strip() if contacts else ""


def _colour(kept: Kept, today: date) -> str:
    assigned = kept.assigned
    found = colour_of(assigned.state, assigned.due_on, today, missed=kept.missed)
    return COLOURS[found].render(chinese) if found else ""


def _figures(plan: Plan, kept: Kept) -> Iterator[Figure]:
    """The measures that the unit fills in, with what it has reported so far."""
    assigned = kept.assigned
    for name, measure in measures_by_name(plan, assigned).items():
        yield Figure(
            key=f"{assigned.key}#{name}",
            name=name,
            target=target_words(measure, assigned.nominal_on).render(chinese) or "未设",
            unit=measure.unit or "无",
            value=value_of(measure, kept.figures.get(name)),
            most=WHOLE if measure.unit == PERCENT else None,
        )


def value_of(measure: Measure, figure: str | None) -> Decimal | None:
    """A recorded figure as a number; None when there is none, or the measure's unit has changed."""
    try:
        return None if figure is None else read_figure(measure, figure)
    except DispatcherError:
        return None
