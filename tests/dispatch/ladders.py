"""A ladder of three slips on a monthly duty, and what a person does with them.

January 2026 is due on Friday the 30th. Blue is reached on Wednesday 4 February, yellow on the 11th,
red on the 18th; February is due on Friday the 27th, when January lapses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.slips import Released, Signed, release, void
from dispatcher.ledger import slips
from dispatcher.ledger.slips import Slip
from dispatcher.plan.model import Ladder, Offset, Plan, Rung
from tests.building import Office, a_duty, a_unit, plan_with

SHIPPED = Path(__file__).parents[2] / "templates"
THREE = Offset(3, workdays=True)
BLUE = Rung("蓝", "蓝色提醒单", THREE, ("owner",), THREE, False, "请抓紧办理。")
YELLOW = Rung(
    "黄", "黄色预警单", Offset(8, workdays=True), ("owner", "superior"), THREE, True, "请查明原因。"
)
RED = Rung(
    *("红", "红色督办单", Offset(13, workdays=True), ("owner", "superior", "office")),
    *(Offset(2, workdays=True), True, "请限期办结。"),
)
UNITS = (a_unit("甲", superior="乙"), a_unit("乙"), a_unit("丙"))
ALONE = a_duty(units=("甲",))


def laddered(*rungs: Rung, **changes: Any) -> Plan:
    """The plan of 甲's monthly duty, 乙 above 甲, 丙 the office; all three rungs unless given."""
    ladder = Ladder("督〔{year}〕{number}号", rungs or (BLUE, YELLOW, RED))
    return plan_with(ALONE, units=UNITS)._replace(ladder=ladder)._replace(**changes)


def after(name: str, *offsets: Offset) -> tuple[Rung, ...]:
    """Rungs that ask for nothing but their day."""
    return tuple(
        BLUE._replace(colour=f"{name}{number}", name=f"{name}{number}单", after=offset)
        for number, offset in enumerate(offsets, start=1)
    )


def drafted(office: Office, first: str, last: str) -> dict[str, list[str]]:
    """Passes at nine on each day; what was drafted on which, by name."""
    day, found = date.fromisoformat(first), {}
    known = {each.id for each in listed(office)}
    while day <= date.fromisoformat(last):
        office.at(str(day))
        new = [each for each in listed(office) if each.id not in known]
        known |= {each.id for each in new}
        found[str(day)] = [each.name for each in new]
        day += timedelta(days=1)
    return {day: names for day, names in found.items() if names}


def listed(office: Office) -> list[Slip]:
    with office.conn() as conn:
        return sorted(slips.listed(conn), key=lambda each: each.id)


def standing(office: Office) -> list[tuple[str, str]]:
    """Every slip: its name, and its state or why it is void."""
    return [(each.name, str(each.reason or each.state)) for each in listed(office)]


def released(
    office: Office, *ids: int, note: str = "", templates: Sequence[Path] = (SHIPPED,)
) -> Released:
    """张三 releases slips, now, all of them or none; what became of the last."""
    composer, signed = Composer(templates, office.plan.workdays), Signed("张三", note, office.now)
    with office.conn() as conn:
        return [release(conn, office.plan, composer, each, signed) for each in ids][-1]


def voided(office: Office, slip_id: int, note: str = "发错了") -> Slip | None:
    """李四 makes a slip void, now."""
    with office.conn() as conn:
        return void(conn, slip_id, Signed("李四", note, office.now))
