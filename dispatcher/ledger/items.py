"""What a message holds: its reminders, as a digest tells them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from dispatcher.ledger.tables import assignment, message_item, occurrence, reminder
from dispatcher.ledger.types import among

Notice = tuple[str, date | None, str]
"""A notice beside the one that an item shows: its step, the date before it, and the remark."""


class Item(NamedTuple):
    """An assignment in a digest: ``unit`` has it, ``told`` is told of it, as ``addressee``.

    ``owes`` is false for a copy. ``step`` is ``open``, ``T-7``, ``T``, ``T+3`` or a notice
    (``moved 2026-04-15``, ``returned``, ``withdrawn``), to which ``remark`` gives the office's
    words; ``times`` counts the overdue steps told in this round, this one included; ``lapsed``
    counts earlier periods of the duty that the unit never answered; ``missed`` says that what it
    reported falls short of a measure; ``earlier`` are the notices before this one, each with the
    date before it and the remark.
    """

    unit: str
    role: Literal["lead", "responsible"]
    owes: bool
    duty: str
    title: str
    task: str
    rows: tuple[int, ...]
    clause: str
    period: str
    opens: date
    due: date
    nominal: date
    provisional: bool
    progress: bool
    step: str
    round: int = 1
    times: int = 0
    lapsed: int = 0
    lead: tuple[str, ...] = ()
    old_due: date | None = None
    told: str = ""
    addressee: Literal["owner", "copy", "superior", "office"] = "owner"
    missed: bool = False
    remark: str = ""
    earlier: tuple[Notice, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether it is told only that nothing is owed any more."""
        return self.step in ("withdrawn", "waived")

    @property
    def escalated(self) -> bool:
        """Whether it is told to those above the unit that owes it."""
        return self.addressee in ("superior", "office")

    @property
    def owed(self) -> bool:
        """Whether the one who is told owes an answer."""
        return self.owes and not self.closed and not self.escalated


_urged = reminder.alias()
_times = (
    select(func.count())
    .select_from(_urged)
    .where(
        _urged.c.assignment_id == reminder.c.assignment_id,
        _urged.c.round == reminder.c.round,
        _urged.c.addressee == "owner",
        _urged.c.step.like("T+%"),
        _urged.c.state.in_(("told", "queued")),
    )
    .scalar_subquery()
)
_let_lapse, _lapsed_of = assignment.alias(), occurrence.alias()
_lapsed = (
    select(func.count())
    .select_from(_lapsed_of)
    .where(
        _lapsed_of.c.duty == occurrence.c.duty,
        # By each period of the duty: else SQLite would go through everything that ever lapsed.
        exists()
        .where(
            _let_lapse.c.occurrence_id == _lapsed_of.c.id,
            _let_lapse.c.unit == assignment.c.unit,
            _let_lapse.c.state == "lapsed",
            _let_lapse.c.owes,
        )
        .correlate_except(_let_lapse),
    )
    .scalar_subquery()
)
_item: tuple[ColumnElement[Any], ...] = (
    *assignment.c["unit", "role", "owes"],
    *occurrence.c["duty", "title", "task", "rows", "clause", "period", "opens_on"],
    assignment.c.due_on,
    *occurrence.c["nominal_on", "provisional", "progress"],
    *reminder.c["step", "round"],
    _times,
    _lapsed,
    occurrence.c.lead,
    *reminder.c["old_due_on", "unit", "addressee"],
    assignment.c.missed,
    func.coalesce(reminder.c.remark, ""),
)


def items_of(conn: Connection, message_ids: Collection[int]) -> dict[int, list[Item]]:
    """What messages hold, by their id and by due date: an assignment once, as its latest notice or
    step.

    A notice speaks for a step beside it: it gives the same date, and what happened as well; the
    notices before it are kept. Of a unit and its superior at one address the unit is told.
    """
    found: dict[int, dict[int, Item]] = {key: {} for key in message_ids}
    rows = conn.execute(_items, {"ids": list(message_ids)}) if message_ids else ()
    for message_id, key, *values in rows:
        item, mine = Item(*values), found[message_id]
        earlier = _with_notices(mine[key], item) if key in mine else ()
        mine[key] = item._replace(rows=tuple(item.rows), lead=tuple(item.lead), earlier=earlier)
    return {key: sorted(mine.values(), key=_order) for key, mine in found.items()}


def _order(item: Item) -> tuple[date, str, str, str]:
    return item.due, item.unit, item.duty, item.period


_items = (
    select(message_item.c.message_id, reminder.c.assignment_id, *_item)
    .join_from(message_item, reminder)
    .join(assignment)
    .join(occurrence)
    .where(among(message_item.c.message_id))
    .order_by(
        reminder.c.addressee.in_(("owner", "copy")),
        ~or_(reminder.c.step.like("T%"), reminder.c.step == "open"),
        reminder.c.id,
    )
)


def _with_notices(before: Item, item: Item) -> tuple[Notice, ...]:
    """The notices that come before ``item``, to the same addressee."""
    is_step = before.step == "open" or before.step.startswith("T")
    if is_step or before.addressee != item.addressee:
        return before.earlier
    return (*before.earlier, (before.step, before.old_due, before.remark))
