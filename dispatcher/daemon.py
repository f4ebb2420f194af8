"""The daemon: calls a pass again and again until it is told to stop.

APScheduler is its ticker and nothing else: one job in memory, which ends by planning itself anew.
Dates and work live in the plan and the ledger, so whatever the ticker misses or does twice, the
next pass puts right. ``docs/design.md`` says what that guards against.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from dispatcher.clock import Clock, system_clock

log = logging.getLogger("dispatcher.daemon")
TICK = timedelta(seconds=30)
STOP_DEADLINE = 30.0
WATCH = 5.0
MIN_WAIT = timedelta(seconds=1)
NEVER_MISFIRE = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}

Pass = Callable[[], datetime]
"""One pass; gives the next instant at which something falls due."""


class Once(BaseTrigger):  # type: ignore[misc]
    """One instant, and never again. APScheduler's own for a date ends its job, and that raises in
    the ticker's thread when it is shut down at that very moment."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def get_next_fire_time(self, previous: datetime | None, _now: datetime) -> datetime:
        """The instant, or the end of time."""
        return self.at if previous is None else datetime.max.replace(tzinfo=UTC)


class Daemon:
    """Runs passes every half minute, and at the instants that they ask for.

    A pass that fails is logged and does not end the daemon: the next one tries again. ``stopping``
    is set by SIGTERM and SIGINT, and asks a pass to finish the message in flight and go no further.
    ``restless`` is asked every few seconds whether a pass is wanted before its time.
    """

    def __init__(
        self,
        run_pass: Pass,
        clock: Clock,
        stopping: threading.Event,
        restless: Callable[[], bool] = lambda: False,
    ) -> None:
        self.run_pass = run_pass
        self.restless = restless
        self.clock = clock
        self.stopping = stopping
        self.failure = ""
        self.due = 0.0
        self.idle = threading.Event()
        self.idle.set()
        self.ticker = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)}, job_defaults=NEVER_MISFIRE, timezone="UTC"
        )

    def run(self) -> bool:
        """Works until SIGTERM or SIGINT; False when the pass in flight did not end in time."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: self.stopping.set())
        # Libraries and the plan stay: the collector need not go over them in each large pass.
        gc.freeze()
        self.ticker.start()
        self._wake_in(timedelta(0))
        notify("READY=1")
        while not self.stopping.wait(WATCH):
            if not self.ticker._thread.is_alive():
                log.critical("the ticker has died; a supervisor should start the daemon again")
                return False
            if self.idle.is_set() and monotonic() > self.due + WATCH:
                log.warning("the ticker overslept: the clock was set back")
                self._wake_in(timedelta(0))
            elif self.idle.is_set() and self.restless():
                self._wake_in(timedelta(0))
        return self._stop()

    def _tick(self) -> None:
        if self.stopping.is_set():
            return
        self.idle.clear()
        wait = TICK
        try:
            # The pass's clock may be shifted, so the wait is measured and not the instant taken.
            wait = self.run_pass() - self.clock()
            self.failure = ""
        except Exception as error:
            self._log(error)
        finally:
            # A pass that fails is no reason to be started anew: the next process would fail, too.
            notify("WATCHDOG=1")
            # What falls due in a moment is told then; who asks for another pass at once waits.
            self._wake_in(min(wait if wait > timedelta(0) else MIN_WAIT, TICK))
            self.idle.set()

    def _log(self, error: Exception) -> None:
        """The traceback once; while the same goes on, no more than that it does."""
        news, self.failure = repr(error) != self.failure, repr(error)
        log.error("the pass failed; the next one tries again", exc_info=news)

    def _wake_in(self, wait: timedelta) -> None:
        """By the wall clock, which is the ticker's. A job for one instant: of one that repeats it
        would list every run that a clock set forward by ten years has missed."""
        if not self.stopping.is_set():
            self.due = monotonic() + wait.total_seconds()
            at = system_clock() + wait
            self.ticker.add_job(self._tick, Once(at), id="tick", replace_existing=True)

    def _stop(self) -> bool:
        log.info("stopping: the message in flight is finished first")
        self.ticker.shutdown(wait=False)
        finished = self.idle.wait(STOP_DEADLINE)
        log.info("stopped" if finished else "a message is still in flight; its outcome is unknown")
        return finished


def notify(state: str) -> None:
    """Tells systemd how the service is, where systemd has asked for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            # A leading @ stands for the zero byte of a name without a file.
            channel.sendto(state.encode(), address.replace("@", "\0", 1))
    except OSError as error:
        log.warning("systemd was not reached: %s", error.strerror)
