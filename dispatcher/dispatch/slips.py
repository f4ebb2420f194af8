"""Colour slips (三色督办单): passes draft them, people release them or make them void.

Level-triggered like telling: not which rung was reached since yesterday, but which is the highest
that is reached by now and has cause, and whether the round has a slip of it or of a higher one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from dispatcher.dispatch.cards import said_on
from dispatcher.dispatch.compose import Composer, Rendered
from dispatcher.dispatch.deciding import superior_of
from dispatcher.dispatch.letter import Earlier, Letter
from dispatcher.dispatch.telling import letter_addresses, office_contact
from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import audit, outbox, slips
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.outbox import Address, Content
from dispatcher.ledger.slips import Due, Release, Slip
from dispatcher.plan.ladder import answer_on, rung_on, slip_number
from dispatcher.plan.model import Addressee, Ladder, Plan, Rung
from dispatcher.plan.periods import DAY
from dispatcher.plan.steps import instant

NO_LADDER = Ladder("", ())
ORDER: tuple[Addressee, ...] = ("owner", "superior", "office")


def draft(conn: Connection, plan: Plan, last: datetime | None, now: datetime) -> Counter[str]:
    """Takes back the drafts that have lost their cause; once a day, from the plan's ``at`` on,
    drafts what is due; counts both.

    ``last`` is when this was done last for this very plan.
    """
    day = _day(plan, now)
    counts = Counter(voided=_take_back(conn, slips.lost(conn), now))
    if last is not None and instant(day, plan.defaults.at, plan.zone) <= last <= now:
        return counts
    counts["voided"] += _take_back(conn, _uncalled_for(conn, plan, day), now)
    return counts + (_draft(conn, plan, plan.ladder, day, now) if plan.ladder else Counter())


def _day(plan: Plan, now: datetime) -> date:
    """The latest day of which the plan's ``at`` has come."""
    today = now.astimezone(plan.zone).date()
    return today if now >= instant(today, plan.defaults.at, plan.zone) else today - DAY


def _horizon(plan: Plan, ladder: Ladder, day: date) -> date:
    """A due date such that whatever is due later has reached no rung by ``day``."""
    least = min(rung.after.days for rung in ladder.rungs)
    if least >= 0:
        return day - least * DAY
    return plan.workdays.add(plan.workdays.after(day + DAY), -least)


def _draft(conn: Connection, plan: Plan, ladder: Ladder, day: date, now: datetime) -> Counter[str]:
    """Drafts what is reached, each instead of a milder draft that nobody has released."""
    due, milder = [], []
    for assigned, known in slips.chased_until(conn, _horizon(plan, ladder, day)):
        found = {each.rung: each for each in known if not each.taken_back}
        number = wanted(plan, assigned.due_on, found, day)
        if number:
            rung = ladder.rungs[number - 1]
            again = any(each.rung == number for each in known)
            due.append(Due(assigned, number, rung, again))
            why = _("superseded by {step}", step=rung.name)
            milder += [(each, why) for each in found.values() if each.state == "draft"]
    slips.draft(conn, due, now)
    return Counter(drafted=len(due), voided=_take_back(conn, milder, now))


def wanted(plan: Plan, due: date, found: Mapping[int, Slip], day: date) -> int | None:
    """The rung whose slip is to be drafted on ``day`` for what is due on ``due`` and unanswered.

    It is the highest one that is reached and, where it asks for that, whose rung below had no
    answer by its day; None when the round has ``found`` its slip, or a higher one's.
    """
    rungs = plan.ladder.rungs if plan.ladder else ()
    for number in range(len(rungs), 0, -1):
        rung, below = rungs[number - 1], found.get(number - 1)
        if rung_on(plan, due, rung) > day:
            continue
        if not rung.unanswered or (below and below.unanswered_by(day)):
            return None if max(found, default=0) >= number else number
    return None


def _take_back(conn: Connection, lost: list[tuple[Slip, Text]], now: datetime) -> int:
    for each, why in lost:
        slips.void(conn, each, audit.PLAN, why, now)
    return len(lost)


def _uncalled_for(conn: Connection, plan: Plan, day: date) -> list[tuple[Slip, Text]]:
    """The drafts that the plan no longer calls for, each with the reason."""
    found = [(each, _why_not(plan, each, one, day)) for each, one in slips.drafted(conn)]
    return [(each, why) for each, why in found if why]


def _why_not(plan: Plan, each: Slip, assigned: Assigned, day: date) -> Text | None:
    """Why the plan does not call for a draft; None while it does."""
    duty, rung = plan.duties.get(assigned.duty), _rung(plan, each)
    if duty is None or assigned.unit not in duty.owing:
        return _("the unit no longer owes it")
    if rung is None:
        return _("the plan's ladder no longer has this rung")
    if rung_on(plan, assigned.due_on, rung) > day:
        return _("moved to {day}", day=assigned.due_on)
    return None


def _rung(plan: Plan, each: Slip) -> Rung | None:
    """The rung of a slip, if the plan still has it by this colour and name."""
    rungs = (plan.ladder or NO_LADDER).rungs[each.rung - 1 : each.rung]
    same = (rung for rung in rungs if (rung.colour, rung.name) == (each.colour, each.name))
    return next(same, None)


class Signed(NamedTuple):
    """Who decides on a slip, why, and when."""

    by: str
    note: str
    at: datetime


