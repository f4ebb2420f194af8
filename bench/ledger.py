"""Passes over ledgers of ten thousand to a million open assignments, of which ten thousand are due.

Each pass is a whole one: it follows the plan, tells, composes the real messages, hands them to a
channel that only remembers them, and commits every step as the daemon does.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.filled import DUE, FEW, MONDAY, OVERDUE, TUESDAY, UNITS, instant, make_ledger, plan_of
from bench.measure import KIB, MB, ROOT, Table, output

if TYPE_CHECKING:
    from dispatcher.channels.contract import OnUnknown, Outgoing, Receipt
    from dispatcher.dispatch.parts import Parts

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 3
TARGET = 1.5
BLOCK = 1 << 24


class Pass(NamedTuple):
    """When a pass runs, and what it must do, by its own report."""

    title: str
    at: datetime
    does: dict[str, int]


PASSES = (
    Pass(
        f"the first of a day: {FEW} lapse, {FEW} slips are drafted, the brief",
        instant(MONDAY, 9),
        {"lapsed": FEW, "voided": FEW, "drafted": FEW, "sent": 1},
    ),
    Pass("the first of a day, at night: nothing is told", instant(TUESDAY, 0, 1), {}),
    Pass(
        f"{DUE:,} due: {UNITS:,} digests of {DUE // UNITS}, the brief",
        instant(TUESDAY, 9),
        {"told": DUE, "messages": UNITS, "sent": UNITS + 1},
    ),
    Pass("nothing due", instant(TUESDAY, 9, 1), {}),
)
DIGESTS = 2
"""The place of the pass that sends them."""


class Shelf:
    """A channel that keeps what it is given."""

    def __init__(self) -> None:
        self.name = "email"
        self.on_unknown: OnUnknown = "resend"
        self.deadline, self.connections, self.pace, self.server = 10.0, 1, 0.0, ""
        self.kept: list[Outgoing] = []

    def calls(self, _outgoing: Outgoing) -> int:
        return 1

    def send(self, outgoing: Outgoing) -> Receipt:
        from dispatcher.channels.contract import Receipt

        self.kept.append(outgoing)
        return Receipt("")

    def close(self) -> None:
        """Nothing is held."""


def bench() -> list[Table]:
    """The table of every pass and of the memory of them all, by the size of the ledger."""
    with tempfile.TemporaryDirectory() as folder:
        ledgers = {size: Path(folder, f"{size}.db") for size in SIZES}
        made = [_child("make", size, file)[0] for size, file in ledgers.items()]
        runs = [{size: _run(size, file) for size, file in ledgers.items()} for _ in range(ROUNDS)]
        megabytes = ledgers[SIZES[-1]].stat().st_size / MB
    found = [
        [statistics.median(run[size][number] for run in runs) for size in SIZES]
        for number in range(len(PASSES) + 1)
    ]
    times, peaks = found[:-1], found[-1]
    rows = [
        (each.title, *map(_shown, seconds), f"{seconds[-1] / seconds[0]:.2f} x")
        for each, seconds in zip(PASSES, times, strict=True)
    ]
    rows.append(
        ("memory", *(f"{peak / MB:.0f} MB" for peak in peaks), f"{peaks[-1] / peaks[0]:.2f} x")
    )
    header = ("pass", *(f"{size:,} open" for size in SIZES), "last to first")
    each = times[DIGESTS][-1] / PASSES[DIGESTS].does["sent"] * 1000
    notes = [
        f"Target: at most {TARGET} x.",
        f"A digest takes {each:.1f} ms, from deciding on it to its outcome on disk. Beside the "
        f"assignments that are counted, each ledger has {OVERDUE} overdue ones.",
        f"The largest ledger has {megabytes:,.0f} MB and was made in {made[-1]:.0f} s.",
    ]
    title = f"A pass over a ledger of {UNITS:,} units, of which {DUE:,} assignments are due"
    return [Table(title, header, rows, notes)]


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _run(size: int, file: Path) -> list[float]:
    """What the passes take on a copy of the ledger, which they change."""
    copy = file.with_name("copy.db")
    shutil.copyfile(file, copy)
    found = _child("run", size, copy)
    for left in file.parent.glob("copy.db*"):
        left.unlink()
    return found


def _child(task: str, size: int, file: Path) -> list[float]:
    found: list[float] = json.loads(
        output([sys.executable, "-m", __name__, task, str(size), str(file)])
    )
    return found


def run_passes(size: int, file: Path) -> list[float]:
    """Runs the passes one after the other: the seconds of each, and the process's peak in bytes."""
    import resource

    from dispatcher.dispatch.passes import run_pass

    os.sync()
    with file.open("rb") as warmed:
        while warmed.read(BLOCK):
            pass
    parts = _parts(size, file)
    found = []
    for each in PASSES:
        start = time.perf_counter()
        report = run_pass(parts._replace(clock=partial(_same, each.at)), each.at)
        found.append(time.perf_counter() - start)
        assert +report.counts == each.does, (each, report)
    return [*found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB]


def _same(at: datetime) -> datetime:
    return at


def _parts(size: int, file: Path) -> Parts:
    from dispatcher.clock import boottime
    from dispatcher.dispatch.compose import Composer
    from dispatcher.dispatch.courier import Courier
    from dispatcher.dispatch.office import Office, Site
    from dispatcher.dispatch.parts import Parts
    from dispatcher.ledger.database import create_engine

    plan = plan_of(size)
    office = Office(plan, Composer([ROOT / "templates"], plan.workdays), Site(False, ""))
    return Parts(
        engine=create_engine(f"sqlite:///{file}"),
        plan=plan,
        revision="bench",
        courier=Courier({"email": Shelf()}, boottime),
        compose=office.compose,
        queue_brief=office.queue_reports,
        clock=partial(_same, PASSES[0].at),
        stop=threading.Event(),
    )


def main(task: str, size: str, file: str) -> None:
    """A child's part: makes a ledger or runs the passes over one, and prints what that took."""
    if task == "run":
        print(json.dumps(run_passes(int(size), Path(file))))
        return
    start = time.perf_counter()
    make_ledger(Path(file), int(size))
    print(json.dumps([time.perf_counter() - start]))


if __name__ == "__main__":
    main(*sys.argv[1:])
