"""What stands around each pass: whether it may run, and who hears of it when it fails."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from dispatcher import bootstrap
from dispatcher.alarm import Alarm
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.passes import Overtaken, PassReport, run_pass
from dispatcher.errors import DispatcherError
from dispatcher.health import what_failed
from dispatcher.heartbeat import Trouble, beat, call, falter, trouble
from dispatcher.holds import THIS_MACHINE, ClockGuard, LedgerGuard, Machine
from dispatcher.i18n import Text
from dispatcher.ledger import guards, revisions
from dispatcher.ledger.outbox import Content
from dispatcher.ledger.revisions import Edit
from dispatcher.reload import Reload
from dispatcher.settings import Settings

log = logging.getLogger("dispatcher.watch")
SOON = timedelta(seconds=30)
"""When to look again whether a pass may run."""


class Watch:
    """Runs passes, and says after each what it did; ``trouble`` is why the latest was none.

    ``passes`` counts them by how they went, ``rescued`` what they took over from dead processes.

    ``machine`` is None where the present is not this machine's: then nobody doubts its clock.
    ``orphans`` is for the first pass of the holder of the single daemon's lock. ``reload`` follows
    the calendar, which else stays as it is.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        say: Callable[[PassReport], None],
        machine: Machine | None = THIS_MACHINE,
        *,
        orphans: bool = False,
        reload: Reload | None = None,
    ) -> None:
        self.settings, self.parts, self.say, self.orphans = settings, parts, say, orphans
        self.reload = reload
        self.clock_guard = ClockGuard(settings.state, machine, parts.plan.zone) if machine else None
        self.ledger_guard = LedgerGuard(settings.state)
        self.alarm = Alarm(settings.state / "alarms.json", self._tell_office)
        self.trouble = trouble(settings.heartbeat)
        self.opened = False
        self.logged = ""
        self.passes: Counter[str] = Counter()
        self.rescued = 0

    def open(self) -> None:
        """Opens the ledger; a database that is out of reach is left to the passes, which try
        again. Refused where nothing would be safe in it."""
        try:
            self._open()
        except Exception as error:
            if isinstance(error, DispatcherError) or not guards.trouble(error):
                raise
            log.error("the ledger cannot be opened yet: %s", what_failed(error, self.settings))

    def __call__(self) -> datetime:
        """A pass, if there may be one; when to come again. What goes wrong is noted and raised."""
        try:
            hold = self._why_not()
            if hold:
                return self._held(hold)
            report = self._pass()
            with self.parts.engine.begin() as conn:
                self.ledger_guard.remember(conn)
        except Overtaken:
            return self.parts.clock()
        except Exception as error:
            self._failed(error)
            raise
        return self._done(report)

    def restless(self) -> bool:
        """Whether a pass is wanted before its time: the calendar file has been edited."""
        return bool(self.reload and not self.trouble and self.reload.restless())

    def _pass(self) -> PassReport:
        """A pass by the calendar in force, with what an edit that was taken up has changed."""
        edited: Counter[str] = Counter()
        if self.reload:
            self.parts, edited = self.reload.follow()
        report = run_pass(self.parts, self.parts.clock(), orphans=self.orphans)
        return report._replace(counts=edited + report.counts)

    def edit_that_waits(self) -> Edit | None:
        """What was found in the calendar file and is not in force."""
        with self.parts.engine.begin() as conn:
            return revisions.waiting(conn)

    def _open(self) -> None:
        if not self.opened:
            bootstrap.open_ledger(self.parts.engine)
            self.opened = True

    def _why_not(self) -> Text | None:
        self._open()
        with self.parts.engine.begin() as conn:
            self.ledger_guard.look(conn, self.parts)
            return self.clock_guard.why_not(conn) if self.clock_guard else None

    def _held(self, why: Text) -> datetime:
        if self.logged != why.msgid:
            log.warning("nothing is done: %s", why)
        self.logged = why.msgid
        self.passes["held"] += 1
        self._note(why)
        return self.parts.clock() + SOON

    def _failed(self, error: Exception) -> None:
        self.passes["failed"] += 1
        why = what_failed(error, self.settings)
        cause = type(error).__name__ if why.msgid == "{text}" else why.msgid
        self.alarm.failing(cause, self._note(why), self._now())

    def _note(self, why: Text) -> Trouble:
        since = self.trouble.since if self.trouble else self._now()
        self.trouble = Trouble(since, why)
        falter(self.settings.heartbeat, self.trouble)
        return self.trouble

    def _done(self, report: PassReport) -> datetime:
        if self.trouble:
            log.info("passes succeed again")
        self.orphans, self.trouble, self.logged = False, None, ""
        self.passes["good"] += 1
        self.rescued += report.counts["rescued"]
        beat(self.settings.heartbeat, bootstrap.now(), report.next_at)
        if self.settings.heartbeat_url:
            call(self.settings.heartbeat_url)
        self.alarm.well(self._now())
        self.say(report)
        return report.next_at

    def _tell_office(self, subject: str, text: str) -> bool:
        plan = self.parts.plan
        said = Content(subject, text, "")
        try:
            results = bootstrap.send_directly(self.settings, plan, plan.office, "status", said)
        except Exception as error:
            log.warning("the office cannot be told: %s", what_failed(error, self.settings))
            return False
        for to, wrong in results:
            if wrong:
                log.warning("%s cannot be told: %s", to.address, wrong)
        return any(wrong is None for _to, wrong in results)

    def _now(self) -> datetime:
        return bootstrap.now().astimezone(self.parts.plan.zone)
