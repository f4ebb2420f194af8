"""Commands around the audit: who changed what, when and why, and whether the record is whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, tzinfo
from typing import TYPE_CHECKING, Any

import click

from dispatcher import bootstrap
from dispatcher.cli.asking import LIMIT, ledger
from dispatcher.cli.calendar import Day
from dispatcher.cli.output import LINES, format_option, print_csv, print_json, say, table, words
from dispatcher.errors import Refused
from dispatcher.i18n import _
from dispatcher.ledger.terms import ACTIONS

if TYPE_CHECKING:
    from dispatcher.ledger.history import Change, Sealed
    from dispatcher.ledger.sealing import Verdict

FIELDS = ("id", "at", "actor", "action", "subject", "reason", "detail")
EXPORTED = (*FIELDS, "packed_reason", "prev_hash", "hash")
"""In an export ``at`` and ``packed_reason`` stand as they are hashed."""


@click.group(invoke_without_command=True, help=words(_("Who changed what, when and why.")))
@click.option("--subject", help=words(_("what it is about, or a part of it")))
@click.option("--by", help=words(_("who did it")))
@click.option("--since", type=Day(), help=words(_("from this day on")))
@click.option("--limit", type=LINES, default=LIMIT, help=words(_("so many lines (50)")))
@format_option("table", "json", "csv")
@click.pass_context
def audit(
    context: click.Context,
    subject: str | None,
    by: str | None,
    since: date | None,
    limit: int,
    form: str,
) -> None:
    """Prints the newest entries, the newest last."""
    if context.invoked_subcommand:
        return
    from dispatcher.ledger import history

    settings = bootstrap.settings()
    zone = bootstrap.plan_in_force(settings).zone
    midnight = datetime.combine(since, time(), zone) if since else None
    with ledger(settings) as conn:
        sought = history.Sought(subject, by, midnight)
        found = history.latest_changes(conn, sought, limit)
    if form == "json":
        print_json([_as_json(change, zone) for change in found])
    elif form == "csv":
        print_csv(FIELDS, (_cells(_as_json(change, zone)) for change in found))
    else:
        _print_table(found, zone)


def _as_json(change: Change, zone: tzinfo) -> dict[str, Any]:
    """An entry as the stable interface shows it."""
    return {
        "id": change.id,
        "at": change.at.astimezone(zone).isoformat(),
        "actor": change.actor,
        "action": change.action,
        "subject": change.subject,
        "reason": words(change.reason) if change.reason else None,
        "detail": change.detail,
    }


def _cells(entry: dict[str, Any]) -> Iterator[object]:
    import json

    for value in entry.values():
        if isinstance(value, dict):
            yield json.dumps(value, ensure_ascii=False, sort_keys=True)
        else:
            yield "" if value is None else value


def _print_table(found: list[Change], zone: tzinfo) -> None:
    if not found:
        say(_("nothing fits"))
        return
    header = (_("id"), _("at"), _("who"), _("action"), _("about"), _("reason"), _("detail"))
    rows = [
        (
            *(change.id, f"{change.at.astimezone(zone):%Y-%m-%d %H:%M}", change.actor),
            ACTIONS.get(change.action, change.action),
            *(change.subject, change.reason or ""),
            "; ".join(f"{name}={value}" for name, value in change.detail.items()),
        )
        for change in found
    ]
    table(header, rows)


@audit.command(help=words(_("Is the record whole? Ends with 1 when something was changed in it.")))
@click.option("--head", help=words(_("a hash noted earlier: is it still in the chain?")))
def verify(head: str | None) -> None:
    """Computes the chain again, and names the first entry that does not fit."""
    from dispatcher.ledger import sealing

    with ledger(bootstrap.settings()) as conn:
        found = sealing.verify(conn, head)
    say(_("sealed {sealed}, waiting for the next pass {waiting}", sealed=found.sealed,
          waiting=found.waiting))  # fmt: skip
    if found.fault:
        raise Refused(_("entry {id}: {text}", id=found.fault.id, text=found.fault.text))
    if found.noted is False:
        raise Refused(
            _("{head} is not in the chain: its end was cut off or written anew", head=head)
        )
    _say_whole(found)


def _say_whole(found: Verdict) -> None:
    if found.noted:
        say(_("the head that was noted is in the chain"))
    say(_("the chain is whole"), "green")
    if found.head:
        say(_("head: {head}", head=found.head))
        say(_("That its end was cut off cannot be seen from inside: note the head elsewhere, and "
              "check it later with --head."))  # fmt: skip


@audit.command(help=words(_("The whole audit, oldest first.")))
@format_option("csv", "json")
def export(form: str) -> None:
    """Prints every entry with its place in the chain, row by row."""
    from dispatcher.ledger import history

    with ledger(bootstrap.settings()) as conn:
        entries = map(_sealed, history.every_change(conn))
        if form == "csv":
            print_csv(EXPORTED, map(_cells, entries))
        else:
            _print_array(entries)


def _sealed(each: Sealed) -> dict[str, Any]:
    at = each.change.at.isoformat(timespec="microseconds")
    place = {"packed_reason": each.packed, "prev_hash": each.prev_hash, "hash": each.hash}
    return _as_json(each.change, UTC) | {"at": at} | place


def _print_array(entries: Iterable[dict[str, Any]]) -> None:
    """A JSON array, an entry a line, of which only one entry is in memory."""
    import json

    before = "["
    for entry in entries:
        click.echo(f"{before}\n{json.dumps(entry, ensure_ascii=False)}", nl=False)
        before = ","
    click.echo("\n]" if before == "," else "[]")
