"""Commands around the holidays: how far they are known, and taking in the notice of a year."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.editing import YES, edit
from dispatcher.cli.output import format_option, print_json, say, table, words
from dispatcher.i18n import _
from dispatcher.plan.scalars import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from dispatcher.plan.horizon import Entry, Years
    from dispatcher.plan.model import Plan
    from dispatcher.plan.notices import Notice

PACKAGE = "chinesecalendar"


@click.group(
    name="calendar",
    invoke_without_command=True,
    help=words(_("How far holidays and ranges are known; import takes in a holiday notice.")),
)
@format_option("table", "json")
@click.pass_context
def calendar(context: click.Context, form: str) -> None:
    """Prints where the holidays of each year come from, and the entries of the named ranges."""
    if context.invoked_subcommand:
        return
    from dispatcher.plan.horizon import entries, holidays

    plan = bootstrap.read_calendar(bootstrap.calendar_file(bootstrap.settings()))
    today = bootstrap.today(plan)
    years, ranges = holidays(plan, today), [*entries(plan, today)]
    if form == "json":
        print_json(_as_data(plan, years, ranges))
        return
    _show_holidays(plan, years)
    _show_own_days(plan)
    _show_ranges(ranges)


def _as_data(plan: Plan, years: Iterable[Years], ranges: Iterable[Entry]) -> dict[str, Any]:
    days = plan.workdays
    return {
        "holidays": days.source,
        "known_to": days.last_year if days.source == "china" else None,
        "years": [
            {**each._asdict(), "source": _package() if each.origin == "package" else each.source}
            for each in years
        ],
        "off": sorted(map(str, days.off)),
        "work": sorted(map(str, days.work)),
        "ranges": [_plain({**each._asdict(), "missing": not each.name}) for each in ranges],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, date) else value for key, value in values.items()}


def _package() -> str:
    from importlib.metadata import version

    return f"{PACKAGE} {version(PACKAGE)}"


def _show_holidays(plan: Plan, years: Iterable[Years]) -> None:
    if plan.workdays.source == "none":
        say(_("holidays: none in the calendar: weekends alone are rest days"))
        return
    last = plan.workdays.last_year
    say(_("holidays and make-up workdays are known up to {year}; later dates are provisional",
          year=last))  # fmt: skip
    sources = {
        "package": _package(),
        "provisional": _("provisional: weekends and fixed holidays, no make-up workdays"),
    }
    rows = [
        (
            each.first if each.first == each.last else f"{each.first}-{each.last}",
            sources.get(each.origin, each.source),
            each.off or "",
            each.work or "",
        )
        for each in years
    ]
    header = (_("years"), _("from"), _("rest days"), _("make-up workdays"))
    table(header, rows, ["yellow" if each.origin == "provisional" else None for each in years])


def _show_own_days(plan: Plan) -> None:
    for days, says in (
        (plan.workdays.off, _("a rest day by the office's own list")),
        (plan.workdays.work, _("a workday by the office's own list")),
    ):
        for day in sorted(days):
            say(_("{day}: {says}", day=day, says=says))


def _show_ranges(ranges: Iterable[Entry]) -> None:
    rows, colours = [], []
    for entry in ranges:
        state, colour = (_("provisional"), "yellow") if entry.provisional else ("", None)
        if not entry.name:
            state, colour = _("not complete, needed by {duties}", duties=entry.duties), "red"
        rows.append(
            (entry.range, entry.year, entry.name, entry.first or "", entry.last or "", state,
             entry.source)
        )  # fmt: skip
        colours.append(colour)
    if rows:
        say()
        header = (_("range"), _("year"), _("entry"), _("first day"), _("last day"), _("state"),
                  _("source"))  # fmt: skip
        table(header, rows, colours)


@calendar.command(
    name="import",
    help=words(
        _("Take the State Council's holiday notice of a year into the file: JSON of holiday-cn, or "
          "a list with lines like 2026-01-01..2026-01-03 休 元旦 and 2026-01-04 班 元旦.")
    ),
)  # fmt: skip
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", help=words(_("the number or address of the notice")))
@click.option("--year", type=click.IntRange(FIRST_YEAR, LAST_YEAR),
              help=words(_("its year, where the file does not say")))  # fmt: skip
@YES
def import_command(file: Path, source: str | None, year: int | None, *, yes: bool) -> None:
    """Puts it in the place of the one that stands there for its year."""
    from dispatcher.plan.amending import announce
    from dispatcher.plan.gazette import notice_in

    year, notice = notice_in(file.name, bootstrap.calendar_text(file), year, source)
    _show_contradictions(year, notice)
    edit(lambda text, plan: announce(text, plan, year, notice), yes=yes)


def _show_contradictions(year: int, notice: Notice) -> None:
    """What the notice says otherwise than the package, so that nobody agrees to it unawares."""
    from dispatcher.plan.gazette import contradictions
    from dispatcher.plan.workdays import WEEKDAYS, Workdays

    days = contradictions(year, notice)
    if days is None:
        return
    if not days:
        say(_("{package} says the same of {year}", package=PACKAGE, year=year))
        return
    say(_("the notice contradicts {package} and would replace it for {year}; {count} days:",
          package=PACKAGE, year=year, count=len(days)), "red")  # fmt: skip
    package, ours = Workdays(), Workdays(notices={year: notice})
    rows = [
        (day, WEEKDAYS[day.weekday()], package.describe(day), ours.describe(day)) for day in days
    ]
    header = (_("day"), "", PACKAGE, _("the notice"))
    table(header, rows, ["red"] * len(rows))
