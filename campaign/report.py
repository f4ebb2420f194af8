"""``docs/reliability.md``: written anew from the results, so that every figure in it is a run's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from campaign.judge import SLACK, WRONG
from campaign.kinds import KINDS, Kind
from campaign.mutants import MUTANTS
from campaign.results import ROOT, Results

PAGE = ROOT / "docs" / "reliability.md"
ENOUGH = 30
"""Faults of one kind from which on "three divided by their number" is a bound to speak of."""
WORDS = Path(__file__).with_name("report.md")
COUNTED = ("faults", "messages", "duplicated", "false_flagged", "given_up")
FIGURES = "faults | messages | second copies | listed in vain | given up, listed | wrong |"
HEAD = (
    f"| what is done | runs | {FIGURES} harm per fault |\n"
    "| :-- | :-- | --: | --: | --: | --: | --: | --: | --: |"
)
EARLIER = f"| state | run on | {FIGURES}\n| :-- | :-- | --: | --: | --: | --: | --: | --: |"
Row = dict[str, Any]


def write(results: Results) -> None:
    """Writes the page from every run, state by state of the delivery."""
    states = results.by_state()
    sound = [row for row in results if not row["mutant"]]
    rows = [row for found in states.values() for row in found]
    filled = {
        "promise": _promise(),
        "delivery": results.delivery,
        "faults": f"{sum(row['faults'] for row in rows if not row['mutant']):,}",
        "slack": f"{SLACK:g}",
        "now": _now(sound),
        "whole": _whole(states) if [*_left(sound)] else "",
        "earlier": "\n".join(_earlier(states, results.delivery)),
        "waits": "\n".join(_waits(_latest(row for row in rows if not row["mutant"]))),
        "mutants": "\n".join(_mutants(_latest(row for row in rows if row["mutant"]))),
        "full": _full(),
    }
    text = re.sub(r"\{(\w+)\}", lambda found: filled[found[1]], WORDS.read_text("utf-8"))
    text = re.sub(r"\n{3,}", "\n\n", text)
    PAGE.write_text(text, "utf-8")


def _promise() -> str:
    """In the words of the design, of which there is one copy."""
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    return design.partition("## 5. Promise of delivery\n\n")[2].partition("\n\n")[0]


def _now(rows: Sequence[Row]) -> str:
    """The table of the present state, and what is missing in it."""
    if not rows:
        return _missing(rows)
    return f"Run on {_dates(rows)}:\n\n{_table(rows)}\n\n{_missing(rows)}"


def _whole(states: dict[str, list[Row]]) -> str:
    """The table of the latest state that went through the whole campaign."""
    sound = ([row for row in rows if not row["mutant"]] for rows in states.values())
    whole = [rows for rows in sound if rows and not [*_left(rows)]]
    if not whole:
        return ""
    rows = max(whole, key=lambda rows: max(row["at"] for row in rows))
    which = f"state `{rows[0]['delivery']}`, run on {_dates(rows)}"
    return f"The whole campaign went last through {which}:\n\n{_table(rows)}"


def _table(rows: Sequence[Row]) -> str:
    return "\n".join([HEAD, *_kinds(rows)])


def _earlier(states: dict[str, list[Row]], now: str) -> Iterator[str]:
    """A line for each state before, the latest first."""
    yield EARLIER
    latest = {state: max(row["at"] for row in rows) for state, rows in states.items()}
    for state in sorted(states, key=latest.__getitem__, reverse=True):
        sound = [row for row in states[state] if not row["mutant"]]
        if sound and state != now:
            yield _line((f"`{state}`", _dates(sound), *_totals(sound)))


def _latest(rows: Iterable[Row]) -> list[Row]:
    """Of each kind, or broken variant, the runs on the state that was tried last."""
    found = list(rows)
    last = {(row["kind"], row["mutant"]): row["delivery"] for row in found}
    return [row for row in found if last[row["kind"], row["mutant"]] == row["delivery"]]


def _dates(rows: Iterable[Row]) -> str:
    days = sorted({row["at"][:10] for row in rows})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _kinds(rows: Sequence[Row]) -> Iterator[str]:
    found = _grouped(rows, "kind")
    for name in KINDS:
        if name in found:
            yield _kind(f"**{name}**: {KINDS[name].does}", found[name])
    yield _kind("**all of them**", rows, runs="")


def _kind(what: str, rows: Sequence[Row], runs: str | None = None) -> str:
    faults, *others, wrong = _totals(rows)
    fair = faults >= ENOUGH and not wrong and runs is None
    bound = f"< {3 / faults * 100:.2g} %" if fair else ""
    return _line((what, _runs(rows) if runs is None else runs, faults, *others, wrong, bound))


def _totals(rows: Sequence[Row]) -> list[int]:
    """What `COUNTED` names, and what was wrong."""
    return [
        *(sum(row[name] for row in rows) for name in COUNTED),
        sum(row[name] for row in rows for name in WRONG),
    ]


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _runs(rows: Sequence[Row]) -> str:
    """The seeds, and how often each was to harm."""
    by_count = _grouped(rows, "count")
    return ", ".join(
        f"seeds {_ranges(row['seed'] for row in by_count[count])} x {_amount(count)}"
        for count in sorted(by_count)
    )


def _amount(count: int) -> str:
    return f"{count:,}" if count else "every place"


def _ranges(numbers: Iterable[int]) -> str:
    """As ``1-4, 7``."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{low}-{high}" if high > low else f"{low}" for low, high in parts)


