"""Commands around the sheet (台账): write it for units, take in what they filled in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dispatcher import bootstrap
from dispatcher.cli.answers import agreed
from dispatcher.cli.output import by_option, say, table, words
from dispatcher.errors import DispatcherError, Refused, said_by_system
from dispatcher.i18n import _
from dispatcher.ledger.transitions import STATE_WORDS
from dispatcher.plan.names import unit_called

if TYPE_CHECKING:
    from dispatcher.dispatch.returns import Change
    from dispatcher.plan.model import Plan
    from dispatcher.plan.periods import Period
    from dispatcher.sheet import Sheet

WORKBOOK = ".xlsx"
OUT = click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), show_default=False,
    help=words(_("a folder, or a file that ends in .xlsx (this folder)")),
)  # fmt: skip


@click.group(help=words(_("The sheet (台账): write it for units, take in what they filled in.")))
def sheet() -> None:
    """The group of the commands around the sheet."""


@sheet.command(help=words(_("Write a unit's sheet, or every unit's and one of all.")))
@click.option("--unit", help=words(_("of this unit")))
@click.option("--all", "every", is_flag=True, help=words(_("of every unit that owes anything")))
@click.option("--period", help=words(_("2026, 2026-H1, 2026-Q4 or 2026-11 (this quarter)")))
@OUT
def export(unit: str | None, every: bool, period: str | None, out: Path) -> None:
    """Writes what is due in a stretch of time, and what is still open from before."""
    from dispatcher.dispatch.sheets import file_name, quarter_of, stretch_called
    from dispatcher.sheet.writing import write_sheet

    if every == bool(unit):
        raise click.UsageError(words(_("name a unit with --unit, or say --all")))
    if every and _is_file(out):
        raise click.UsageError(words(_("--all makes several files: name a folder with --out")))
    plan = bootstrap.plan_in_force(bootstrap.settings())
    stretch = stretch_called(period) if period else quarter_of(bootstrap.today(plan))
    found = [each for each in _sheets(plan, unit, stretch) if each.lines]
    if not found:
        raise Refused(_("nothing is owed in {period}", period=stretch.key))
    targets = _targets(out, [file_name(each.unit, stretch) for each in found])
    for each, target in zip(found, targets, strict=True):
        _write(target, write_sheet(each))
        say(_("{file} made: {count} assignments", file=target, count=len(each.lines)))


def _sheets(plan: Plan, unit: str | None, stretch: Period) -> list[Sheet]:
    from dispatcher.dispatch.sheets import every_sheet, unit_sheet

    with bootstrap.ledger(bootstrap.settings()).begin() as conn:
        if unit:
            return [unit_sheet(conn, plan, unit_called(plan, unit), stretch, bootstrap.now())]
        return every_sheet(conn, plan, stretch, bootstrap.now())


def _is_file(out: Path) -> bool:
    return out.suffix.lower() == WORKBOOK


def _targets(out: Path, names: Sequence[str]) -> list[Path]:
    """Where files of these names go. Refused where one is: it may have been filled in."""
    found = [out] if _is_file(out) else [out / name for name in names]
    existing = [str(target) for target in found if target.exists()]
    if existing:
        raise Refused(
            _("there already, and perhaps filled in: {files}; move it away, or name another place "
              "with --out", files=existing)
        )  # fmt: skip
    return found


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(content)
    except OSError as error:
        text = _("{file} cannot be written: {detail}", file=target, detail=said_by_system(error))
        raise DispatcherError(text) from None


@sheet.command("import", help=words(_("Record what units filled in, after a look at it.")))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@by_option(_("whose answers they are"))
@click.option("--yes", is_flag=True, help=words(_("do not ask")))
def import_command(files: tuple[Path, ...], by: str, yes: bool) -> None:
    """Shows what would change, asks, and records all of it or nothing."""
    from dispatcher.dispatch.returns import received, take_in

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    given = received([(str(file), _content(file)) for file in files])
    engine = bootstrap.ledger(settings)
    # Rolled back, so that the daemon need not wait for the answer of who is asked.
    with engine.begin() as conn:
        outcome = take_in(conn, plan, given, by, bootstrap.now())
        conn.rollback()
    if outcome.changes:
        _show(plan, outcome.changes)
        if not (yes or agreed(_("record {count} answers?", count=len(outcome.changes)))):
            raise Refused(_("nothing was changed"))
        with engine.begin() as conn:
            if take_in(conn, plan, given, by, bootstrap.now()) != outcome:
                raise Refused(
                    _("the ledger has changed meanwhile: nothing was recorded; look again")
                )
    say(_("recorded: {count}", count=len(outcome.changes)))
    if outcome.known:
        say(_("recorded already: {count}", count=outcome.known))


def _content(file: Path) -> bytes:
    from dispatcher.sheet.guard import MOST_BYTES

    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        text = _("{file} cannot be read: {detail}", file=file, detail=said_by_system(error))
        raise DispatcherError(text) from None


def _show(plan: Plan, changes: Sequence[Change]) -> None:
    """What is said to which assignment, and the figures that fall short."""
    from dispatcher.sheet.content import excerpt

    rows = [
        (
            assigned.key,
            plan.duties[assigned.duty].title if assigned.duty in plan.duties else "",
            _("{was} → {became}", was=STATE_WORDS[assigned.state], became=STATE_WORDS[became]),
            said.due_on or "",
            "、".join(f"{name}={value}" for name, value in said.figures.items()),
            excerpt(said.note),
        )
        for assigned, said, became, _short in changes
    ]
    header = (_("assignment"), _("duty"), _("state"), _("asked for"), _("figures"), _("note"))
    table(header, rows, ["yellow" if change.missed else None for change in changes])
    for change in changes:
        for sentence in change.missed:
            say(sentence, "yellow")


@sheet.command(help=words(_("Write the monthly table (月调度表) of projects and their money.")))
@click.option("--month", help=words(_("such as 2026-11 (this month)")))
@click.option("--duty", help=words(_("of this duty (the one that reports on projects)")))
@OUT
def monthly(month: str | None, duty: str | None, out: Path) -> None:
    """Writes each project's money, what was paid, the rate and the progress, as reported."""
    from dispatcher.dispatch import monthly as tables
    from dispatcher.dispatch.sheets import stretch_called
    from dispatcher.sheet.monthly import write_monthly

    settings = bootstrap.settings()
    plan = bootstrap.plan_in_force(settings)
    today = bootstrap.today(plan)
    found = tables.monthly_duty(plan, duty)
    stretch = stretch_called(month or f"{today:%Y-%m}")
    with bootstrap.ledger(settings).begin() as conn:
        lines = tables.monthly_lines(conn, found, stretch)
    [target] = _targets(out, [f"月调度表-{stretch.key}{WORKBOOK}"])
    _write(target, write_monthly(tables.monthly_title(found, stretch), today, lines))
    say(_("{file} made: {count} projects", file=target, count=len(lines)))
