"""Edits of the calendar race passes, of two replicas where the database takes two: none is lost,
none is told twice, and nothing is told from a half-old plan.

A clerk edits a file at random, badly at times, and agrees to most of what is held, while months go
by. What is in the ledger and what has left is judged afterwards by a naive reading of the calendars
that the clerk has made up. ``EDITS=2000 pytest -m campaign -k racing`` for the long run,
in eight races.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from dispatcher.dispatch import revising
from dispatcher.ledger import revisions
from dispatcher.ledger.database import Engine
from dispatcher.reload import Found
from tests.building import local
from tests.crash.edits import NAME, Daemon, ask, post_kept
from tests.crash.edits_calendar import BEGUN, Calendar
from tests.crash.edits_race import considered, race

LONG = int(os.environ.get("EDITS", "2000")) // 8


@pytest.mark.parametrize(
    "edits, seed",
    [(40, 1), *[pytest.param(LONG, seed, marks=pytest.mark.campaign) for seed in range(2, 10)]],
)
def test_no_edit_is_lost_nor_told_twice_nor_from_a_half_old_plan(
    edits: int, seed: int, database: str, engine: Engine, tmp_path: Path
) -> None:
    found = race(database, engine, tmp_path, edits, seed)
    print(database, dict(found.counts))
    assert not found.wrong, "\n".join(found.wrong[:20])
    assert found.counts["applied"] > edits / 10
    assert found.counts["messages"] > 0


# ------------------------------------------------------------------------- found by such a race


class Desk:
    """A daemon, a file and a clerk, one step after the other."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.now, self.engine = local("2026-01-29 09:00"), engine
        (folder / NAME).write_text(BEGUN.text, "utf-8")
        self.daemon = Daemon(engine, folder, lambda: self.now)
        self.daemon()

    def at(self, moment: str, calendar: Calendar | None = None) -> None:
        """A pass, with another calendar in the file if there is one."""
        self.now = local(moment)
        if calendar:
            self.daemon.file.write_text(calendar.text, "utf-8")
        self.daemon()

    def agree(self) -> None:
        with self.engine.begin() as conn:
            waits = revisions.waiting(conn)
            assert waits
            revising.agree(conn, waits, "李主任", self.now)


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Iterator[Desk]:
    with post_kept():
        yield Desk(engine, tmp_path)


def test_what_waits_for_a_unit_reaches_it_under_its_new_name(desk: Desk) -> None:
    moved = BEGUN.jobs["a"]._replace(move=(("2026-01", date(2026, 2, 5)),))
    calendar = BEGUN._replace(jobs={**BEGUN.jobs, "a": moved})
    desk.at("2026-01-29 10:00", calendar)
    desk.at("2026-01-29 11:00", calendar._replace(called={**BEGUN.called, "甲": ("甲1", "甲")}))
    desk.at("2026-01-30 09:00")
    query = "SELECT unit, state FROM reminder WHERE step = 'moved 2026-02-05' ORDER BY id"
    assert {state for _unit, state in ask(desk.engine, query)} == {"told"}


WITHOUT = BEGUN._replace(jobs={name: job for name, job in BEGUN.jobs.items() if name != "a"})
SAVED = {
    "the calendar in force": BEGUN,
    "another edit": BEGUN._replace(jobs={**BEGUN.jobs, "d": BEGUN.jobs["d"]._replace(before=(9,))}),
}


@pytest.mark.parametrize("saved", SAVED)
def test_what_is_saved_last_counts_when_somebody_agrees_to_the_edit_before_while_it_is_looked_at(
    desk: Desk, saved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.at("2026-01-29 10:00", WITHOUT)
    settled = desk.daemon.reload._settled

    def agreed_meanwhile() -> Found | None:
        monkeypatch.undo()
        desk.agree()
        return settled()

    monkeypatch.setattr(desk.daemon.reload, "_settled", agreed_meanwhile)
    desk.at("2026-01-29 10:01", SAVED[saved])
    for minute in range(2, 5):
        desk.at(f"2026-01-29 10:{minute:02}")
    assert SAVED[saved].text in considered(desk.engine)
    query = "SELECT calendar FROM edit JOIN revision ON edit.hash = revision.hash"
    order = " WHERE state = 'applied' ORDER BY settled_at, edit.id"
    applied = [text for (text,) in ask(desk.engine, query + order)]
    assert SAVED[saved].text not in applied[1:-1]
