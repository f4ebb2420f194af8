"""How things stand: colours, pages, and what each filter costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event, text

from dispatcher.errors import DispatcherError
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.standing import Cursor, Page, Selection, page, read_cursor
from dispatcher.ledger.transitions import OPEN, STATES, WITH_REASON
from tests.building import Office, a_duty, plan_with

TODAY = date(2026, 3, 31)
DAYS = (-40, -1, 0, 1, 7, 8)


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """A ledger with an assignment of 甲 in each state, on each of DAYS, with and without a miss."""
    with engine.begin() as found:
        open_occurrence(found, 1, "housing", "2026-Q1")
        open_occurrence(found, 2, "water", "2026-03")
        for state, days, missed in product(STATES, DAYS, (False, True)):
            add(found, unit=f"{state}{days}{missed:d}", state=state, days=days, missed=missed)
        yield found


def open_occurrence(conn: Connection, key: int, duty: str, period: str) -> None:
    conn.execute(
        text(
            "INSERT INTO occurrence VALUES (:key, :duty, :period, 'open', '2026-01-01',"
            " '2026-03-31', '2026-03-31', false, false, false, '住房排查', 't', '[]', '', 'p',"
            " '[]', NULL, '2026-01-01')"
        ),
        {"key": key, "duty": duty, "period": period},
    )


def add(conn: Connection, *, unit: str, state: str, days: int = 0, missed: bool = False,
        occurrence: int = 1, owes: bool = True) -> None:  # fmt: skip
    closed = None if state in OPEN else "2026-03-01 00:00:00"
    values = {
        "occurrence": occurrence, "unit": unit, "state": state, "missed": missed, "owes": owes,
        "due": str(TODAY + timedelta(days=days)), "closed": closed,
        "by": closed and "x",
        "reason": '{"say": "why"}' if state in WITH_REASON else None,
    }  # fmt: skip
    conn.execute(
        text(
            "INSERT INTO assignment (occurrence_id, unit, role, owes, state, due_on, round, reason,"
            " closed_at, closed_by, missed) VALUES (:occurrence, :unit, 'responsible', :owes,"
            " :state, :due, 1, :reason, :closed, :by, :missed)"
        ),
        values,
    )


def ask(conn: Connection, limit: int = 1000, **wanted: Any) -> Page:
    return page(conn, Selection(**wanted), TODAY, limit)


def test_what_is_open_is_shown_by_due_date_when_nothing_else_is_asked(conn: Connection) -> None:
    lines = ask(conn).lines
    assert {line.state for line in lines} == set(OPEN)
    assert len(lines) == len(OPEN) * len(DAYS) * 2
    assert [line.cursor for line in lines] == sorted(line.cursor for line in lines)


@pytest.mark.parametrize("state", STATES)
def test_one_state_can_be_asked_for(conn: Connection, state: str) -> None:
    assert {line.state for line in ask(conn, states=[state]).lines} == {state}


def test_a_copy_is_not_shown_for_it_owes_nothing(conn: Connection) -> None:
    before = len(ask(conn).lines)
    add(conn, unit="抄送", state="pending", owes=False)
    assert len(ask(conn).lines) == before


@pytest.mark.parametrize(
    "state, days, missed, colour",
    [
        ("pending", -1, False, "red"),
        ("returned", -40, True, "red"),
        ("acknowledged", 0, False, "yellow"),
        ("pending", 8, True, "yellow"),
        ("pending", 3, True, "yellow"),
        ("reported", -1, True, "yellow"),
        ("pending", 1, False, "blue"),
        ("pending", 7, False, "blue"),
        ("pending", 8, False, None),
        ("reported", -1, False, None),
        ("reported", 0, False, None),
        ("done", -1, True, None),
        ("lapsed", -1, False, None),
    ],
)
def test_the_colour_of_an_assignment(
    engine: Engine, state: str, days: int, missed: bool, colour: str | None
) -> None:
    with engine.begin() as conn:
        open_occurrence(conn, 1, "work", "2026")
        add(conn, unit="甲", state=state, days=days, missed=missed)
        [line] = ask(conn, states=STATES).lines
    assert line.colour(TODAY) == colour


@pytest.mark.parametrize("states", [OPEN, STATES, ("pending",), ("reported",), ("done",)])
@pytest.mark.parametrize("narrow", [{}, {"duty": "housing"}])
@pytest.mark.parametrize("colour", ["red", "yellow", "blue"])
def test_a_colour_that_is_asked_for_gives_all_that_have_it_and_no_other(
    conn: Connection, states: tuple[str, ...], narrow: dict[str, str], colour: Any
) -> None:
    everything = ask(conn, states=states, **narrow).lines
    wanted = [line for line in everything if line.colour(TODAY) == colour]
    assert ask(conn, states=states, colour=colour, **narrow).lines == wanted


def test_a_unit_is_late_from_the_day_after_until_it_has_answered(conn: Connection) -> None:
    late = {(line.state, line.overdue(TODAY)) for line in ask(conn, states=STATES).lines}
    chased = ("pending", "acknowledged", "returned")
    assert late == {*product(chased, (40, 1, 0)), *((s, 0) for s in STATES if s not in chased)}


def test_unit_duty_and_period_narrow_what_is_shown(conn: Connection) -> None:
    add(conn, unit="乙", state="pending", occurrence=1)
    add(conn, unit="乙", state="pending", occurrence=2)
    assert [line.key for line in ask(conn, unit="乙").lines] == [
        "housing/2026-Q1@乙", "water/2026-03@乙"
    ]  # fmt: skip
    assert [line.key for line in ask(conn, duty="water").lines] == ["water/2026-03@乙"]
    assert [line.key for line in ask(conn, period="2026-03").lines] == ["water/2026-03@乙"]
    assert ask(conn, unit="乙", duty="water", period="2026-Q1").lines == []


@pytest.mark.parametrize("wanted", [{}, {"states": STATES}, {"colour": "yellow"}])
@pytest.mark.parametrize("limit", [1, 7, 48])
def test_the_pages_together_are_the_whole(
    conn: Connection, wanted: dict[str, Any], limit: int
) -> None:
    whole, after, found = ask(conn, **wanted).lines, None, []
    while True:
        lines, after = ask(conn, limit, after=after, **wanted)
        found += lines
        assert len(lines) == limit or after is None
        if after is None:
            break
        after = read_cursor(str(after))
    assert found == whole


@pytest.mark.parametrize("text", ["", "2026-03-31", "2026-03-31.x", "2026-02-30.1", "7"])
def test_a_place_that_is_none_is_named(text: str) -> None:
    with pytest.raises(DispatcherError, match="is not a place in the list"):
        read_cursor(text)


def test_a_line_says_how_often_its_unit_was_urged_and_what_it_answered(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty(units=("甲",))))
    office.at("2026-01-23")
    office.say("ack")
    office.daily("2026-01-24", "2026-02-05")
    office.say("report")
    with office.conn() as conn:
        wanted = Selection(period="2026-01", states=("reported",))
        [line] = page(conn, wanted, date(2026, 2, 5), 9).lines
    assert (line.times, line.answered_by, line.answered_at) == (2, "张三", office.now)
    assert line.title == "work的工作"


def test_an_extension_that_is_asked_for_is_shown_and_urging_begins_anew_with_its_round(
    engine: Engine,
) -> None:
    office = Office(engine, plan_with(a_duty(units=("甲",))))
    office.daily("2026-01-23", "2026-01-30")
    office.say("ask", note="大雪", to="2026-02-03")
    with office.conn() as conn:
        [line] = page(conn, Selection(period="2026-01"), date(2026, 1, 30), 9).lines
    assert line.asked_on == date(2026, 2, 3)
    office.daily("2026-02-02", "2026-02-04")
    office.say("grant", to="2026-02-10")
    with office.conn() as conn:
        [line] = page(conn, Selection(period="2026-01"), date(2026, 2, 4), 9).lines
    assert (line.asked_on, line.due_on, line.times) == (None, date(2026, 2, 10), 0)


def plan_of(conn: Connection, **wanted: Any) -> str:
    said: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        said.append((statement, values))

    event.listen(conn, "before_cursor_execute", note)
    ask(conn, 50, **wanted)
    event.remove(conn, "before_cursor_execute", note)
    [(statement, values)] = said
    rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return "; ".join(row[3] for row in rows)


NARROW = [{"unit": "甲"}, {"duty": "housing"}, {"period": "2026-Q1"}]
BY_STATE = "ix_assignment_state"


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "wanted, index",
    [
        ({}, f"{BY_STATE} (state=?)"),
        ({"states": STATES}, f"{BY_STATE} (state=?)"),
        ({"states": ("done",)}, f"{BY_STATE} (state=?)"),
        ({"after": Cursor(TODAY, 7)}, f"{BY_STATE} (state=? AND due_on>?)"),
        ({"colour": "red"}, f"{BY_STATE} (state=? AND due_on<?)"),
        ({"colour": "blue"}, f"{BY_STATE} (state=? AND due_on>? AND due_on<?)"),
        ({"colour": "yellow"}, f"{BY_STATE} (state=? AND due_on=?)"),
        ({"colour": "yellow"}, "ix_assignment_missed (missed=?)"),
        ({"unit": "甲"}, "ix_assignment_unit (unit=?)"),
        ({"unit": "甲", "colour": "red"}, "ix_assignment_unit (unit=? AND due_on<?)"),
        ({"period": "2026-Q1"}, "ix_occurrence_period (period=?)"),
        ({"duty": "housing"}, "sqlite_autoindex_assignment_1 (occurrence_id=?)"),
    ],
)
def test_a_filter_has_its_index(conn: Connection, wanted: dict[str, Any], index: str) -> None:
    assert index in plan_of(conn, **wanted)


@pytest.mark.sqlite
@pytest.mark.parametrize("narrow", [{}, *NARROW, NARROW[0] | NARROW[1], NARROW[1] | NARROW[2]])
@pytest.mark.parametrize("states", [OPEN, STATES, ("pending",), ("done",)])
@pytest.mark.parametrize("colour", [None, "red", "yellow", "blue"])
def test_no_combination_of_filters_reads_a_whole_table(
    conn: Connection, narrow: dict[str, str], states: tuple[str, ...], colour: Any
) -> None:
    for after in (None, Cursor(TODAY, 7)):
        plan = plan_of(conn, states=states, colour=colour, after=after, **narrow)
        assert not re.search("SCAN (assignment|occurrence|answer|reminder)", plan), plan
        if narrow:
            assert BY_STATE not in plan
