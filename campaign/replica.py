"""One process of the product, with nothing replaced but its clock: what the campaign harms.

It passes over one day until nothing is left to send, as often as it takes. Failures are what the
daemon would make of them: noted, and tried again. The product has no hook for any of this: what is
counted and where it dies is listened for from outside.
"""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
import re
import signal
import sys
import time
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

import dispatcher
from dispatcher import bootstrap
from dispatcher.channels.contract import Outgoing, Receipt
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.passes import run_pass
from dispatcher.ledger import database, queries
from dispatcher.settings import load_settings

# A child of the fork server has everything loaded, as a daemon has after its first pass.
for _found in pkgutil.walk_packages(dispatcher.__path__, "dispatcher."):
    if not _found.name.endswith("__main__"):
        importlib.import_module(_found.name)

PAUSE = 0.02
LATEST = timedelta(hours=8, minutes=55)
"""How long after nine the window is surely open."""
VERB = re.compile(r"\s*(\w+)(?:.*?(?:FROM|INTO|UPDATE)\s+\"?(\w+)|\s+\"?(\w+))?", re.S | re.I)


class Spec(NamedTuple):
    """What a replica is told: where the office and its database are, which mail server, the
    instant, and how to be.

    ``lease`` and ``deadline`` are seconds, shortened where a run waits for leases to expire;
    ``die_at`` is the boundary at which it kills itself; ``patience`` the seconds after which it
    gives up, still having something to send; ``waits`` that it begins when it is told to.
    """

    home: str
    url: str
    port: int
    at: str
    connections: int = 4
    lease: float | None = None
    deadline: float | None = None
    die_at: int = 0
    mutant: str = ""
    patience: float = 60.0
    waits: bool = False


class Done(NamedTuple):
    """How a replica's day ended: the boundaries that it passed, and the passes that failed."""

    boundaries: list[str]
    failures: int


class Clock:
    """Stands still but for ``advance``."""

    def __init__(self, start: datetime) -> None:
        self.now, self.latest = start, start + LATEST

    def __call__(self) -> datetime:
        return self.now

    def advance(self, to: datetime) -> bool:
        """To the next instant at which something is due on this day; whether there is one."""
        if not self.now < to <= self.latest:
            return False
        self.now = to
        return True


class Boundaries:
    """Counts the boundaries of statements, commits and sends, and dies at one of them."""

    def __init__(self, die_at: int) -> None:
        self.die_at, self.passed, self.lock = die_at, list[str](), Lock()

    def at(self, name: str) -> None:
        """Here is one."""
        with self.lock:
            self.passed.append(name)
            if len(self.passed) == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: database.Engine, parts: Parts) -> None:
        """Listens to the database's driver, and stands before and after each channel."""
        listen = event.listen
        listen(engine, "before_cursor_execute", lambda *seen: self.at(f"before {_verb(seen[2])}"))
        listen(engine, "after_cursor_execute", lambda *seen: self.at(f"after {_verb(seen[2])}"))
        listen(engine, "commit", lambda _conn: self.at("before COMMIT"))
        listen(engine, "checkin", lambda *_seen: self.at("after COMMIT"))
        for channel in parts.channels.values():
            channel.send = self._watched(channel.send)  # type: ignore[method-assign]

    def _watched(self, send: Any) -> Any:
        def watched(outgoing: Outgoing) -> Receipt:
            self.at("before send")
            try:
                return send(outgoing)
            finally:
                self.at("after send")

        return watched


def _verb(statement: str) -> str:
    found = VERB.match(statement)
    return " ".join(word for word in found.groups() if word) if found else statement[:20]


def run(spec: Spec, said: Connection) -> None:
    """The process: says ``ready``, and at the end what was done. Ends with 3 when it gave up."""
    log_to(Path(spec.home) / "replica.log")
    patched(spec)
    settings = load_settings(environ(spec), Path(spec.home))
    calendar = bootstrap.read_revision(settings.schedules)
    engine = bootstrap.database(settings)
    _open(engine, time.monotonic() + spec.patience)
    clock = Clock(datetime.fromisoformat(spec.at))
    with database.single_daemon(engine) as alone:
        parts = _parts(spec, bootstrap.parts(settings, calendar, engine, clock))
        boundaries = Boundaries(spec.die_at)
        boundaries.watch(engine, parts)
        said.send("ready")
        if spec.waits:
            said.recv()
        failures, drained = _drain(parts, clock, time.monotonic() + spec.patience, orphans=alone)
        said.send(Done(boundaries.passed, failures))
    sys.exit(0 if drained else 3)


def patched(spec: Spec) -> None:
    """Turns this process into the broken variant that it is to be."""
    if spec.mutant:
        from campaign.mutants import MUTANTS

        MUTANTS[spec.mutant].patch()


def _open(engine: database.Engine, until: float) -> None:
    """Opens the ledger; a database out of reach is tried again."""
    while True:
        try:
            return bootstrap.open_ledger(engine)
        except OperationalError:
            if time.monotonic() > until:
                raise
            logging.exception("the ledger cannot be opened")
            time.sleep(PAUSE)


def environ(spec: Spec) -> dict[str, str]:
    """The settings of an office that is live."""
    return {
        "DISPATCHER_LIVE": "1",
        "DISPATCHER_DATABASE_URL": spec.url,
        "DISPATCHER_SMTP_URL": f"smtp+plain://127.0.0.1:{spec.port}",
        "DISPATCHER_MAIL_FROM": "office@example.com",
    }


def _parts(spec: Spec, parts: Parts) -> Parts:
    for channel in parts.channels.values():
        channel.connections = spec.connections
        channel.deadline = spec.deadline or channel.deadline
    return parts._replace(lease=spec.lease) if spec.lease else parts


def _drain(parts: Parts, clock: Clock, until: float, *, orphans: bool) -> tuple[int, bool]:
    """Passes until nothing is left to send; how many failed, and whether it came to an end."""
    failures = 0
    while time.monotonic() < until:
        try:
            report = run_pass(parts, clock(), orphans=orphans)
            orphans = False
            with parts.engine.begin() as conn:
                left = queries.health(conn).queued
        except Exception:
            logging.exception("a pass failed")
            failures += 1
            time.sleep(PAUSE)
            continue
        if not left:
            return failures, True
        if not clock.advance(report.next_at):
            time.sleep(PAUSE)
    return failures, False


def log_to(path: Path) -> None:
    """Where the product's log goes."""
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(message)s"
    )
