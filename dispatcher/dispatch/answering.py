"""Answering: what a person says to an assignment, held against the plan and then recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import answers, assignments, entering, installation
from dispatcher.ledger.answers import Said
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.transitions import ANSWERS, CLOSED, Kind
from dispatcher.plan import explain
from dispatcher.plan.cadence import Event
from dispatcher.plan.measures import (
    PERCENT,
    Verdict,
    half_width,
    measures_of,
    read_figure,
    shown,
    verdict,
)
from dispatcher.plan.model import Measure, Plan
from dispatcher.plan.names import duty_called, folded, unit_called
from dispatcher.plan.shape import nearest
from dispatcher.sheet.content import unclear_percentage


def named(conn: Connection, plan: Plan, key: str, now: datetime) -> Assigned:
    """The assignment of a key like ``dropout-check/2023-03@区社管局``.

    One that the ledger does not have yet is entered, if the plan has it; one that the plan no
    longer has is found in the ledger. Raises DispatcherError for anything else.
    """
    duty_id, slash, rest = key.partition("/")
    period, at, unit = rest.rpartition("@")
    if not (slash and at):
        raise DispatcherError(
            _("'{key}' is not an assignment; write it like dropout-check/2023-03@区社管局", key=key)
        )
    known = assignments.select_assigned(conn, unit=unit, duty=duty_id, period=period)
    if known:
        return known[0]
    unit, duty = unit_called(plan, unit), duty_called(plan, duty_id)
    occurrence = explain.find(plan, duty, period, now.astimezone(plan.zone).date())
    adopted = entering.adopted_on(conn, (duty.id, str(duty.cadence), unit))
    nothing = occurrence.period != period or occurrence.skipped or unit not in duty.owing
    if nothing or (adopted and occurrence.due < adopted):
        raise Refused(_("{key}: nothing is owed; ask 'dispatcher why' for the reason", key=key))
    return entering.entered(conn, occurrence, unit, now)


def selected(
    conn: Connection,
    plan: Plan,
    kind: Kind,
    unit: str | None = None,
    duty: str | None = None,
    period: str | None = None,
) -> list[Assigned]:
    """The assignments that fit and to which ``kind`` can be said, leads last; Refused if none."""
    if not (unit or duty or period):
        raise DispatcherError(_("name an assignment, or select with --unit, --duty and --period"))
    found = assignments.select_assigned(
        conn,
        unit=unit_called(plan, unit) if unit else None,
        duty=duty_called(plan, duty).id if duty else None,
        period=period,
        states=list(ANSWERS[kind]),
    )
    fitting = [
        assigned
        for assigned in found
        if assigned.owes and (kind not in ("grant", "refuse") or assigned.asked_on)
    ]
    if not fitting:
        raise Refused(_("nothing fits to which this can be said"))
    return sorted(fitting, key=lambda assigned: assigned.role == "lead")


def check_one_period(found: Iterable[Assigned]) -> None:
    """Raises DispatcherError when a unit owes a duty in several periods: a figure is of one."""
    periods = defaultdict(list)
    for assigned in found:
        periods[assigned.duty, assigned.unit].append(assigned.period)
    for (duty, unit), several in periods.items():
        if len(several) > 1:
            raise DispatcherError(
                _("{duty} of {unit} is there in several periods: {periods}; a figure belongs to "
                  "one of them: name it with --period", duty=duty, unit=unit, periods=several)
            )  # fmt: skip


def answer(conn: Connection, plan: Plan, assigned: Assigned, said: Said, now: datetime) -> bool:
    """Records what was said, after the plan's rules; False when it was recorded already.

    Figures are read as the duty's measures want them, and a miss is noted. A lead is not closed
    as done while a unit that owes an answer is open, unless ``said.despite`` says why.
    """
    today = now.astimezone(plan.zone).date()
    if said.kind == "report":
        said = _measured(conn, plan, assigned, said)
    if said.kind in ("return", "reopen"):
        assigned = _as_planned(conn, plan, assigned, today)
    if said.kind == "done" and assigned.role == "lead" and not said.despite.strip():
        _refuse_while_others_are_open(plan, assigned, answers.units_beside(conn, assigned), today)
    recorded = answers.record(conn, assigned, said, today, now)
    due = said.due_on or assigned.due_on
    if recorded and said.kind == "reopen" and due >= today:
        _reopen_copies(conn, plan, assigned, due, now)
    elif recorded and said.kind == "reopen":
        # It is again the successor that has fallen due, of one that may be overdue still.
        installation.look_back(conn, due)
    return recorded


def _reopen_copies(
    conn: Connection, plan: Plan, assigned: Assigned, due: date, now: datetime
) -> None:
    """The copies open with it while there is something to tell them: they hear nothing after T."""
    for copy in assignments.copies_of(conn, assigned):
        if copy.unit in plan.duties[assigned.duty].told:
            assignments.begin_again(conn, copy, "pending", "reopened", due, now)


def _as_planned(conn: Connection, plan: Plan, assigned: Assigned, today: date) -> Assigned:
    """``assigned`` with the date that the plan gives it by now, unless it was given its own.

    Refused when the plan no longer has it: it would be withdrawn again at once.
    """
    if not assigned.owes:
        return assigned
    duty = plan.duties.get(assigned.duty)
    if duty is None or assigned.unit not in duty.owing:
        raise Refused(_("{key} is no longer in the plan", key=assigned.key))
    if isinstance(duty.cadence, Event):
        return assigned
    found = explain.find(plan, duty, assigned.period, today)
    if found.period != assigned.period or found.skipped:
        raise Refused(_("{key} is no longer in the plan", key=assigned.key))
    said = answers.answers_of(conn, assigned.id)
    own = any(each.due_on and each.kind in answers.NEW_ROUND for each in said)
    passed = found.due < min(today, assigned.planned_on)
    if assigned.state not in CLOSED or own or passed:
        return assigned
    entering.redate(conn, assigned.occurrence_id, found)
    return assigned._replace(due_on=found.due)


def _refuse_while_others_are_open(
    plan: Plan, assigned: Assigned, beside: Mapping[str, bool], today: date
) -> None:
    """``beside`` are the other units of the occurrence in the ledger, and whether theirs is open.

    Before it opens the ledger may not have them all: what is not there yet is open too.
    """
    duty = plan.duties.get(assigned.duty)
    leads = duty.lead if duty else (assigned.unit,)
    awaited = duty.owing if duty and assigned.opens_on > today else tuple(beside)
    others = [unit for unit in awaited if unit not in leads and beside.get(unit, True)]
    if others and assigned.state != "done":
        raise Refused(
            _("{key} leads and is not done while {units} are open; close those first, or say why "
              "with --despite", key=assigned.key, units=others)
        )  # fmt: skip


def _measured(conn: Connection, plan: Plan, assigned: Assigned, said: Said) -> Said:
    """``said`` with its figures in normal form, and whether any figure so far falls short."""
    figures = read_figures(plan, assigned, said.figures)
    earlier = answers.figures_of(conn, [assigned.id])[assigned.id]
    given = {folded(name) for name in figures}
    latest = {name: each for name, each in earlier.items() if folded(name) not in given} | figures
    missed = any(found.met is False for found in verdicts(plan, assigned, latest))
    return said._replace(figures=figures, missed=missed)


def read_figures(plan: Plan, assigned: Assigned, figures: Mapping[str, str]) -> dict[str, str]:
    """Each figure in its measure's normal form (``98.7%``), by the measure's own name.

    Raises DispatcherError for one that its unit does not fill in, that cannot be read, and for a
    percentage without a sign that may be meant as a fraction.
    """
    measures = _measures_folded(plan, assigned)
    found = {}
    for name, figure in figures.items():
        measure = measures.get(folded(name))
        if measure is None:
            known = [each.name for each in measures.values()]
            raise DispatcherError(_no_measure(assigned, name, known))
        found[measure.name] = _normal(measure, figure)
    return found


def _normal(measure: Measure, figure: str) -> str:
    number = read_figure(measure, figure)
    signed = measure.unit != PERCENT or half_width(figure).endswith(PERCENT)
    unclear = None if signed else unclear_percentage(number)
    if unclear:
        raise DispatcherError(unclear)
    return shown(measure, number)


def _no_measure(assigned: Assigned, name: str, known: list[str]) -> Text:
    if not known:
        return _("{key} has no measures", key=assigned.key)
    near = nearest(name, known)
    return _("{key} has no measure '{name}'; nearest: {near}", key=assigned.key, name=name,
             near=near)  # fmt: skip


def measures_by_name(plan: Plan, assigned: Assigned) -> dict[str, Measure]:
    """The measures that a unit fills in for an assignment; none when the plan has no such duty."""
    duty = plan.duties.get(assigned.duty)
    if duty is None or not assigned.owes:
        return {}
    return {measure.name: measure for measure in measures_of(duty, assigned.unit)}


def _measures_folded(plan: Plan, assigned: Assigned) -> dict[str, Measure]:
    return {folded(name): each for name, each in measures_by_name(plan, assigned).items()}


def verdicts(plan: Plan, assigned: Assigned, figures: Mapping[str, str]) -> list[Verdict]:
    """How each figure stands against its target."""
    measures = _measures_folded(plan, assigned)
    given = [(measures.get(folded(name)), figure) for name, figure in figures.items()]
    return [
        verdict(measure, read_figure(measure, figure), assigned.nominal_on)
        for measure, figure in given
        if measure
    ]
