"""Commands by which the office records what units have answered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from dispatcher import bootstrap
from dispatcher.cli.output import say, table, words
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import _
from dispatcher.plan import explain
from dispatcher.plan.names import duty_called, unit_called

if TYPE_CHECKING:
    from dispatcher.ledger.assignments import Assigned
    from dispatcher.ledger.database import Connection
    from dispatcher.plan.model import Plan


@click.command(help=words(_("Record that a unit has done what it owes; chasing stops.")))
@click.argument("assignment", required=False)
@click.option("--unit", help=words(_("of this unit")))
@click.option("--duty", help=words(_("of this duty")))
@click.option("--period", help=words(_("of this period")))
@click.option("--by", required=True, help=words(_("who records it")))
@click.option("--note", default="", help=words(_("what was said")))
@click.option("--yes", is_flag=True, help=words(_("do not ask")))
def done(assignment: str | None, by: str, note: str, yes: bool, **selection: str | None) -> None:
    """Shows what it will close, asks, and closes it in one transaction."""
    from dispatcher.ledger import assignments

    settings = bootstrap.settings()
    plan = bootstrap.read_calendar(settings.schedules)
    engine = bootstrap.ledger(settings)
    now = bootstrap.now()
    with engine.begin() as conn:
        if assignment:
            found = [_named(conn, plan, assignment)]
        else:
            found = _selected(conn, plan, **selection)
        _show(plan, found)
        if not (yes or _agreed(len(found))):
            conn.rollback()
            raise Refused(_("nothing was changed"))
        closed = [assigned for assigned in found if assignments.done(conn, assigned, by, note, now)]
    say(_("done: {count}", count=len(closed)))


def _named(conn: Connection, plan: Plan, key: str) -> Assigned:
    """The assignment of a key like ``dropout-check/2023-03@区社管局``, entered when it is new."""
    from dispatcher.ledger import entering

    duty_id, slash, rest = key.partition("/")
    period, at, unit_name = rest.rpartition("@")
    if not (slash and at):
        raise DispatcherError(
            _("'{key}' is not an assignment; write it like dropout-check/2023-03@区社管局", key=key)
        )
    duty, unit = duty_called(plan, duty_id), unit_called(plan, unit_name)
    occurrence = explain.find(plan, duty, period, bootstrap.today(plan))
    if occurrence.period != period or occurrence.skipped or unit not in duty.owing:
        raise Refused(_("{key}: nothing is owed; ask 'dispatcher why' for the reason", key=key))
    return entering.entered(conn, occurrence, unit, bootstrap.now())


def _selected(
    conn: Connection, plan: Plan, unit: str | None, duty: str | None, period: str | None
) -> list[Assigned]:
    from dispatcher.ledger.assignments import select_assigned
    from dispatcher.ledger.tables import OPEN

    if not unit:
        raise DispatcherError(_("name an assignment, or a unit with --unit"))
    found = select_assigned(
        conn,
        unit=unit_called(plan, unit),
        duty=duty_called(plan, duty).id if duty else None,
        period=period,
        states=OPEN,
    )
    owed = [assigned for assigned in found if assigned.owes]
    if not owed:
        raise Refused(_("nothing is open that fits"))
    return owed


def _show(plan: Plan, found: list[Assigned]) -> None:
    rows = [
        (assigned.key, plan.duties[assigned.duty].title, assigned.due_on, STATES[assigned.state])
        if assigned.duty in plan.duties
        else (assigned.key, "", assigned.due_on, STATES[assigned.state])
        for assigned in found
    ]
    table((_("assignment"), _("duty"), _("due"), _("state")), rows, [None] * len(rows))


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise DispatcherError(_("nobody to ask: add --yes"))
    return click.confirm(words(_("record {count} as done?", count=count)))


STATES = {
    "pending": _("pending"),
    "acknowledged": _("acknowledged"),
    "reported": _("reported"),
    "returned": _("returned"),
    "done": _("done"),
    "waived": _("waived"),
    "withdrawn": _("withdrawn"),
    "lapsed": _("lapsed"),
}
