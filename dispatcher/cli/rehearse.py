"""Living through a stretch of the calendar in seconds, and what that showed."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.calendar import Day
from dispatcher.cli.output import say, table, words
from dispatcher.errors import DispatcherError, Refused, said_by_system
from dispatcher.i18n import _
from dispatcher.plan.scalars import read_day
from dispatcher.rehearsal.wishes import Edit, Stretch, Wishes

if TYPE_CHECKING:
    from dispatcher.rehearsal.living import Life
    from dispatcher.rehearsal.report import Report
    from dispatcher.rehearsal.tally import Load, Tally

LONGEST = 3660
"""Days that may be rehearsed at once."""


class Days(click.ParamType[Stretch]):
    """``2026-03-01..2026-03-11``, both in it."""

    name = "dates"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Stretch:
        """The days; anything else is wrong usage."""
        first, _dots, last = str(value).partition("..")
        found = read_day(first), read_day(last)
        if found[0] is None or found[1] is None or found[0] > found[1]:
            text = _("'{value}' is not like 2026-03-01..2026-03-11", value=value)
            self.fail(words(text), param, ctx)
        return Stretch(found[0], found[1])


class FileOn(click.ParamType[Edit]):
    """``FILE@2026-03-01``."""

    name = "file@date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Edit:
        """The file and its day; anything else is wrong usage."""
        file, _at, day = str(value).rpartition("@")
        found = read_day(day)
        if not file or found is None:
            self.fail(words(_("'{value}' is not like FILE@2026-03-01", value=value)), param, ctx)
        return Edit(Path(file).absolute(), found)


@click.command(help=words(_("Live through a year in seconds: every message, and what is wrong.")))
@click.argument("year", required=False, type=click.IntRange(2000, 2099))
@click.option("--from", "first", type=Day(), help=words(_("the first day")))
@click.option("--to", "last", type=Day(), help=words(_("the last day")))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=words(_("write every message and a page of them into this new folder")),
)
@click.option(
    "--more-than",
    type=click.IntRange(0),
    default=8,
    help=words(_("name the days on which a unit gets more items than this (8)")),
)
@click.option(
    "--answer-rate",
    type=click.FloatRange(0, 1),
    default=1.0,
    help=words(_("the share of what falls due that is answered, on its day (1)")),
)
@click.option("--seed", type=int, default=0, help=words(_("another choice of what is answered")))
@click.option(
    "--outage",
    "outages",
    type=Days(),
    multiple=True,
    help=words(_("no channel works then, as 2026-03-01..2026-03-11")),
)
@click.option(
    "--edit",
    "edits",
    type=FileOn(),
    multiple=True,
    help=words(_("the calendar becomes FILE from that day on, as FILE@2026-03-01")),
)
def rehearse(year: int | None, first: date | None, last: date | None, **asked: Any) -> None:
    """Touches neither the ledger, nor the mailbox, nor the network."""
    wishes = Wishes(_stretch(year, first, last), **asked)
    _refuse_days_outside(wishes)
    if wishes.out:
        _make_folder(wishes.out)
    _silence()
    life, found = _live(wishes)
    _print(life, found)
    if wishes.out:
        say(_("open {file} in a browser", file=wishes.out / "index.html"))
    if found.wrong:
        sys.exit(Refused.exit_code)


def _stretch(year: int | None, first: date | None, last: date | None) -> Stretch:
    if year and (first or last):
        raise click.UsageError(words(_("a year and --from or --to cannot stand together")))
    if not (year or first or last):
        year = bootstrap.now().year
    given = first or last
    year = year or (given.year if given else 0)
    found = Stretch(first or date(year, 1, 1), last or date(year, 12, 31))
    if not 0 <= (found.last - found.first).days < LONGEST:
        why = _("from {first} to {last}: a rehearsal has 1 to {most} days", most=LONGEST,
                **found._asdict())  # fmt: skip
        raise click.UsageError(words(why))
    return found


def _refuse_days_outside(wishes: Wishes) -> None:
    """An edit or outage on a day that is never reached is a mistake."""
    days = wishes.stretch
    outside = [each.on for each in wishes.edits if each.on not in days]
    outside += [each.first for each in wishes.outages
                if each.last < days.first or each.first > days.last]  # fmt: skip
    if outside:
        why = _("{day} is not from {first} to {last}, which are rehearsed",
                day=outside[0], **days._asdict())  # fmt: skip
        raise click.UsageError(words(why))


def _make_folder(out: Path) -> None:
    """Before a year has been lived through for nothing."""
    from tempfile import TemporaryFile

    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise Refused(_("{folder} is not empty; a rehearsal overwrites nothing", folder=out))
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise DispatcherError(
            _("{file} cannot be written: {detail}", file=out, detail=said_by_system(error))
        ) from None


def _silence() -> None:
    """What the daemon logs would be said of nothing that happens; the report says what matters."""
    import logging

    logging.getLogger("dispatcher").setLevel(logging.CRITICAL)


def _live(wishes: Wishes) -> tuple[Life, Report]:
    from dispatcher.ledger.rehearsing import scratch_ledger
    from dispatcher.rehearsal.living import Life
    from dispatcher.rehearsal.page import write_page
    from dispatcher.rehearsal.report import report

    with scratch_ledger() as engine:
        bootstrap.open_ledger(engine)
        life = Life(bootstrap.settings(), wishes, engine)
        life.run()
        with engine.begin() as conn:
            found = report(life, conn)
            if wishes.out:
                write_page(wishes.out, life, found, conn)
    return life, found


def _print(life: Life, found: Report) -> None:
    from dispatcher.rehearsal.report import conditions

    wishes, tally = life.wishes, life.tally
    said = {**wishes.stretch._asdict(), **tally.total._asdict(), "passes": tally.passes}
    say(_("{first} to {last}: {messages} messages with {items} items, in {passes} passes", **said))
    for each in conditions(wishes):
        say(each, "yellow")
    _print_loads(life)
    _print_heaviest(tally)
    for note in found.notes:
        say(note, "yellow")
    for wrong in found.wrong:
        say(wrong, "red")
    if not found.wrong:
        fine = _("nothing is wrong: no message on a rest day, no limit broken, every step comes")
        say(fine, "green")


def _print_loads(life: Life) -> None:
    """Messages and items by unit and month, as ``5/12``."""
    loads, units = life.tally.months, life.addresses()
    months = sorted({(year, month) for year, month, _unit in loads})
    told = {unit for _year, _month, unit in loads}
    rows = [
        (unit, *(_shown(loads.get((*month, unit))) for month in months))
        for unit in units
        if unit in told
    ]
    header = (_("messages/items"), *(f"{year}-{month:02}" for year, month in months))
    table(header, rows)


def _shown(load: Load | None) -> str:
    return f"{load.messages}/{load.items}" if load else ""


def _print_heaviest(tally: Tally) -> None:
    if not tally.heavy_days:
        return
    say(_("days on which a unit gets more than {number} items: {count}; the most:",
          count=tally.heavy_days, number=tally.more_than))  # fmt: skip
    rows = [(each.day, each.unit, each.items) for each in tally.heaviest]
    table((_("date"), _("unit"), _("items")), rows)
