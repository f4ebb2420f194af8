"""The daemon: calls a pass again and again until it is told to stop.

APScheduler is its ticker and nothing else: one interval job in memory, and one more that wakes it
for the next step. Dates and work live in the plan and the ledger, so whatever the ticker misses
or does twice, the next pass puts right. ``docs/design.md`` says what that guards against.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from dispatcher.clock import Clock, system_clock

log = logging.getLogger("dispatcher.daemon")
TICK = timedelta(seconds=30)
STOP_DEADLINE = 30.0
WATCH = 5.0
MIN_WAIT = timedelta(seconds=1)
NEVER_MISFIRE = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}

Pass = Callable[[], datetime]
"""One pass; gives the next instant at which something falls due."""


class Daemon:
    """Runs passes every half minute, and at the instants that they ask for.

    A pass that fails is logged and does not end the daemon: the next one tries again. ``stopping``
    is set by SIGTERM and SIGINT, and asks a pass to finish the message in flight and go no further.
    """

    def __init__(self, run_pass: Pass, clock: Clock, stopping: threading.Event) -> None:
        self.run_pass = run_pass
        self.clock = clock
        self.stopping = stopping
        self.idle = threading.Event()
        self.idle.set()
        # One worker: the two jobs never run at the same time.
        self.ticker = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)}, job_defaults=NEVER_MISFIRE, timezone="UTC"
        )

    def run(self) -> bool:
        """Works until SIGTERM or SIGINT; False when the pass in flight did not end in time."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: self.stopping.set())
        self.ticker.add_job(
            self._tick, "interval", seconds=TICK.total_seconds(), next_run_time=system_clock()
        )
        self.ticker.start()
        while not self.stopping.wait(WATCH):
            if not self.ticker._thread.is_alive():
                log.critical("the ticker has died; a supervisor should start the daemon again")
                return False
        return self._stop()

    def _tick(self) -> None:
        if self.stopping.is_set():
            return
        self.idle.clear()
        try:
            self._wake_at(self.run_pass())
        except Exception:
            log.exception("the pass failed; the next one tries again")
        finally:
            self.idle.set()

    def _wake_at(self, instant: datetime) -> None:
        """The pass's clock may be shifted, so the wait is measured and not the instant taken."""
        wait = instant - self.clock()
        if wait < TICK and not self.stopping.is_set():
            soon = system_clock() + max(wait, MIN_WAIT)
            self.ticker.add_job(self._tick, "date", run_date=soon, id="wake", replace_existing=True)

    def _stop(self) -> bool:
        log.info("stopping: the message in flight is finished first")
        self.ticker.shutdown(wait=False)
        finished = self.idle.wait(STOP_DEADLINE)
        log.info("stopped" if finished else "a message is still in flight; its outcome is unknown")
        return finished
