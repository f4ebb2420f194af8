"""Commands that ask the calendar: they need the file alone, no database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from dispatcher import bootstrap
from dispatcher.cli.output import format_option, print_csv, print_json, say, table, words
from dispatcher.errors import Refused
from dispatcher.hiding import unset_secrets
from dispatcher.i18n import _
from dispatcher.plan.model import Plan
from dispatcher.plan.names import duty_called, unit_called
from dispatcher.plan.occurrences import Occurrence, upcoming
from dispatcher.plan.scalars import read_day
from dispatcher.plan.steps import overdue_steps, steps_until_due

DAYS = 30
OVERDUE_SHOWN = 2
"""How many overdue steps the JSON lists before the one that repeats (T+1, T+3)."""
FIELDS = (
    *("duty", "title", "rows", "clause", "period", "opens", "due", "nominal_due"),
    *("provisional", "progress", "lead", "units", "reminders"),
)


class Day(click.ParamType[date]):
    """A date argument."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """An ISO date; anything else is wrong usage."""
        found = value if isinstance(value, date) else read_day(value)
        if found is None:
            why = _("'{value}' is not a date from 2000 to 2099, like 2026-03-31", value=value)
            self.fail(words(why), param, ctx)
        return found


@click.command(help=words(_("Check the calendar file, and say what it covers.")))
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check(file: Path | None) -> None:
    """Prints the coverage and the warnings; a bad file is an error with every problem in it, and
    holidays that should be known by now are a no."""
    from dispatcher.plan.coverage import coverage, warnings
    from dispatcher.plan.workdays import WANTED

    settings = bootstrap.settings()
    file = file or bootstrap.calendar_file(settings)
    plan = bootstrap.read_calendar(file)
    today = bootstrap.today(plan)
    found = coverage(plan, today.year)
    say(_("{file}: in order", file=file), "green")
    rows = [
        (_("rows"), f"{len(found.rows)}/{found.last_row}"),
        (_("clauses"), "、".join(found.clauses)),
        (_("duties"), found.duties),
        (_("units"), found.units),
        (_("occurrences in {year}", year=found.year), found.occurrences),
        (_("assignments in {year}", year=found.year), found.assignments),
        (_("messages in {year}, all answering on the due day", year=found.year), found.messages),
        (_("provisional dates in {year}", year=found.year), found.provisional),
    ]
    table((_("what"), _("how many")), rows)
    for warning in (*warnings(plan, today.year), *unset_secrets(plan, settings)):
        say(_("warning: {text}", text=warning), "yellow")
    missing = plan.workdays.missing(today, since=WANTED)
    if missing:
        text = _("the holidays of {year} are missing; 'dispatcher calendar import' takes in the "
                 "notice of the State Council", year=list(map(str, missing)))  # fmt: skip
        raise Refused(text)


@click.command(name="upcoming", help=words(_("What falls due, soonest first.")))
@click.option("--days", type=click.IntRange(0, 3660), help=words(_("so many days from today (30)")))
@click.option("--from", "first", type=Day(), help=words(_("the first due date")))
@click.option("--to", "last", type=Day(), help=words(_("the last due date")))
@click.option("--unit", help=words(_("only what this unit is told of")))
@click.option("--duty", help=words(_("only this duty")))
@format_option("table", "json", "csv")
def upcoming_command(
    days: int | None,
    first: date | None,
    last: date | None,
    unit: str | None,
    duty: str | None,
    form: str,
) -> None:
    """Prints the occurrences due in a stretch of days; needs no database."""
    if days is not None and last is not None:
        raise click.UsageError(words(_("--days and --to cannot stand together")))
    plan = bootstrap.read_calendar(bootstrap.calendar_file(bootstrap.settings()))
    today = bootstrap.today(plan)
    first = first or today
    last = last or first + timedelta(days=DAYS if days is None else days)
    if last < first:
        raise click.UsageError(words(_("{last} lies before {first}", first=first, last=last)))
    found = list(_selected(plan, upcoming(plan, first, last), unit, duty))
    if form == "json":
        print_json([as_json(plan, occurrence) for occurrence in found])
    elif form == "csv":
        print_csv(FIELDS, (_csv_row(as_json(plan, occurrence)) for occurrence in found))
    else:
        _print_table(found, first, last, today)


def _selected(
    plan: Plan, found: Iterable[Occurrence], unit: str | None, duty: str | None
) -> Iterator[Occurrence]:
    name = unit_called(plan, unit) if unit else None
    id = duty_called(plan, duty).id if duty else None
    for occurrence in found:
        if id in (None, occurrence.duty.id) and name in (None, *occurrence.duty.told):
            yield occurrence


def as_json(plan: Plan, occurrence: Occurrence) -> dict[str, Any]:
    """An occurrence as the stable interface shows it."""
    duty = occurrence.duty
    return {
        "duty": duty.id,
        "title": duty.title,
        "rows": list(duty.rows),
        "clause": duty.clause,
        "period": occurrence.period,
        "opens": occurrence.opens.isoformat(),
        "due": occurrence.due.isoformat(),
        "nominal_due": occurrence.nominal.isoformat(),
        "provisional": occurrence.provisional,
        "progress": occurrence.progress,
        "lead": list(duty.lead),
        "units": list(duty.told),
        "reminders": list(_reminders(plan, occurrence)),
    }


def _reminders(plan: Plan, occurrence: Occurrence) -> Iterator[dict[str, str]]:
    repeat = next((offset for offset in occurrence.duty.overdue if offset.every), None)
    shown = [*steps_until_due(plan, occurrence)]
    due = len(shown)
    for step in overdue_steps(plan, occurrence):
        shown.append(step)
        if len(shown) > due + OVERDUE_SHOWN:
            break
    for number, step in enumerate(shown):
        at = step.at(plan).astimezone(plan.zone).isoformat()
        entry = {"step": step.name, "at": at}
        if number >= due + OVERDUE_SHOWN and repeat:
            entry["every"] = f"{repeat.days}{'wd' if repeat.workdays else 'd'}"
        yield entry


def _csv_row(entry: dict[str, Any]) -> Iterator[object]:
    for value in entry.values():
        if isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, list):
            yield "; ".join(_csv_item(item) for item in value)
        else:
            yield value


def _csv_item(item: object) -> str:
    return " ".join(item.values()) if isinstance(item, dict) else str(item)


def _print_table(found: list[Occurrence], first: date, last: date, today: date) -> None:
    from dispatcher.plan.workdays import WEEKDAYS

    if not found:
        say(_("nothing falls due from {first} to {last}", first=first, last=last))
        return
    rows = [
        (
            occurrence.due,
            WEEKDAYS[occurrence.due.weekday()],
            occurrence.duty.title,
            occurrence.period,
            _short(occurrence.duty.lead),
            len(occurrence.duty.told),
            occurrence.duty.id,
            _("provisional") if occurrence.provisional else "",
        )
        for occurrence in found
    ]
    header = (_("due"), "", _("duty"), _("period"), _("lead"), _("units told"), _("id"), "")
    table(header, rows, [_colour(occurrence.due, today) for occurrence in found])
    say(_("{count} due from {first} to {last}", count=len(found), first=first, last=last))


def _short(units: tuple[str, ...]) -> object:
    if len(units) == 1:
        return units[0]
    more = len(units) - 1
    return _("{unit} and {more} more", unit=units[0], more=more, total=len(units))


def _colour(due: date, today: date) -> str | None:
    if due <= today:
        return "yellow" if due == today else "red"
    return "blue" if due <= today + timedelta(days=7) else None


@click.command(help=words(_("How a cadence phrase is read, and the dates it gives.")))
@click.argument("phrase")
@click.option("--year", type=click.IntRange(2000, 2099), help=words(_("the year to show")))
def explain(phrase: str, year: int | None) -> None:
    """Tries a phrase on the calendar as it stands, before anybody edits the file."""
    from dispatcher.plan.explain import describe
    from dispatcher.plan.trial import trial

    plan = bootstrap.read_calendar(bootstrap.calendar_file(bootstrap.settings()))
    year = year or bootstrap.today(plan).year
    duty, found = trial(plan, phrase, year)
    say(_("'{phrase}' reads as: {cadence}", phrase=phrase, cadence=describe(duty.cadence)))
    if duty.progress:
        say(_("a year-round duty: its lead reports progress at these dates"))
    if not found:
        say(_("no date in {year}: it waits for an event, or never falls due", year=year))
    for occurrence in found:
        if occurrence.skipped:
            says = _("skipped: {reason}", reason=occurrence.skipped)
        elif occurrence.due != occurrence.nominal:
            says = _("{due} (nominally {nominal})", due=occurrence.due, nominal=occurrence.nominal)
        else:
            says = _("{due}", due=occurrence.due)
        mark = _("provisional") if occurrence.provisional else ""
        say(f"  {occurrence.period}  {words(says)}  {words(mark)}".rstrip())
