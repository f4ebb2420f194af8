"""The walk through the ledger: what was told of a duty in a period, and why the rest was not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from dispatcher.dispatch.telling import rank
from dispatcher.i18n import Text, _
from dispatcher.ledger import answers, entering, history, installation
from dispatcher.ledger.answers import Answer
from dispatcher.ledger.assignments import Assigned, select_assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.history import Carried, Closing, Mark, Recorded, Round
from dispatcher.ledger.slips import Slip
from dispatcher.ledger.terms import MESSAGE_STATES, ROUNDS
from dispatcher.ledger.transitions import CHASED, KINDS, STATE_WORDS
from dispatcher.plan.cadence import Event
from dispatcher.plan.explain import Reason
from dispatcher.plan.model import Plan
from dispatcher.plan.occurrences import Occurrence
from dispatcher.plan.steps import Step, steps

LISTED = 3
"""So many steps with one reason are listed; of more, the first and the last are named."""


class Asked(NamedTuple):
    """What is walked through: a duty in a period, as the plan has it now and as the ledger has it,
    either of them only if it does."""

    plan: Plan
    planned: Occurrence | None
    recorded: Recorded | None
    now: datetime

    @property
    def today(self) -> date:
        """The local day."""
        return self.now.astimezone(self.plan.zone).date()

    def minute(self, moment: datetime) -> str:
        """A local time."""
        return f"{moment.astimezone(self.plan.zone):%Y-%m-%d %H:%M}"


def units_of(conn: Connection, asked: Asked) -> dict[str, Assigned | None]:
    """Every unit that the plan tells of it or the ledger has it for, with its assignment if any."""
    found: dict[str, Assigned | None] = {}
    if asked.planned:
        found |= dict.fromkeys(asked.planned.duty.told)
    if asked.recorded:
        of = {"duty": asked.recorded.duty, "period": asked.recorded.period}
        found |= {assigned.unit: assigned for assigned in select_assigned(conn, **of)}
    return found


def in_short(conn: Connection, asked: Asked, units: Mapping[str, Assigned | None]) -> list[Reason]:
    """How each unit stands, a line each; one line for all that are left out for one reason."""
    lines = {unit: _line(conn, asked, unit, assigned) for unit, assigned in units.items()}
    left_out = {lines[unit] for unit, assigned in units.items() if assigned is None}
    if len(units) > 1 and len(left_out) == 1 and not any(units.values()):
        return [Reason(_("{count} units", count=len(units)), left_out.pop())]
    return [Reason(_("{unit}", unit=unit), says) for unit, says in lines.items()]


def _line(conn: Connection, asked: Asked, unit: str, assigned: Assigned | None) -> Text:
    if assigned is None:
        return _why_not_entered(conn, asked, unit)
    says = [*_standing(conn, asked, assigned)]
    told = [mark for mark in history.marks(conn, assigned.id) if mark.state == "told"]
    if told:
        says.append(_("last told {step} on {at}", step=told[-1].step, at=asked.minute(told[-1].at)))
    said = answers.answers_of(conn, assigned.id)
    if said:
        says.append(_("last answer: {kind}, by {by} on {at}", kind=KINDS[said[-1].kind],
                      by=said[-1].by, at=asked.minute(said[-1].at)))  # fmt: skip
    return _("{says}", says=says)


def at_length(
    conn: Connection, asked: Asked, unit: str, assigned: Assigned | None
) -> Iterator[Reason]:
    """Everything that has happened to a unit's part, in order, and why the rest was not told."""
    if assigned is None:
        yield Reason(_("not entered"), _why_not_entered(conn, asked, unit))
        return
    yield Reason(_("stands"), _("{says}", says=[*_standing(conn, asked, assigned)]))
    marks = history.marks(conn, assigned.id)
    for at, says in sorted(_events(conn, assigned, marks), key=lambda event: event[0]):
        yield Reason(_("{at}", at=asked.minute(at)), says)
    duty = asked.plan.duties.get(assigned.duty)
    # Of a period that the plan no longer has, nobody knows its steps.
    if duty and (asked.planned or isinstance(duty.cadence, Event)):
        yield from _rest(conn, asked, assigned.of(duty), assigned, marks)


def _standing(conn: Connection, asked: Asked, assigned: Assigned) -> Iterator[Text]:
    yield STATE_WORDS[assigned.state]
    closing = history.closing(conn, assigned.id)
    if closing.at:
        yield _("closed by {by} on {at}", by=closing.by, at=asked.minute(closing.at))
    if closing.reason:
        yield closing.reason
    yield _("due {due}", due=assigned.due_on)
    if assigned.asked_on:
        yield _("asked for {day}", day=assigned.asked_on)
    if not assigned.owes:
        yield _("gets a copy, owes no answer")


def _why_not_entered(conn: Connection, asked: Asked, unit: str) -> Text:
    """Why the ledger has no assignment of a unit."""
    planned, recorded = asked.planned, asked.recorded
    skipped = (recorded and recorded.skipped) or (planned and planned.skipped)
    if skipped:
        return _("skipped: {reason}", reason=skipped)
    if planned is None or unit not in planned.duty.told:
        return _("the duty is not this unit's")
    if installation.find(conn) is None:
        return _("the daemon has not run yet")
    key = (planned.duty.id, str(planned.duty.cadence), unit)
    adopted = entering.adoptions(conn).get(key)
    if planned.opens > asked.today:
        return _("enters the ledger when it opens, on {day}", day=planned.opens)
    if adopted and planned.due < adopted:
        return _("due on {due}, before the unit took the duty over on {day}: never chased",
                 due=planned.due, day=adopted)  # fmt: skip
    return _("open since {day}: the next pass enters it", day=planned.opens)


