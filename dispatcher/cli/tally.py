"""The figures of a 通报: what was owed in a stretch of time, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dispatcher import bootstrap
from dispatcher.cli.asking import ledger
from dispatcher.cli.output import format_option, print_csv, print_json, say, table, words
from dispatcher.i18n import _

if TYPE_CHECKING:
    from dispatcher.ledger.tally import Tally

FIELDS = ("unit", "owed", "done", "waived", "reported", "open", "overdue", "lapsed", "rate")
HEADER = (
    *(_("unit"), _("owed"), _("done"), _("waived"), _("reported")),
    *(_("open"), _("overdue of these"), _("lapsed"), _("done, %")),
)


@click.command(help=words(_("Count what was owed in a stretch of time, and what became of it.")))
@click.option("--period", help=words(_("2026, 2026-H1, 2026-Q4 or 2026-11 (this quarter)")))
@format_option("table", "json", "csv")
def tally(period: str | None, form: str) -> None:
    """Prints a line a unit, and the sum of all."""
    from dispatcher.dispatch.sheets import quarter_of, stretch_called
    from dispatcher.ledger.tally import tallies, together

    settings = bootstrap.settings()
    today = bootstrap.today(bootstrap.plan_in_force(settings))
    stretch = stretch_called(period) if period else quarter_of(today)
    with ledger(settings) as conn:
        found = tallies(conn, stretch, today)
    rows = [(*each, each.rate) for each in found]
    if form == "json":
        print_json([dict(zip(FIELDS, row, strict=True)) for row in rows])
    elif form == "csv":
        print_csv(FIELDS, rows)
    elif not found:
        say(_("nothing was owed in {period}", period=stretch.key))
    else:
        total = together(words(_("together")), found)
        table(HEADER, [*rows, (*total, total.rate)], [*map(_colour, found), None])


def _colour(each: Tally) -> str | None:
    return "red" if each.overdue or each.lapsed else None
