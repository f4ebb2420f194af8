"""A unit's digest: its reminders by colour, in the words that follow from dates and counts.

Composition only: plain data in, a dict of plain values for the templates out.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import NamedTuple

from dispatcher.dispatch.notices import notes
from dispatcher.dispatch.wording import (
    SECRECY,
    View,
    clock_words,
    day_and_weekday,
    day_words,
    full_day,
    sources,
    titled,
    why_moved,
)
from dispatcher.ledger.items import Item
from dispatcher.ledger.terms import SOON
from dispatcher.plan.workdays import Workdays

IN_FULL = 8
"""So many items of a digest are shown in full; the rest have a line each."""
NAMED_UNITS = 3
"""A subject names so many units; of more it names the first and their number."""
ROLES = {"lead": "牵头单位", "responsible": "责任单位"}


class Digest(NamedTuple):
    """What one address is told at one time; ``at`` is local, and ``today`` its day."""

    units: tuple[str, ...]
    today: date
    at: datetime
    office: str
    office_contact: str
    items: tuple[Item, ...]


class Group(NamedTuple):
    """Items of one colour: how they are headed, counted in the subject, and painted in HTML."""

    mark: str
    head: str
    total: str
    colour: str


GROUPS = (
    RED := Group("红", "已逾期{}项", "逾期{}项", "#b00020"),
    YELLOW := Group("黄", "今日到期{}项", "今日到期{}项", "#8a5a00"),
    BEHIND := Group("黄", "指标未达到{}项", "指标未达到{}项", "#8a5a00"),
    BLUE := Group("蓝", "7日内到期{}项", "7日内到期{}项", "#0b57a4"),
    LATER := Group("待办", "7日以后到期{}项", "待办{}项", "#444444"),
    ABOVE := Group("上报", "下列单位逾期未反馈{}项,请督促", "下属单位逾期{}项", "#b00020"),
    COPY := Group("抄送", "{}项,无需反馈", "抄送{}项", "#444444"),
    WAIVED := Group("免报", "{}项,不再办理", "免报{}项", "#444444"),
    WITHDRAWN := Group("撤销", "{}项,不再办理", "撤销{}项", "#444444"),
)


def digest_view(digest: Digest, workdays: Workdays) -> View:
    """A digest, as the templates need it: plain values, and the built-in text in ``lines``."""
    view = _heading(digest) | _entries(digest, workdays) | _closing(digest)
    return view | {"lines": _plain(view)}


def _heading(digest: Digest) -> View:
    counts = {group: len(items) for group, items in _grouped(digest)}
    units = "、".join(digest.units)
    short = units
    if len(digest.units) > NAMED_UNITS:
        short = f"{digest.units[0]}等{len(digest.units)}个单位"
    kind = "催办" if RED in counts else "报告" if ABOVE in counts else "提醒"
    totals = "、".join(group.total.format(count) for group, count in counts.items())
    day = day_words(digest.today, digest.today)
    return {
        "kind": kind,
        "units": units,
        "totals": totals,
        "day": day,
        "subject": f"【{kind}】{short}:{totals}({day})",
        "opening": _opening(digest),
    }


def _opening(digest: Digest) -> str:
    when = f"{day_and_weekday(digest.today, digest.today)}{clock_words(digest.at)}"
    if not _owed(digest):
        escalated = any(item.escalated for item in digest.items)
        return f"截至{when},以下事项逾期未反馈,特此报告:" if escalated else "以下事项请知悉:"
    yours = "你单位" if len(digest.units) == 1 else ""
    return f"截至{when},{yours}以下事项尚未办结:"


def _owed(digest: Digest) -> list[Item]:
    return [item for item in digest.items if item.owed]


def group_of(item: Item, today: date) -> Group:
    """The colour of an item on ``today``; what the addressee does not owe has none."""
    if not item.owed:
        return _not_owed(item)
    if item.due <= today:
        return RED if item.due < today else YELLOW
    if item.missed:
        return BEHIND
    return BLUE if item.due <= today + SOON else LATER


def _not_owed(item: Item) -> Group:
    if item.closed:
        return WAIVED if item.step == "waived" else WITHDRAWN
    return ABOVE if item.escalated else COPY


def _grouped(digest: Digest) -> list[tuple[Group, list[Item]]]:
    """The groups that have items, in their order, each by due date."""
    found: dict[Group, list[Item]] = defaultdict(list)
    for item in sorted(digest.items, key=lambda item: item.due):
        found[group_of(item, digest.today)].append(item)
    return [(group, found[group]) for group in GROUPS if group in found]


def entries_of(digest: Digest, workdays: Workdays) -> list[tuple[Item, View]]:
    """Every item with what is said of it, in the order in which a digest says it."""
    members = [(group, item) for group, items in _grouped(digest) for item in items]
    in_common = _role_in_common(digest)
    entries = []
    for number, (group, item) in enumerate(members, start=1):
        entry = _entry(number, group, item, digest.today)
        entry["deadline"] = _deadline(item, digest.today, workdays)
        entry["role"] = _role(item, digest, in_common)
        entries.append((item, entry | {"line": _line(entry)}))
    return entries


def _entries(digest: Digest, workdays: Workdays) -> View:
    """The first items under their groups, in full, and the rest."""
    entries = [entry for _item, entry in entries_of(digest, workdays)]
    found = [
        {
            "mark": group.mark,
            "head": group.head.format(len(items)),
            "colour": group.colour,
            "entries": [
                entry
                for entry in entries[:IN_FULL]
                if (entry["mark"], entry["head"]) == (group.mark, group.head)
            ],
        }
        for group, items in _grouped(digest)
    ]
    return {"groups": [group for group in found if group["entries"]], "rest": entries[IN_FULL:]}


def _entry(number: int, group: Group, item: Item, today: date) -> View:
    source = sources(item.rows, item.clause)
    return {
        "number": number,
        "mark": group.mark,
        "head": group.head,
        "colour": group.colour,
        "title": titled(item.title, item.period),
        "task": "" if item.closed else item.task,
        "notes": notes(item, today),
        "lead": "、".join(item.lead) + (f"({source})" if source else ""),
    }


def _line(entry: View) -> str:
    """The whole entry on one line, but for its task and its lead."""
    said = ";".join(filter(None, [entry["deadline"], *entry["notes"], entry["role"]]))
    return f"{entry['number']}.【{entry['mark']}】{entry['title']}:{said}"


def _deadline(item: Item, today: date, workdays: Workdays) -> str:
    """``3月31日(周二),已逾期17天,第4次催办``, with why it moved behind it."""
    day = day_and_weekday(item.due, today)
    if item.closed:
        return f"原为{day}"
    days = (item.due - today).days
    words = [day, f"还有{days}天" if days > 0 else "今日到期" if not days else f"已逾期{-days}天"]
    if item.times and item.owes and days < 0:
        words.append(f"第{item.times}次催办")
    if item.provisional:
        words.append("暂定")
    why = "" if item.old_due else why_moved(item.due, item.nominal, workdays)
    return ",".join(words) + (f"({why})" if why else "")


def _role_in_common(digest: Digest) -> str:
    """The part that a single unit has in everything it owes here; empty when it differs."""
    roles = {ROLES[item.role] for item in _owed(digest)}
    return roles.pop() if len(digest.units) == len(roles) == 1 else ""


def _role(item: Item, digest: Digest, in_common: str) -> str:
    if item.escalated:
        return f"逾期单位:{item.unit}"
    if not item.owed:
        return "" if len(digest.units) == 1 else f"告知{item.unit}"
    if in_common:
        return ""
    unit = "你单位" if len(digest.units) == 1 else item.unit
    return f"{unit}为{ROLES[item.role]}"


def _closing(digest: Digest) -> View:
    role = _role_in_common(digest)
    return {
        "role": role,
        "owed": bool(_owed(digest)),
        "others": len(_owed(digest)) < len(digest.items),
        "provisional": any(item.provisional and not item.closed for item in digest.items),
        "contact": digest.office_contact,
        "office": digest.office,
        "date": full_day(digest.today),
        "secrecy": SECRECY,
    }


def _plain(view: View) -> list[str]:
    """The built-in text: every item in a line, and what a unit must know to answer."""
    entries = [entry["line"] for group in view["groups"] for entry in group["entries"]]
    return [
        f"{view['units']}:",
        view["opening"],
        *entries,
        *(entry["line"] for entry in view["rest"]),
        *(["请尽快反馈进展、存在问题和预计完成时间。"] if view["owed"] else []),
        *([f"联系人:{view['contact']}"] if view["contact"] else []),
        f"{view['office']} {view['date']}",
        view["secrecy"],
    ]
