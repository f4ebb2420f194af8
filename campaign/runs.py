"""What a run came to, and how runs add up."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from campaign.judge import WRONG, judge
from campaign.stage import Stage

SUMMED = ("messages", *WRONG, "given_up", "duplicated", "false_flagged")
GREATEST = ("most_copies", "most_per_fault")


class Run(NamedTuple):
    """Faults, counts by class and examples of what is wrong."""

    faults: int
    counts: dict[str, Any]
    examples: list[str]

    def __add__(self, other: Self) -> Run:  # type: ignore[override]
        counts = {name: self.counts[name] + other.counts[name] for name in SUMMED}
        counts |= {name: max(self.counts[name], other.counts[name]) for name in GREATEST}
        counts["late"] = _later(self.counts["late"], other.counts["late"])
        return Run(self.faults + other.faults, counts, self.examples + other.examples)

    @property
    def wrong(self) -> list[str]:
        """The classes that should be empty and are not."""
        return [name for name in WRONG if self.counts[name]]


def _later(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in one | other}


def finished(stage: Stage, where: str = "") -> Run:
    """A stage's day is over: what became of it. ``where`` says what was done to it."""
    evidence = stage.evidence()
    found = judge(evidence)
    dropped = sum(each.dropped for each in evidence.arrivals)
    examples = [f"{where}: {example}" if where else example for example in found.examples]
    return Run(len(stage.faults) + dropped, found.counts, examples)
