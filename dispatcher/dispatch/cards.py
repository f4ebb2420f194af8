"""A digest as data, for the channels that lay it out themselves."""

from __future__ import annotations

from typing import Any

from dispatcher.channels.contract import Card, Colour, Entry
from dispatcher.dispatch.digest import Digest, digest_view, entries_of
from dispatcher.dispatch.wording import View, cleaned
from dispatcher.ledger.items import Item
from dispatcher.ledger.outbox import Content
from dispatcher.plan.model import Plan
from dispatcher.plan.ways import detail
from dispatcher.plan.workdays import Workdays

COLOURS: dict[str, Colour] = {"红": "red", "上报": "red", "黄": "yellow", "蓝": "blue"}
ELSEWHERE = "具体要求不在此处发送,请向{office}查询。"
"""What a message says that holds no more than titles."""


def card_of(digest: Digest, workdays: Workdays, *, full: bool) -> Card:
    """The digest; only titles and deadlines of it unless it is to be said in ``full``."""
    view = digest_view(digest, workdays)
    entries = tuple(
        _entry(item, cleaned(entry), full=full) for item, entry in entries_of(digest, workdays)
    )
    return Card(view["units"], view["opening"], entries, tuple(_closing(view, full=full)))


def _entry(item: Item, entry: View, *, full: bool) -> Entry:
    said = Entry(
        key=f"{item.duty}/{item.period}@{item.unit}",
        duty=item.duty,
        unit=item.unit,
        colour=COLOURS.get(entry["mark"], "grey"),
        mark=entry["mark"],
        head=entry["head"],
        title=entry["title"],
        due=item.due.isoformat(),
        deadline=entry["deadline"],
    )
    if not full:
        return said
    return said._replace(
        notes=tuple(entry["notes"]), role=entry["role"], task=entry["task"], lead=entry["lead"]
    )


def _closing(view: View, *, full: bool) -> list[str]:
    lines = ["请尽快反馈进展、存在问题和预计完成时间。"] if view["owed"] else []
    if not full:
        lines.append(ELSEWHERE.format(office=view["office"]))
    if view["contact"]:
        lines.append(f"联系人:{view['contact']}")
    return [*lines, f"{view['office']} {view['date']}"]


def text_of(card: Card) -> str:
    """A card as plain text, an item a line."""
    lines = [
        f"{number}.【{entry.mark}】"
        + ";".join(filter(None, [f"{entry.title}:{entry.deadline}", *entry.notes, entry.role]))
        for number, entry in enumerate(card.entries, start=1)
    ]
    return "\n".join([f"{card.units}:", card.opening, *lines, *card.closing]) + "\n"


def said_on(plan: Plan, channel: str, content: Content) -> Content:
    """What a channel may say of a letter that is no digest: all of it, or its subject."""
    if detail(plan, channel) == "full":
        return content
    return Content(content.subject, f"{ELSEWHERE.format(office=plan.office)}\n", "")


def packed(card: Card) -> dict[str, Any]:
    """A card as the ledger keeps it."""
    return card._asdict() | {"entries": [entry._asdict() for entry in card.entries]}


def unpacked(kept: dict[str, Any]) -> Card:
    """A card as the ledger kept it."""
    entries = (Entry(**entry | {"notes": tuple(entry["notes"])}) for entry in kept["entries"])
    return Card(kept["units"], kept["opening"], tuple(entries), tuple(kept["closing"]))
