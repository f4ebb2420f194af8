"""The daemon's own command."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import count
from typing import TYPE_CHECKING

import click

from dispatcher import bootstrap, clock
from dispatcher.cli.output import say, table, words
from dispatcher.errors import DispatcherError, Refused
from dispatcher.hiding import secrets
from dispatcher.i18n import Text, _
from dispatcher.settings import read_instant, shipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from dispatcher.clock import Clock
    from dispatcher.dispatch.parts import Parts
    from dispatcher.dispatch.passes import PassReport
    from dispatcher.ledger.database import Engine
    from dispatcher.plan.model import Revision
    from dispatcher.reload import Reload
    from dispatcher.settings import Settings
    from dispatcher.watch import Watch

log = logging.getLogger("dispatcher.service")
TURNS = 3
"""So often a pass is begun again that another process has overtaken by an edit."""
LAST_WORDS = 10.0
"""Seconds that a call for a to-do is waited for when the daemon is to stop."""
AGAIN = 5.0
"""Seconds until a lock that the disk did not give is tried again."""
SELDOM = 60
"""So many tries in vain are one line of the log."""


@click.command(help=words(_("Run the daemon: tell what is due, and go on until stopped.")))
@click.option("--once", is_flag=True, help=words(_("one pass, then end")))
@click.option("--dry-run", is_flag=True, help=words(_("show what would be sent, change nothing")))
@click.option(
    "--now", "start", help=words(_("take this for the present, as 2026-11-23T09:00+08:00"))
)
def run(once: bool, dry_run: bool, start: str | None) -> None:
    """Works on the calendar and the ledger of the home folder."""
    from dispatcher.holds import THIS_MACHINE
    from dispatcher.ledger.database import single_daemon
    from dispatcher.ledger.reading import reading
    from dispatcher.logs import start_logging
    from dispatcher.reload import Reload
    from dispatcher.starting import begin
    from dispatcher.watch import Watch

    settings, stop = bootstrap.settings(), threading.Event()
    start_logging(sys.stderr, settings.log_format, secrets(settings, None))
    engine, clock = bootstrap.database(settings), _clock(settings, start, once=once)
    lock = single_daemon(engine) if once else _alone(engine, stop)
    if dry_run:
        # Refuses an older schema too: it is brought up to date by whoever is to work by it.
        with reading(settings.database_url, shipped("db")):
            pass
    # A second daemon is refused before it has brought the schema up to date under the first one.
    with nullcontext(False) if dry_run else lock as alone:
        calendar, parts, instead_of = begin(settings, engine, clock, stop)
        if dry_run:
            bootstrap.open_ledger(engine)
            _rehearse(parts)
            _say_news(settings, calendar)
            return
        if once:
            # Nobody comes back for what would be left in flight.
            parts = parts._replace(patience=parts.lease)
        machine = None if start or settings.now else THIS_MACHINE
        reload = Reload(settings, parts, calendar, instead_of)
        say = _Reports(settings, reload)
        watch = Watch(settings, parts, say, machine, orphans=alone, reload=reload)
        if once:
            _run_once(watch)
        else:
            _run_daemon(watch)


@contextmanager
def _alone(engine: Engine, stop: threading.Event) -> Iterator[bool]:
    """The lock of the single daemon; what is wrong with its disk is waited for, as passes do."""
    from dispatcher.ledger.database import single_daemon

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_signal: stop.set())
    with ExitStack() as lock:
        for turn in count():
            try:
                alone = lock.enter_context(single_daemon(engine))
                break
            except OSError as error:
                _wait_for_disk(error, turn, stop)
        yield alone


def _wait_for_disk(error: OSError, turn: int, stop: threading.Event) -> None:
    from dispatcher.daemon import notify
    from dispatcher.ledger.guards import trouble

    why = trouble(error)
    if why is None:
        raise error
    if turn % SELDOM == 0:
        log.error("the daemon cannot begin yet: %s", why)
    # systemd would end a start that takes long, and begin it anew.
    notify("READY=1\nWATCHDOG=1")
    if stop.wait(AGAIN):
        sys.exit()


def _clock(settings: Settings, start: str | None, *, once: bool) -> Clock:
    """This machine's clock, or one that shows ``start``: still for one pass, else going on."""
    moment = read_instant(start) if start else settings.now
    if moment is None:
        return clock.system_clock
    if settings.live:
        raise DispatcherError(_("--now works only while mail goes to the mailbox"))
    return clock.still_clock(moment) if once else clock.clock_starting_at(moment)


class _Reports:
    """Says what a pass did; after the first one only if it did anything."""

    def __init__(self, settings: Settings, reload: Reload) -> None:
        self.settings, self.reload = settings, reload
        self.silent = False

    def __call__(self, report: PassReport) -> None:
        if report.counts or not self.silent:
            _say_report(self.reload.parts, self.settings, report)
        self.silent = True


def _run_once(watch: Watch) -> None:
    from dispatcher.health import not_in_force

    before = watch.passes["good"]
    try:
        for _turn in range(TURNS):
            watch()
            if watch.trouble:
                raise Refused(_("nothing is done: {why}", why=watch.trouble.why))
            if watch.passes["good"] > before:
                break
    finally:
        watch.alarm.wait(LAST_WORDS)
    _keep_todos(watch.settings, watch.parts)
    waits = watch.edit_that_waits()
    if waits:
        error = Refused if waits.state == "held" else DispatcherError
        raise error(not_in_force(waits, watch.parts.plan.zone))


class _Beside:
    """A pass; after each good one the to-dos, in a thread of their own: a vendor who does not
    answer delays no message."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.thread = threading.Thread()

    def __call__(self) -> datetime:
        from dispatcher.dispatch.todos import lists

        next_at = self.watch()
        if lists(self.watch.parts) and not (self.watch.trouble or self.thread.is_alive()):
            what = (self.watch.settings, self.watch.parts)
            self.thread = threading.Thread(target=_keep_todos, args=what, daemon=True, name="todos")
            self.thread.start()
        return next_at

    def end(self) -> None:
        """Lets the call in flight end, so that its to-do need not be held; but not for ever."""
        if self.thread.is_alive():
            self.thread.join(LAST_WORDS)


def _keep_todos(settings: Settings, parts: Parts) -> None:
    """What goes wrong is logged, and is nobody else's trouble."""
    from dispatcher.dispatch.todos import keep_up
    from dispatcher.health import what_failed

    try:
        keep_up(parts, parts.clock())
    except Exception as error:
        log.warning("to-dos are not kept: %s", what_failed(error, settings))


def _run_daemon(watch: Watch) -> None:
    from dispatcher.daemon import Daemon

    watch.open()
    if watch.settings.metrics_port:
        from dispatcher.metrics import serve

        serve(watch, watch.settings.metrics_port)
    work = _Beside(watch)
    finished = Daemon(work, watch.parts.clock, watch.parts.stop, watch.restless).run()
    work.end()
    if not finished:
        # Not by sys.exit, which waits for what is in flight, with the daemon's lock given back.
        logging.shutdown()
        os._exit(1)


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
                items = items_of(conn, [sent.id])[sent.id]
                subject = parts.compose(conn, items, now, sent.channel).subject
            rows.append((sent.address, subject))
        conn.rollback()
    table((_("address"), _("subject")), rows)
    say(_("{count} messages would be sent", count=len(rows)))


def _say_news(settings: Settings, calendar: Revision) -> None:
    from dispatcher.reload import look

    if look(settings.schedules).text != calendar.text:
        file = settings.schedules.name
        say(_("the file holds an edit that is not in force: 'dispatcher diff {file}'", file=file))


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
