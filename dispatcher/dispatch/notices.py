"""What is said of an item beside its deadline: what happened to it, and what the office said."""

from __future__ import annotations

from datetime import date

from dispatcher.dispatch.wording import day_and_weekday
from dispatcher.ledger.items import Item


def notes(item: Item, today: date) -> list[str]:
    """What is said of an item beside its deadline, each a short sentence."""
    own = (item.step, item.old_due, item.remark)
    if item.closed:
        return [f"{_notice(*own, item.due, today)},无需再办理和反馈"]
    said = (_notice(*notice, item.due, today) for notice in (*item.earlier, own))
    found = [notice for notice in said if notice]
    if item.progress and item.owed:
        found.append("全年推进事项,请报进展")
    if item.missed and item.owed:
        found.append("上次反馈的指标未达到要求")
    if item.lapsed:
        found.append(f"另有{item.lapsed}期逾期未办")
    if not item.owes:
        found.append("抄送,无需反馈")
    return found


def _notice(step: str, old_due: date | None, remark: str, due: date, today: date) -> str:
    """What a notice says; empty for a step."""
    kind = step.split(maxsplit=1)[0].split(".", maxsplit=1)[0]
    if kind not in SAYINGS:
        return ""
    old = f"由{day_and_weekday(old_due, today)}" if old_due else ""
    new = day_and_weekday(due, today)
    why = f":{remark}" if remark else ""
    given = f",请于{new}前重新反馈" if old_due else ",请重新反馈"
    return SAYINGS[kind].format(old=old, new=new, why=why, given=given)


SAYINGS = {
    "moved": "时限{old}调整为{new},请按新时限办理",
    "extended": "延期申请已同意,时限{old}调整为{new}{why}",
    "refused": "延期申请未获同意,仍按原时限办理{why}",
    "returned": "退回重办{why}{given}",
    "reopened": "重新办理{why}{given}",
    "waived": "已同意免报{why}",
    "withdrawn": "该事项已撤销{why}",
}
