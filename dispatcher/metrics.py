"""What the daemon tells Prometheus: its passes, and the ledger as it is when it is asked.

Nothing of this is imported, and nothing listens, unless the settings name a port; and then only
programs on this machine can reach it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from threading import Thread
from typing import Any

from dispatcher.dispatch.window import kinds_leaving, opening
from dispatcher.errors import DispatcherError
from dispatcher.health import what_failed
from dispatcher.i18n import _
from dispatcher.ledger import installation
from dispatcher.ledger.database import Connection
from dispatcher.ledger.figures import Due, Figures, figures
from dispatcher.ledger.reading import reading
from dispatcher.ledger.restoring import PROGRAM
from dispatcher.settings import shipped
from dispatcher.watch import Watch

try:
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
except ImportError:
    raise DispatcherError(_("metrics need a library: pip install prometheus-client")) from None

log = logging.getLogger("dispatcher.metrics")
HOST, PATH = "127.0.0.1", "/metrics"
PATIENCE = 5.0
"""Seconds that a client is given, since there is one at a time."""
SELDOM = 3600.0
"""Seconds between two looks whether to end, of a thread that ends with its process."""


def serve(watch: Watch, port: int) -> Server | None:
    """Answers ``GET /metrics`` on this machine's own address from a thread of its own.

    None when something else has the port: reminding matters more than being watched.
    """
    try:
        server = Server(watch, port)
    except OSError as error:
        log.error("no metrics: port %d cannot be used: %s", port, error.strerror)
        return None
    Thread(target=server.serve_forever, args=(SELDOM,), daemon=True, name="metrics").start()
    return server


class Server(TCPServer):
    """One client at a time, so that however many ask, the ledger is asked once at a time."""

    allow_reuse_address = True

    def __init__(self, watch: Watch, port: int) -> None:
        super().__init__((HOST, port), Page)
        self.source = Source(watch)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no matter."""
        log.debug("a client of the metrics failed", exc_info=True)


class Page(BaseHTTPRequestHandler):
    """The one page."""

    server: Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        """The metrics as text."""
        found = self.path.partition("?")[0] == PATH
        text = generate_latest(self.server.source) if found else b"see /metrics\n"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST if found else "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def version_string(self) -> str:
        """No more than the name."""
        return "dispatcher"

    def log_message(self, format: str, *args: Any) -> None:
        """To be asked is no news."""


class Source:
    """Collects everything anew whenever it is asked."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def collect(self) -> Iterator[Metric]:
        """The process's own figures, and those of the ledger while it can be read."""
        watch, now = self.watch, self.watch.parts.clock()
        yield from _of_process(watch, now)
        found = self._ask(now)
        yield _gauge("ledger_readable", "1 if the ledger could be asked.", [((), bool(found))])
        yield from found

    def _ask(self, now: datetime) -> list[Metric]:
        settings = self.watch.settings
        try:
            with reading(settings.database_url, shipped("db")) as conn:
                return [_paused(conn), *self._figures(conn, now)] if conn else []
        except Exception as error:
            log.warning("the ledger cannot be asked: %s", what_failed(error, settings))
            return []

    def _figures(self, conn: Connection, now: datetime) -> Iterator[Metric]:
        plan = self.watch.parts.plan
        found = figures(conn, now, kinds_leaving(plan, now))
        # Out of hours no step is looked at: it is not late.
        in_hours = opening(plan, now) <= now
        return _of_ledger(found if in_hours else found._replace(steps=Due(0, None)), now)


def _of_process(watch: Watch, now: datetime) -> Iterator[Metric]:
    passes = CounterMetricFamily("dispatcher_passes", "Passes of this process.", labels=["result"])
    for result in ("good", "failed", "held"):
        passes.add_metric([result], watch.passes[result])
    yield passes
    rescued = "Messages that this process took over from dead ones."
    yield CounterMetricFamily("dispatcher_leases_rescued", rescued, watch.rescued)
    plan = watch.parts.plan
    if plan.workdays.holidays:
        last = date(plan.workdays.last_year, 12, 31)
        days = (last - now.astimezone(plan.zone).date()).days
        yield _gauge("holiday_horizon_days", "Days until the announced holidays end.", [((), days)])


def _paused(conn: Connection) -> Metric:
    found = installation.find(conn)
    by = found.held_by if found and found.hold is not None else None
    held = [(["program"], by == PROGRAM), (["person"], by not in (None, PROGRAM))]
    return _gauge("paused", "1 while nothing leaves until somebody resumes.", held, "by")


def _of_ledger(found: Figures, now: datetime) -> Iterator[Metric]:
    due = [(["reminder"], found.steps), (["message"], found.messages)]
    numbers = [(what, each.number) for what, each in due]
    ages = [(what, _seconds(each.oldest_at, now)) for what, each in due]
    told = [([step], count) for step, count in found.told.items()]
    yield _gauge("due", "Due, and not yet told or sent.", numbers, "what")
    yield _gauge("oldest_due_age_seconds", "For how long the oldest is due.", ages, "what")
    # Not counters: they fall when the ledger is pruned.
    yield _gauge("reminders_told", "Reminders told.", told, "step")
    attempts = found.attempts.items()
    yield _gauge("attempts", "Attempts to hand a message over.", attempts, "channel", "outcome")
    provisional = [((), found.provisional)]
    yield _gauge("provisional_assignments", "Open, on dates not announced.", provisional)


def _seconds(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since else 0.0


def _gauge(
    name: str, what: str, values: Iterable[tuple[Sequence[str], float]], *labels: str
) -> GaugeMetricFamily:
    """A gauge with a value for each combination of its labels."""
    gauge = GaugeMetricFamily(f"dispatcher_{name}", what, labels=labels)
    for combination, value in values:
        gauge.add_metric(combination, value)
    return gauge
