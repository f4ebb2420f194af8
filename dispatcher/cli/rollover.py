"""The next edition of the calendar: a draft beside the file in use, with what is to be decided."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dispatcher import bootstrap
from dispatcher.cli.output import format_option, print_json, say, table, words
from dispatcher.errors import DispatcherError, Refused, said_by_system
from dispatcher.i18n import _
from dispatcher.settings import shipped

if TYPE_CHECKING:
    from dispatcher.plan.rollover import Edition

YEARS = click.IntRange(2001, 2098)
KINDS = {
    "until": _("ends before"),
    "when": _("no due date left"),
    "base": _("last year's figure"),
    "skip": _("period skipped in the past"),
    "move": _("period moved in the past"),
    "provisional": _("provisional"),
    "range": _("no entry for the year"),
    "confirm": _("to be confirmed"),
    "old-year": _("names an earlier year"),
}


@click.command(help=words(_("Draft the next edition of the calendar, beside the file in use.")))
@click.argument("year", type=YEARS)
@click.option("--out", type=click.Path(path_type=Path),
              help=words(_("the new file (schedules-YEAR.yaml beside it)")))  # fmt: skip
@format_option("table", "json")
def rollover(year: int, out: Path | None, form: str) -> None:
    """Writes the draft, and lists what was carried forward and what is to be decided; ends with 1
    when there is nothing to write."""
    from dispatcher.plan.reading import read_plan
    from dispatcher.plan.rollover import roll_over

    given = bootstrap.settings().schedules
    if given == shipped("schedules.yaml"):
        raise Refused(_("there is no calendar of your own here: 'dispatcher init' makes one"))
    text = bootstrap.calendar_text(given)
    edition = roll_over(text, read_plan(given.name, text), year)
    draft = None if edition.text == text else out or given.with_name(f"schedules-{year}.yaml")
    if draft:
        mark = BOM_UTF8 if given.read_bytes().startswith(BOM_UTF8) else b""
        _create(draft, mark + edition.text.encode())
    if form == "json":
        print_json(as_data(year, draft, edition))
    elif draft:
        _show(given, draft, edition)
    else:
        say(_("everything for {year} is there; lines still marked: {count}", year=year,
              count=len({each.line for each in edition.decisions})))  # fmt: skip
    sys.exit(0 if draft else 1)


def as_data(year: int, draft: Path | None, edition: Edition) -> dict[str, object]:
    """The draft as the stable interface shows it; ``file`` is null where none was written."""
    return {
        "year": year,
        "file": str(draft) if draft else None,
        "carried": [each._asdict() for each in edition.carried],
        "decisions": [each._asdict() for each in edition.decisions],
    }


def _create(path: Path, content: bytes) -> None:
    """A new file, whole or not at all; Refused where there is one."""
    made = False
    try:
        with path.open("xb") as file:
            made = True
            file.write(content)
    except FileExistsError:
        raise Refused(_("{file} exists; a draft overwrites nothing", file=path)) from None
    except OSError as error:
        if made:
            path.unlink()
        raise DispatcherError(
            _("{file} cannot be written: {detail}", file=path, detail=said_by_system(error))
        ) from None


def _show(given: Path, draft: Path, edition: Edition) -> None:
    say(_("{file}: a draft; the file in use is as it was", file=draft), "green")
    if edition.carried:
        say()
        say(_("carried forward: {count}", count=len(edition.carried)))
        table((_("line"), _("what"), _("now")), edition.carried)
    if edition.decisions:
        say()
        say(_("to be decided, each marked on its line: {count}", count=len(edition.decisions)))
        rows = [(each.line, KINDS[each.kind], each.about, each.mark) for each in edition.decisions]
        table((_("line"), _("what"), _("about"), _("the mark")), rows)
    say()
    say(_("decide, take each mark out, then:"))
    say(_("  dispatcher check {file}  # is it in order", file=draft))
    say(_("  dispatcher diff {file}  # what it changes", file=draft))
    say(_("  cp {file} {given}  # take it up; the daemon reads it by itself", file=draft,
          given=given))  # fmt: skip
