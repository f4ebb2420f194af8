"""What an edit of the calendar changes, seen before it takes effect."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dispatcher import bootstrap
from dispatcher.cli.calendar import Day
from dispatcher.cli.output import format_option, print_json, say, table, translate, words
from dispatcher.errors import PlanError
from dispatcher.i18n import Text, _
from dispatcher.settings import shipped

if TYPE_CHECKING:
    from dispatcher.dispatch.foreseeing import AtOnce, Fate, Foreseen
    from dispatcher.plan.comparing import Difference, Told
    from dispatcher.plan.model import Plan

Key = TypeVar("Key", bound=Hashable)
SHOWN = 20
"""So many lines of each table; --format json has them all."""
KINDS = {"added": _("added"), "dropped": _("dropped"), "moved": _("moved")}
FATES = {
    "moved": _("to be moved"),
    "withdrawn": _("to be withdrawn"),
    "restored": _("to be chased again"),
}
SUBJECTS = {"plan": _("plan"), "unit": _("unit"), "duty": _("duty")}


@click.command(help=words(_("What another calendar file changes: dates, messages, assignments.")))
@click.argument("files", nargs=-1, required=True, metavar="[OLD] NEW",
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--from", "first", type=Day(), help=words(_("from this day on (today)")))
@click.option("--to", "last", type=Day(), help=words(_("up to this day (the end of next year)")))
@format_option("table", "json")
def diff(files: tuple[Path, ...], first: date | None, last: date | None, form: str) -> None:
    """Compares NEW with OLD, or with the calendar in force and the ledger; ends with 1 when it
    changes anything."""
    if len(files) > 2:
        raise click.UsageError(words(_("at most two files: OLD and NEW")))
    if len(files) == 2:
        old, new = _read(files)
    else:
        [new], old = _read(files), bootstrap.plan_in_force(bootstrap.settings())
    found, foreseen = compared(old, new, first, last, in_use=len(files) == 1)
    if form == "json":
        print_json(as_data(found, foreseen))
    else:
        show(found, foreseen)
    sys.exit(1 if found.changes else 0)


def _read(files: Sequence[Path]) -> list[Plan]:
    """The plans in both files; when one is bad, the problems of both are printed, and it ends."""
    found, bad = [], False
    for file in files:
        try:
            found.append(bootstrap.read_calendar(file))
        except PlanError as error:
            click.echo(error.render(translate), err=True)
            bad = True
    if bad:
        sys.exit(PlanError.exit_code)
    return found


def compared(
    old: Plan, new: Plan, first: date | None = None, last: date | None = None, *, in_use: bool
) -> tuple[Difference, Foreseen]:
    """What ``new`` changes, and what that does to the ledger; where ``old`` is not ``in_use``, or
    there is no ledger, as if all had been told and nothing answered."""
    from dispatcher.dispatch.foreseeing import Foreseen, foresee, presume
    from dispatcher.ledger.reading import reading
    from dispatcher.plan.comparing import compare, horizon

    settings, now = bootstrap.settings(), bootstrap.now()
    usual = horizon(new, bootstrap.today(new))
    first, last = first or usual[0], last or usual[1]
    if last < first:
        raise click.UsageError(words(_("{last} lies before {first}", first=first, last=last)))
    found = compare(old, new, first, last)
    if in_use:
        with reading(settings.database_url, shipped("db")) as conn:
            if conn is not None:
                return found, foresee(conn, old, new, now)
    return found, Foreseen((), None, presume(old, new, now))


def as_data(found: Difference, foreseen: Foreseen) -> Any:
    """The comparison as the stable interface shows it."""
    return _plain(
        {
            "from": found.first,
            "to": found.last,
            "edits": [edit._asdict() for edit in found.edits],
            "occurrences": [
                {"change": change.kind, **change._asdict()} for change in found.occurrences
            ],
            "messages_gained": [_telling(*one) for one in found.gained],
            "messages_lost": [_telling(*one) for one in found.lost],
            "addresses_gained": [address._asdict() for address in found.addresses_gained],
            "addresses_lost": [address._asdict() for address in found.addresses_lost],
            "duties_silenced": found.silenced,
            "at_once": [one._asdict() for one in foreseen.at_once],
            "assignments": [fate._asdict() for fate in foreseen.fates],
            "assignments_kept": foreseen.kept,
        }
    )


def _telling(told: Told, units: tuple[str, ...]) -> dict[str, Any]:
    return {**told._asdict(), "units": units}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return words(value) if isinstance(value, Text) else value


def show(found: Difference, foreseen: Foreseen) -> None:
    """Prints the comparison for a person."""
    days = {"first": found.first, "last": found.last}
    if not found.changes:
        say(_("nothing changes from {first} to {last}", **days), "green")
        return
    say(_("what changes from {first} to {last}:", **days))
    _show_edits(found)
    if found.retimed:
        say(_("messages leave at other times of the day"), "yellow")
    if found.office:
        say(_("what the office is told goes to {unit}", unit=found.office), "yellow")
    _show_occurrences(found)
    _show_messages(found)
    _show_assignments(foreseen.fates, foreseen.kept)
    _show_at_once(foreseen.at_once)
    for duty in found.silenced:
        say(_("duty '{duty}' no longer has any reminder", duty=duty), "red")


def _section(title: Text, header: Sequence[object], rows: Sequence[Sequence[object]]) -> None:
    """A table under its title and count; nothing when it is empty."""
    if not rows:
        return
    say()
    say(_("{title}: {count}", title=title, count=len(rows)))
    table(header, rows[:SHOWN])
    if len(rows) > SHOWN:
        say(_("... and {count} more: --format json shows all", count=len(rows) - SHOWN))


def _show_edits(found: Difference) -> None:
    rows = [(SUBJECTS[edit.of], edit.name, edit.says) for edit in found.edits]
    _section(_("what the file says otherwise"), (_("what"), _("name"), _("change")), rows)


def _show_occurrences(found: Difference) -> None:
    header = (_("change"), _("due before"), _("due after"), _("duty"), _("period"), _("why"),
              _("units"))  # fmt: skip
    rows = [
        (KINDS[each.kind], each.before or "", each.after or "", each.title, each.period, each.why,
         "、".join(each.units))
        for each in found.occurrences
    ]  # fmt: skip
    _section(_("occurrences"), header, rows)


def _show_messages(found: Difference) -> None:
    for title, tellings in (
        (_("reminders gained, as long as nobody answers"), found.gained),
        (_("reminders lost"), found.lost),
    ):
        together = _together(((told._replace(about=""), to), told.about) for told, to in tellings)
        rows = [
            (told.on, _step(told, about), told.duty, told.period, "、".join(to))
            for (told, to), about in together
        ]
        _section(title, (_("day"), _("step"), _("duty"), _("period"), _("to")), rows)
    addresses = [
        *((KINDS["added"], *each) for each in found.addresses_gained),
        *((KINDS["dropped"], *each) for each in found.addresses_lost),
    ]
    header = (_("change"), _("unit"), _("channel"), _("address"))
    _section(_("addresses"), header, addresses)


def _together(pairs: Iterable[tuple[Key, str]]) -> list[tuple[Key, str]]:
    """Each key once, with the names that came with it."""
    found: dict[Key, list[str]] = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return [(key, "、".join(names)) for key, names in found.items()]


def _step(told: Told, about: str) -> object:
    if about:
        return _("escalation about {unit}", unit=about)
    return _("{step}, then every {every}", **told._asdict()) if told.every else told.step


def _show_assignments(fates: Sequence[Fate], kept: int | None) -> None:
    together = _together(
        ((fate._replace(assignment=occurrence), unit))
        for fate in fates
        for occurrence, _at, unit in [fate.assignment.partition("@")]
    )
    rows = [
        (FATES[fate.becomes], fate.assignment, fate.before, fate.after or "",
         _("yes") if fate.told else _("no"), fate.why or "", units)
        for fate, units in together
    ]  # fmt: skip
    header = (_("becomes"), _("assignment"), _("due before"), _("due after"), _("unit is told"),
              _("why"), _("units"))  # fmt: skip
    _section(_("assignments in the ledger"), header, rows)
    if kept is not None:
        say(_("open assignments that stay as they are: {count}", count=kept))


def _show_at_once(found: Sequence[AtOnce]) -> None:
    together = _together(
        ((each.step, each.assignment.partition("@")[0]), each.unit) for each in found
    )
    rows = [(*step, units) for step, units in together]
    header = (_("step"), _("assignment"), _("to"))
    _section(_("reminders that come at once"), header, rows)
