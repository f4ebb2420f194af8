"""Commands by which answers are recorded: what units say, and what the office decides."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.calendar import Day
from dispatcher.cli.output import by_option, say, table, words
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger.transitions import KINDS, STATE_WORDS, Kind
from dispatcher.plan.names import folded

if TYPE_CHECKING:
    from dispatcher.ledger.answers import Said
    from dispatcher.ledger.assignments import Assigned
    from dispatcher.ledger.database import Engine
    from dispatcher.plan.model import Plan

Option = Callable[[Any], Any]
SELECTION = ("unit", "duty", "period")
COMMON: tuple[Option, ...] = (
    click.argument("assignment", required=False),
    click.option("--unit", help=words(_("of this unit"))),
    click.option("--duty", help=words(_("of this duty"))),
    click.option("--period", help=words(_("of this period"))),
    by_option(_("who records it")),
    click.option("--note", default="", help=words(_("what was said"))),
    click.option("--yes", is_flag=True, help=words(_("do not ask"))),
)
TO = click.option("--to", type=Day(), help=words(_("the new due date")))
TO_ASKED = click.option(
    "--to", type=Day(), required=True, help=words(_("the date that is asked for"))
)
VALUE = click.option(
    "--value", "values", multiple=True, metavar="NAME=FIGURE",
    help=words(_("a figure of a measure, as 参保率=98.7%; may be repeated")),
)  # fmt: skip
DESPITE = click.option(
    "--despite", default="", help=words(_("why a lead is done while others are open"))
)


def _command(kind: Kind, name: str, help: Text, *options: Option) -> click.Command:
    """The command that says ``kind``."""

    def run(assignment: str | None, yes: bool, **given: Any) -> None:
        selection = {key: given.pop(key) for key in SELECTION}
        _record(assignment, selection, _said(kind, **given), yes=yes)

    for option in reversed((*COMMON, *options)):
        run = option(run)
    return click.command(name, help=words(help))(run)


def _said(
    kind: Kind,
    by: str,
    note: str,
    to: date | None = None,
    values: tuple[str, ...] = (),
    despite: str = "",
) -> Said:
    from dispatcher.ledger.answers import Said

    return Said(kind, by, note, to, _figures(values), despite=despite)


def _figures(values: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, equals, figure = value.replace("＝", "=").partition("=")
        if not equals:
            raise DispatcherError(
                _("'{value}' should be a measure and its figure, as 参保率=98.7%", value=value)
            )
        if folded(name) in map(folded, found):
            raise DispatcherError(_("'{name}' is given twice: keep one", name=name.strip()))
        found[name.strip()] = figure.strip()
    return found


def _record(
    assignment: str | None, selection: dict[str, str | None], said: Said, *, yes: bool
) -> None:
    """Records one answer, or after a look at it the same for a selection; all of it or nothing."""
    from dispatcher.dispatch import answering

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    now = bootstrap.now()
    engine = bootstrap.ledger(settings)
    if assignment and any(selection.values()):
        raise DispatcherError(_("name an assignment, or select with --unit, --duty and --period"))
    seen = None if assignment else _agreed_to(engine, plan, selection, said, yes=yes)
    with engine.begin() as conn:
        if assignment:
            found = [answering.named(conn, plan, assignment, now)]
        elif (found := answering.selected(conn, plan, said.kind, **selection)) != seen:
            raise Refused(_("the ledger has changed meanwhile: nothing was recorded; look again"))
        new = [one for one in found if answering.answer(conn, plan, one, said, now)]
        verdicts = [
            verdict for one in new for verdict in answering.verdicts(plan, one, said.figures)
        ]
    for verdict in verdicts:
        say(verdict.says, "yellow" if verdict.met is False else None)
    say(_("recorded: {count}", count=len(new)))
    if len(new) < len(found):
        say(_("recorded already: {count}", count=len(found) - len(new)))


def _agreed_to(
    engine: Engine, plan: Plan, selection: dict[str, str | None], said: Said, *, yes: bool
) -> list[Assigned]:
    """Shows what would be answered, and asks; Refused without a yes.

    Figures for several periods of one duty are wrong usage.
    """
    from dispatcher.dispatch import answering

    # Ended before anybody is asked, so that the daemon need not wait for the answer.
    with engine.begin() as conn:
        found = answering.selected(conn, plan, said.kind, **selection)
    if said.figures:
        answering.check_one_period(found)
    rows = [
        (
            assigned.key,
            plan.duties[assigned.duty].title if assigned.duty in plan.duties else "",
            assigned.due_on,
            STATE_WORDS[assigned.state],
        )
        for assigned in found
    ]
    table((_("assignment"), _("duty"), _("due"), _("state")), rows)
    question = _("{kind}: {count} assignments?", kind=KINDS[said.kind], count=len(found))
    if not (yes or agreed(question)):
        raise Refused(_("nothing was changed"))
    return found


def agreed(question: Text) -> bool:
    """Whether the person at the terminal says yes; wrong usage where there is none."""
    if not sys.stdin.isatty():
        raise DispatcherError(_("nobody to ask: add --yes"))
    return click.confirm(words(question))


@click.group(help=words(_("Extensions: ask for one, grant it, refuse it.")))
def extend() -> None:
    """The group of the three commands around an extension."""


for command in (
    _command("ask", "ask", _("A unit asks for more time, before the due date."), TO_ASKED),
    _command("grant", "grant", _("The office agrees: a new date, and a new round."), TO),
    _command("refuse", "refuse", _("The office does not agree: the date stays.")),
):
    extend.add_command(command)

COMMANDS: tuple[click.Command, ...] = (
    _command("ack", "ack", _("A unit is at work: nothing is told before the due date.")),
    _command("report", "report", _("A unit has reported: chasing stops, the office looks."), VALUE),
    _command("done", "done", _("Record that a unit has done what it owes."), DESPITE),
    _command("return", "return", _("Send a report back to be done again, with a reason."), TO),
    extend,
    _command("waive", "waive", _("A unit need not answer this time, with a reason.")),
    _command("withdraw", "withdraw", _("Take an assignment back, with a reason.")),
    _command("reopen", "reopen", _("Open again what was closed, with a reason."), TO),
)
