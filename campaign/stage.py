"""The stage: an office in a folder of its own, its database, a mail server, and processes of the
product that are started, harmed and started again."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from campaign import databases, oracle, sink
from campaign.judge import Evidence, Fault
from campaign.oracle import Item
from campaign.replica import Done, Spec, run
from campaign.sink import Manners
from dispatcher.ledger import outcomes, queries
from dispatcher.ledger.database import create_engine
from dispatcher.ledger.tables import attempt, message

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["campaign.replica", "campaign.sink"])
PATIENCE = 60.0
POLITE = Manners()
CHINA = ZoneInfo("Asia/Shanghai")


class Replica:
    """A process of the product at work."""

    def __init__(self, spec: Spec) -> None:
        self.last: Done | None = None
        self.pipe, theirs = CONTEXT.Pipe()
        self.process: BaseProcess = CONTEXT.Process(target=run, args=(spec, theirs))
        self.process.start()
        theirs.close()
        assert self._hear() == "ready", f"a replica did not start; see {spec.home}/replica.log"
        self.ready_at = time.monotonic()

    def _hear(self) -> Any:
        try:
            return self.pipe.recv() if self.pipe.poll(PATIENCE) else None
        except (EOFError, OSError):
            # It was killed before it spoke, or while it did.
            return None

    def go(self) -> None:
        """Lets one that waits begin."""
        self.pipe.send("go")

    @property
    def pid(self) -> int:
        assert self.process.pid
        return self.process.pid

    def ended_within(self, seconds: float) -> bool:
        """Whether it ends by itself within so many seconds."""
        until = time.monotonic() + seconds
        # Heard at once: who has much to say ends only when it has been heard.
        if self.last is None and wait([self.process.sentinel, self.pipe], seconds) == [self.pipe]:
            self.last = self._hear()
        self.process.join(max(0, until - time.monotonic()))
        return not self.process.is_alive()

    def kill(self) -> None:
        """Kills it with SIGKILL, unless it has just ended by itself."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.join()

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        return self.process.exitcode == -signal.SIGKILL

    @property
    def drained(self) -> bool:
        """Whether it ended with nothing left to send."""
        return self.process.exitcode == 0

    def done(self) -> Done:
        """What it said at its end; nothing, if it came to none."""
        if self.last is None:
            self.last = self._hear() or Done([], 0)
        return self.last


