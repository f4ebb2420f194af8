"""Whatever is said, in whatever order: the ledger agrees with the plainest model of the table."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.errors import Refused
from dispatcher.ledger.tables import metadata
from dispatcher.ledger.transitions import Kind
from tests.building import Office, a_duty, a_ledger, a_unit, plan_with
from tests.ledger.test_tables import ALLOWED

FIRST = date(2026, 1, 19)
UNITS = [a_unit("甲", superior="丙"), a_unit("乙"), a_unit("丙")]
PLAN = plan_with(a_duty(), units=UNITS)
ENDS = {"done": "done", "waive": "waived", "withdraw": "withdrawn"}
CHASED = ("pending", "acknowledged", "returned")
answers = st.tuples(
    st.sampled_from("甲乙"),
    st.sampled_from(sorted(ALLOWED)),
    st.sampled_from(["", "一句话"]),
    st.sampled_from([None, 3, 20]),
)
"""Who it is said of, what, in which words, and by a date so many days ahead."""


class Model:
    """One assignment, as a clerk would keep it on a slip of paper."""

    def __init__(self) -> None:
        self.state, self.due, self.round = "pending", date(2026, 1, 30), 1
        self.asked: date | None = None
        self.last: tuple[Any, ...] = ()

    def repeated(self, kind: str, note: str, to: date | None) -> bool:
        """Whether it has been said already."""
        if self.state == ENDS.get(kind) or (kind, self.state, note) == ("ack", "acknowledged", ""):
            return True
        if not self.last or (kind == "ask" and to is not None and self.asked != to):
            return False
        last_kind, last_note, last_to, became = self.last
        same = (last_kind, last_note, became) == (kind, note, self.state)
        return same and to in (None, last_to)

    def refuses(self, kind: str, note: str, to: date | None, today: date) -> bool:
        """Whether it cannot be said now."""
        if self.state not in ALLOWED[kind]:
            return True
        if kind in ("return", "ask", "refuse", "waive", "withdraw", "reopen") and not note:
            return True
        if kind in ("grant", "refuse") and self.asked is None:
            return True
        if kind == "ask":
            return today > self.due or to is None or to <= self.due
        given = to or (self.asked if kind == "grant" else None)
        return given is not None and (given < today or (kind == "grant" and given <= self.due))

    def hear(self, kind: str, note: str, to: date | None) -> None:
        """What becomes of it."""
        given = to or (self.asked if kind == "grant" else None)
        self.state = ALLOWED[kind][self.state]
        if kind in ("grant", "return", "reopen"):
            self.round, self.due = self.round + 1, given or self.due
        if kind == "ask":
            self.asked = given
        elif kind != "ack":
            self.asked = None
        self.last = (kind, note, given, self.state)


def kept(office: Office) -> list[list[tuple[Any, ...]]]:
    """Every row of every table."""
    return [office.ask(f'SELECT * FROM "{table}"') for table in metadata.tables]


def said(office: Office, unit: str, kind: Kind, note: str, to: date | None) -> bool | None:
    """Whether it was new; None when it was refused."""
    due = {"to": str(to)} if to else {}
    try:
        return office.say(kind, f"work/2026-01@{unit}", note, despite="核实", **due)
    except Refused:
        return None


def check(office: Office, models: dict[str, Model]) -> None:
    rows = office.ask(
        "SELECT unit, a.state, a.due_on, round, asked_on, next_at FROM assignment a"
        " JOIN occurrence o ON o.id = occurrence_id WHERE period = '2026-01'"
    )
    for unit, state, due, number, asked, next_at in rows:
        model = models[unit]
        assert (state, due, number) == (model.state, str(model.due), model.round)
        assert asked == (str(model.asked) if model.asked else None)
        assert (next_at is not None) == (state in CHASED), "would never be looked at again"
    assert office.ask("PRAGMA integrity_check") == [("ok",)]
    assert office.ask("PRAGMA foreign_key_check") == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.lists(answers, max_size=5), max_size=7))
def test_any_answers_leave_what_the_table_says_and_each_counts_once(
    days: list[list[tuple[str, Kind, str, int | None]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Passes lie between the days, and go on before, on and after the due date."""
    models = {"甲": Model(), "乙": Model()}
    with a_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db") as engine:
        office = Office(engine, PLAN)
        for number, day in enumerate(days):
            today = FIRST + timedelta(days=3 * number)
            office.at(str(today))
            for unit, kind, note, ahead in day:
                to = today + timedelta(days=ahead) if ahead else None
                _say_twice(office, models[unit], (unit, kind, note, to), today)
            check(office, models)
        _nothing_is_told_twice(office)


def _say_twice(
    office: Office, model: Model, answer: tuple[str, Kind, str, date | None], today: date
) -> None:
    unit, kind, note, to = answer
    before = kept(office)
    new = said(office, unit, kind, note, to)
    if model.repeated(kind, note, to):
        assert new is False
    elif model.refuses(kind, note, to, today):
        assert new is None
    else:
        assert new is True
        model.hear(kind, note, to)
    assert (kept(office) == before) is (not new)
    if new:
        before = kept(office)
        assert said(office, unit, kind, note, to) in (False, None)
        assert kept(office) == before


def _nothing_is_told_twice(office: Office) -> None:
    """Neither a step of a round, nor anything to one address twice in a message or at one time."""
    twice = office.ask(
        "SELECT assignment_id, round, step, addressee FROM reminder WHERE state = 'told'"
        " GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
    )
    assert twice == []
    assert {sent.address for sent in office.box.sent} <= {
        f"{name}@example.com" for name in "甲乙丙"
    }
    keys = [(sent.address, sent.at) for sent in office.box.sent]
    assert len(keys) == len(set(keys))
