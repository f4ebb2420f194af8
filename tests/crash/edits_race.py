"""A clerk who edits the calendar at random while replicas pass and months go by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Condition, Event, Lock, Thread
from time import sleep

from sqlalchemy import event

from dispatcher.dispatch import revising
from dispatcher.ledger import revisions
from dispatcher.ledger.database import Engine, create_engine
from tests.building import local
from tests.crash.edits import NAME, Daemon, ask, post_kept
from tests.crash.edits_calendar import BEGUN, edited
from tests.crash.edits_judge import Judge
from tests.crash.edits_record import witness

HOURS = (9, 14, 20)
PASSES = 3
"""So many at each moment at least."""
BAD = ("", "plan: {", "plan: {title: 计划}\nduties: []\n", "日历\0")


class Clock:
    """Stands still while anybody passes, but for a microsecond at each look."""

    def __init__(self) -> None:
        self.now, self.passes, self._busy, self._turning = local("2026-01-05 09:00"), 0, 0, False
        self._changed, self._looking = Condition(), Lock()

    def __call__(self) -> datetime:
        with self._looking:
            self.now += timedelta(microseconds=1)
            return self.now

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Nobody turns it meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._turning)
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def passed(self) -> None:
        """Somebody has passed."""
        with self._changed:
            self.passes += 1
            self._changed.notify_all()

    def turn(self, passes: int) -> None:
        """To the next moment of some day, once so many have passed."""
        with self._changed:
            before = self.passes
            self._changed.wait_for(lambda: self.passes >= before + passes, timeout=120)
            self._turning = True
            self._changed.wait_for(lambda: not self._busy)
            self.now = next_moment(self.now)
            self._turning = False
            self._changed.notify_all()


def next_moment(now: datetime) -> datetime:
    day = now.astimezone(local("2026-01-05").tzinfo) + timedelta(hours=8)
    later = [hour for hour in HOURS if hour > day.hour]
    if not later:
        day += timedelta(days=1)
    return local(f"{day:%Y-%m-%d} {(later or HOURS)[0]:02}:00")


class Settling(Event):
    """What the daemons wait on before they look at the file again: longer than any save takes."""

    def __init__(self, saving: Lock) -> None:
        super().__init__()
        self._saving = saving

    def wait(self, timeout: float | None = None) -> bool:
        with self._saving:
            return self.is_set()


class Clerk:
    """Edits the file, now and then badly, and agrees to what is held, now and then too late."""

    def __init__(self, file: Path, engine: Engine, clock: Clock, seed: int) -> None:
        self.file, self.engine, self.clock = file, engine, clock
        self.chance, self.saving = Random(seed), Lock()
        self.calendar, self.written = BEGUN, {BEGUN.text: BEGUN}
        self.agreed: dict[int, str | None] = {}
        self.halves: set[bytes] = set()
        self.lost: list[str] = []

    def work(self, edits: int) -> None:
        """So many edits."""
        for _edit in range(edits):
            self.edit()

    def edit(self) -> None:
        """One edit: another calendar, or an earlier one again; before it sometimes a bad text."""
        if self.chance.random() < 0.1:
            self.save(self.chance.choice(BAD))
            self.rest()
        if self.chance.random() < 0.15:
            self.calendar = self.chance.choice([*self.written.values()][-4:])
        else:
            today = self.clock.now.astimezone(UTC).date()
            self.calendar = edited(self.calendar, self.chance, today)
        self.written[self.calendar.text] = self.calendar
        self.save(self.calendar.text)
        self.rest()
        if self.chance.random() < 0.5:
            self.agree()
        if self.chance.random() < 0.1:
            self.check()

    def rest(self) -> None:
        sleep(self.chance.choice([0, 0, 0.05, 0.3]))

    def save(self, text: str) -> None:
        """In one go, by another file in its place, or in two halves."""
        way, content = self.chance.choice(["at once", "replaced", "halves"]), text.encode()
        if way == "replaced":
            draft = self.file.with_name("draft")
            draft.write_bytes(content)
            draft.replace(self.file)
            return
        with self.saving, self.file.open("wb", buffering=0) as file:
            half = self.half(content) if way == "halves" else None
            file.write(content[:half])
            if half is not None:
                sleep(0.02)
                file.write(content[half:])

    def half(self, content: bytes) -> int | None:
        """Where a save is halved: never so that two of them show the same, or the second look at
        the file might meet the half of the next save; None where that cannot be any more."""
        left = [n for n in range(len(content) + 1) if content[:n] not in self.halves]
        if not left:
            return None
        ends = [n for n in left if content[:n].endswith(b"\n")]
        half = self.chance.choice([*ends[-4:], self.chance.choice(left)])
        self.halves.add(content[:half])
        return half

    def agree(self) -> None:
        """As 'dispatcher apply' does it, looking first and asking then."""
        with self.clock.standing():
            with self.engine.begin() as conn:
                waits, running = revisions.waiting(conn), revisions.running(conn)
            if not waits or waits.state != "held":
                return
            sleep(self.chance.choice([0, 0.02]))
            with self.engine.begin() as conn:
                if (waits, running) == (revisions.waiting(conn), revisions.running(conn)):
                    revising.agree(conn, waits, "李主任", self.clock())
                    self.agreed[waits.id] = running

    def check(self) -> None:
        """Waits a while: then what was saved last is in force, or waits."""
        before = self.clock.passes
        while self.clock.passes < before + 4 * PASSES:
            sleep(0.01)
        if self.calendar.text not in considered(self.engine):
            self.lost.append(self.calendar.text)


def considered(engine: Engine) -> list[str]:
    """The calendars that are in force or wait."""
    query = (
        "SELECT calendar FROM revision WHERE hash IN (SELECT revision FROM installation)"
        " OR hash IN (SELECT hash FROM edit WHERE state IN ('held', 'agreed'))"
    )
    return [text for (text,) in ask(engine, query)]


class Replica(Thread):
    """Passes as fast as it can until it is told to stop."""

    def __init__(self, daemon: Daemon, clock: Clock) -> None:
        super().__init__(daemon=True)
        self.passes, self.clock = daemon, clock
        self.enough, self.failure = Event(), ""

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                with self.clock.standing():
                    self.passes()
                self.clock.passed()
        except BaseException as error:
            self.failure = repr(error)
            raise


def race(database: str, engine: Engine, folder: Path, edits: int, seed: int) -> Judge:
    """``edits`` of a clerk against passes; afterwards some days without any."""
    file, clock = folder / NAME, Clock()
    file.write_text(BEGUN.text, "utf-8")
    clerk = Clerk(file, another(engine), clock, seed)
    settling = Settling(clerk.saving)
    names = ("one", "two") if database == "postgresql" else ("one",)
    with post_kept(plainly=True) as sent, witness(engine):
        daemons = [
            Daemon(another(engine), folder / name, clock, file=file, stop=settling)
            for name in names
        ]
        replicas = [Replica(daemon, clock) for daemon in daemons]
        working = Thread(target=clerk.work, args=[edits], daemon=True)
        for thread in (*replicas, working):
            thread.start()
        while working.is_alive():
            clock.turn(PASSES)
            assert not [replica.failure for replica in replicas if replica.failure]
        for _moment in range(6 * len(HOURS)):
            clock.turn(4 * len(replicas))
        for replica in replicas:
            replica.enough.set()
            replica.join()
        assert not any(daemon.reload.restless() for daemon in daemons)
        judge = Judge(engine, clerk.written, sent, clock.now)
        judge.counts.update(passes=clock.passes, saved=edits)
        lost = {file.read_text("utf-8")} - {*considered(engine)}
        judge.wrong += [f"an edit is lost: {text}" for text in (*clerk.lost, *lost)]
        judge.all(clerk.agreed)
    for engine in (clerk.engine, *(daemon.engine for daemon in daemons)):
        engine.dispose()
    return judge


def another(engine: Engine) -> Engine:
    """The same database, for another process."""
    found = create_engine(engine.url.render_as_string(hide_password=False))
    if engine.dialect.name == "sqlite":
        off = "PRAGMA synchronous = OFF"
        event.listen(found, "connect", lambda raw, _record: raw.execute(off))
    return found
