"""Colour slips (三色督办单): drafted by a pass, numbered when a person releases them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal_column, select, update

from dispatcher.i18n import Text, _
from dispatcher.ledger import answers, assignments, audit, pruning
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.outbox import Content
from dispatcher.ledger.tables import (
    DELIVERED,
    assignment,
    installation,
    message,
    occurrence,
    reminder,
    round_,
    slip,
)
from dispatcher.ledger.transitions import CHASED
from dispatcher.plan.model import Rung

DECIDED = _("{by}: {note}")
"""The reason of a slip that a person made void."""


class Slip(NamedTuple):
    """A slip on an assignment in one of its rounds; ``rung`` counts from 1.

    From its release on it has a number of its year (``code`` in full) and a day by which it is to
    be answered.
    """

    id: int
    assignment_id: int
    round: int
    rung: int
    colour: str
    name: str
    state: str
    drafted_at: datetime
    released_at: datetime | None
    released_by: str | None
    answer_due_on: date | None
    year: int | None
    number: int | None
    code: str | None
    reason: Text | None
    voided_at: datetime | None
    duty: str
    period: str
    unit: str
    title: str

    @property
    def key(self) -> str:
        """The assignment's, ``dropout-check/2023-03@区社管局``."""
        return f"{self.duty}/{self.period}@{self.unit}"

    @property
    def taken_back(self) -> bool:
        """Whether a pass made it void as a draft: with cause for it again, it is drafted again."""
        return self.reason is not None and not self.code and self.reason.msgid != DECIDED.msgid

    def unanswered_by(self, day: date) -> bool:
        """Whether its day has passed by ``day``; while its assignment is chased, no answer came."""
        return self.state == "released" and bool(self.answer_due_on and self.answer_due_on < day)


_own = [slip.c[name] for name in Slip._fields[: Slip._fields.index("duty")]]
_whose = (*occurrence.c["duty", "period"], assignment.c.unit, occurrence.c.title)
_slips = select(*_own, *_whose).join_from(slip, assignment).join(occurrence)
_in_this_round = and_(slip.c.assignment_id == assignment.c.id, slip.c.round == assignment.c.round)
_is_draft = slip.c.state == literal_column("'draft'")


def select_slips(conn: Connection, *conditions: ColumnElement[bool]) -> list[Slip]:
    """The slips of which all ``conditions`` hold: the numbered ones in order, then the others."""
    found = [Slip(*row) for row in conn.execute(_slips.where(*conditions))]
    # Sorted here: for rows in the order of their numbers SQLite would rather read them all.
    return sorted(
        found, key=lambda each: (not each.code, each.year or 0, each.number or 0, each.id)
    )


def listed(conn: Connection, state: str | None = None, year: int | None = None) -> list[Slip]:
    """The slips in a state, those numbered in a year; the void ones stay among them."""
    given = ((slip.c.state, state), (slip.c.year, year))
    return select_slips(conn, *(column == value for column, value in given if value is not None))


def find(conn: Connection, slip_id: int) -> Slip | None:
    """The slip with an id."""
    return next(iter(select_slips(conn, slip.c.id == slip_id)), None)


def of_round(conn: Connection, assigned: Assigned) -> list[Slip]:
    """The slips on an assignment in its present round, void ones too."""
    mine = (slip.c.assignment_id == assigned.id, slip.c.round == assigned.round)
    return select_slips(conn, *mine)


def drafts(conn: Connection) -> list[Slip]:
    """What waits for somebody to release it or make it void."""
    return select_slips(conn, _is_draft)


def unanswered(conn: Connection) -> list[Slip]:
    """The released slips of this round to which no answer has come, also before their day."""
    # Not by the index of the states, which holds everything that is open.
    chased = assignment.c.state.concat("").in_(CHASED)
    return select_slips(conn, slip.c.state == "released", _in_this_round, chased)


def drafted(conn: Connection, *conditions: ColumnElement[bool]) -> list[tuple[Slip, Assigned]]:
    """The drafts of which all ``conditions`` hold, each with its assignment as that is now."""
    ids = select(slip.c.assignment_id).join_from(slip, assignment).where(_is_draft, *conditions)
    known = {each.id: each for each in assignments.assigned_where(conn, assignment.c.id.in_(ids))}
    found = select_slips(conn, _is_draft, *conditions)
    return [(draft, known[draft.assignment_id]) for draft in found]


def lost(conn: Connection) -> list[tuple[Slip, Text]]:
    """The drafts that have lost their cause by what became of their assignment, with the reason."""
    changed = assignment.c.state.not_in(CHASED) | (assignment.c.round != slip.c.round)
    found = [(draft, why_lost(conn, draft, one)) for draft, one in drafted(conn, changed)]
    return [(draft, why) for draft, why in found if why]


def assigned_of(conn: Connection, found: Slip) -> Assigned:
    """A slip's assignment as it is now."""
    [assigned] = assignments.assigned_where(conn, assignment.c.id == found.assignment_id)
    return assigned


def chased_until(conn: Connection, until: date) -> list[tuple[Assigned, list[Slip]]]:
    """What is owed, no progress, and chased with a due date up to ``until``; each with the slips
    of its round. It costs what is chased, not what is open or closed."""
    conditions = (
        *(assignment.c.state.in_(CHASED), assignment.c.due_on <= until, assignment.c.owes),
        occurrence.c.progress.is_(False),
    )
    found = defaultdict(list)
    for each in select_slips(conn, *conditions, _in_this_round):
        found[each.assignment_id].append(each)
    chased = assignments.assigned_where(conn, *conditions)
    return [(assigned, found[assigned.id]) for assigned in chased]


