"""Commands around the revisions of the calendar: what was edited, and what waits for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.answers import agreed
from dispatcher.cli.asking import ledger
from dispatcher.cli.diff import as_data, compared, show
from dispatcher.cli.output import NUMBER, format_option, print_json, say, table, words
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import Text, _

if TYPE_CHECKING:
    from dispatcher.ledger.database import Connection
    from dispatcher.ledger.revisions import Edit
    from dispatcher.plan.model import Revision

STATES = {
    "applied": _("in force"),
    "held": _("waits for 'dispatcher apply'"),
    "agreed": _("taken up by the next pass"),
    "refused": _("has errors"),
    "dropped": _("never in force"),
}
BEFORE = _("was in force")


@click.group(
    invoke_without_command=True,
    help=words(_("Every edit of the calendar: when, what it changed, what became of it.")),
)
@format_option("table", "json")
@click.pass_context
def revisions(context: click.Context, form: str) -> None:
    """Prints them, the newest last."""
    if context.invoked_subcommand:
        return
    with ledger(bootstrap.settings()) as conn:
        found, current = _edits(conn)
        plan = bootstrap.readable_plan(bootstrap.settings(), conn)
    zone = plan.zone if plan else None
    if form == "json":
        print_json([_as_json(edit, zone) for edit in found])
        return
    header = (_("edit"), _("noticed"), _("state"), _("settled"), _("by"), _("what it changes"))
    rows = [_row(edit, zone, current) for edit in found]
    table(header, rows)


@revisions.command(name="show", help=words(_("The calendar of an edit as the file had it.")))
@click.argument("number", type=NUMBER)
def show_command(number: int) -> None:
    """To a file, it can be gone back to: revisions show 3 > schedules.yaml."""
    with ledger(bootstrap.settings()) as conn:
        click.echo(_text(conn, number), nl=False)


@revisions.command(
    name="diff", help=words(_("What edit NEW changes against edit OLD, or what is in force."))
)
@click.argument("numbers", nargs=-1, required=True, metavar="[OLD] NEW", type=NUMBER)
@format_option("table", "json")
def diff_command(numbers: tuple[int, ...], form: str) -> None:
    """Ends with 1 when it changes anything."""
    if len(numbers) > 2:
        raise click.UsageError(words(_("at most two edits: OLD and NEW")))
    with ledger(bootstrap.settings()) as conn:
        *old, new = (_read(_text(conn, number)) for number in numbers)
        [before] = old or [bootstrap.in_force(bootstrap.settings(), conn)]
    found, foreseen = compared(before.plan, new.plan, in_use=not old)
    if form == "json":
        print_json(as_data(found, foreseen))
    else:
        show(found, foreseen)
    sys.exit(1 if found.changes else 0)


@click.command(help=words(_("Agree to the edit of the calendar that waits.")))
@click.option("--yes", is_flag=True, help=words(_("do not ask")))
@click.option("--by", help=words(_("who agrees (the office)")))
def apply(by: str | None, *, yes: bool) -> None:
    """Shows what it changes, and asks; the daemon's next pass takes it up."""
    from dispatcher.dispatch import revising
    from dispatcher.ledger import revisions as kept

    settings = bootstrap.settings()
    with ledger(settings) as conn:
        waits, old = _held(conn), bootstrap.in_force(bootstrap.settings(), conn)
        new = _read(_kept(conn, waits), waits.hash)
    say(_("waits: {why}", why=waits.reason), "yellow")
    show(*compared(old.plan, new.plan, in_use=True))
    if not (yes or agreed(_("take it up?"))):
        raise Refused(_("nothing was changed"))
    with bootstrap.ledger(settings).begin() as conn:
        if kept.running(conn) != old.hash or _held(conn) != waits:
            raise Refused(_("the calendar has been edited meanwhile; nothing was changed"))
        revising.agree(conn, waits, by or old.plan.office, bootstrap.now())
    say(_("the daemon takes it up within half a minute"), "green")


def _edits(conn: Connection) -> tuple[list[Edit], int]:
    """All edits, and the number of the one that is in force."""
    from dispatcher.ledger import revisions as kept

    found, running = kept.edits(conn), kept.running(conn)
    applied = (edit.id for edit in found if edit.state == "applied" and edit.hash == running)
    return found, max(applied, default=0)


def _read(text: str, hash: str = "") -> Revision:
    found = bootstrap.revision(bootstrap.settings().schedules.name, text)
    return found._replace(hash=hash or found.hash)


def _text(conn: Connection, number: int) -> str:
    from dispatcher.ledger import revisions as kept

    for edit in kept.edits(conn):
        if edit.id == number:
            return _kept(conn, edit)
    raise DispatcherError(_("there is no edit {number}: see 'dispatcher revisions'", number=number))


def _kept(conn: Connection, edit: Edit) -> str:
    from dispatcher.ledger import revisions as kept

    text = kept.calendar(conn, edit.hash)
    if text is None:
        raise Refused(_("the text of edit {number} was not kept", number=edit.id))
    return text


def _held(conn: Connection) -> Edit:
    from dispatcher.ledger import revisions as kept

    waits = kept.waiting(conn)
    if waits is None:
        raise Refused(_("no edit of the calendar waits"))
    if waits.state == "refused":
        raise Refused(_("the calendar file cannot be used: {why}", why=waits.reason))
    return waits


def _row(edit: Edit, zone: tzinfo | None, current: int) -> tuple[object, ...]:
    state = BEFORE if edit.state == "applied" and edit.id != current else STATES[edit.state]
    settled = f"{edit.settled_at.astimezone(zone):%Y-%m-%d %H:%M}" if edit.settled_at else ""
    at = f"{edit.noticed_at.astimezone(zone):%Y-%m-%d %H:%M}"
    return (edit.id, at, state, settled, edit.settled_by or "", [*_says(edit)])


def _says(edit: Edit) -> Iterator[Text]:
    from dispatcher.dispatch.revising import in_words

    if edit.reason and edit.state != "applied":
        yield edit.reason
    if edit.consequences is not None:
        yield from in_words(edit.consequences)


def _as_json(edit: Edit, zone: tzinfo | None) -> dict[str, Any]:
    """An edit as the stable interface shows it."""
    settled = edit.settled_at
    return {
        "number": edit.id,
        "hash": edit.hash,
        "noticed_at": edit.noticed_at.astimezone(zone).isoformat(),
        "state": edit.state,
        "reason": words(edit.reason) if edit.reason else None,
        "consequences": edit.consequences,
        "settled_at": settled.astimezone(zone).isoformat() if settled else None,
        "settled_by": edit.settled_by,
    }
