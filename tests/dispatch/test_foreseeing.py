"""What is foreseen of an edit is what the next pass does, of whatever was in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dispatcher.dispatch.foreseeing import Foreseen, foresee, presume
from dispatcher.errors import Refused
from dispatcher.ledger.database import Engine
from dispatcher.ledger.transitions import Kind
from dispatcher.plan.model import Plan
from dispatcher.plan.reading import read_plan
from tests.building import HEAD, Office, a_ledger, local

WORK = "  - {id: work, title: 工作, responsible: [甲, 乙], when: 每月}\n"


def plan(*duties: str) -> Plan:
    return read_plan("schedules.yaml", HEAD + "".join(duties or (WORK,)))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with a_ledger(tmp_path / "ledger.db") as engine:
        yield engine


def foreseen(office: Office, new: Plan, moment: str) -> Foreseen:
    with office.conn() as conn:
        return foresee(conn, office.plan, new, local(moment))


def as_told(found: Foreseen) -> list[str]:
    """What is foreseen, as the lines of an office's messages."""
    return sorted(
        f"{each.unit} {each.assignment.partition('@')[0]} {each.step}" for each in found.at_once
    )


def test_what_an_edit_moves_is_told_at_once_where_its_steps_are_reached(engine: Engine) -> None:
    office = Office(engine, plan())
    office.daily("2026-03-02", "2026-03-13")
    new = plan(WORK.replace("}\n", ", move: {2026-03: {to: 2026-03-18, reason: 会议}}}\n"))
    found = foreseen(office, new, "2026-03-16")
    assert [(each.becomes, each.assignment, each.told) for each in found.fates] == [
        ("moved", "work/2026-03@乙", True),
        ("moved", "work/2026-03@甲", True),
    ]
    assert as_told(found) == ["乙 work/2026-03 T-7", "甲 work/2026-03 T-7"]
    assert found.kept == 0


def test_what_the_plan_no_longer_has_is_withdrawn_and_nothing_comes_at_once(engine: Engine) -> None:
    office = Office(engine, plan())
    office.at("2026-03-02")
    other = WORK.replace("work", "other")
    found = foreseen(office, plan(other), "2026-03-03")
    assert {each.becomes for each in found.fates} == {"withdrawn"}
    assert {str(each.why) for each in found.fates} == {"the plan no longer has this duty"}
    assert as_told(found) == ["乙 other/2026-03 open", "甲 other/2026-03 open"]


def test_nothing_is_foreseen_of_the_same_plan(engine: Engine) -> None:
    office = Office(engine, plan())
    office.daily("2026-03-02", "2026-04-09")
    found = foreseen(office, plan(), "2026-04-10")
    assert (found.fates, found.at_once) == ((), ())
    # There was something to tell, which comes anyway.
    assert office.at("2026-04-10")


def test_a_period_whose_skip_is_taken_out_comes_only_before_its_due_date(engine: Engine) -> None:
    office = Office(engine, plan(WORK.replace("}\n", ", skip: {2026-03: 合并}}\n")))
    office.at("2026-03-02")
    assert as_told(foreseen(office, plan(), "2026-03-26")) == [
        "乙 work/2026-03 T-7",
        "甲 work/2026-03 T-7",
    ]
    office.at("2026-04-01")
    assert as_told(foreseen(office, plan(), "2026-04-01 10:00")) == []


def test_without_a_ledger_what_would_have_been_told_is_not_told_again() -> None:
    now = local("2026-03-25")
    assert presume(plan(), plan(), now) == ()
    sooner = plan(WORK.replace("每月", "每月28日前"))
    # Told at T-7 of the 31st; the 27th (a Friday) is two days ahead.
    assert presume(plan(), sooner, now) == ()
    soon = plan(WORK.replace("每月", "每月26日前"))
    assert [(each.assignment, each.step) for each in presume(plan(), soon, now)] == [
        ("work/2026-03@甲", "T-1"),
        ("work/2026-03@乙", "T-1"),
    ]
    passed = plan(WORK.replace("每月", "每月20日前"))
    assert presume(plan(), passed, now) == ()
    joined = plan(WORK.replace("[甲, 乙]", "[甲, 丙]"))
    assert [each.assignment for each in presume(plan(), joined, now)] == ["work/2026-03@丙"]


