"""The command by which an event is recorded, or taken back."""

from __future__ import annotations

from datetime import date

import click

from dispatcher import bootstrap
from dispatcher.cli.calendar import Day
from dispatcher.cli.output import by_option, say, words
from dispatcher.i18n import _
from dispatcher.plan.names import duty_called


@click.command(help=words(_("Record that something has happened: a duty falls due after it.")))
@click.argument("duty")
@click.option("--subject", required=True, help=words(_("a project's name or number")))
@click.option("--on", type=Day(), help=words(_("the day on which it happened (today)")))
@by_option(_("who records it"))
@click.option("--note", default="", help=words(_("what was said")))
@click.option("--undo", is_flag=True, help=words(_("take it back, with a reason")))
def event(duty: str, subject: str, on: date | None, by: str, note: str, undo: bool) -> None:
    """Opens an occurrence, or withdraws what is still open of it."""
    from dispatcher.dispatch.events import Happened, record_event, undo_event

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    happened = Happened(
        duty_called(plan, duty), subject.strip(), on or bootstrap.today(plan), by, note
    )
    with bootstrap.ledger(settings).begin() as conn:
        if undo:
            count = undo_event(conn, plan, happened, bootstrap.now())
            says = _("withdrawn {count}", count=count) if count else _("it was undone already")
        else:
            found = record_event(conn, plan, happened, bootstrap.now())
            says = _("it was recorded already")
            if found:
                says = _("{key} opened, due on {due}, for {count} units", key=found.key,
                         due=found.due, count=len(found.duty.told))  # fmt: skip
    say(says)
