"""The command that asks how things stand; what all commands that only ask the ledger share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.output import (
    LINES,
    format_option,
    print_csv,
    print_json,
    say,
    table,
    words,
)
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import _
from dispatcher.ledger.terms import COLOURS, ROLES, Colour
from dispatcher.ledger.transitions import OPEN, STATE_WORDS, STATES
from dispatcher.plan.names import duty_called, unit_called
from dispatcher.settings import Settings, shipped

if TYPE_CHECKING:
    from dispatcher.ledger.database import Connection
    from dispatcher.ledger.standing import Line, Page
    from dispatcher.plan.model import Plan

LIMIT = 50
COLOUR_NAMES: dict[str, Colour] = {
    "红": "red",
    "黄": "yellow",
    "蓝": "blue",
    **{each: each for each in COLOURS},
}
FIELDS = (
    *("assignment", "duty", "period", "title", "unit", "role", "due", "provisional", "state"),
    *("colour", "overdue_days", "urged", "answered_by", "answered_at", "asked_for", "missed"),
    "cursor",
)


@contextmanager
def ledger(settings: Settings) -> Iterator[Connection]:
    """The ledger, only to be read; Refused where there is none yet."""
    from dispatcher.ledger.reading import reading

    with reading(settings.database_url, shipped("db")) as conn:
        if conn is None:
            raise Refused(_("there is no ledger yet: 'dispatcher run' begins one"))
        yield conn


def unit_known(conn: Connection, plan: Plan, name: str) -> str:
    """A unit's own name in the plan, or one that only the ledger has; else DispatcherError."""
    from dispatcher.ledger import history

    try:
        return unit_called(plan, name)
    except DispatcherError:
        if not history.has_unit(conn, name):
            raise
        return name


def duty_known(conn: Connection, plan: Plan, id: str) -> str:
    """The id of a duty of the plan, or one that only the ledger has; else DispatcherError."""
    from dispatcher.ledger import history

    try:
        return duty_called(plan, id).id
    except DispatcherError:
        if not history.has_duty(conn, id):
            raise
        return id


@click.command(help=words(_("How things stand: what is open, by due date.")))
@click.option("--unit", help=words(_("of this unit")))
@click.option("--duty", help=words(_("of this duty")))
@click.option("--period", help=words(_("of this period")))
@click.option("--state", type=click.Choice(["all", *STATES]), help=words(_("in this state (open)")))
@click.option("--colour", type=click.Choice(list(COLOUR_NAMES)), help=words(_("of this colour")))
@click.option("--limit", type=LINES, default=LIMIT, help=words(_("so many lines (50)")))
@click.option("--after", help=words(_("after the line where the page before ended")))
@format_option("table", "json", "csv")
def status(
    state: str | None, colour: str | None, limit: int, form: str, **asked: str | None
) -> None:
    """Prints a page of the assignments that owe an answer; copies owe none."""
    from dispatcher.ledger import standing

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    today = bootstrap.today(plan)
    with ledger(settings) as conn:
        selection = standing.Selection(
            states=STATES if state == "all" else (state,) if state else OPEN,
            unit=unit_known(conn, plan, asked["unit"]) if asked["unit"] else None,
            duty=duty_known(conn, plan, asked["duty"]) if asked["duty"] else None,
            period=asked["period"],
            colour=COLOUR_NAMES[colour] if colour else None,
            after=standing.read_cursor(asked["after"]) if asked["after"] else None,
        )
        page = standing.page(conn, selection, today, limit)
    _print_page(page, today, plan.zone, form)


def _print_page(page: Page, today: date, zone: tzinfo, form: str) -> None:
    lines = (_as_json(line, today, zone) for line in page.lines)
    if form == "json":
        print_json(list(lines))
    elif form == "csv":
        print_csv(FIELDS, (map(_cell, line.values()) for line in lines))
    else:
        _print_lines(page.lines, today, zone)
    if page.after:
        click.echo(words(_("more: --after {place}", place=page.after)), err=form != "table")


def _as_json(line: Line, today: date, zone: tzinfo) -> dict[str, Any]:
    """An assignment as the stable interface shows it."""
    said = line.answered_at
    values = (
        *(line.key, line.duty, line.period, line.title, line.unit, line.role),
        *(line.due_on.isoformat(), line.provisional, line.state, line.colour(today)),
        *(line.overdue(today), line.times, line.answered_by),
        said.astimezone(zone).isoformat() if said else None,
        line.asked_on.isoformat() if line.asked_on else None,
        *(line.missed, str(line.cursor)),
    )
    return dict(zip(FIELDS, values, strict=True))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _print_lines(lines: list[Line], today: date, zone: tzinfo) -> None:
    if not lines:
        say(_("nothing fits"))
        return
    header = (_("assignment"), _("duty"), _("part"), _("due"), _("state"), _("colour"),
              _("days late"), _("urged"), _("last answer"), _("asked for"), "")  # fmt: skip
    rows = [
        (
            *(line.key, line.title, ROLES[line.role], line.due_on, STATE_WORDS[line.state]),
            _colour_word(line, today),
            *(line.overdue(today) or "", line.times or "", _answer(line, zone)),
            *(line.asked_on or "", _("provisional") if line.provisional else ""),
        )
        for line in lines
    ]
    table(header, rows, [line.colour(today) for line in lines])
    say(_("{count} shown", count=len(lines)))


def _colour_word(line: Line, today: date) -> object:
    colour = line.colour(today)
    word = COLOURS[colour] if colour else ""
    return _("{colour}, figures fall short", colour=word) if line.missed and word else word


def _answer(line: Line, zone: tzinfo) -> str:
    if line.answered_at is None:
        return ""
    return f"{line.answered_by} {line.answered_at.astimezone(zone):%Y-%m-%d}"