PHRASES = ["每月", "每月10日前", "每月25日前", "每季度", "每周", "6月底、3月底", "每半年", "全年"]
UNITS = ["甲", "[甲, 乙]", "[乙, 甲]", "[甲, 乙, 丙]", "[丙, 乙]"]
MORE = [
    *("", "", "", "expect: lead", "lead: 乙", "overdue: [1wd]", "overdue: [2wd, every 3wd]"),
    *("before: [10d, 2d]", "before: [20d]", "open: false", "until: 2026-02-28", "from: 2026-04-01"),
    *("skip: {2026-03: 合并}", "move: {2026-03: {to: 2026-03-12, reason: 会议}}"),
    *("move: {2026-03: {to: 2026-04-20, reason: 会议}}",),
]
ANSWERS: list[Kind] = ["ack", "report", "done", "waive", "withdraw"]


@st.composite
def duties(draw: st.DrawFn) -> str:
    when, units = draw(st.sampled_from(PHRASES)), draw(st.sampled_from(UNITS))
    more = draw(st.sampled_from(MORE))
    if "2026-03" in more and not when.startswith("每月"):
        more = ""
    return f"{{title: 工作, responsible: {units}, when: {when}{', ' * bool(more)}{more}}}"


def edition(one: str, two: str, three: str | None) -> Plan:
    texts = {"work": one, "more": two, "third": three}
    return plan(*(f"  - {{id: {id}, {text[1:]}\n" for id, text in texts.items() if text))


@given(
    st.tuples(duties(), duties(), st.none() | duties()),
    st.tuples(duties(), duties(), st.none() | duties()),
    st.sampled_from(
        ["2026-03-02", "2026-03-05", "2026-03-11", "2026-03-25", "2026-04-01", "2026-04-08"]
    ),
    st.sampled_from(ANSWERS),
    st.booleans(),
)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # Shrinking would take minutes.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_is_foreseen_of_a_random_edit_is_what_the_next_pass_does(
    tmp_path: Path,
    before: tuple[str, str, str | None],
    after: tuple[str, str, str | None],
    moment: str,
    kind: Kind,
    answered: bool,
) -> None:
    path = tmp_path / "ledger.db"
    for each in tmp_path.iterdir():
        each.unlink()
    with a_ledger(path) as engine:
        office = Office(engine, edition(*before))
        for day in ("2026-02-02", "2026-02-26", "2026-03-02", "2026-03-04"):
            if day < moment:
                office.at(day)
        if answered:
            answer(office, kind)
        office.at(f"{moment} 09:30")
        new = edition(*after)
        now = f"{moment} 10:00"
        found = foreseen(office, new, now)
        open_before = states(office)
        office.edit(new)
        told_before = tellings(office)
        office.at(now)
        open_after = states(office)
        for fate in found.fates:
            state, due = open_after[fate.assignment]
            if fate.becomes == "withdrawn":
                assert state in ("withdrawn", "lapsed")
            elif state != "lapsed":
                assert due == str(fate.after)
        foretold = {fate.assignment for fate in found.fates}
        otherwise = {
            key
            for key, (state, due) in open_before.items()
            if (state == "withdrawn") != (open_after[key][0] == "withdrawn")
            or due != open_after[key][1]
        }
        assert otherwise <= foretold
        lapsed = {key for key, (state, _due) in open_after.items() if state == "lapsed"}
        told = tellings(office) - told_before
        foreseen_steps = {
            (each.assignment, each.unit, each.step)
            for each in found.at_once
            if each.assignment not in lapsed
        }
        assert foreseen_steps == told


def states(office: Office) -> dict[str, tuple[str, str]]:
    rows = office.ask(
        "SELECT duty, period, unit, assignment.state, assignment.due_on FROM assignment"
        " JOIN occurrence ON occurrence.id = occurrence_id"
    )
    return {f"{duty}/{period}@{unit}": (state, due) for duty, period, unit, state, due in rows}


def tellings(office: Office) -> set[tuple[str, str, str]]:
    """The steps that were told or wait to be, without notices."""
    rows = office.ask(
        "SELECT occurrence.duty, period, assignment.unit, reminder.unit, step, reminder.round"
        " FROM reminder JOIN assignment ON assignment.id = assignment_id"
        " JOIN occurrence ON occurrence.id = occurrence_id"
        " WHERE reminder.state IN ('queued', 'told')"
    )
    return {
        (f"{duty}/{period}@{unit}", to, step)
        for duty, period, unit, to, step, _round in rows
        if step.startswith("T") or step == "open"
    }


def answer(office: Office, kind: Kind) -> None:
    """Somebody answers the first assignment, if it owes an answer."""
    keys = sorted(states(office))
    with suppress(Refused):
        for key in keys[:1]:
            office.say(kind, key, note="已说明")
