"""A year of an office: what units answer and the office decides, against a naive second model.

Both sides get the same script, day by day; every answer must be taken or refused alike, every
message must read as the model says, and at the end of each month every assignment must stand as
it says. ``SEEDS=1,2,3 pytest -m year`` runs whole years of the whole calendar.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import cast

import pytest
import yaml

from dispatcher import bootstrap
from dispatcher.dispatch.answering import answer, named
from dispatcher.errors import DispatcherError
from dispatcher.ledger import assignments
from dispatcher.ledger.answers import Said
from dispatcher.ledger.database import Connection
from dispatcher.ledger.transitions import Kind
from dispatcher.plan.model import Plan
from tests import naive, office_model
from tests.clerk import NoSuchRow, hand_in
from tests.mail import Mail, opened
from tests.office_model import Brief
from tests.office_part import Part
from tests.office_script import Act, Played, script
from tests.service import Service, days
from tests.sink import Sink, mail_server

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
OPEN_INTO_2027 = naive.Due(
    "education-aid", "2026年秋季学期", date(2026, 9, 1), *[date(2027, 1, 22)] * 2, provisional=True
)
SOME_DUTIES = (
    "dropout-check education-aid fund-disbursement industry-fund-share medical-coverage "
    "manuscripts monthly-review out-of-catalogue-cost resident-team-supervision "
    "water-quality-dispersed"
).split()
"""Every length of a period, copies, progress items and measures, in the fewest duties."""
ROOT = Path(__file__).parent.parent.parent
BRIEF = Brief(
    overdue=r"逾期未反馈(\d+)项", today=r"今日到期(\d+)项", week=r"7日内到期(\d+)项",
    to_look_at=r"待审核(\d+)件", to_extend=r"延期申请待批(\d+)件", short=r"指标未达到(\d+)项",
    lapsed=r"转为逾期未办(\d+)件", messages=r"应发(\d+)条",
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[tuple[Sink, int]]:
    with mail_server() as found:
        yield found


class Year:
    """The service and the model, side by side."""

    def __init__(self, service: Service, sink: Sink, seed: int) -> None:
        self.service, self.sink = service, sink
        with (ROOT / "schedules.yaml").open(encoding="utf-8") as file:
            calendar = yaml.safe_load(file)
        titles = {duty["id"]: duty["title"] for duty in calendar["duties"]}
        self.unit_at = {
            contact.email: unit.name
            for unit in service.plan.units.values()
            for contact in unit.contacts
        }
        parts = list(_parts(service.plan.duties))
        self.model = office_model.Office(parts, titles, Counter(self.unit_at.values()))
        played = [Played(part.line, part.unit, part.owes, part.leads) for part in parts]
        self.acts = script(seed, played, FIRST, LAST)
        self.answers: Counter[tuple[str, bool, str]] = Counter()
        self.messages = 0

    def passes(self, day: date, hour: int) -> None:
        """What one pass sends is what the model tells, and to every address once."""
        self.service.pass_at(day, hour)
        arrived = [opened(each) for each in self.sink.received]
        self.sink.received.clear()
        briefs = [mail for mail in arrived if mail.kind == "督办日报"]
        digests = [mail for mail in arrived if mail.kind not in ("督办日报", "系统启动")]
        told = self.model.tells(day)
        wanted = {(to, told[unit]) for to, unit in self.unit_at.items() if unit in told}
        _same({(mail.address, mail.told()) for mail in digests}, wanted, f"{day} {hour}h")
        assert len(digests) == len(wanted), f"{day} {hour}h: more than one to an address"
        self.messages += len(digests)
        if hour == 9 and naive.is_workday(day):
            brief = self.model.brief(day)
            offices = {(to, brief) for to, unit in self.unit_at.items() if unit == "区农办"}
            _same({(mail.address, _brief(mail)) for mail in briefs}, offices, f"{day} brief")
        else:
            assert briefs == []

    def says(self, act: Act) -> None:
        """Both sides are told the same, and make the same of it."""
        part = self.model.parts[act.key]
        was, now = part.state, self.service.at(act.day, act.hour)
        try:
            with self.service.engine.begin() as conn:
                new = _said(conn, self.service.plan, act, part.due, now)
            found = "recorded" if new else "already"
        except (DispatcherError, NoSuchRow):
            found = "refused"
        assert found == self.model.hears(act), f"{act}, which is {was}"
        self.answers[act.kind, act.sheet, found] += 1

    def standing(self) -> dict[str, tuple[str, date, int]]:
        with self.service.engine.begin() as conn:
            return {
                each.key: (each.state, each.due_on, each.round)
                for each in assignments.select_assigned(conn)
            }


def _parts(duties: dict[str, object]) -> Iterator[Part]:
    known = naive.duties()
    for line in [*naive.due_lines(2026), OPEN_INTO_2027]:
        if line.duty in duties and line.due >= FIRST:
            duty = known[line.duty]
            owing, progress = naive.owing(duty), naive.is_progress(duty)
            for unit in duty["told"].split():
                leads = unit in duty["lead"].split()
                yield Part(line, unit, unit in owing, leads, progress, line.due)


def _same(found: set[object], wanted: set[object], when: str) -> None:
    """Says no more than one can read."""
    only_found, only_wanted = sorted(found - wanted), sorted(wanted - found)
    said = f"{when}\n arrived: {only_found[:2]}\n  wanted: {only_wanted[:2]}"
    assert found == wanted, said


def _brief(mail: Mail) -> Brief:
    found = [re.search(str(pattern), mail.text) for pattern in BRIEF]
    return Brief(*(int(match[1]) if match else 0 for match in found))


def _said(conn: Connection, plan: Plan, act: Act, due: date, now: datetime) -> bool:
    if act.sheet:
        return hand_in(conn, plan, act, due, now)
    kind = cast("Kind", act.kind)
    said = Said(kind, "张三", act.note, act.to, dict(act.figures), despite=act.despite)
    return answer(conn, plan, named(conn, plan, act.key, now), said, now)


def _lives_through(year: Year, last: date) -> None:
    acts = iter([*year.acts, None])
    act = next(acts)
    for day in days(FIRST, last):
        year.model.begins(day)
        year.passes(day, 9)
        while act and act.day == day:
            year.says(act)
            act = next(acts)
        year.passes(day, 17)
        if (day + naive.DAY).day == 1:
            _same(set(year.standing().items()), set(year.model.standing().items()), f"{day}")


def _small(plan: Plan) -> Plan:
    """Some duties, and one contact for each unit but one."""
    units = {
        name: unit if name == "潭东镇" else unit._replace(contacts=unit.contacts[:1])
        for name, unit in plan.units.items()
    }
    return plan._replace(units=units, duties={name: plan.duties[name] for name in SOME_DUTIES})


def _passes(folder: Path, server: tuple[Sink, int], seed: int, plan: Plan, last: date) -> None:
    sink, port = server
    service = Service(folder, port, FIRST, plan)
    _lives_through(Year(service, sink, seed), last)
    service.close()


def test_half_a_year_of_some_duties_goes_as_the_model_says(
    tmp_path: Path, server: tuple[Sink, int]
) -> None:
    plan = _small(bootstrap.read_calendar(ROOT / "schedules.yaml"))
    _passes(tmp_path, server, 1, plan, date(2026, 6, 30))


if "SEEDS" in os.environ:  # a campaign of its own: ten minutes for each seed

    @pytest.mark.year
    @pytest.mark.parametrize("seed", [int(seed) for seed in os.environ["SEEDS"].split(",")])
    def test_a_year_of_the_whole_calendar_goes_as_the_model_says(
        tmp_path: Path, server: tuple[Sink, int], seed: int
    ) -> None:
        _passes(tmp_path, server, seed, bootstrap.read_calendar(ROOT / "schedules.yaml"), LAST)
