"""Measuring fairly: each run a process of its own, contestants in turn, the median of five rounds.

The process that measures imports nothing heavy: a child's peak memory as the kernel reports it is
never below that of the process it was started from.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ROUNDS = 5
MB = 1e6
KIB = 1024
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
ENVIRONMENT["LANG"] = "C.UTF-8"


class Run(NamedTuple):
    """What a run took: seconds, and bytes at the peak."""

    seconds: float
    peak: float


class Table(NamedTuple):
    """A table of the report; ``notes`` stand under it, a line each."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The table, its first column to the left and the others to the right."""
        rule = [":--", *("--:" for _cell in self.header[1:])]
        lines = [f"### {self.title}", "", *map(_line, (self.header, rule, *self.rows))]
        return "\n".join(lines + [line for note in self.notes for line in ("", note)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def medians(contestants: Mapping[str, Callable[[], Run]], rounds: int = ROUNDS) -> dict[str, Run]:
    """The median run of each, after one round that only warms the caches of the machine.

    The contestants take turns, so that a noisy moment of the machine meets all of them.
    """
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _round in range(rounds + 1):
        for name, contestant in contestants.items():
            runs[name].append(contestant())
    return {
        name: Run(*(statistics.median(column) for column in zip(*found[1:], strict=True)))
        for name, found in runs.items()
    }


def process(command: Sequence[str], language: str = "C.UTF-8") -> Run:
    """Runs a command to its end: wall-clock time, and the peak memory of the process."""
    environment = ENVIRONMENT | {"LANG": language}
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment) as child:
        _pid, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Run(time.perf_counter() - start, usage.ru_maxrss * KIB)


def output(command: Sequence[str], errors: bool = False, check: bool = True) -> str:
    """What a command prints, or with ``errors`` what it says on its error stream."""
    found = subprocess.run(
        command, capture_output=True, text=True, check=check, cwd=ROOT, env=ENVIRONMENT
    )
    return found.stderr if errors else found.stdout


def module(name: str, *arguments: str) -> Run:
    """A run of ``python -m NAME``, which measures itself with ``measure_here``."""
    return Run(*json.loads(output([sys.executable, "-m", name, *arguments])))


def measure_here(step: Callable[[], object], memory: bool) -> None:
    """Does ``step`` once and prints its seconds, or with ``memory`` its bytes at the peak.

    Memory is what Python allocates during the step and still holds at the worst moment, its
    result included; tracing slows the step down, so time and memory are never the same run.
    """
    import tracemalloc

    if memory:
        tracemalloc.start()
    start = time.perf_counter()
    result = step()
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1] if memory else 0
    del result
    print(json.dumps([seconds, peak]))
