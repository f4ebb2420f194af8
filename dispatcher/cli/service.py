"""The daemon's own command."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING

import click

from dispatcher import bootstrap, clock
from dispatcher.cli.output import say, table, words
from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, _
from dispatcher.settings import read_instant

if TYPE_CHECKING:
    from dispatcher.clock import Clock
    from dispatcher.dispatch.parts import Parts
    from dispatcher.dispatch.passes import PassReport
    from dispatcher.settings import Settings


@click.command(help=words(_("Run the daemon: tell what is due, and go on until stopped.")))
@click.option("--once", is_flag=True, help=words(_("one pass, then end")))
@click.option("--dry-run", is_flag=True, help=words(_("show what would be sent, change nothing")))
@click.option(
    "--now", "start", help=words(_("take this for the present, as 2026-11-23T09:00+08:00"))
)
def run(once: bool, dry_run: bool, start: str | None) -> None:
    """Works on the calendar and the ledger of the home folder."""
    from dispatcher.ledger.database import single_daemon
    from dispatcher.logs import start_logging

    settings = bootstrap.settings()
    secrets = [settings.smtp_url, settings.heartbeat_url, settings.database_url]
    start_logging(sys.stderr, settings.log_format, secrets)
    plan = bootstrap.read_calendar(settings.schedules)
    clock = _clock(settings, start, once=once)
    engine = bootstrap.ledger(settings)
    stop = threading.Event()
    parts = bootstrap.parts(settings, plan, engine, clock, stop)
    if dry_run:
        _rehearse(parts)
        return
    with single_daemon(engine) as alone:
        passes = _Passes(settings, parts, orphans=alone)
        if once:
            passes()
        else:
            _run_daemon(passes, parts)


def _clock(settings: Settings, start: str | None, *, once: bool) -> Clock:
    """This machine's clock, or one that shows ``start``: still for one pass, else going on."""
    moment = read_instant(start) if start else settings.now
    if moment is None:
        return clock.system_clock
    if settings.live:
        raise DispatcherError(_("--now works only while mail goes to the mailbox"))
    return clock.still_clock(moment) if once else clock.clock_starting_at(moment)


class _Passes:
    """Runs passes, and says after each what it did and what comes next."""

    def __init__(self, settings: Settings, parts: Parts, *, orphans: bool) -> None:
        self.settings = settings
        self.parts = parts
        self.orphans = orphans
        self.silent = False

    def __call__(self) -> datetime:
        from dispatcher.dispatch.passes import run_pass
        from dispatcher.heartbeat import beat, call

        report = run_pass(self.parts, self.parts.clock(), orphans=self.orphans)
        self.orphans = False
        beat(self.settings.heartbeat, bootstrap.now(), report.next_at)
        if self.settings.heartbeat_url:
            call(self.settings.heartbeat_url)
        if report.counts or not self.silent:
            _say_report(self.parts, self.settings, report)
        self.silent = True
        return report.next_at


def _run_daemon(passes: _Passes, parts: Parts) -> None:
    from dispatcher.daemon import Daemon

    if not Daemon(passes, parts.clock, parts.stop).run():
        sys.exit(1)


def _say_report(parts: Parts, settings: Settings, report: PassReport) -> None:
    counts = report.counts
    done = [Text(text.msgid, count=counts[name]) for name, text in DONE.items() if counts[name]]
    at = parts.clock().astimezone(parts.plan.zone)
    say(_("{at}: {done}", at=f"{at:%Y-%m-%d %H:%M}", done=done or _("nothing to do")))
    if report.counts["sent"] and not settings.live:
        say(_("not live: look into {folder}", folder=settings.mailbox))
    if report.held:
        say(_("paused: {reason}", reason=report.held), "yellow")
    then = report.next_at.astimezone(parts.plan.zone)
    say(_("next: {at}", at=f"{then:%Y-%m-%d %H:%M}"))


def _rehearse(parts: Parts) -> None:
    """A pass that is rolled back: what it queued is composed and listed, and nothing leaves."""
    from dispatcher.dispatch.reconcile import reconcile
    from dispatcher.ledger import queries
    from dispatcher.ledger.items import items_of

    now = parts.clock()
    with parts.engine.begin() as conn:
        reconcile(conn, parts.plan, parts.revision, now)
        parts.queue_brief(conn, now)
        rows = []
        for sent in queries.messages_since(conn, now):
            subject = sent.subject
            if subject is None:
                subject, _text, _html = parts.compose(items_of(conn, sent.id), now)
            rows.append((sent.address, subject))
        conn.rollback()
    table((_("address"), _("subject")), rows, [None] * len(rows))
    say(_("{count} messages would be sent", count=len(rows)))


DONE = {
    "entered": _("opened {count}"),
    "skipped": _("skipped {count}"),
    "joined": _("joined {count}"),
    "moved": _("moved {count}"),
    "restored": _("restored {count}"),
    "withdrawn": _("withdrawn {count}"),
    "lapsed": _("lapsed {count}"),
    "told": _("reminders {count}"),
    "superseded": _("superseded {count}"),
    "unreachable": _("unreachable {count}"),
    "drafted": _("slips drafted {count}"),
    "voided": _("slips taken back {count}"),
    "rescued": _("rescued {count}"),
    "sent": _("sent {count}"),
    "queued": _("to be tried again {count}"),
    "failed": _("failed {count}"),
    "unknown": _("outcome unknown {count}"),
    "postponed": _("postponed {count}"),
}
"""What a pass counts, as people read it."""
