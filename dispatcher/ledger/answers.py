"""Answers: what a unit or the office says to an assignment, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import assignments, audit, reminders
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.tables import answer, assignment
from dispatcher.ledger.transitions import ANSWERS, KINDS, OPEN, STATE_WORDS, Kind

NO_FIGURES: Mapping[str, str] = {}
NEEDS_NOTE = ("return", "ask", "refuse", "waive", "withdraw", "reopen")
NEW_ROUND = {"grant": "extended", "return": "returned", "reopen": "reopened"}
ENDS = {"done": "done", "waive": "waived", "withdraw": "withdrawn"}
NOTICES = {
    "grant": reminders.EXTENDED,
    "refuse": reminders.REFUSED,
    "return": reminders.RETURNED,
    "reopen": reminders.REOPENED,
}


class Said(NamedTuple):
    """An answer to be recorded, by a person.

    ``due_on`` is the date asked for (ask) or given (grant, return, reopen); ``figures`` are by
    measure, and ``missed`` says whether one of them falls short; ``despite`` is why the office
    closes a lead while others are open.
    """

    kind: Kind
    by: str
    note: str = ""
    due_on: date | None = None
    figures: Mapping[str, str] = NO_FIGURES
    missed: bool = False
    despite: str = ""


class Answer(NamedTuple):
    """An answer as it was recorded."""

    at: datetime
    by: str
    kind: Kind
    note: str
    due_on: date | None
    figures: Mapping[str, str]
    was: str
    became: str


_answer = select(*(answer.c[name] for name in Answer._fields)).order_by(answer.c.id)


def answers_of(conn: Connection, assignment_id: int) -> list[Answer]:
    """What was said to an assignment, in order."""
    rows = conn.execute(_answer.where(answer.c.assignment_id == assignment_id))
    return [Answer(*row)._replace(figures=row.figures or {}) for row in rows]


def figures_of(conn: Connection, assignment_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """The latest figure of each measure, by assignment."""
    found: dict[int, dict[str, str]] = {key: {} for key in assignment_ids}
    query = select(*answer.c["assignment_id", "figures"]).order_by(answer.c.id)
    mine = answer.c.assignment_id.in_(found)
    for key, figures in conn.execute(query.where(mine, answer.c.figures.is_not(None))):
        found[key] |= figures
    return found


def record(conn: Connection, assigned: Assigned, said: Said, today: date, now: datetime) -> bool:
    """Records an answer with all that follows from it; False when that was recorded already.

    Refused, with the reason, where the state does not allow it, a copy is answered, a name, a note
    or a date is missing, or the date does not fit.
    """
    if _is_repeated(conn, assigned, said):
        return False
    _refuse_what_does_not_fit(assigned, said, today)
    became = ANSWERS[said.kind][assigned.state]
    due = _new_due(assigned, said, today)
    values = {
        "at": now,
        "by": said.by,
        "kind": said.kind,
        "note": said.note,
        "due_on": due,
        "figures": dict(said.figures) or None,
        "was": assigned.state,
        "became": became,
    }
    conn.execute(insert(answer).values(assignment_id=assigned.id, **values))
    _follow(conn, assigned, said, due, now)
    return True


def _is_repeated(conn: Connection, assigned: Assigned, said: Said) -> bool:
    """Whether the same was said last, or its end is reached already."""
    if assigned.state == ENDS.get(said.kind) or _is_bare_ack(assigned, said):
        return True
    if said.kind == "ask" and assigned.asked_on is None:
        return False
    latest = answers_of(conn, assigned.id)[-1:]
    return any(
        (last.kind, last.note, last.figures) == (said.kind, said.note, said.figures)
        and last.became == assigned.state
        and said.due_on in (None, last.due_on)
        for last in latest
    )


def _is_bare_ack(assigned: Assigned, said: Said) -> bool:
    """Whether it acknowledges again, without a word on the progress made since."""
    return said.kind == "ack" and assigned.state == "acknowledged" and not said.note


def _refuse_what_does_not_fit(assigned: Assigned, said: Said, today: date) -> None:
    key = assigned.key
    if said.by.strip() in ("", audit.PLAN):
        raise Refused(_("'{by}' is nobody's name: say with --by who records it", by=said.by))
    if not assigned.owes:
        raise Refused(_("{key}: this unit only gets copies and owes no answer", key=key))
    if assigned.state not in ANSWERS[said.kind]:
        possible = [KINDS[kind] for kind, ways in ANSWERS.items() if assigned.state in ways]
        raise Refused(
            _("{key} is {state}: '{kind}' is not possible now; possible: {possible}", key=key,
              state=STATE_WORDS[assigned.state], kind=KINDS[said.kind], possible=possible)
        )  # fmt: skip
    if said.kind in NEEDS_NOTE and not said.note.strip():
        raise Refused(_("'{kind}' needs a reason: add --note", kind=KINDS[said.kind]))
    if said.kind in ("grant", "refuse") and not assigned.asked_on:
        raise Refused(_("{key}: no extension has been asked for", key=key))
    if said.kind == "ask":
        _refuse_late_asking(assigned, said, today)


def _refuse_late_asking(assigned: Assigned, said: Said, today: date) -> None:
    if today > assigned.due_on:
        raise Refused(
            _("{key} was due on {due}: an extension is asked for before that", key=assigned.key,
              due=assigned.due_on)
        )  # fmt: skip
    if said.due_on is None or said.due_on <= assigned.due_on:
        raise Refused(_not_later(assigned))


def _not_later(assigned: Assigned) -> Text:
    return _("{key} is due on {due}: name a later date with --to", key=assigned.key,
             due=assigned.due_on)  # fmt: skip


def _new_due(assigned: Assigned, said: Said, today: date) -> date | None:
    """The date asked for, or the one that holds from now on where the answer changes it."""
    due = said.due_on or (assigned.asked_on if said.kind == "grant" else None)
    if due and said.kind != "ask" and due < today:
        raise Refused(_("{due} has passed: give a date from {today} on", due=due, today=today))
    if said.kind == "grant" and due and due <= assigned.due_on:
        raise Refused(_not_later(assigned))
    return due


def _follow(
    conn: Connection, assigned: Assigned, said: Said, due: date | None, now: datetime
) -> None:
    """What an answer changes: the assignment, its rounds, and what its unit hears of it."""
    became, note = ANSWERS[said.kind][assigned.state], _quoted(said)
    if said.kind in ("done", "waive", "withdraw"):
        closed = assignments.close(conn, assigned, became, said.by, now, note, **_detail(said, due))
        for each in closed if said.kind != "done" else ():
            if reminders.was_told(conn, each.id):
                _notify(conn, each, became, said, now)
        return
    audit.record(conn, now, said.by, said.kind, assigned.key, note, **_detail(said, due))
    if said.kind in NEW_ROUND:
        again = assignments.begin_again(
            conn, assigned, became, NEW_ROUND[said.kind], due or assigned.due_on, now
        )
        _notify(conn, again, NOTICES[said.kind], said, now, assigned.due_on if due else None)
    elif said.kind == "refuse":
        assignments.change(conn, assigned, asked_on=None)
        _notify(conn, assigned, reminders.REFUSED, said, now)
    elif said.kind == "ask":
        assignments.change(conn, assigned, asked_on=due)
    else:
        _take_in(conn, assigned, said, became, now)


def _take_in(conn: Connection, assigned: Assigned, said: Said, became: str, now: datetime) -> None:
    """An acknowledgement or a report."""
    if said.kind == "ack":
        assignments.change(conn, assigned, state=became, next_at=now)
        reminders.cancel_warnings(conn, assigned.id, assignments.answered(became, said.by))
        return
    reopened = {"reason": None, "closed_at": None, "closed_by": None}
    still = {"state": became, "next_at": None, "asked_on": None, "missed": said.missed}
    assignments.change(conn, assigned, **still, **reopened)
    reminders.cancel(conn, assigned.id, assignments.answered(became, said.by))


def _notify(
    conn: Connection,
    assigned: Assigned,
    notice: str,
    said: Said,
    now: datetime,
    old_due_on: date | None = None,
) -> None:
    assignments.notify(conn, assigned, notice, now, old_due_on=old_due_on, remark=said.note)


def _quoted(said: Said) -> Text | None:
    return _("{note}", note=said.note) if said.note else None


def _detail(said: Said, due: date | None) -> dict[str, object]:
    found: dict[str, object] = {"due": due.isoformat()} if due else {}
    found |= {"figures": dict(said.figures)} if said.figures else {}
    return found | ({"despite": said.despite} if said.despite else {})


def units_beside(conn: Connection, assigned: Assigned) -> dict[str, bool]:
    """The other units that owe an answer to the same occurrence, and whether theirs is open."""
    query = select(*assignment.c["unit", "state"]).where(
        assignment.c.occurrence_id == assigned.occurrence_id,
        assignment.c.id != assigned.id,
        assignment.c.owes,
    )
    return {unit: state in OPEN for unit, state in conn.execute(query.order_by(assignment.c.id))}
