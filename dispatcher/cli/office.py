"""Commands around the service: set it up, hold it, look after it."""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher import bootstrap
from dispatcher.cli.output import SAID, by_option, say, words
from dispatcher.errors import DispatcherError, Refused, said_by_system
from dispatcher.i18n import _
from dispatcher.settings import shipped

STARTERS = ("schedules.yaml", "schedules.schema.json", "templates")


@click.command(help=words(_("Put a calendar, templates and a settings sample into a folder.")))
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Copies what is shipped; a file that exists is left as it is."""
    try:
        _fill(folder)
    except OSError as error:
        text = _(
            "{folder}: cannot be filled: {detail}", folder=folder, detail=said_by_system(error)
        )
        raise DispatcherError(text) from None


def _fill(folder: Path) -> None:
    import shutil

    folder.mkdir(parents=True, exist_ok=True)
    for name in STARTERS:
        if (folder / name).exists():
            say(_("{file} exists: left as it is", file=folder / name))
        elif shipped(name).is_dir():
            shutil.copytree(shipped(name), folder / name)
            say(_("{file} made", file=folder / name))
        else:
            shutil.copyfile(shipped(name), folder / name)
            say(_("{file} made", file=folder / name))
    sample = folder / ".env.example"
    if not sample.exists():
        shutil.copyfile(shipped(".env.example"), sample)
        say(_("{file} made: copy it to .env and change what you need", file=sample))


@click.command(help=words(_("Hold every message until 'resume'.")))
@click.option("--reason", required=True, type=SAID, help=words(_("why")))
@by_option(_("who"))
def pause(reason: str, by: str) -> None:
    """The daemon goes on keeping its ledger, and sends nothing."""
    from dispatcher.ledger import installation

    with bootstrap.ledger(bootstrap.settings()).begin() as conn:
        held = installation.pause(conn, by, reason, bootstrap.now())
    say(_("paused") if held else _("it was paused already"))


@click.command(help=words(_("End a pause; what was missed is told once, as it stands then.")))
@by_option(_("who"))
def resume(by: str) -> None:
    """The next pass tells what is due."""
    from dispatcher.holds import LedgerGuard, accept_clock
    from dispatcher.ledger import restoring

    settings = bootstrap.settings()
    with bootstrap.ledger(settings).begin() as conn:
        known = LedgerGuard(settings.state).known
        ended = restoring.resume(conn, by, bootstrap.now(), known)
    if accept_clock(settings.state):
        say(_("the clock is taken to be right from now on"))
    elif not ended:
        say(_("it was not paused"))
    if ended:
        say(_("resumed"))


@click.command(help=words(_("Is the daemon at work, and does everything leave?")))
def health() -> None:
    """Ends with 1, and says why, when something needs a hand."""
    from dispatcher.health import health as look

    found = look(bootstrap.settings())
    for line in found.facts:
        say(line)
    for line in found.troubles:
        say(line, "red")
    if found.troubles:
        raise Refused(_("degraded"))
    say(_("all is well"), "green")
