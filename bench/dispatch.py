"""Ten thousand messages due at one moment: ours beside what people would use instead.

``python -m bench.dispatch [COUNT [ROUNDS]]`` prints these tables alone, of fewer messages if
wanted. Each run is a set of processes of its own, and a mail server that only counts. A row whose
peer is not installed says so.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.contestants import PLAIN, Contestant, Ledgers, Result, contestants, ours
from bench.measure import Table
from bench.sink import Sink, sink

COUNT, ROUNDS = 10_000, 5
PLAIN_TARGET, WRITTEN_TARGET, EQUAL_TARGET, FIRST_TARGET = 0.8, 5, 2, 1
ANSWER, ANSWER_TARGET = 0.020, 0.85
CONNECTIONS = (1, 4, 16)
SLOW_SECONDS = 6
"""So long a run with a slow server takes at best."""


def bench(count: int = COUNT, rounds: int = ROUNDS) -> list[Table]:
    """The table of all contestants, and that of a mail server that takes its time."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        return [_race(Path(name), count, rounds), _slow(Path(name), rounds)]


def _race(folder: Path, count: int, rounds: int) -> Table:
    with closing(Ledgers(folder, count)) as ledgers, sink() as server:
        found = contestants(folder, ledgers)
        medians = _medians(found, server, rounds)
    best = {
        task: max((medians[each.name].rate for each in found if each.kind == task
                   and each.name in medians), default=0)
        for task in ("as-written", "ready-made")
    }  # fmt: skip
    base = medians[PLAIN].rate
    rows = [_row(each, medians.get(each.name), base, best, count) for each in found]
    header = (
        *("contestant", "messages/s", "to smtplib", "to the best peer as written"),
        *("on equal handling", "first after", "connections"),
    )
    note = (
        f"Targets: at least {PLAIN_TARGET} x of smtplib, {WRITTEN_TARGET} x of the best peer as "
        f"written, {EQUAL_TARGET} x on equal handling; the first within {FIRST_TARGET} s. "
        f"Medians of {rounds}, in turn. Every message arrived exactly once and none before it was "
        "due, unless its row says otherwise."
    )
    return Table(f"{count:,} messages due at one moment", header, rows, [note])


def _medians(found: Sequence[Contestant], server: Sink, rounds: int) -> dict[str, Result]:
    """The contestants take turns, so that a noisy moment of the machine meets all of them."""
    runs: dict[str, list[Result]] = {each.name: [] for each in found if not each.missing}
    for _round in range(rounds):
        for each in found:
            if not each.missing:
                runs[each.name].append(each.run(server))
                print(each.name, runs[each.name][-1], file=sys.stderr, flush=True)
    return {name: _median(results) for name, results in runs.items()}


def _median(results: Sequence[Result]) -> Result:
    """The median of each figure; of messages the fewest, of second copies the most, and of first
    arrivals the earliest if one was early."""
    rates, firsts, connections, messages, twice = zip(*results, strict=True)
    return Result(
        statistics.median(rates),
        min(firsts) if min(firsts) < 0 else statistics.median(firsts),
        max(connections),
        min(messages),
        max(twice),
    )


def _row(
    each: Contestant, run: Result | None, base: float, best: dict[str, float], count: int
) -> list[str]:
    if run is None:
        return [each.name, each.missing, *[""] * 5]
    name = each.name
    if run.messages < count or run.twice:
        name += f" ({run.messages:,} arrived, {run.twice} twice)"
    peers = [f"{run.rate / rate:.1f} x" if rate else "" for rate in best.values()]
    ratio = f"{run.rate / base:.2f} x"
    return [name, f"{run.rate:,.0f}", ratio, *peers, f"{run.first:.2f} s", str(run.connections)]


def _slow(folder: Path, rounds: int) -> Table:
    """What is reached of the connections' best, when each message's answer takes its time."""
    rows = []
    for connections in CONNECTIONS:
        most = connections / ANSWER
        home = folder / f"slow-{connections}"
        home.mkdir()
        ledgers = Ledgers(home, int(most * SLOW_SECONDS))
        with sink(ANSWER) as server:
            run = _median(
                [ours(ledgers, "sqlite", "letters", server, connections) for _ in range(rounds)]
            )
        ratio = f"{run.rate / most:.2f} x"
        rows.append([str(connections), f"{most:,.0f}", f"{run.rate:,.0f}", ratio])
    title = f"A server that takes {ANSWER * 1000:.0f} ms to answer a message"
    note = f"Target: at least {ANSWER_TARGET} x. SQLite, content frozen before."
    header = ("connections", "at best, messages/s", "messages/s", "ratio")
    return Table(title, header, rows, [note])


if __name__ == "__main__":
    for table in bench(*map(int, sys.argv[1:])):
        print(f"\n{table.markdown()}")
