"""``python -m campaign``: runs the campaign, or the part of it that is asked for."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from campaign.judge import WRONG
from campaign.kinds import KINDS
from campaign.mutants import MUTANTS, Trial
from campaign.results import FILE, Results


def main(arguments: list[str]) -> int:
    """Runs what is asked for and has not been run; 1 when something was found wrong, or a broken
    variant was not caught."""
    asked = _parse(arguments)
    # The short form is for the day; what adds up is the campaign.
    results = Results(asked.out or (Path(os.devnull) if asked.short else FILE))
    if asked.report:
        from campaign.report import write

        write(results)
        return 0
    uncaught = [name for name in _mutants(asked) if not _caught(asked, results, name)]
    for name in uncaught:
        print(f"not caught: {name}", flush=True)
    runs = () if asked.mutant else _runs(asked)
    wrong = [run for run in runs if _wrong(_row(asked, results, run))]
    return int(bool(uncaught or wrong))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m campaign", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the form for every change")
    parser.add_argument("--kind", choices=[*KINDS], action="append", help="only this kind")
    parser.add_argument("--seeds", type=_seeds, help="only these seeds, as 1..9")
    parser.add_argument("--count", type=int, help="so many faults in each run")
    parser.add_argument("--mutant", help="on this broken variant; 'all' for each of them")
    parser.add_argument("--again", action="store_true", help="what has been run as well")
    parser.add_argument("--out", type=Path, help="the file of results")
    parser.add_argument("--report", action="store_true", help="write docs/reliability.md")
    return parser.parse_args(arguments)


def _seeds(text: str) -> range:
    first, _dots, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


def _runs(asked: argparse.Namespace) -> Iterator[Trial]:
    """Kind, seed and count of each run that is asked for and can be made here."""
    for name in asked.kind or KINDS:
        kind = KINDS[name]
        amount = kind.short if asked.short else kind.full
        if missing := kind.missing():
            print(f"{name}: left out, {missing}", flush=True)
            continue
        for seed in asked.seeds or (amount[0] if amount else ()):
            count = amount[1] if amount else 0
            yield name, seed, count if asked.count is None else asked.count


def _mutants(asked: argparse.Namespace) -> list[str]:
    """All of them, save where one or none is meant."""
    if asked.mutant and asked.mutant != "all":
        return [asked.mutant]
    if asked.kind and not asked.mutant:
        return []
    return [name for name, each in MUTANTS.items() if each.short or not asked.short]


def _caught(asked: argparse.Namespace, results: Results, name: str) -> bool:
    """Whether one of the runs that should notice a broken variant does."""
    tried = [*_runs(asked)] if asked.kind else MUTANTS[name].tried
    tried = [run for run in tried if not KINDS[run[0]].missing()]
    return any(_wrong(_row(asked, results, run, name)) for run in tried) or not tried


def _row(
    asked: argparse.Namespace, results: Results, trial: Trial, mutant: str = ""
) -> dict[str, Any]:
    """What a run came to, which may have been made before."""
    row = None if asked.again or asked.short else results.find(*trial, mutant)
    return row or _run(results, *trial, mutant)


def _run(results: Results, kind: str, seed: int, count: int, mutant: str) -> dict[str, Any]:
    begun = time.monotonic()
    run = KINDS[kind].run(seed, count, mutant)
    key = {"kind": kind, "seed": seed, "count": count, "mutant": mutant}
    row = results.add(key, run, time.monotonic() - begun)
    said = " ".join(f"{name}={row[name]}" for name in ("faults", "messages", "duplicated"))
    name = f"{kind} seed={seed}" + (f" ({mutant})" if mutant else "")
    print(f"{name} {said} wrong: {_wrong(row) or 'nothing'}", flush=True)
    for example in row["examples"]:
        print(f"  {example}", flush=True)
    return row


def _wrong(row: dict[str, Any]) -> list[str]:
    return [f"{name}={row[name]}" for name in WRONG if row[name]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
