"""The command line: commands parse and print, the other rooms do the work."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from dispatcher import __version__
from dispatcher.cli import (
    answers,
    asking,
    audit,
    calendar,
    channels,
    diff,
    doctor,
    editing,
    events,
    holidays,
    keeping,
    office,
    outbox,
    rehearse,
    revisions,
    rollover,
    service,
    sheet,
    slips,
    tally,
    why,
)
from dispatcher.cli.output import translate, words
from dispatcher.errors import DispatcherError
from dispatcher.i18n import _


@click.group(help=words(_("A duty calendar that chases itself.")))
@click.version_option(__version__, prog_name="dispatcher")
def commands() -> None:
    """The group of all commands."""


for command in (
    *(calendar.check, calendar.upcoming_command, why.why, calendar.explain),
    *(diff.diff, revisions.apply, revisions.revisions),
    *(*editing.COMMANDS, rollover.rollover, holidays.calendar),
    *(*answers.COMMANDS, sheet.sheet, events.event, slips.slip),
    *(asking.status, tally.tally, outbox.outbox, outbox.duplicates, audit.audit),
    *(office.init, office.pause, office.resume, channels.channels),
    *(keeping.backup, keeping.restore, keeping.prune),
    *(doctor.doctor, office.health, rehearse.rehearse, service.run),
):
    commands.add_command(command)


def main() -> None:
    """Runs the command line; ends with 0 fine, 1 the answer is no, 2 there is none: wrong
    usage, a bad file, or a database that cannot be asked."""
    try:
        _refuse_foreign_letters(sys.argv)
        commands()
    except DispatcherError as error:
        click.echo(error.render(translate), err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        from dispatcher.ledger.guards import trouble

        why = trouble(error)
        if why is None:
            raise
        click.echo(why.render(translate), err=True)
        sys.exit(DispatcherError.exit_code)


def _refuse_foreign_letters(arguments: Sequence[str]) -> None:
    """Of a terminal that writes another encoding, Python keeps bytes that no file can hold."""
    for word in arguments:
        if word != word.encode(errors="ignore").decode():
            raise DispatcherError(_("'{word}' is not UTF-8: set the terminal, or LANG, to UTF-8",
                                    word=word.encode(errors="replace").decode()))  # fmt: skip
