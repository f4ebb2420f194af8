"""Kind of run in which the clock jumps: the product's own watch over its passes, in a process whose
machine shows the clocks that the campaign tells it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import exp, log
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from campaign import oracle, sink
from campaign.kills import SMALL
from campaign.replica import PAUSE, Spec, environ, log_to, patched
from campaign.runs import Run, finished
from campaign.stage import CHINA, CONTEXT, PATIENCE, Stage
from dispatcher import bootstrap
from dispatcher.dispatch.steadiness import Reading
from dispatcher.holds import Machine, accept_clock
from dispatcher.ledger import database, queries
from dispatcher.settings import load_settings
from dispatcher.watch import Watch

GREATEST = 10 * 365 * 86400
NOTICED = 60
"""Seconds by which a clock may differ without being doubted."""
LOOK = timedelta(seconds=30)
AWAY = timedelta(hours=8)
"""What a wrong clock may be off, still being within the day on which everything was told."""


class Shown(NamedTuple):
    """What the machine shows: its clock, the seconds since its start, and whether its kernel says
    that something keeps the clock right."""

    at: datetime
    up: float
    synchronised: bool = False


def jumps(seed: int, count: int, mutant: str = "") -> Run:
    """``count`` jumps of 1 second to 10 years, back or forward, in an office that has been told
    everything of its day; what has to be held, how it ends, and whether the process is killed
    meanwhile is drawn. After each jump comes a day that must be told as ever."""
    chance = random.Random(seed)
    with Stage("sqlite", SMALL) as stage:
        scene = Scene(stage, mutant, chance)
        scene.lives(next(scene.days))
        for _jump in range(count):
            chance.choice(ENDINGS)(scene)
            scene.lives(next(scene.days))
        scene.stop()
        found = finished(stage)
        counts = {"unexpected": found.counts["unexpected"] + len(scene.believed)}
        counts["stuck"] = found.counts["stuck"] + len(scene.deaf)
        return Run(count, found.counts | counts, found.examples + scene.believed + scene.deaf)


class Scene:
    """The machine, and the process at work on it.

    ``believed`` are jumps by which something was sent or done that had to be held, ``deaf`` those
    that went on being held when they should not.
    """

    def __init__(self, stage: Stage, mutant: str, chance: random.Random) -> None:
        self.stage, self.chance = stage, chance
        self.spec = Spec(str(stage.home), stage.url, stage.port, "", mutant=mutant)
        self.days: Iterator[date] = oracle.workdays()
        self.shown = Shown(_nine(oracle.FIRST), 1000.0)
        self.believed: list[str] = []
        self.deaf: list[str] = []
        self.start()

    def start(self) -> None:
        """The process begins, or begins again."""
        self.pipe, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=watch, args=(self.spec, theirs))
        self.process.start()

    def stop(self) -> None:
        """Kills the process, which has nothing in hand."""
        self.process.kill()
        self.process.join()

    def look(self, after: timedelta = LOOK) -> str:
        """Lets time pass, and the watch look once; why nothing was done, if so."""
        at, up, synchronised = self.shown
        self.shown = Shown(at + after, up + after.total_seconds(), synchronised)
        if self.chance.random() < 0.3:
            self.stop()
            self.start()
        self.pipe.send(self.shown)
        assert self.pipe.poll(PATIENCE), "the watch hangs"
        return str(self.pipe.recv())

    def lives(self, day: date) -> None:
        """A day comes, by every clock, and is told."""
        self.stage.begun[day] = time.monotonic()
        self.expect_well(_nine(day) - self.shown.at, f"the day {day} comes")

    def jump(self, seconds: float) -> None:
        """The clock is set, by so much."""
        self.shown = self.shown._replace(at=self.shown.at + timedelta(seconds=seconds))

    def expect_held(self, seconds: float, looks: int = 1) -> None:
        """Nothing is done, let alone sent, while the clock is off by so much."""
        before = len(sink.arrivals(self.stage.log))
        held = [self.look() for _look in range(looks)]
        sent = len(sink.arrivals(self.stage.log)) - before
        # With each look a clock that was set back comes nearer to what it had shown.
        nearer = LOOK.total_seconds() * (looks if seconds < 0 else 1)
        if sent or (abs(seconds) > NOTICED + nearer and not all(held)):
            self.believed.append(f"jump of {seconds:.0f} s: {sent} sent, held: {held}")

    def expect_well(self, after: timedelta, what: str) -> None:
        """What is due is done, after three minutes at the latest."""
        held = self.look(after)
        for _look in range(5):
            held = held and self.look()
        if held:
            self.deaf.append(f"{what}: {held}")

    def size(self, greatest: float = GREATEST) -> float:
        """Seconds, as likely between one and ten as between a year and ten."""
        return exp(self.chance.uniform(0, log(greatest)))


def _taken_back(scene: Scene) -> None:
    """Somebody notices, and sets the clock right before it has been steady for long."""
    size = scene.size() * scene.chance.choice((1, -1))
    scene.jump(size)
    scene.expect_held(size, scene.chance.randint(1, 3))
    scene.jump(-size)
    scene.expect_well(LOOK, f"jump of {size:.0f} s taken back")


def _time_comes(scene: Scene) -> None:
    """A clock set back goes on until it shows again what it had shown."""
    size, shown = scene.size(), scene.shown.at
    scene.jump(-size)
    scene.expect_held(-size, scene.chance.randint(1, 3))
    again = max(LOOK, shown + LOOK - scene.shown.at)
    scene.expect_well(again, f"jump of {-size:.0f} s over")


def _steady(scene: Scene) -> None:
    """A clock set forward within the day is believed after two minutes."""
    size = scene.size(AWAY.total_seconds())
    scene.jump(size)
    scene.expect_held(size, 3)
    scene.look()
    scene.expect_well(LOOK * 2, f"jump of {size:.0f} s steady")


def _resumed(scene: Scene) -> None:
    """A clock set back within the day is right, as a person says."""
    size = scene.size(AWAY.total_seconds())
    scene.jump(-size)
    scene.expect_held(-size, scene.chance.randint(1, 5))
    accept_clock(scene.stage.home / "var")
    scene.expect_well(LOOK, f"jump of {-size:.0f} s resumed")


def _was_right(scene: Scene) -> None:
    """A clock set forward by days is right, as the kernel or a person says: that day is told."""
    for _day in range(scene.chance.randint(3, 6)):
        day = next(scene.days)
    size = (_nine(day) - scene.shown.at).total_seconds()
    scene.jump(size)
    scene.expect_held(size, 6)
    if scene.chance.random() < 0.5:
        scene.shown = scene.shown._replace(synchronised=True)
    else:
        accept_clock(scene.stage.home / "var")
    scene.stage.begun[day] = time.monotonic()
    scene.expect_well(LOOK, f"jump of {size:.0f} s right")
    scene.shown = scene.shown._replace(synchronised=False)


ENDINGS = (_taken_back, _time_comes, _steady, _resumed, _was_right)


def _nine(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=CHINA)


# ------------------------------------------------------------------------------- the process


def watch(spec: Spec, asked: Connection) -> None:
    """Looks as often as it is shown a clock, and says why it did nothing. For ever."""
    log_to(Path(spec.home) / "replica.log")
    patched(spec)
    settings = load_settings(environ(spec), Path(spec.home))
    calendar = bootstrap.read_revision(settings.schedules)
    engine = bootstrap.database(settings)
    shown = asked.recv()
    machine = Machine(lambda: Reading(shown.at, shown.up, "boot"), lambda: shown.synchronised)
    with database.single_daemon(engine) as alone:
        parts = bootstrap.parts(settings, calendar, engine, lambda: shown.at)
        watching = Watch(settings, parts, lambda _report: None, machine, orphans=alone)
        while True:
            asked.send(_look(watching))
            shown = asked.recv()


def _look(watching: Watch) -> str:
    """A pass, and another as long as something is left to send."""
    for _pass in range(100):
        try:
            watching()
        except Exception:
            logging.exception("a pass failed")
        if watching.trouble:
            return str(watching.trouble.why)
        with watching.parts.engine.begin() as conn:
            if not queries.health(conn).queued:
                return ""
        time.sleep(PAUSE)
    return "something is left to send"