def _events(
    conn: Connection, assigned: Assigned, marks: list[Mark]
) -> Iterator[tuple[datetime, Text]]:
    """What has happened, each with its instant; of one instant what was said comes first."""
    for said in answers.answers_of(conn, assigned.id):
        yield said.at, _answer(said)
    for found in history.rounds(conn, assigned.id):
        yield found.begun_at, _round(found)
    for mark in marks:
        yield mark.at, _mark(mark)
    for slip in history.slips(conn, assigned.id):
        yield from _slip(slip)


def _answer(said: Answer) -> Text:
    more = [_("'{note}'", note=said.note)] if said.note else []
    more += [_("{name} {figure}", name=name, figure=said.figures[name]) for name in said.figures]
    more += [_("to {day}", day=said.due_on)] if said.due_on else []
    says = _("{by}: {kind}; now {state}", by=said.by, kind=KINDS[said.kind],
             state=STATE_WORDS[said.became])  # fmt: skip
    return _("{says}; {more}", says=says, more=more) if more else says


def _round(found: Round) -> Text:
    return _("round {number} begins: {cause}; due {due}", number=found.number,
             cause=ROUNDS[found.cause], due=found.due_on)  # fmt: skip


def _mark(mark: Mark) -> Text:
    by = [_carried(carried) for carried in mark.messages]
    if mark.state == "told":
        return _("{step} told to {unit}: {by}", step=mark.step, unit=mark.unit, by=by)
    if mark.state == "queued":
        by = by or [_("no message yet")]
        return _("{step} waits for {unit}: {by}", step=mark.step, unit=mark.unit, by=by)
    why = [mark.reason, *(by if mark.state == "failed" else ())]
    return _("{step} not told to {unit}: {why}", step=mark.step, unit=mark.unit, why=why)


def _carried(carried: Carried) -> Text:
    return _("message {id} on {channel} to {address}, {state}", id=carried.id,
             channel=carried.channel, address=carried.address,
             state=MESSAGE_STATES[carried.state])  # fmt: skip


def _slip(slip: Slip) -> Iterator[tuple[datetime, Text]]:
    named = _("slip {id}, {name}", id=slip.id, name=slip.name)
    yield slip.drafted_at, _("{slip}: drafted", slip=named)
    if slip.released_at:
        yield slip.released_at, _("{slip}: released by {by} as {code}", slip=named,
                                  by=slip.released_by, code=slip.code)  # fmt: skip
    if slip.voided_at:
        yield slip.voided_at, _("{slip}: void: {reason}", slip=named, reason=slip.reason)


def _rest(
    conn: Connection, asked: Asked, occurrence: Occurrence, assigned: Assigned, marks: list[Mark]
) -> Iterator[Reason]:
    """The steps of this round that were never recorded, each with its reason, and what comes."""
    recorded = {mark.step for mark in marks if mark.round == assigned.round}
    closing = history.closing(conn, assigned.id)
    missing = [
        (step, _why_not_told(conn, asked, assigned, closing, step))
        for step in _steps_so_far(asked, occurrence)
        if step.name not in recorded
    ]
    for why, group in groupby(missing, key=lambda pair: pair[1]):
        yield Reason(_("not told"), _("{steps}: {why}", steps=_names([s for s, _w in group]),
                                      why=why))  # fmt: skip


def _steps_so_far(asked: Asked, occurrence: Occurrence) -> Iterator[Step]:
    """Every step up to today or the due date, whichever is later, and the one after it."""
    for step in steps(asked.plan, occurrence):
        yield step
        if step.on > max(asked.today, occurrence.due):
            return


def _names(found: list[Step]) -> Text:
    if len(found) > LISTED:
        return _("{first} to {last}", first=found[0].name, last=found[-1].name)
    return _("{steps}", steps=[step.name for step in found])


def _why_not_told(
    conn: Connection, asked: Asked, assigned: Assigned, closing: Closing, step: Step
) -> Text:
    if assigned.state in CHASED:
        return _why_not_yet(conn, asked, assigned, step)
    state = STATE_WORDS[assigned.state]
    if closing.reason:
        return _("{state}: {reason}", state=state, reason=closing.reason)
    return _("answered: {state}", state=state)


def _why_not_yet(conn: Connection, asked: Asked, assigned: Assigned, step: Step) -> Text:
    if rank(step.name) > 0 and not assigned.owes:
        return _("a copy is not chased")
    if assigned.state == "acknowledged" and rank(step.name) < 0:
        return _("acknowledged, so that nothing is told before the due date")
    if step.at(asked.plan) > asked.now:
        return _("still to come, on {day}", day=step.on)
    held = installation.find(conn)
    if held and held.hold is not None:
        return _("paused by {by}: {reason}", by=held.held_by, reason=held.hold)
    return _("the next pass tells it, if nothing later is due by then")