class Released(NamedTuple):
    """A slip's number, where it goes, who cannot be reached, and what is wrong with the template.

    ``new`` is false when it had been released before, and nothing was done.
    """

    code: str
    to: tuple[Address, ...] = ()
    unreached: tuple[str, ...] = ()
    broken: str = ""
    new: bool = True


def called(conn: Connection, slip_id: int) -> Slip:
    """The slip with an id; Refused if there is none."""
    found = slips.find(conn, slip_id)
    if found is None:
        raise Refused(_("no slip {id}; 'dispatcher slip list' shows them", id=slip_id))
    return found


def release(
    conn: Connection, plan: Plan, composer: Composer, slip_id: int, signed: Signed
) -> Released:
    """Numbers a draft, keeps its words as they are now, and queues it to whom its rung says.

    Refused when it is void or has lost its cause, and when nobody of those can be reached.
    """
    each = called(conn, slip_id)
    if each.state == "released":
        return Released(str(each.code), new=False)
    rung = _releasable(conn, plan, each, signed.at)
    told = _addressees(plan, each.unit, rung)
    to = {unit: letter_addresses(conn, plan, unit, signed.at) for unit in told}
    where = tuple(dict.fromkeys(address for found in to.values() for address in found))
    if not where:
        raise Refused(
            _("slip {id}: no contact of {units} can be reached; add one to the calendar",
              id=each.id, units=list(to))
        )  # fmt: skip
    given, broken = _written(conn, plan, composer, each, rung, signed)
    slips.release(conn, each, given, signed.at)
    for address in where:
        said = said_on(plan, address.channel, given.content)
        outbox.queue_slip(conn, address, each.id, said, signed.at)
    unreached = tuple(unit for unit, found in to.items() if not found)
    return Released(given.code, where, unreached, broken)


def _releasable(conn: Connection, plan: Plan, each: Slip, now: datetime) -> Rung:
    """The rung of a draft that still has its cause; Refused otherwise."""
    if each.state == "void":
        raise Refused(_("slip {id} is void: {reason}", id=each.id, reason=each.reason))
    assigned = slips.assigned_of(conn, each)
    why = slips.why_lost(conn, each, assigned) or _why_not(plan, each, assigned, _day(plan, now))
    if why:
        raise Refused(_("slip {id} has lost its cause: {reason}", id=each.id, reason=why))
    rung = _rung(plan, each)
    assert rung
    return rung


def _addressees(plan: Plan, unit: str, rung: Rung) -> list[str]:
    """The units that get a slip on ``unit``; itself first, if it does."""
    found = {"owner": unit, "superior": superior_of(plan, unit), "office": plan.office}
    return list(dict.fromkeys(name for to in ORDER if to in rung.to and (name := found[to])))


def recipients(plan: Plan, each: Slip) -> list[str]:
    """The units that get a released slip, by the plan as it is now."""
    rung = _rung(plan, each)
    return _addressees(plan, each.unit, rung) if rung else [each.unit]


def _written(
    conn: Connection, plan: Plan, composer: Composer, each: Slip, rung: Rung, signed: Signed
) -> tuple[Release, str]:
    """A draft with its number and its words; what is wrong with the template, if anything."""
    assert plan.ladder
    year = signed.at.astimezone(plan.zone).year
    number = slips.next_number(conn, year)
    code = slip_number(plan.ladder, year, number)
    written = _letter(conn, plan, each, rung, code, signed.at)
    said = composer.slip(written)
    content = Content(said.subject, said.text, said.html)
    due = written.answer_due
    return Release(signed.by, signed.note, due, year, number, code, content), said.broken


def preview(
    conn: Connection, plan: Plan, composer: Composer, each: Slip, now: datetime
) -> Rendered:
    """A draft as it reads if it is released ``now``; Refused when it can no longer be."""
    rung = _releasable(conn, plan, each, now)
    return composer.slip(_letter(conn, plan, each, rung, "", now))


def _letter(
    conn: Connection, plan: Plan, each: Slip, rung: Rung, code: str, now: datetime
) -> Letter:
    today = now.astimezone(plan.zone).date()
    assigned = slips.assigned_of(conn, each)
    facts = slips.facts(conn, assigned)
    earlier = tuple(
        Earlier(one.name, one.code, one.answer_due_on)
        for one in slips.of_round(conn, assigned)
        if one.code and one.answer_due_on and one.unanswered_by(today)
    )
    return Letter(
        code=code,
        name=each.name,
        colour=each.colour,
        unit=each.unit,
        copies=tuple(name for name in _addressees(plan, each.unit, rung) if name != each.unit),
        role=assigned.role,
        period=each.period,
        due=assigned.due_on,
        provisional=assigned.provisional,
        earlier=earlier,
        demand=rung.demand,
        answer_due=answer_on(plan, today, rung),
        office=plan.office,
        contact=office_contact(plan),
        today=today,
        **facts._asdict(),
    )


def void(conn: Connection, slip_id: int, signed: Signed) -> Slip | None:
    """Makes a draft or a released slip void; gives it as it was, None when it was void already.

    What has not been sent of it is not sent. Refused without a reason.
    """
    each = called(conn, slip_id)
    if each.state == "void":
        return None
    if not signed.note.strip():
        raise Refused(_("a slip is made void with a reason: add --note"))
    why = Text(slips.DECIDED.msgid, by=signed.by, note=signed.note)
    slips.void(conn, each, signed.by, why, signed.at)
    return each
