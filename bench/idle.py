"""What a daemon costs that has nothing to do, beside a scheduler with nothing in it.

``python -m bench.idle [SECONDS]`` prints this table alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import NamedTuple

from bench.measure import ENVIRONMENT, KIB, MB, ROOT, Table

SECONDS, SETTLING = 60.0, 20.0
MEMORY_TARGET, WAKE_UPS_TARGET = 0.7, 2
DAEMON = (sys.executable, "-m", "dispatcher", "run", "--now")
SUNDAY, WORKDAY = "2026-11-22T10:00+08:00", "2026-11-23T10:00+08:00"
BARE = """\
import threading
import sqlalchemy.orm
from apscheduler.schedulers.background import BackgroundScheduler
scheduler = BackgroundScheduler(timezone="UTC")
scheduler.add_job(lambda: None, "interval", seconds=30)
scheduler.start()
threading.Event().wait()
"""
CONTESTANTS: dict[str, Sequence[str]] = {
    "APScheduler with SQLAlchemy's ORM loaded, one job that does nothing": (
        *(sys.executable, "-c", BARE),
    ),
    "dispatcher, nothing due since its start": (*DAEMON, SUNDAY),
    "dispatcher, having made its ledger and sent its first day's messages": (*DAEMON, WORKDAY),
}


class Idle(NamedTuple):
    """Resident bytes, and wake-ups a second."""

    memory: float
    wake_ups: float


def bench(seconds: float = SECONDS) -> list[Table]:
    """The table; all run at the same time, since each has next to nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        found = _measured(Path(folder), seconds)
    base = found[0].memory
    rows = [
        (name, f"{idle.memory / MB:.1f} MB", f"{idle.memory / base:.2f} x", f"{idle.wake_ups:.2f}")
        for name, idle in zip(CONTESTANTS, found, strict=True)
    ]
    note = (
        f"Targets: at most {MEMORY_TARGET} x and {WAKE_UPS_TARGET} a second. The shipped calendar; "
        f"memory is what is resident, after {SETTLING + seconds:.0f} s; wake-ups are the voluntary "
        f"context switches of all threads in the last {seconds:.0f} s."
    )
    header = ("process", "memory", "ratio", "wake-ups a second")
    return [Table("A process with nothing to do", header, rows, [note])]


def _measured(folder: Path, seconds: float) -> list[Idle]:
    with _started(folder) as pids:
        sleep(SETTLING)
        before = [wake_ups(pid) for pid in pids]
        sleep(seconds)
        after = [wake_ups(pid) for pid in pids]
        counts = zip(before, after, strict=True)
        rates = [(last - first) / seconds for first, last in counts]
        memory = [figure(Path("/proc", str(pid), "status"), "VmRSS") * KIB for pid in pids]
    return [Idle(*each) for each in zip(memory, rates, strict=True)]


@contextmanager
def _started(folder: Path) -> Iterator[list[int]]:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(CONTESTANTS.values()):
            home = folder / str(number)
            home.mkdir()
            environment = ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
            if SUNDAY in command:
                once = (*command, "--once")
                subprocess.run(
                    once, cwd=home, env=environment, stdout=subprocess.DEVNULL, check=True
                )
            processes.append(
                subprocess.Popen(
                    command,
                    cwd=home,
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        yield [process.pid for process in processes]
        ended = [process.args for process in processes if process.poll() is not None]
        assert not ended, f"{ended} did not go on"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def wake_ups(pid: int) -> int:
    """How often any thread of a process has gone to sleep by itself."""
    threads = Path("/proc", str(pid), "task").iterdir()
    return sum(figure(thread / "status", "voluntary_ctxt_switches") for thread in threads)


def figure(status: Path, name: str) -> int:
    """A figure of a process's or thread's status file."""
    lines = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
    return int(lines[name].split()[0])


if __name__ == "__main__":
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
    for table in bench(*map(float, sys.argv[1:])):
        print(table.markdown())
