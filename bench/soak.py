"""Whether the daemon grows: passes 50 times as often, each with 50 times as much time gone by.

``python -m bench.soak [MINUTES]`` prints this table alone; 2 minutes unless more are wanted. Mail
goes to a server that takes it, and most of what falls due is closed by the office in the afternoon.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple

from bench.idle import figure
from bench.measure import ENVIRONMENT, KIB, MB, ROOT, Table
from bench.sink import sink

if TYPE_CHECKING:
    from dispatcher.dispatch.parts import Parts

MINUTES = 2.0
TICK, TIMES = 30.0, 50
"""Seconds between two passes of an idle daemon, and how much harder it is worked here."""
STEP = timedelta(seconds=TICK * TIMES)
START = datetime(2026, 3, 2, 0, 45, tzinfo=UTC)
"""A Monday before nine, by China's clock."""
AFTERNOON = 15
KEPT_OPEN = 10
"""One in so many is left to become overdue."""
WARM_UP = 0.25
"""So much of the time is left out of the slopes: what is imported and cached once."""


class Sample(NamedTuple):
    """Seconds since the start, the process's figures, and what it has done until then."""

    seconds: float
    memory: int
    files: int
    wal: int
    passes: int
    messages: int
    day: str


def bench(minutes: float = MINUTES) -> list[Table]:
    """The table of slopes."""
    with tempfile.TemporaryDirectory() as folder, sink() as server:
        samples = list(_run(Path(folder), server.port, minutes * 60))
    last = samples[-1]
    measured = samples[int(len(samples) * WARM_UP) :]
    rows = [
        _row("resident memory", "MB", MB, [each.memory for each in measured], measured),
        _row("open files", "", 1, [each.files for each in measured], measured),
        _row("write-ahead log", "MB", MB, [each.wal for each in measured], measured),
    ]
    note = (
        f"{last.passes:,} passes and {last.messages:,} messages in {minutes:g} minutes, a calendar "
        f"time from {samples[0].day} to {last.day}; the first quarter is left out. "
        "The slope is that of the line of least squares, with its standard error."
    )
    header = ("figure", "first", "last", "most", "slope an hour")
    return [Table(f"A soak at {TIMES} times the normal load", header, rows, [note])]


def _row(
    name: str, unit: str, scale: float, values: Sequence[float], samples: Sequence[Sample]
) -> list[str]:
    hours = [each.seconds / 3600 for each in samples]
    scaled = [value / scale for value in values]
    slope, error = _slope(hours, scaled)
    digits = 1 if unit else 0
    shown = (f"{value:.{digits}f} {unit}".strip() for value in (scaled[0], scaled[-1], max(scaled)))
    return [name, *shown, f"{slope:+.2f} ± {error:.2f} {unit}".strip()]


def _slope(times: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    slope, intercept = statistics.linear_regression(times, values)
    rest = sum((y - slope * x - intercept) ** 2 for x, y in zip(times, values, strict=True))
    spread = sum((x - statistics.fmean(times)) ** 2 for x in times)
    return slope, (rest / (len(times) - 2) / spread) ** 0.5


def _run(folder: Path, port: int, seconds: float) -> Iterator[Sample]:
    """What the worked process says of itself, a line after each pass."""
    command = [sys.executable, "-m", "bench.soak", "work", str(folder), str(port), str(seconds)]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            yield Sample(*json.loads(line))
    assert process.returncode == 0, process.returncode


# ----------------------------------------------------------------------------- the worked process


def work(folder: Path, port: int, seconds: float) -> None:
    """Runs passes for so many seconds on a clock of its own."""
    from dispatcher import bootstrap
    from dispatcher.settings import load_settings
    from dispatcher.watch import Watch

    given = {
        "LIVE": "1",
        "SMTP_URL": f"smtp+plain://127.0.0.1:{port}",
        "MAIL_FROM": "office@example.com",
    }
    settings = load_settings({f"DISPATCHER_{name}": value for name, value in given.items()}, folder)
    calendar, now = bootstrap.read_revision(settings.schedules), START
    parts = bootstrap.parts(
        settings, calendar, bootstrap.database(settings), lambda: now, threading.Event()
    )
    sent = [0]
    watch = Watch(settings, parts, lambda report: sent.append(report.counts["sent"]), None)
    watch.open()
    begun, wal = monotonic(), Path(f"{parts.engine.url.database}-wal")
    while monotonic() - begun < seconds:
        watch()
        _answer(parts, now)
        number, now = len(sent) - 1, now + STEP
        _say(Sample(monotonic() - begun, *_own(wal), number, sum(sent), f"{now:%Y-%m-%d}"))
        sleep(max(begun + number * TICK / TIMES - monotonic(), 0))


def _answer(parts: Parts, now: datetime) -> None:
    """In the afternoon the office closes most of what is due."""
    from dispatcher.dispatch.answering import answer, named
    from dispatcher.ledger import queries
    from dispatcher.ledger.answers import Said

    local = now.astimezone(parts.plan.zone)
    if local.hour != AFTERNOON:
        return
    with parts.engine.begin() as conn:
        due = queries.outstanding(conn, local.date())
        for number, each in enumerate(due):
            if number % KEPT_OPEN:
                key = f"{each.duty}/{each.period}@{each.unit}"
                said = Said("done", "张三", "", despite="已核")
                answer(conn, parts.plan, named(conn, parts.plan, key, now), said, now)


def _own(wal: Path) -> tuple[int, int, int]:
    """Resident bytes, open files, bytes of the write-ahead log."""
    memory = figure(Path("/proc/self/status"), "VmRSS") * KIB
    files = len(list(Path("/proc/self/fd").iterdir()))
    return memory, files, wal.stat().st_size if wal.exists() else 0


def _say(sample: Sample) -> None:
    print(json.dumps(sample), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        home, port, seconds = sys.argv[2:]
        work(Path(home), int(port), float(seconds))
    else:
        print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
        for table in bench(*map(float, sys.argv[1:])):
            print(table.markdown())
