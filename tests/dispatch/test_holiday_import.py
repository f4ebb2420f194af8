"""A holiday notice is taken in: what was provisional is dated anew, and its units hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.foreseeing import foresee
from dispatcher.dispatch.office import Office as Desk
from dispatcher.dispatch.office import Site
from dispatcher.plan.amending import announce
from dispatcher.plan.gazette import notice_in
from dispatcher.plan.model import Plan
from dispatcher.plan.reading import read_plan
from tests.building import Office, a_ledger, local
from tests.plan.test_holiday_notices import FICTION

CALENDAR = """\
plan: {title: 计划, office: 丙, from: 2026-01-01}
calendar:
  holidays: china
  ranges:
    学期: [{name: 2026年秋季学期, from: 2026-09-01, to: 2027-02-08}]
units:
  甲: {superior: 丙, contacts: [{name: 甲, email: a@example.com}]}
  丙: {contacts: [{name: 丙, email: c@example.com}]}
duties:
  - {id: work, title: 工作, responsible: [甲], when: 学期结束前, before: [15d]}
"""


def imported() -> Plan:
    year, notice = notice_in("notice.txt", FICTION, source="虚构的通知")
    text = announce(CALENDAR, read_plan("s.yaml", CALENDAR), year, notice)
    return read_plan("s.yaml", text)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with a_ledger(tmp_path / "ledger.db") as engine:
        yield Office(engine, read_plan("s.yaml", CALENDAR))


DATES = "SELECT due_on, provisional FROM occurrence"


def test_an_import_dates_an_open_provisional_assignment_anew_as_it_was_foreseen(
    office: Office,
) -> None:
    assert office.at("2026-12-18") == ["甲 work/2026年秋季学期 open"]
    assert office.ask(DATES) == [("2027-02-08", 1)]
    with office.conn() as conn:
        found = foresee(conn, office.plan, imported(), local("2026-12-21"))
    [fate] = found.fates
    assert (fate.becomes, str(fate.before), str(fate.after), fate.told) == (
        "moved",
        "2027-02-08",
        "2027-02-04",
        True,
    )
    office.edit(imported())
    assert office.daily("2026-12-21", "2027-02-05") == {
        "2026-12-21": ["甲 work/2026年秋季学期 moved 2027-02-04"],
        "2027-01-20": ["甲 work/2026年秋季学期 T-15"],
        "2027-02-04": ["甲 work/2026年秋季学期 T"],
    }
    assert office.ask(DATES) == [("2027-02-04", 0)]


def test_an_import_that_moves_nothing_takes_the_mark_away_and_tells_nobody(office: Office) -> None:
    text = CALENDAR.replace("2027-02-08", "2027-01-22")
    office.edit(read_plan("s.yaml", text))
    office.at("2026-12-18")
    assert office.ask(DATES) == [("2027-01-22", 1)]
    notice = imported().workdays.notices[2027]
    office.edit(read_plan("s.yaml", announce(text, office.plan, 2027, notice)))
    assert office.at("2026-12-21") == []
    assert office.ask(DATES) == [("2027-01-22", 0)]


@pytest.mark.parametrize(
    "day, said", [("2027-10-29", False), ("2027-11-01", True), ("2028-01-04", True)]
)
def test_the_brief_asks_for_the_next_years_holidays_from_the_first_of_november(
    office: Office, day: str, said: bool
) -> None:
    office.edit(imported())
    composer = Composer([], office.plan.workdays)
    office.queue_brief = Desk(office.plan, composer, Site(False, "var/mailbox")).queue_reports
    office.at(day)
    (brief,) = (sent for sent in office.box.sent if sent.kind == "brief")
    wanted = "2028年放假安排未公布,相关时限暂定;公布后请用 dispatcher calendar import 导入"
    assert (wanted in brief.text) == said
    assert ("暂定日期" in brief.text) == said
