"""Which assignments an answer is for: named by a key, or selected."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.dispatch.answering import named, selected
from dispatcher.errors import DispatcherError, Refused
from dispatcher.ledger import entering
from dispatcher.ledger.assignments import Assigned, select_assigned
from dispatcher.ledger.database import Engine
from dispatcher.ledger.transitions import Kind
from dispatcher.plan.cadence import Due, Event, Every
from dispatcher.plan.occurrences import event_occurrence
from tests.building import Office, a_duty, a_unit, plan_with

pytestmark = pytest.mark.one_database

ALONE = a_duty(units=("甲",))
BOTH = a_duty()
UNITS = [a_unit("甲"), a_unit("丙")]


@pytest.fixture
def office(engine: Engine) -> Office:
    office = Office(engine, plan_with(BOTH))
    office.at("2026-01-23")
    return office


def name(office: Office, key: str) -> Assigned:
    with office.conn() as conn:
        return named(conn, office.plan, key, office.now)


def select(office: Office, kind: Kind, **selection: str) -> list[str]:
    with office.conn() as conn:
        return [each.key for each in selected(conn, office.plan, kind, **selection)]


# --------------------------------------------------------------------------------------- by key


@pytest.mark.parametrize("key", ["work", "work/2026-01", "work@甲", "2026-01@甲", ""])
def test_what_is_no_key_is_wrong_usage_with_an_example(office: Office, key: str) -> None:
    with pytest.raises(DispatcherError, match="write it like dropout-check/2023-03@") as wrong:
        name(office, key)
    assert wrong.value.exit_code == 2


def test_an_unknown_unit_or_duty_is_answered_with_the_nearest(office: Office) -> None:
    with pytest.raises(DispatcherError, match="unknown unit '丁'; nearest"):
        name(office, "work/2026-01@丁")
    with pytest.raises(DispatcherError, match="unknown duty 'worc'; nearest: work"):
        name(office, "worc/2026-01@甲")


def test_a_period_that_the_duty_does_not_have_is_answered_with_the_nearest(office: Office) -> None:
    with pytest.raises(Refused, match="'work' has no period '2026-13'; nearest"):
        name(office, "work/2026-13@甲")


def test_a_unit_that_owes_nothing_has_no_assignment(office: Office) -> None:
    with pytest.raises(Refused, match="work/2026-01@丙: nothing is owed; ask 'dispatcher why'"):
        name(office, "work/2026-01@丙")


def test_a_skipped_period_has_no_assignment(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH._replace(skip={"2026-03": "放假"})))
    office.at("2026-01-23")
    with pytest.raises(Refused, match="work/2026-03@甲: nothing is owed"):
        name(office, "work/2026-03@甲")


def test_a_unit_is_found_by_its_alias(engine: Engine) -> None:
    units = [a_unit("甲", aliases=("甲局",)), a_unit("乙"), a_unit("丙")]
    office = Office(engine, plan_with(BOTH, units=units))
    office.at("2026-01-23")
    assert name(office, "work/2026-01@甲局").key == "work/2026-01@甲"


def test_a_duty_is_found_by_its_title(office: Office) -> None:
    assert name(office, "work的工作/2026-01@甲") == name(office, "work/2026-01@甲")


def test_what_is_acted_on_before_it_opens_enters_the_ledger_for_that_unit_alone(
    office: Office,
) -> None:
    office.say("ack", "work/2026-03@乙")
    with office.conn() as conn:
        found = select_assigned(conn, period="2026-03")
    assert [(each.unit, each.state) for each in found] == [("乙", "acknowledged")]


def test_a_refused_answer_leaves_nothing_behind(office: Office) -> None:
    with pytest.raises(Refused, match="not possible now"):
        office.say("reopen", "work/2026-03@乙", "为什么")
    assert office.ask("SELECT count(*) FROM occurrence WHERE period = '2026-03'") == [(0,)]


def test_what_a_removed_duty_left_is_found_in_the_ledger(office: Office) -> None:
    office.edit(plan_with())
    office.at("2026-01-26")
    assert office.state() == "withdrawn"


def test_what_a_removed_unit_left_is_found_in_the_ledger(office: Office) -> None:
    office.edit(plan_with(ALONE, units=UNITS))
    office.at("2026-01-26")
    assert office.state("work/2026-01@乙") == "withdrawn"


def test_a_merged_units_own_part_is_found_under_its_old_name(office: Office) -> None:
    office.edit(plan_with(ALONE, units=[a_unit("甲", aliases=("乙",)), a_unit("丙")]))
    office.at("2026-01-26")
    assert name(office, "work/2026-01@乙").key == "work/2026-01@乙"


def test_an_event_is_found_by_its_subject_once_it_is_recorded(engine: Engine) -> None:
    event = ALONE._replace(cadence=Event("验收结算", 1, "months"))
    office = Office(engine, plan_with(event))
    office.at("2026-01-23")
    with pytest.raises(Refused, match="no period '龙井村': 'work' waits for an event: 验收结算"):
        name(office, "work/龙井村@甲")
    with office.conn() as conn:
        found = event_occurrence(office.plan, event, "龙井村", date(2026, 1, 20))
        entering.enter(conn, found, event.told, office.now)
    assert name(office, "work/龙井村@甲").due_on == date(2026, 2, 20)


def test_what_was_due_before_its_adoption_is_not_chased_when_it_is_acknowledged(
    office: Office,
) -> None:
    try:
        office.say("ack", "work/2025-11@甲")
    except Refused:
        return
    assert office.at("2026-01-26") == []


@pytest.mark.parametrize("period, kind", [("2024-06", "report"), ("2028-06", "ack")])
def test_what_was_answered_far_ahead_or_long_ago_is_not_withdrawn_by_an_edit(
    office: Office, period: str, kind: Kind
) -> None:
    key = f"work/{period}@甲"
    try:
        office.say(kind, key, "好")
    except Refused:
        return
    before = office.state(key)
    office.edit(plan_with(BOTH, a_duty("new")))
    office.at("2026-01-26")
    assert office.state(key) == before


# --------------------------------------------------------------------------------- by selection


@pytest.fixture
def many(engine: Engine) -> Office:
    """Two duties of 甲, who leads, and 乙: one due on the 10th, one at the month's end."""
    early = a_duty("early", Every("month", due=Due(day=10)))
    office = Office(engine, plan_with(BOTH, early))
    office.at("2026-01-05")
    return office


