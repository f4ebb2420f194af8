"""How things stand: the ledger page by page, an assignment a line, by due date.

A page costs what it shows, not what the ledger holds: each filter has an index. SQLite has no idea
how many rows have a value, so what must not lead the search is hidden from it (``_plain``).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, tuple_

from dispatcher.errors import DispatcherError
from dispatcher.i18n import _
from dispatcher.ledger.tables import IS_MISSED, answer, assignment, occurrence, reminder
from dispatcher.ledger.terms import HIGHEST, SOON, Colour, colour_of
from dispatcher.ledger.transitions import CHASED, OPEN


class Cursor(NamedTuple):
    """The last line of a page: the next page begins after it.

    >>> str(Cursor(date(2026, 3, 31), 1234))
    '2026-03-31.1234'
    """

    due_on: date
    id: int

    def __str__(self) -> str:
        return f"{self.due_on}.{self.id}"


def read_cursor(text: str) -> Cursor:
    """A cursor as it is printed; raises DispatcherError for anything else.

    >>> read_cursor("2026-03-31.1234")
    Cursor(due_on=datetime.date(2026, 3, 31), id=1234)
    """
    day, _dot, number = text.partition(".")
    try:
        found = Cursor(date.fromisoformat(day), int(number))
        if not 0 <= found.id <= HIGHEST:
            raise ValueError(number)
    except ValueError:
        raise DispatcherError(
            _("'{text}' is not a place in the list; copy it from the end of the page before, like "
              "2026-03-31.1234", text=text)
        ) from None  # fmt: skip
    return found


class Selection(NamedTuple):
    """Which assignments are asked for, among those that owe an answer; ``after`` begins a page."""

    states: Collection[str] = OPEN
    unit: str | None = None
    duty: str | None = None
    period: str | None = None
    colour: Colour | None = None
    after: Cursor | None = None


class Line(NamedTuple):
    """An assignment as it stands.

    ``times`` is how often its unit was urged in this round, ``answered_by`` and ``answered_at`` who
    spoke to it last, ``asked_on`` the date of an extension that nobody has decided.
    """

    id: int
    duty: str
    period: str
    title: str
    unit: str
    role: str
    due_on: date
    state: str
    missed: bool
    provisional: bool
    times: int
    answered_by: str | None
    answered_at: datetime | None
    asked_on: date | None

    @property
    def key(self) -> str:
        """``dropout-check/2023-03@区社管局``."""
        return f"{self.duty}/{self.period}@{self.unit}"

    @property
    def cursor(self) -> Cursor:
        """Its place in the list."""
        return Cursor(self.due_on, self.id)

    def overdue(self, today: date) -> int:
        """For how many days its unit has been late; 0 once it has answered."""
        return max((today - self.due_on).days, 0) if self.state in CHASED else 0

    def colour(self, today: date) -> Colour | None:
        """How urgent it is."""
        return colour_of(self.state, self.due_on, today, missed=self.missed)


class Page(NamedTuple):
    """Lines in order, and where the next page begins; None after the last one."""

    lines: list[Line]
    after: Cursor | None


def page(conn: Connection, wanted: Selection, today: date, limit: int) -> Page:
    """Up to ``limit`` assignments that fit, by due date."""
    found = [Line(*row) for row in conn.execute(_lines(wanted, today, limit + 1))]
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].cursor if more else None)


_times = (
    select(func.count())
    .where(
        reminder.c.assignment_id == assignment.c.id,
        reminder.c.round == assignment.c.round,
        reminder.c.addressee == "owner",
        reminder.c.step.like("T+%"),
        reminder.c.state == "told",
    )
    .scalar_subquery()
)
_said = answer.alias()
_last_answer = (
    select(func.max(_said.c.id)).where(_said.c.assignment_id == assignment.c.id).scalar_subquery()
)
_columns: tuple[ColumnElement[Any], ...] = (
    assignment.c.id,
    *occurrence.c["duty", "period", "title"],
    *assignment.c["unit", "role", "due_on", "state", "missed"],
    occurrence.c.provisional,
    _times,
    *answer.c["by", "at"],
    assignment.c.asked_on,
)


def _lines(wanted: Selection, today: date, limit: int) -> Select[Any]:
    """The page first, by ids alone: what costs more is asked for its few rows only."""
    ids = _ids(wanted, today).order_by(assignment.c.due_on, assignment.c.id).limit(limit)
    chosen = ids.subquery("page")
    return (
        select(*_columns)
        .join_from(chosen, assignment, assignment.c.id == chosen.c.id)
        .join(occurrence)
        .outerjoin(answer, answer.c.id == _last_answer)
        .order_by(assignment.c.due_on, assignment.c.id)
    )


def _ids(wanted: Selection, today: date) -> Select[Any]:
    found = select(assignment.c.id).where(assignment.c.owes, *_fits(wanted, today))
    if wanted.unit:
        found = found.where(assignment.c.unit == wanted.unit)
    if wanted.duty or wanted.period:
        found = found.join(occurrence)
    if wanted.duty:
        found = found.where(occurrence.c.duty == wanted.duty)
    if wanted.period:
        found = found.where(occurrence.c.period == wanted.period)
    if wanted.after:
        place = tuple_(assignment.c.due_on, assignment.c.id)
        found = found.where(place > tuple(wanted.after))
    return found


def _fits(wanted: Selection, today: date) -> list[ColumnElement[bool]]:
    """State and colour. The state leads the search unless something narrower is asked for."""
    narrow = wanted.unit or wanted.duty or wanted.period
    state = _plain(assignment.c.state) if narrow else assignment.c.state
    due = assignment.c.due_on
    chased, still_open = (
        [each for each in group if each in wanted.states] for group in (CHASED, OPEN)
    )
    if wanted.colour == "red":
        return [state.in_(chased), due < today]
    if wanted.colour == "yellow":
        return [_plain(assignment.c.state).in_(still_open), _yellow(state, today)]
    if wanted.colour == "blue":
        return [state.in_(chased), due > today, due <= today + SOON, ~assignment.c.missed]
    return [state.in_(wanted.states)]


def _yellow(state: ColumnElement[str], today: date) -> ColumnElement[bool]:
    due = assignment.c.due_on
    behind = or_(due > today, _plain(assignment.c.state) == "reported")
    return or_(and_(state.in_(CHASED), due == today), and_(IS_MISSED, behind))


def _plain(column: ColumnElement[str]) -> ColumnElement[str]:
    """The same text, which no index holds."""
    return column.concat("")