def _waits(rows: Sequence[Row]) -> Iterator[str]:
    """The longest of each, over the runs of a kind."""
    yield "| | median | 99 % | longest |\n| :-- | --: | --: | --: |"
    for name, found in _grouped(rows, "kind").items():
        late = [row["late"] for row in found if row["late"]]
        if late:
            cells = [f"{max(each[part] for each in late):.1f} s" for part in ("p50", "p99", "max")]
            yield f"| {name} | {' | '.join(cells)} |"


def _mutants(rows: Sequence[Row]) -> Iterator[str]:
    yield "| broken variant | caught by | as |\n| :-- | :-- | :-- |"
    found = _grouped(rows, "mutant")
    for name, mutant in MUTANTS.items():
        caught = [row for row in found.get(name, ()) if any(row[wrong] for wrong in WRONG)]
        tried = ", ".join(_trial(row) for row in found.get(name, ()))
        cells = ("**not caught**", tried) if tried else ("not tried", "")
        if caught:
            cells = (_trial(caught[0]), _wrong(caught[0]))
        yield f"| **{name}**: {mutant.wrong} | {cells[0]} | {cells[1]} |"


def _trial(row: Row) -> str:
    return f"{row['kind']}, seed {row['seed']}, {row['faults']} faults"


def _wrong(row: Row) -> str:
    return ", ".join(f"{row[name]:,} {name}" for name in WRONG if row[name])


def _missing(rows: Sequence[Row]) -> str:
    left = "\n".join(_left(rows))
    if not left:
        return "All that the full campaign asks for has been run on this state of the code."
    return f"Asked for by the full campaign, and not run on this state of the code:\n\n{left}"


def _left(rows: Sequence[Row]) -> Iterator[str]:
    made = {(row["kind"], row["seed"], row["count"]) for row in rows}
    for name, kind in KINDS.items():
        seeds, count = kind.full
        left = [seed for seed in seeds if (name, seed, count) not in made]
        if left:
            yield f"- {name}: seeds {_ranges(left)} x {_amount(count)}"


def _full() -> str:
    """How many kills the full campaign comes to."""
    kills = (KINDS["kills-sqlite"], KINDS["kills-postgresql"])
    return f"{sum(_faults(kind) for kind in kills):,}"


def _faults(kind: Kind) -> int:
    seeds, count = kind.full
    return len(seeds) * count


def _grouped(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found
