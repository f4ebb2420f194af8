"""The promise under faults, in small: the campaign of ``docs/reliability.md``, in its short form.

Each kind of run harms the service in its own way and judges it by what the mail server kept. The
broken variants show that the judge is not blind.
"""

from __future__ import annotations

import pytest

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
