"""Rehearsing: the shipped calendar's 2026, and how memory goes while 2,000 towns are told.

``python -m bench.rehearse`` prints these tables alone. Every message is composed and written, as a
mail and as a web page, and so is the page of them all.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from bench.measure import MB, ROOT, Table, output

UNITS, MONTHS = 2000, 6
SECONDS, RATE = 15.0, 300
"""Targets: the shipped year, and messages a second."""
GROWTH = 10.0
"""MB that the last month may need more than the second: counters, and no messages."""
DAY = timedelta(days=1)


class Sample(NamedTuple):
    """How far a rehearsal has come: messages, seconds, of which at work on the processor, and the
    process's memory in bytes."""

    until: str
    messages: int
    seconds: float
    work: float
    memory: int


def bench() -> list[Table]:
    """The table of the shipped year and the curve of many units."""
    (shipped,) = _child("shipped")
    return [_year(shipped), _curve(_child("towns"))]


def _year(sample: Sample) -> Table:
    rows = [
        ("messages", f"{sample.messages:,}"),
        ("time", f"{sample.seconds:.1f} s"),
        ("of which on the processor", f"{sample.work:.1f} s"),
        ("messages a second", f"{sample.messages / sample.seconds:.0f}"),
        ("messages a second on the processor", f"{sample.messages / sample.work:.0f}"),
        ("memory", f"{sample.memory / MB:.0f} MB"),
    ]
    notes = [f"Targets: at most {SECONDS:.0f} s; at least {RATE} messages a second."]
    return Table(
        "`dispatcher rehearse 2026 --out DIR`, the shipped calendar", ("", ""), rows, notes
    )


def _curve(samples: list[Sample]) -> Table:
    rows = [
        (
            each.until,
            f"{each.messages:,}",
            f"{each.seconds:.0f} s",
            f"{each.work:.0f} s",
            f"{each.messages / each.work:.0f}",
            f"{each.memory / MB:.0f} MB",
        )
        for each in samples
    ]
    header = (
        "until the end of",
        "messages",
        "time",
        "on the processor",
        "messages a second of it",
        "memory",
    )
    grown = (samples[-2].memory - samples[1].memory) / MB
    notes = [
        f"Target: at most {GROWTH:.0f} MB more from the second month to the last; {grown:.1f}."
    ]
    return Table(f"A monthly duty of {UNITS:,} towns, {MONTHS} months", header, rows, notes)


def _child(what: str) -> list[Sample]:
    lines = output([sys.executable, "-m", "bench.rehearse", what]).splitlines()
    return [Sample(*json.loads(line)) for line in lines if line.startswith("[")]


def _live(home: Path, last: date) -> Iterator[Sample]:
    """A sample at the end of each month, the last with the page written."""
    from dispatcher import bootstrap
    from dispatcher.ledger.rehearsing import scratch_ledger
    from dispatcher.rehearsal.living import Life
    from dispatcher.rehearsal.page import write_page
    from dispatcher.rehearsal.report import report
    from dispatcher.rehearsal.wishes import Stretch, Wishes
    from dispatcher.settings import load_settings

    begun = time.perf_counter()

    def sample(until: str) -> Sample:
        messages = life.tally.total.messages
        seconds, work = time.perf_counter() - begun, time.process_time()
        return Sample(until, messages, seconds, work, _memory())

    with tempfile.TemporaryDirectory() as folder, scratch_ledger() as engine:
        bootstrap.open_ledger(engine)
        wishes = Wishes(Stretch(date(last.year, 1, 1), last), Path(folder))
        life = Life(load_settings({}, home), wishes, engine)
        for day in life.days():
            if (day + DAY).day == 1:
                yield sample(f"{day:%B}")
        with engine.begin() as conn:
            write_page(Path(folder), life, report(life, conn), conn)
        yield sample("the page")


def _memory() -> int:
    """What the process holds now."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def _towns(home: Path) -> None:
    names = [f"镇{number:04}" for number in range(UNITS)]
    towns = "\n".join(
        f"  {name}: {{contacts: [{{name: 联络员, email: t{number}@example.com}}]}}"
        for number, name in enumerate(names)
    )
    text = (
        "plan: {title: 清单, office: 区农办, from: 2026-01-01}\n"
        "units:\n"
        "  区农办: {contacts: [{name: 联络员, email: office@example.com}]}\n"
        f"{towns}\n"
        f"groups: {{各镇: [{', '.join(names)}]}}\n"
        "duties:\n"
        "  - {id: housing, title: 住房排查, rows: [1], when: 每月, responsible: 区农办、各镇}\n"
    )
    (home / "schedules.yaml").write_text(text, "utf-8")


def _work(what: str) -> None:
    if what == "shipped":
        *_months, last = _live(ROOT, date(2026, 12, 31))
        print(json.dumps(last))
        return
    with tempfile.TemporaryDirectory() as home:
        _towns(Path(home))
        for sample in _live(Path(home), date(2026, MONTHS, 30)):
            print(json.dumps(sample), flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        _work(sys.argv[1])
    else:
        for table in bench():
            print(table.markdown(), end="\n\n", flush=True)
