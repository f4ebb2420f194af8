"""The promise under faults, in small: the campaign of ``docs/reliability.md``, in its short form.

Each kind of run harms the service in its own way and judges it by what the mail server kept. The
broken variants show that the judge is not blind.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign import powercut
from campaign.kinds import KINDS
from campaign.mutants import MUTANTS

SHORT = {name: kind for name, kind in KINDS.items() if kind.short}
UNHARMED = {"race", "clerk"}
BROKEN = [name for name, mutant in MUTANTS.items() if mutant.short]


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost_sent_unasked_or_doubled_without_a_fault_and_a_word(name: str) -> None:
    kind = SHORT[name]
    if why := kind.missing():
        pytest.skip(why)
    assert kind.short
    (seed, *_more), count = kind.short

    found = kind.run(seed, count)

    assert found.wrong == [], found.examples
    assert found.counts["messages"] > 0
    assert bool(found.faults) == (name not in UNHARMED)


@pytest.mark.parametrize("name", BROKEN)
def test_a_product_that_is_broken_on_purpose_is_caught(name: str) -> None:
    kind, seed, count = MUTANTS[name].tried[0]
    assert KINDS[kind].run(seed, count, name).wrong


def test_a_write_that_the_trace_breaks_off_for_another_threads_call_has_been_written(
    tmp_path: Path,
) -> None:
    ledger, before, trace = tmp_path / "ledger", tmp_path / "before", tmp_path / "trace"
    before.write_bytes(b"old")
    path = "".join(f"\\x{byte:02x}" for byte in bytes(ledger))
    trace.write_text(
        f"""\
7 pwrite64(3<{path}>, "\\x6e\\x65\\x77", 3, 0 <unfinished ...>
8 sendto(4<\\x73>, "\\x41", 1, 0, NULL, 0 <unfinished ...>
7 <... pwrite64 resumed>) = 3
7 fdatasync(3<{path}> <unfinished ...>
8 <... sendto resumed>) = 1
7 <... fdatasync resumed>) = 0
7 pwrite64(3<{path}>, "\\x78", 1, 0 <unfinished ...>
"""
    )
    powercut.cut(ledger, before, trace, seed=1)
    assert ledger.read_bytes() == b"new"
