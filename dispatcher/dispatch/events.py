"""Events: something has happened (验收结算), and a duty falls due a span of time after it."""

from __future__ import annotations

from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple

from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import answers, assignments, audit, entering
from dispatcher.ledger.answers import Said
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.transitions import OPEN
from dispatcher.plan.cadence import Event
from dispatcher.plan.model import Duty, Plan
from dispatcher.plan.occurrences import Occurrence, event_occurrence

FORBIDDEN = "/@#\n\r\t"


class Happened(NamedTuple):
    """An event, by whom it is recorded, and in what words."""

    duty: Duty
    subject: str
    on: date
    by: str
    note: str


def record_event(conn: Connection, plan: Plan, event: Happened, now: datetime) -> Occurrence | None:
    """Opens the occurrence that an event brings; None when it was recorded already.

    Refused for a duty that waits for no event, a subject that cannot be a name or is skipped, a
    day that is still to come, and a subject that is recorded with another day. One that was undone
    can be recorded again: a new round begins.
    """
    today = now.astimezone(plan.zone).date()
    _refuse_what_cannot_be(event, today)
    found = event_occurrence(plan, event.duty, event.subject, event.on)
    if found.skipped:
        raise Refused(_("{key} is skipped: {reason}", key=found.key, reason=found.skipped))
    known = assignments.select_assigned(conn, duty=event.duty.id, period=event.subject)
    if not known:
        entering.enter(conn, found, event.duty.told, now)
    elif all(assigned.state == "withdrawn" for assigned in known):
        entering.redate(conn, known[0].occurrence_id, found)
        for assigned in known:
            assignments.begin_again(conn, assigned, "pending", "restored", found.due, now)
    elif known[0].opens_on == found.opens:
        return None
    else:
        raise Refused(
            _("{key} is recorded with {day}; undo that first with --undo", key=found.key,
              day=known[0].opens_on)
        )  # fmt: skip
    _audit(conn, event, found.key, "event", now)
    return found


def registered(conn: Connection, plan: Plan, duty: Duty) -> list[Occurrence]:
    """What the recorded events of ``duty`` have opened, those taken back too, by due date; empty
    for a duty that waits for no event."""
    if not isinstance(duty.cadence, Event):
        return []
    known = entering.known_as(conn, [(duty.id, subject) for subject in _subjects(conn, duty)])
    found = [
        event_occurrence(plan, duty, subject, entry.opens_on)._replace(due=entry.due_on)
        for (_id, subject), entry in known.items()
        if entry.event
    ]
    return sorted(found, key=attrgetter("due", "period"))


def undo_event(conn: Connection, plan: Plan, event: Happened, now: datetime) -> int:
    """Takes back what an event opened and is still open, with the reason ``note``; gives how many
    assignments that were. Refused where nothing of it is open."""
    found = assignments.select_assigned(conn, duty=event.duty.id, period=event.subject)
    if not found:
        near = _subjects(conn, event.duty)
        raise Refused(
            _("'{id}' has no event '{subject}'; recorded: {near}", id=event.duty.id,
              subject=event.subject, near=near or _("none"))
        )  # fmt: skip
    if not event.note.strip():
        raise Refused(_("an event is undone with a reason: add --note"))
    left = [assigned for assigned in found if assigned.state in OPEN]
    today = now.astimezone(plan.zone).date()
    for assigned in sorted(left, key=lambda assigned: not assigned.owes):
        _take_back(conn, assigned, event, today, now)
    if left:
        _audit(conn, event, f"{event.duty.id}/{event.subject}", "undo-event", now)
    return len(left)


def _take_back(
    conn: Connection, assigned: Assigned, event: Happened, today: date, now: datetime
) -> None:
    if assigned.owes:
        answers.record(conn, assigned, Said("withdraw", event.by, event.note), today, now)
    else:
        why = _("{note}", note=event.note)
        assignments.close(conn, assigned, "withdrawn", event.by, now, why)


def _refuse_what_cannot_be(event: Happened, today: date) -> None:
    if not isinstance(event.duty.cadence, Event):
        raise Refused(_("'{id}' waits for no event: it has its dates", id=event.duty.id))
    bad = next((letter for letter in FORBIDDEN if letter in event.subject), None)
    if bad or not event.subject.strip():
        raise DispatcherError(
            _("'{subject}' cannot be a subject: a project's name or number, without {letters}",
              subject=event.subject, letters="/ @ #")
        )  # fmt: skip
    if event.on > today:
        raise Refused(_("{day} is still to come; today is {today}", day=event.on, today=today))


def _subjects(conn: Connection, duty: Duty) -> list[str]:
    known = assignments.select_assigned(conn, duty=duty.id)
    return list(dict.fromkeys(assigned.period for assigned in known))


def _audit(conn: Connection, event: Happened, key: str, action: str, now: datetime) -> None:
    note: Text | None = _("{note}", note=event.note) if event.note else None
    audit.record(conn, now, event.by, action, key, note, on=event.on.isoformat())
