"""Commands that edit the calendar file in place, after a look at what that changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dispatcher import bootstrap
from dispatcher.cli.answers import agreed
from dispatcher.cli.diff import compared, show
from dispatcher.cli.output import say, words
from dispatcher.errors import DispatcherError, Refused, said_by_system
from dispatcher.files import flush
from dispatcher.i18n import _
from dispatcher.plan import amending
from dispatcher.plan.model import Plan
from dispatcher.plan.reading import read_plan
from dispatcher.settings import shipped

if TYPE_CHECKING:
    from dispatcher.dispatch.foreseeing import Foreseen
    from dispatcher.plan.comparing import Difference
    from dispatcher.plan.model import Revision

BOM = "\ufeff"
YES = click.option("--yes", is_flag=True, help=words(_("do not ask")))


@click.command(
    name="set", help=words(_("Change a field of a duty in the file: set DUTY roll following."))
)
@click.argument("duty")
@click.argument("field")
@click.argument("value", nargs=-1, required=True)
@YES
def set_command(duty: str, field: str, value: tuple[str, ...], *, yes: bool) -> None:
    """An empty VALUE takes the field out; skip and move take a period first."""
    edit(lambda text, plan: amending.set_duty(text, plan, duty, field, value), yes=yes)


@click.command(help=words(_("Add a duty to the file: add ID title=... when=... responsible=...")))
@click.argument("id")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
@YES
def add(id: str, fields: tuple[str, ...], *, yes: bool) -> None:
    """Appends it below the last one."""
    given = {}
    for word in fields:
        name, equals, value = word.partition("=")
        if not equals:
            raise DispatcherError(_("'{word}' should be FIELD=VALUE, as when=每月", word=word))
        given[name] = value
    edit(lambda text, plan: amending.add_duty(text, plan, id, given), yes=yes)


@click.command(
    help=words(_("Remove a duty from the file; set DUTY until DATE ends it and keeps the record."))
)
@click.argument("duty")
@YES
def remove(duty: str, *, yes: bool) -> None:
    """Takes its lines out."""
    edit(lambda text, plan: amending.remove_duty(text, plan, duty), yes=yes)


@click.group(help=words(_("Units in the file: unit set UNIT FIELD VALUE.")))
def unit() -> None:
    """The group of the commands around a unit."""


@unit.command(name="set", help=words(_("Change a field of a unit in the file.")))
@click.argument("unit")
@click.argument("field")
@click.argument("value", nargs=-1, required=True)
@YES
def set_unit(unit: str, field: str, value: tuple[str, ...], *, yes: bool) -> None:
    """An empty VALUE takes the field out."""
    edit(lambda text, plan: amending.set_unit(text, plan, unit, field, value), yes=yes)


@click.command(help=words(_("Somebody else is a unit's contact from now on.")))
@click.argument("unit")
@click.option("--from", "person", required=True, metavar="NAME", help=words(_("who it was")))
@click.option("--to", "name", required=True, metavar="NAME", help=words(_("who it is now")))
@click.option("--email", help=words(_("the new address; else it stays")))
@click.option("--mobile", help=words(_("the new number; else it stays")))
@click.option("--account", help=words(_("the new 政务钉钉 account; else it stays")))
@YES
def handover(unit: str, person: str, *, yes: bool, **given: str | None) -> None:
    """Changes the name, and the address, number and account where they are given."""
    changed = {field: value for field, value in given.items() if value is not None}
    edit(lambda text, plan: amending.hand_over(text, plan, unit, person, changed), yes=yes)


def edit(change: Callable[[str, Plan], str], *, yes: bool) -> None:
    """Shows what ``change`` makes of the calendar in use, asks, and writes it."""
    given = bootstrap.settings().schedules
    if given == shipped("schedules.yaml"):
        raise Refused(_("there is no calendar of your own here: 'dispatcher init' makes one"))
    path = given.resolve()
    text = bootstrap.calendar_text(path)
    before = path.read_bytes()
    old = read_plan(given.name, text)
    edited = change(text, old)
    if edited == text:
        say(_("nothing changes"))
        return
    new = bootstrap.revision(given.name, edited)
    _show_lines(text, edited)
    _foretell(new)
    if not (yes or agreed(_("write {file}?", file=given.name))):
        raise Refused(_("nothing was changed"))
    mark = BOM if before.startswith(BOM.encode()) else ""
    _replace(path, before, (mark + edited).encode())
    say(_("{file}: written", file=given.name), "green")


def _foretell(new: Revision) -> None:
    """Shows what comes of an edit, and whether the daemon will take it up by itself."""
    old = bootstrap.revision_in_force(bootstrap.settings())
    found, foreseen = compared(old.plan, new.plan, in_use=True)
    show(found, foreseen)
    if foreseen.kept is not None:
        _say_when(old, new, found, foreseen)


def _say_when(old: Revision, new: Revision, found: Difference, foreseen: Foreseen) -> None:
    from dispatcher.dispatch.revising import Proposal, weigh

    settings = bootstrap.settings()
    edit = Proposal(old, new, found, settings.schedules.name, settings.silence_percent)
    hold = weigh(edit, foreseen).hold
    if hold:
        say(_("the daemon will hold it, for {why}: 'dispatcher apply' puts it into force",
              why=hold), "yellow")  # fmt: skip
    else:
        say(_("once it is written, the daemon takes it up within half a minute"))


def _show_lines(text: str, edited: str) -> None:
    from difflib import unified_diff

    lines = unified_diff(text.splitlines(), edited.splitlines(), n=0, lineterm="")
    for line in lines:
        if not line.startswith(("---", "+++", "@@")):
            say(line, "red" if line.startswith("-") else "green")


def _replace(path: Path, before: bytes, after: bytes) -> None:
    """``after`` in the place of ``before``, whole or not at all, with the mode and owner of the
    file; Refused when it is no longer ``before``."""
    from tempfile import mkstemp

    draft = ""
    try:
        descriptor, draft = mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(after)
            file.flush()
            found = path.stat()
            if (found.st_uid, found.st_gid) != (os.getuid(), os.getgid()):
                os.fchown(descriptor, found.st_uid, found.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
            os.fsync(descriptor)
        if path.read_bytes() != before:
            raise Refused(_("{file} has been changed meanwhile; nothing was written", file=path))
        Path(draft).replace(path)
    except OSError as error:
        raise DispatcherError(
            _("{file} cannot be written: {detail}", file=path, detail=said_by_system(error))
        ) from None
    finally:
        if draft:
            Path(draft).unlink(missing_ok=True)
    flush(path.parent)


COMMANDS: tuple[click.Command, ...] = (set_command, add, remove, unit, handover)
