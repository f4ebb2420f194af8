"""The command that says why: it walks through plan and ledger, and changes neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import click

from dispatcher import bootstrap
from dispatcher.cli.asking import unit_known
from dispatcher.cli.output import say, width, words
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger.transitions import STATE_WORDS
from dispatcher.plan.names import duty_called
from dispatcher.plan.shape import nearest
from dispatcher.settings import shipped

if TYPE_CHECKING:
    from dispatcher.dispatch.walk import Asked
    from dispatcher.ledger.database import Connection
    from dispatcher.plan.explain import Reason
    from dispatcher.plan.model import Plan
    from dispatcher.plan.occurrences import Occurrence


class Question(NamedTuple):
    """Which duty and period somebody asks about, in his words, and which unit if it is one."""

    duty: str
    period: str
    unit: str | None


@click.command(help=words(_("Why a duty falls due when it does, and who was told what of it.")))
@click.argument("duty")
@click.argument("period", required=False, default="")
@click.option("--unit", help=words(_("everything that happened to this unit's part")))
def why(duty: str, period: str, unit: str | None) -> None:
    """Prints the chain from phrase to reminders, and then what the ledger has of it.

    The period may be a key, a date in it, or nothing for the next one due; of events a subject, or
    nothing for all of them. A key as `status` prints it says duty, period and unit at once.
    """
    from dispatcher.ledger.reading import reading

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    question = _question(plan, duty, period, unit)
    planned, trouble = _planned(plan, question)
    if planned:
        _print_plan(plan, planned)
    with reading(settings.database_url, shipped("db")) as conn:
        if conn and trouble:
            _print_recorded(conn, plan, question, trouble)
        elif conn:
            _print_walk(conn, _asked(conn, plan, planned, question), question.unit)
        elif trouble:
            raise trouble


def _question(plan: Plan, duty: str, period: str, unit: str | None) -> Question:
    """What is asked, taken apart when it is a key like ``dropout-check/2023-03@区社管局``."""
    id, slash, rest = duty.partition("/")
    if not slash or duty in {each.title for each in plan.duties.values()}:
        return Question(duty, period, unit)
    own_period, _at, own_unit = rest.partition("@")
    if (period and own_period) or (unit and own_unit):
        raise click.UsageError(words(_("'{key}' names it already: name it once", key=duty)))
    return Question(id, own_period or period, own_unit or unit)


def _planned(plan: Plan, question: Question) -> tuple[Occurrence | None, DispatcherError | None]:
    """The occurrence as the plan has it, or why it has none."""
    from dispatcher.plan import explain

    try:
        duty = duty_called(plan, question.duty)
        found = explain.find(plan, duty, question.period, bootstrap.today(plan))
    except DispatcherError as error:
        return None, error
    return found, None


def _print_plan(plan: Plan, planned: Occurrence) -> None:
    from dispatcher.plan import explain

    say(f"{planned.duty.title} ({planned.key})")
    _print_chain(explain.why(plan, planned))


def _print_recorded(
    conn: Connection, plan: Plan, question: Question, trouble: DispatcherError
) -> None:
    """What only the ledger knows: that something has happened, or what the plan has lost."""
    events = _events(conn, plan, question.duty)
    if events and not question.period:
        _print_events(conn, plan, events, question.unit)
        return
    planned = events.get(question.period)
    asked = _asked(conn, plan, planned, question)
    if planned:
        _print_plan(plan, planned)
    elif asked.recorded:
        say(f"{asked.recorded.title} ({asked.recorded.duty}/{asked.recorded.period})")
        say(_("not in the plan: {trouble}", trouble=trouble.text), "yellow")
    else:
        raise _unknown(events, question) if events else trouble
    _print_walk(conn, asked, question.unit)


def _events(conn: Connection, plan: Plan, duty: str) -> dict[str, Occurrence]:
    """What the recorded events of a duty have opened, by subject."""
    from dispatcher.dispatch.events import registered

    try:
        found = registered(conn, plan, duty_called(plan, duty))
    except DispatcherError:
        return {}
    return {occurrence.period: occurrence for occurrence in found}


def _unknown(events: dict[str, Occurrence], question: Question) -> Refused:
    subject, near = question.period, nearest(question.period, list(events))
    return Refused(
        _("'{id}' has no event '{subject}'; recorded: {near}", id=question.duty, subject=subject,
          near=near)
    )  # fmt: skip


def _print_events(
    conn: Connection, plan: Plan, events: dict[str, Occurrence], unit: str | None
) -> None:
    from dispatcher.plan.explain import cadence_reason

    unit = unit_known(conn, plan, unit) if unit else None
    duty = next(iter(events.values())).duty
    say(f"{duty.title} ({duty.id})")
    _print_chain([cadence_reason(duty)])
    say(_("recorded events:"))
    _print_chain(_event_reasons(conn, plan, events, unit))
    say(_("everything about one of them: why {duty} SUBJECT", duty=duty.id))


def _event_reasons(
    conn: Connection, plan: Plan, events: dict[str, Occurrence], unit: str | None
) -> Iterator[Reason]:
    """When each happened, and how it stands with a unit, or with all of them together."""
    from dispatcher.plan.explain import Reason

    for subject, opened in events.items():
        asked = _asked(conn, plan, opened, Question(opened.duty.id, subject, unit))
        says = _("happened on {day}, due {due}: {stands}", day=opened.opens, due=opened.due,
                 stands=_stands(conn, asked, unit))  # fmt: skip
        yield Reason(Text("{subject}", subject=subject), says)


def _stands(conn: Connection, asked: Asked, unit: str | None) -> list[Text]:
    from dispatcher.dispatch import walk

    units = walk.units_of(conn, asked)
    if unit:
        return [line.says for line in walk.in_short(conn, asked, {unit: units.get(unit)})]
    return list(dict.fromkeys(STATE_WORDS[each.state] for each in units.values() if each))


def _asked(conn: Connection, plan: Plan, planned: Occurrence | None, question: Question) -> Asked:
    from dispatcher.dispatch.walk import Asked
    from dispatcher.ledger import history

    if planned:
        duty, period = planned.duty.id, planned.period
    else:
        titles = {each.title: each.id for each in plan.duties.values()}
        duty, period = titles.get(question.duty, question.duty), question.period
    return Asked(plan, planned, history.recorded(conn, duty, period), bootstrap.now())


def _print_walk(conn: Connection, asked: Asked, unit: str | None) -> None:
    from dispatcher.dispatch import walk

    units = walk.units_of(conn, asked)
    if unit:
        name = unit_known(conn, asked.plan, unit)
        units = {name: units.get(name)}
    say(_("in the ledger:"))
    if len(units) == 1:
        [(name, assigned)] = units.items()
        say(_("{unit}", unit=name))
        _print_chain(walk.at_length(conn, asked, name, assigned))
    else:
        _print_chain(walk.in_short(conn, asked, units))
        say(_("everything about one of them: --unit NAME"))


def _print_chain(chain: Iterable[Reason]) -> None:
    lines: list[tuple[str, str]] = [(words(label), words(says)) for label, says in chain]
    room = max((width(label) for label, _says in lines), default=0)
    for label, says in lines:
        say(f"  {label}{' ' * (room - width(label))}  {says}")