def test_a_selection_has_leads_last_and_else_goes_by_due_date(many: Office) -> None:
    assert select(many, "done", period="2026-01") == [
        "early/2026-01@乙",
        "work/2026-01@乙",
        "early/2026-01@甲",
        "work/2026-01@甲",
    ]


def test_a_selection_closes_a_whole_occurrence_in_its_order(many: Office) -> None:
    for key in select(many, "done", duty="work", period="2026-01"):
        assert many.say("done", key)


@pytest.mark.parametrize(
    "selection, found",
    [
        ({"unit": "乙"}, ["early/2026-01@乙", "work/2026-01@乙"]),
        ({"duty": "early"}, ["early/2026-01@乙", "early/2026-01@甲"]),
        ({"duty": "early的工作", "unit": "甲"}, ["early/2026-01@甲"]),
        ({"unit": "甲", "period": "2026-01"}, ["early/2026-01@甲", "work/2026-01@甲"]),
    ],
)
def test_a_selection_takes_what_fits_everything_given(
    many: Office, selection: dict[str, str], found: list[str]
) -> None:
    assert select(many, "report", **selection) == found


def test_a_selection_takes_only_what_the_answer_can_be_said_to(many: Office) -> None:
    many.say("report", "early/2026-01@乙")
    assert select(many, "return", unit="乙") == ["early/2026-01@乙"]
    assert select(many, "ack", unit="乙") == ["work/2026-01@乙"]


@pytest.mark.parametrize("kind", ["grant", "refuse"])
def test_a_selection_decides_only_on_extensions_that_were_asked_for(
    many: Office, kind: Kind
) -> None:
    many.say("ask", "work/2026-01@乙", "忙", to="2026-02-10")
    assert select(many, kind, period="2026-01") == ["work/2026-01@乙"]


def test_a_selection_never_touches_copies(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH._replace(expect="lead")))
    office.at("2026-01-23")
    assert select(office, "done", period="2026-01") == ["work/2026-01@甲"]
    with pytest.raises(Refused, match="nothing fits"):
        select(office, "withdraw", unit="乙")


def test_a_selection_without_any_choice_is_wrong_usage(many: Office) -> None:
    with pytest.raises(DispatcherError, match="name an assignment, or select with") as wrong:
        select(many, "done")
    assert wrong.value.exit_code == 2


def test_a_selection_of_nothing_is_refused(many: Office) -> None:
    with pytest.raises(Refused, match="nothing fits to which this can be said"):
        select(many, "done", period="2025-01")


def test_a_selection_of_an_unknown_unit_or_duty_names_the_nearest(many: Office) -> None:
    with pytest.raises(DispatcherError, match="unknown unit '丁'"):
        select(many, "done", unit="丁")
    with pytest.raises(DispatcherError, match="unknown duty 'earlx'; nearest: early"):
        select(many, "done", duty="earlx")
