"""What an edit comes to, against calendars that share no code with the program."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings

from dispatcher.plan.comparing import Difference, compare, horizon
from dispatcher.plan.reading import read_plan
from tests import naive
from tests.plan.consequences import FIRST, LAST, as_shipped, check
from tests.plan.enumeration import CHECKED, Case, Naive, Row, cases, plan_of
from tests.plan.small import calendar

SHIPPED = (Path(__file__).parents[2] / "schedules.yaml").read_text("utf-8")
TODAY = date(2026, 3, 2)
PEOPLE = "{contacts: [{name: 人, email: a@example.com}]}"


def small(when: str = "每月", duty: str = "", **parts: str) -> str:
    """A small calendar whose units can be reached."""
    reached = "units: " + "{" + ", ".join(f"{unit}: {PEOPLE}" for unit in "甲乙丙") + "}"
    return calendar(when, duty, **parts).replace("units: {甲: {}, 乙: {}, 丙: {}}", reached)


def difference(
    old: str, new: str, first: date = TODAY, last: date = date(2027, 12, 31)
) -> Difference:
    return compare(read_plan("old.yaml", old), read_plan("new.yaml", new), first, last)


# ------------------------------------------------------- against the enumeration of every day


@given(cases(), cases())
@settings(CHECKED, max_examples=100, phases=[Phase.generate])
def test_what_two_random_cadences_differ_in_is_what_their_day_by_day_enumerations_differ_in(
    one: Case, other: Case
) -> None:
    first, last = date(2014, 1, 1), date(2026, 12, 31)
    found = compare(
        plan_of(f'"{one.phrase}"', one), plan_of(f'"{other.phrase}"', other), first, last
    )
    before, after = ({row[0]: row for row in Naive(case).rows()} for case in (one, other))
    # Where the rules leave the day open, the enumeration says nothing of it.
    unsaid = {row[0] for row in (*before.values(), *after.values()) if row[2] is None}
    expected = {
        (period, *days)
        for period in before.keys() | after.keys()
        if (days := (due(before, period), due(after, period)))[0] != days[1]
        and any(day and first <= day <= last for day in days)
        and period not in unsaid
        and not keeps(before.get(period), days, first)
    }
    changed = {(each.period, each.before, each.after) for each in found.occurrences}
    assert {change for change in changed if change[0] not in unsaid} == expected


def keeps(was: Row | None, days: tuple[date | None, date | None], day: date) -> bool:
    """Whether what was open on ``day`` keeps its date, since the other one has passed by then."""
    before, after = days
    return bool(was and before and after and was[1] <= day and after < min(day, before))


def due(rows: dict[str, Row], period: str) -> date | None:
    row = rows.get(period)
    return None if row is None or row[5] else row[2]


def test_what_is_open_is_not_said_to_move_to_a_day_that_has_passed() -> None:
    found = difference(small(), small("每月10日前"), date(2026, 3, 20))
    assert next((one.period, one.after) for one in found.occurrences) == (
        "2026-04",
        date(2026, 4, 10),
    )
    told = [one for one, _units in (*found.gained, *found.lost) if one.period == "2026-03"]
    # It lapses earlier, since its successor falls due earlier.
    assert all(one.on >= date(2026, 4, 10) for one in told)


# ---------------------------------------------- the shipped calendar, against its hand-made corpus


@pytest.mark.parametrize("roll", ["following", "preceding", "none"])
def test_of_each_shipped_duty_another_roll_tells_what_the_corpus_says(roll: str) -> None:
    for id, known in naive.duties().items():
        before = as_shipped(id)
        if not before.lines or "term" in known["cadence"] or id == "dropout-check":
            continue
        new = SHIPPED.replace(f"  - id: {id}\n", f"  - id: {id}\n    roll: {roll}\n")
        found = difference(SHIPPED, new, FIRST, LAST)
        rolled = [line._replace(due=rolls(roll, line.nominal)) for line in before.lines]
        check(found, before, before._replace(lines=rolled), id)


def rolls(roll: str, day: date) -> date:
    """Where a nominal day goes."""
    if roll == "none":
        return day
    return naive.workday_after(day) if roll == "following" else naive.workday_before(day)


# --------------------------------------------------------------------------------- single edits


def test_an_edit_of_blanks_comments_and_quotes_changes_nothing() -> None:
    text = small().replace("title: 工作", 'title: "工作"') + "\n# 说明\n"
    assert not difference(small(), text).changes


def test_a_moved_period_says_from_where_to_where_for_whom_and_why() -> None:
    new = small(duty="move: {2026-04: {to: 2026-05-08, reason: 会议}}")
    [change] = difference(small(), new).occurrences
    assert (change.kind, change.period) == ("moved", "2026-04")
    assert (change.before, change.after) == (date(2026, 4, 30), date(2026, 5, 8))
    assert change.units == ("甲", "乙", "丙")
    assert [str(why) for why in change.why] == ["move: now 2026-04 2026-05-08, 会议"]


def test_a_skipped_period_is_dropped_with_its_reason_and_its_messages_are_lost() -> None:
    found = difference(small(), small(duty="skip: {2026-04: 合并}"))
    [change] = found.occurrences
    assert (change.kind, str(change.why[0])) == ("dropped", "skipped by hand: 合并")
    assert {each.period for each, _units in found.lost} == {"2026-04"}
    assert not found.gained


def test_a_holiday_declared_by_the_office_moves_what_was_due_on_it() -> None:
    found = difference(small(), small(days="holidays: china, off: [2026-04-30]"))
    assert ("2026-04", date(2026, 4, 30), date(2026, 4, 29)) in {
        (each.period, each.before, each.after) for each in found.occurrences
    }
    assert str(found.occurrences[0].why[0]) == "the holidays or ranges of the calendar"


def test_another_list_of_units_gains_for_some_and_loses_for_others() -> None:
    new = small().replace("responsible: 大家", "responsible: [甲, 丙]")
    found = difference(small(), new)
    assert {each.units for each in found.occurrences} == {("乙",)}
    assert {each.kind for each in found.occurrences} == {"dropped"}
    assert {unit for _told, units in found.lost for unit in units} == {"乙"}
    assert not found.gained


def test_a_new_name_with_the_old_one_as_its_alias_changes_no_message() -> None:
    new = small().replace(
        f"丙: {PEOPLE}", "丁: {aliases: [丙], contacts: [{name: 人, email: a@example.com}]}"
    )
    found = difference(small(), new)
    assert [(each.before, each.after) for each in found.edits if each.field == "name"] == [
        ("丙", "丁")
    ]
    assert (found.occurrences, found.gained, found.lost) == ((), (), ())


def test_a_contact_with_another_address_is_an_address_gained_and_one_lost() -> None:
    found = difference(small(), small().replace("a@example.com", "b@example.com", 1))
    assert [tuple(each) for each in found.addresses_gained] == [("甲", "email", "b@example.com")]
    assert [tuple(each) for each in found.addresses_lost] == [("甲", "email", "a@example.com")]
    assert not found.occurrences


def test_duties_that_end_or_whose_units_cannot_be_reached_lose_all_their_reminders() -> None:
    ended = small(duty="until: 2026-02-28")
    assert difference(small(), ended).silenced == ("work",)
    assert difference(small(), calendar()).silenced == ("work",)
    assert difference(ended, small()).silenced == ()


def test_another_chasing_shows_also_where_only_its_repetition_is_otherwise() -> None:
    one, other = small(duty='overdue: ["5wd"]'), small(duty="overdue: [every 5wd]")
    found = difference(one, other)
    assert not found.occurrences
    assert {(each.step, each.every) for each, _units in found.gained} == {("T+5", "5wd")}
    assert {(each.step, each.every) for each, _units in found.lost} == {("T+5", "")}


def test_nothing_is_told_of_what_has_lapsed() -> None:
    found = difference(small("每月"), small("每周"))
    assert "T+3" in {each.step for each, _units in found.gained}
    assert "T+8" not in {each.step for each, _units in found.gained}


def test_those_above_who_are_told_instead_are_named() -> None:
    def text(above: str) -> str:
        return small().replace(f"甲: {PEOPLE}", f"甲: {{superior: {above}, {PEOPLE[1:]}")

    found = difference(text("乙"), text("丙"))
    assert {(each.step, each.about, units) for each, units in found.gained} == {
        ("escalate", "甲", ("丙",))
    }
    assert {units for _told, units in found.lost} == {("乙",)}


def test_what_a_new_cadence_has_due_before_the_day_it_is_taken_up_is_not_chased() -> None:
    found = difference(small("每季度"), small("每月"))
    assert min(each.on for each, _units in found.gained) >= TODAY
    assert "2026-02" not in {each.period for each, _units in found.gained}
    assert "2025-Q4" not in {each.period for each, _units in found.gained}


def test_the_days_compared_reach_to_the_end_of_next_year_or_of_the_plan() -> None:
    plan = read_plan("a", small())
    assert horizon(plan, TODAY) == (TODAY, date(2027, 12, 31))
    assert horizon(plan._replace(last=date(2026, 6, 30)), TODAY) == (TODAY, date(2026, 6, 30))
    assert horizon(plan._replace(last=date(2026, 1, 1)), TODAY) == (TODAY, TODAY)


def test_a_title_and_an_hour_are_changes_though_no_date_moves() -> None:
    found = difference(small(), small(defaults="at: 10:00").replace("title: 工作", "title: 新工作"))
    assert found.changes
    assert {(each.field, each.after) for each in found.edits} == {
        ("defaults.at", "10:00"),
        ("title", "新工作"),
    }
    assert (found.occurrences, found.gained, found.lost) == ((), (), ())


def test_a_range_and_a_group_are_shown_as_the_file_has_them_and_only_what_is_otherwise() -> None:
    old = read_plan("s", calendar())
    vacation = "寒暑假: [{name: 2023年暑假, from: 2023-07-11, to: 2023-08-31, provisional: true}]"
    new = read_plan("s", calendar(ranges=vacation))
    said = [
        str(edit.says) for edit in compare(old, new, date(2023, 1, 1), date(2023, 12, 31)).edits
    ]
    assert said == [
        "ranges.寒暑假: 2023年寒假 2023-01-13..2023-02-05,"
        " 2023年暑假 2023-07-01..2023-08-31 provisional"
        " → 2023年暑假 2023-07-11..2023-08-31 provisional"
    ]
    group = old.groups["大家"]
    fewer = old._replace(groups={"大家": group._replace(members=group.members[:2])})
    said = [
        str(edit.says) for edit in compare(old, fewer, date(2023, 1, 1), date(2023, 12, 31)).edits
    ]
    assert said == ["groups.大家: no longer 丙"]