class Stage:
    """An office of so many units with an empty ledger, the day on which it goes live still to come.

    ``spec`` holds what is the same for all replicas. Everything is gone at the end, save when
    ``keep`` is set.
    """

    def __init__(
        self, database: str, units: int, *, manners: Manners = POLITE, **spec: Any
    ) -> None:
        self.database, self.units, self.spec = database, units, spec
        self.home = Path(tempfile.mkdtemp(prefix="campaign-"))
        (self.home / "schedules.yaml").write_text(oracle.calendar(units), "utf-8")
        self.log = self.home / "arrived.jsonl"
        self.log.touch()
        self.faults: list[Fault] = []
        self.begun: dict[date, float] = {}
        self.stuck = self.failed = 0
        self.extra: set[Item] = set()
        self.started: list[Replica] = []
        self.port, self.manners = 0, manners
        self.open()
        self.url = databases.fresh(database, self.home)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        for replica in self.started:
            if replica.process.is_alive():
                replica.kill()
        self.close()
        databases.drop(self.url)
        databases.drop(self.url + databases.SAVED)
        if kind is None:
            shutil.rmtree(self.home)

    def open(self) -> None:
        """The mail server serves, always at the same port."""
        with socket.create_server(("127.0.0.1", self.port), backlog=64) as listener:
            self.port = listener.getsockname()[1]
            given = (listener, str(self.log), self.manners)
            self.sink = CONTEXT.Process(target=sink.serve, args=given)
            self.sink.start()

    def close(self) -> None:
        """Nobody listens at its port any more."""
        self.sink.kill()
        self.sink.join()

    @property
    def ledger(self) -> Path:
        """The file of a ledger on SQLite."""
        return self.home / "ledger.db"

    @property
    def saved(self) -> Path:
        """That of the one put away."""
        return self.home / f"ledger.db{databases.SAVED}"

    def start(self, day: date, **changes: Any) -> Replica:
        """Starts a replica at nine o'clock of a day."""
        self.begun.setdefault(day, time.monotonic())
        given = {"url": self.url, "at": f"{day}T09:00+08:00", **self.spec, **changes}
        replica = Replica(Spec(home=str(self.home), port=self.port, **given))
        self.started = [one for one in self.started if one.process.is_alive()] + [replica]
        return replica

    def whole(self, day: date, **changes: Any) -> Done:
        """A replica that is left alone until the day is over."""
        replica = self.start(day, **changes)
        self.wait(replica)
        return replica.done()

    def wait(self, *replicas: Replica, limit: float = 2 * PATIENCE) -> None:
        """Until all have ended by themselves; those that hang or gave up are counted as stuck."""
        for replica in replicas:
            if not replica.ended_within(limit):
                replica.kill()
            self.stuck += not replica.drained
            self.failed += replica.done().failures

    def kill(self, replica: Replica) -> None:
        """Kills a replica, which counts as a fault."""
        with self.fault():
            replica.kill()

    @contextmanager
    def fault(self) -> Iterator[None]:
        """What happens meanwhile counts as a fault."""
        begun = time.monotonic()
        yield
        self.faults.append(Fault(begun, time.monotonic()))

    def killed(self, replica: Replica) -> bool:
        """Whether a replica died of itself, which counts as a fault, instead of ending its day."""
        with self.fault():
            assert replica.ended_within(2 * PATIENCE), "a replica hangs"
        if not replica.killed:
            self.faults.pop()
        return replica.killed

    def put_away(self) -> None:
        """Remembers the ledger as it is now, for ``rewind``; nobody may be at work."""
        databases.copy(self.url, self.url + databases.SAVED)

    def rewind(self, days: Iterable[date]) -> None:
        """The ledger is as it was put away, and of what arrived only ``days`` remain."""
        databases.copy(self.url + databases.SAVED, self.url)
        kept = [each for each in sink.arrivals(self.log) if each.items()[0].day in set(days)]
        self.log.write_text("".join(f"{json.dumps(each)}\n" for each in kept))
        self.faults, self.stuck = [], 0
        self.begun = {day: at for day, at in self.begun.items() if day in set(days)}

    def evidence(self) -> Evidence:
        """What the judge has to know."""
        listed, unknown, queued = _said(self.url)
        return Evidence(
            expected=oracle.expected(self.units, self.begun) | self.extra,
            arrivals=sink.arrivals(self.log),
            listed=listed,
            unknown=unknown,
            stuck=self.stuck + queued,
            failed=self.failed,
            faults=self.faults,
            begun=self.begun,
        )


def _said(url: str) -> tuple[list[int], set[tuple[str, date]], int]:
    """What the product itself says: the messages of which it lists a second copy, once for each
    copy; those that it has given up as unknown after the attempts that it owes, by address and
    day; and how many wait."""
    engine = create_engine(url)
    with engine.begin() as conn:
        listed = [each.message_id for each in queries.possible_duplicates(conn)]
        queued = queries.health(conn).queued
        unanswered = select(func.count()).where(
            attempt.c.message_id == message.c.id,
            attempt.c.outcome == "unknown",
            attempt.c.detail != str(outcomes.DIED),
        )
        asked_enough = or_(
            unanswered.scalar_subquery() >= outcomes.MAX_UNKNOWN,
            message.c.attempts >= outcomes.MAX_DEATHS,
        )
        rows = conn.execute(
            select(*message.c["address", "at"]).where(message.c.state == "unknown", asked_enough)
        )
        unknown = {(address, at.astimezone(CHINA).date()) for address, at in rows}
    engine.dispose()
    return listed, unknown, queued