def why_lost(conn: Connection, draft: Slip, assigned: Assigned) -> Text | None:
    """What has happened to an assignment that leaves its draft without cause; None if nothing."""
    if assigned.state not in CHASED:
        return _why_closed(conn, assigned)
    if assigned.round == draft.round:
        return None
    mine = (round_.c.assignment_id == assigned.id, round_.c.number == assigned.round)
    cause = str(conn.scalar(select(round_.c.cause).where(*mine)))
    return assignments.ROUNDS.get(cause) or _("moved to {day}", day=assigned.due_on)


def _why_closed(conn: Connection, assigned: Assigned) -> Text:
    query = select(assignment.c.reason).where(assignment.c.id == assigned.id)
    reason: Text | None = conn.scalar(query)
    by = assigned.closed_by or answers.answers_of(conn, assigned.id)[-1].by
    return reason or assignments.answered(assigned.state, by)


class Due(NamedTuple):
    """A slip that is to be drafted on an assignment in its round; ``rung`` is the ``number``-th."""

    assigned: Assigned
    number: int
    rung: Rung
    again: bool


def draft(conn: Connection, due: Iterable[Due], now: datetime) -> None:
    """Drafts slips: anew what had been taken back before (``again``)."""
    new = []
    for assigned, number, rung, again in due:
        key = {"assignment_id": assigned.id, "round": assigned.round, "rung": number}
        values = {"colour": rung.colour, "name": rung.name, "state": "draft", "drafted_at": now}
        if again:
            anew = values | {"reason": None, "voided_at": None}
            conn.execute(update(slip).filter_by(**key).values(anew))
        else:
            new.append(key | values)
        audit.record(conn, now, audit.PLAN, "draft-slip", assigned.key, slip=rung.name)
    if new:
        conn.execute(insert(slip), new)


class Release(NamedTuple):
    """What a release gives a slip: by whom and why, its number, its day, and the words sent."""

    by: str
    note: str
    answer_due_on: date
    year: int
    number: int
    code: str
    content: Content


def next_number(conn: Connection, year: int) -> int:
    """The number of the next slip of a year; nobody else is given it before this commits."""
    # SQLite's transactions come one after the other by themselves; elsewhere they wait here.
    conn.execute(select(installation.c.id).with_for_update())
    return (conn.scalar(select(func.max(slip.c.number)).where(slip.c.year == year)) or 0) + 1


def release(conn: Connection, draft: Slip, given: Release, now: datetime) -> None:
    """Numbers a draft, and keeps its words as they are."""
    mine = update(slip).where(slip.c.id == draft.id, _is_draft)
    done = mine.values(
        state="released",
        released_at=now,
        released_by=given.by,
        answer_due_on=given.answer_due_on,
        year=given.year,
        number=given.number,
        code=given.code,
        **{name: getattr(given.content, name) for name in ("subject", "text", "html")},
    )
    assert conn.execute(done).rowcount == 1
    note = _("{note}", note=given.note) if given.note else None
    audit.record(conn, now, given.by, "release-slip", draft.key, note, slip=given.code)


def void(conn: Connection, found: Slip, by: str, why: Text, now: datetime) -> None:
    """Makes a slip void: it keeps its number and stays listed, and what has not left of it stays
    here."""
    mine = update(slip).where(slip.c.id == found.id, slip.c.state == found.state)
    done = mine.values(state="void", reason=why, voided_at=now)
    assert conn.execute(done).rowcount == 1
    pruning.cancel_slip(conn, found.id, why, now)
    audit.record(conn, now, by, "void-slip", found.key, why, slip=found.code or found.name)


def content_of(conn: Connection, slip_id: int) -> Content | None:
    """A slip's words as they were released; None for one that never was."""
    row = conn.execute(select(*slip.c["subject", "text", "html"]).filter_by(id=slip_id)).one()
    return None if row.subject is None else Content(*row)


class Delivery(NamedTuple):
    """A message that carries a slip to an address, and what became of it."""

    message_id: int
    address: str
    state: str
    settled_at: datetime | None
    reason: Text | None

    @property
    def left(self) -> bool:
        """Whether it has arrived, or may have."""
        return self.state in ("sending", *DELIVERED)


def deliveries(conn: Connection, slip_id: int) -> list[Delivery]:
    """Where a slip goes, in order."""
    columns = message.c["id", "address", "state", "settled_at", "reason"]
    query = select(*columns).where(message.c.slip_id == slip_id).order_by(message.c.id)
    return [Delivery(*row) for row in conn.execute(query)]


class Facts(NamedTuple):
    """What a slip says of its assignment; ``times`` is how often it was urged in this round."""

    title: str
    task: str
    rows: tuple[int, ...]
    clause: str
    lead: tuple[str, ...]
    times: int


def facts(conn: Connection, assigned: Assigned) -> Facts:
    """The words of the plan as they were when it opened, and how often its unit was urged."""
    urged = select(func.count()).where(
        reminder.c.assignment_id == assigned.id,
        reminder.c.round == assigned.round,
        reminder.c.addressee == "owner",
        reminder.c.step.like("T+%"),
        reminder.c.state == "told",
    )
    said = select(*occurrence.c["title", "task", "rows", "clause", "lead"])
    row = conn.execute(said.where(occurrence.c.id == assigned.occurrence_id)).one()
    times = conn.scalar(urged) or 0
    return Facts(row.title, row.task, tuple(row.rows), row.clause, tuple(row.lead), times)
