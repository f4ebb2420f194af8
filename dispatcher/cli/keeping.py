"""Commands that keep the ledger: copy it, put a copy back, take out what is long closed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from dispatcher import bootstrap
from dispatcher.cli.calendar import Day
from dispatcher.cli.output import by_option, say, table, words
from dispatcher.i18n import _
from dispatcher.settings import shipped


@click.command(help=words(_("Copy the ledger, consistent, while the daemon runs.")))
@click.argument("to", type=click.Path(path_type=Path))
def backup(to: Path) -> None:
    """Refused where the target exists."""
    from dispatcher.ledger import database

    database.backup(bootstrap.ledger(bootstrap.settings()), to)
    say(_("{file} made", file=to))


@click.command(help=words(_("Put a copy of the ledger back, while the daemon is stopped.")))
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
def restore(source: Path) -> None:
    """Nothing leaves afterwards until somebody has looked and resumes."""
    from dispatcher.ledger import restoring

    engine = bootstrap.database(bootstrap.settings())
    aside = restoring.restore(engine, source, shipped("db"), bootstrap.now())
    say(_("{file} put back; nothing leaves until 'dispatcher resume'", file=source))
    if aside:
        say(_("the ledger that was there is now {file}", file=aside))
    say(_("start the daemon, look at 'dispatcher status' and 'dispatcher outbox', close what has "
          "been answered meanwhile, then resume"))  # fmt: skip


@click.command(help=words(_("Take what is long closed out of the ledger, into a file.")))
@click.option("--before", required=True, type=Day(), help=words(_("the day before which")))
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path),
    help=words(_("the new file, a line of JSON for each row")),
)
@by_option(_("who"))
@click.option("--yes", is_flag=True, help=words(_("do it; else it is only shown")))
def prune(before: date, to: Path, by: str, yes: bool) -> None:
    """Only what is in the file goes; slips and the audit stay for ever."""
    from dispatcher.ledger import retention

    now, written = bootstrap.now(), None
    try:
        with bootstrap.ledger(bootstrap.settings()).begin() as conn:
            counts = retention.prunable(conn, before, now.date())
            if yes and counts:
                written = retention.prune(conn, before, to, by, now)
    except Exception as error:
        if written:
            _discard(to, error)
        raise
    if not counts:
        say(_("nothing to take out"))
        return
    rows = list(counts.items())
    table((_("what goes"), _("how many")), rows)
    if written:
        say(_("taken out; all of it is in {file}, SHA-256 {digest}", file=to,
              digest=written.digest))  # fmt: skip
    else:
        say(_("nothing was changed; add --yes to take this out"))


def _discard(export: Path, error: Exception) -> None:
    """Removes an export whose commit the full disk did not take: nothing has gone. After any other
    failure of a commit it may be all that is left."""
    from dispatcher.ledger.guards import FULL, trouble

    if trouble(error) == FULL:
        export.unlink()
