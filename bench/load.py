"""Reading a file of 10,000 duties: this program, and PyYAML's C loader alone."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.measure import MB, Table, measure_here, medians, module
from bench.rules import COUNT, calendar_text

SIDES = {
    "plan": "dispatcher `read_plan`: checked, every value with line and column",
    "yaml": "PyYAML `CSafeLoader`: bare values",
}
TARGET = 4


def bench() -> list[Table]:
    """The table of both sides."""
    text = calendar_text()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "schedules.yaml")
        file.write_text(text, "utf-8")
        times = medians({side: partial(module, __name__, side, str(file)) for side in SIDES})
        peaks = {side: module(__name__, side, str(file), "memory").peak for side in SIDES}
    base = times["yaml"].seconds
    rows = [
        (name, f"{times[side].seconds:.2f} s", f"{times[side].seconds / base:.1f} x",
         f"{peaks[side] / MB:.0f} MB")
        for side, name in SIDES.items()
    ]  # fmt: skip
    size = len(text.encode()) / MB
    title = f"Reading a file of {COUNT:,} duties ({size:.1f} MB, {text.count(chr(10)):,} lines)"
    note = f"Target: at most {TARGET} x."
    return [Table(title, ("reader", "time", "ratio", "memory"), rows, [note])]


def main(side: str, file: str, memory: str = "") -> None:
    """A child's part: reads ``file`` as ``side`` does, and prints what that took."""
    text = Path(file).read_text("utf-8")
    if side == "plan":
        from dispatcher.plan.reading import read_plan

        measure_here(lambda: read_plan("schedules.yaml", text), bool(memory))
    else:
        import yaml

        measure_here(lambda: yaml.load(text, yaml.CSafeLoader), bool(memory))


if __name__ == "__main__":
    main(*sys.argv[1:])
