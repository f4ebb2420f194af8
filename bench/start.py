"""Starting from cold: `dispatcher upcoming` on the shipped file, beside khal and remind.

Every contestant gets the shipped duties as recurring entries and lists what comes next. A tool
that is not installed has a row that says so.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.measure import KIB, MB, ROUNDS, Run, Table, medians, output, process

DAYS = 30
TARGET = 12
CHINESE = "zh_CN.UTF-8"
DISPATCHER = (sys.executable, "-m", "dispatcher")
UPCOMING = (*DISPATCHER, "upcoming", "--days", str(DAYS))
PASS = "`python -c pass`"
PYTHON_ITSELF = "Python itself"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
KHAL_SETTINGS = """\
[calendars]
[[plan]]
path = {folder}/events
[sqlite]
path = {folder}/khal.db
[locale]
local_timezone = Asia/Shanghai
default_timezone = Asia/Shanghai
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
"""
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| ( *)(\S+)")


class Entry(NamedTuple):
    """A duty as an entry of a common calendar: at the end of some months, every year."""

    id: str
    title: str
    months: list[int]


def bench() -> list[Table]:
    """The table of starts, and what each import of ours costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        entries = _entries()
        _write_events(folder, entries)
        _write_reminders(folder, entries)
        return [_starts(folder, len(entries)), _imports()]


def _starts(folder: Path, entries: int) -> Table:
    contestants: dict[str, Callable[[], Run]] = {
        PASS: partial(process, (sys.executable, "-c", "pass")),
        "`dispatcher --version`": partial(process, (*DISPATCHER, "--version")),
        f"`dispatcher upcoming --days {DAYS}`": partial(process, UPCOMING),
        "the same, in Chinese": partial(process, UPCOMING, CHINESE),
    }
    others = {
        f"`khal list today {DAYS}d`": (
            *("khal", "-c", f"{folder}/khal.conf"),
            *("list", "today", f"{DAYS}d"),
        ),
        "`remind -n`": ("remind", "-n", f"{folder}/plan.rem"),
    }
    missing = [name for name, command in others.items() if not shutil.which(command[0])]
    contestants |= {
        name: partial(process, command) for name, command in others.items() if name not in missing
    }
    found = medians(contestants)
    base = found[PASS].seconds
    rows = [
        (name, f"{run.seconds * 1000:.0f} ms", f"{run.seconds / base:.1f} x", _peak(run))
        for name, run in found.items()
    ]
    rows += [(name, "not installed", "", "") for name in missing]
    title = f"A cold start, {entries} duties"
    note = f"Target: `dispatcher upcoming` at most {TARGET} x."
    return Table(title, ("command", "time", "ratio", "memory"), rows, [note])


def _peak(run: Run) -> str:
    """The peak, unless it is no more than that of this process, which the child began as."""
    import resource

    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    return f"{run.peak / MB:.0f} MB" if run.peak > floor else f"under {floor / MB:.0f} MB"


# ------------------------------------------------------------------------------- other calendars


def _entries() -> list[Entry]:
    """The shipped duties with the months in which this year's occurrences fall due."""
    year = time.strftime("%Y")
    span = ("--from", f"{year}-01-01", "--to", f"{year}-12-31", "--format", "json")
    months: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one in json.loads(output([*DISPATCHER, "upcoming", *span])):
        months[one["duty"], one["title"]].add(date.fromisoformat(one["nominal_due"]).month)
    return [Entry(id, title, sorted(found)) for (id, title), found in months.items()]


def _write_events(folder: Path, entries: Sequence[Entry]) -> None:
    """A vdir, one recurring all-day event a file, and khal's settings."""
    (folder / "events").mkdir()
    for entry in entries:
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN", *_event(entry)]
        text = "\r\n".join([*lines, "END:VCALENDAR", ""])
        (folder / "events" / f"{entry.id}.ics").write_text(text, "utf-8", newline="")
    (folder / "khal.conf").write_text(KHAL_SETTINGS.format(folder=folder))


def _event(entry: Entry) -> list[str]:
    months = ",".join(str(month) for month in entry.months)
    first_day = f"2023{entry.months[0]:02}{monthrange(2023, entry.months[0])[1]}"
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.id}@example.com",
        "DTSTAMP:20230101T000000Z",
        f"DTSTART;VALUE=DATE:{first_day}",
        f"RRULE:FREQ=MONTHLY;BYMONTH={months};BYMONTHDAY=-1",
        f"SUMMARY:{entry.title}",
        "END:VEVENT",
    ]


def _write_reminders(folder: Path, entries: Sequence[Entry]) -> None:
    """A file for remind, where the end of a month is the day before the next one begins."""
    lines = [
        f"REM {MONTHS[month % 12]} 1 -1 MSG {entry.title}\n"
        for entry in entries
        for month in entry.months
    ]
    (folder / "plan.rem").write_text("".join(lines), "utf-8")


# ------------------------------------------------------------------------------------- imports


def _imports() -> Table:
    """Milliseconds by package: its own modules, and the standard library's that it brings in."""
    runs = [_import_times() for _round in range(ROUNDS)]
    names = sorted(runs[0], key=lambda name: -sum(runs[0][name]))
    rows = []
    for name in names:
        own, brought = (
            statistics.median(run[name][part] for run in runs) / 1000 for part in (0, 1)
        )
        if own + brought >= 1 and name != PYTHON_ITSELF:
            rows.append((f"`{name}`", f"{own:.1f} ms", f"{brought:.1f} ms"))
    note = (
        "By `python -X importtime`, which itself makes imports slower; packages under 1 ms are "
        f"left out. {PYTHON_ITSELF} takes "
        f"{statistics.median(sum(run[PYTHON_ITSELF]) for run in runs) / 1000:.1f} ms of the same."
    )
    header = ("package", "its own modules", "standard library that it is the first to import")
    return Table("What each import of `dispatcher upcoming` costs", header, rows, [note])


def _import_times() -> dict[str, tuple[float, float]]:
    own: dict[str, float] = defaultdict(float)
    brought: dict[str, float] = defaultdict(float)
    for module, owner, microseconds in _owned(output([sys.executable, "-X", "importtime",
                                                      *UPCOMING[1:]], errors=True)):  # fmt: skip
        column = own if module.partition(".")[0] == owner else brought
        column[owner] += microseconds
    return {name: (own[name], brought[name]) for name in {*own, *brought}}


def _owned(report: str) -> Iterator[tuple[str, str, int]]:
    """Each module with the package that made Python import it, and its own microseconds.

    The report names a module after those that it imports; from the end, an importer comes first.
    """
    owners: list[str] = []
    for cost, indent, module in reversed(IMPORT.findall(report)):
        depth = len(indent) // 2
        del owners[depth:]
        package = module.partition(".")[0]
        if package in sys.stdlib_module_names:
            package = owners[-1] if owners else PYTHON_ITSELF
        owners.append(package)
        yield module, package, int(cost)
