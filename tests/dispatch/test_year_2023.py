"""The main job on real input: 2023 passed day by day against a real SMTP server.

What arrives at the server is compared with the naive calendar of ``tests/naive.py``: every
reminder that it expects, exactly once, and nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from dispatcher.dispatch.answering import answer
from dispatcher.dispatch.wording import titled
from dispatcher.ledger import assignments
from dispatcher.ledger.answers import Said
from tests import naive
from tests.mail import opened
from tests.service import Service, days
from tests.sink import Sink, mail_server

YEAR = (date(2023, 1, 1), date(2023, 12, 31))
TIMES = re.compile(r"第(\d+)次催办")


@pytest.fixture
def server() -> Iterator[tuple[Sink, int]]:
    with mail_server() as found:
        yield found


def answer_all_due(service: Service, day: date) -> None:
    with service.engine.begin() as conn:
        for assigned in assignments.select_assigned(conn, states=["pending"]):
            if assigned.owes and assigned.due_on <= day:
                said = Said("done", "区农办", despite="逐项核对")
                answer(conn, service.plan, assigned, said, service.now)


@pytest.mark.year
@pytest.mark.parametrize("answered", [True, False], ids=["answering", "silent"])
def test_every_reminder_of_2023_arrives_exactly_once_and_nothing_else(
    tmp_path: Path, server: tuple[Sink, int], answered: bool
) -> None:
    sink, port = server
    service = Service(tmp_path, port, YEAR[0])
    arrived: Counter[tuple[date, str, str, int, str]] = Counter()
    briefs: Counter[tuple[date, str]] = Counter()
    for day in days(*YEAR):
        service.pass_at(day, 9)
        if answered:
            answer_all_due(service, day)
        service.pass_at(day, 17)
        for mail in map(opened, sink.received):
            if mail.kind == "督办日报":
                briefs[day, mail.address] += 1
            elif mail.kind != "系统启动":
                for entry in mail.told().entries:
                    times = TIMES.search(entry.deadline)
                    count = int(times[1]) if times else 0
                    arrived[day, mail.address, entry.title, count, entry.late] += 1
        sink.received.clear()
    addresses = {
        unit.name: [contact.email for contact in unit.contacts]
        for unit in service.plan.units.values()
    }
    titles = {duty.id: duty.title for duty in service.plan.duties.values()}
    office = addresses[service.plan.office]
    service.close()

    wanted = {
        (day, address, titled(titles[duty], period), times, late)
        for (day, unit), items in naive.expected(*YEAR, answered=answered).items()
        for duty, period, times, late in items
        for address in addresses[unit]
    }
    assert wanted - arrived.keys() == set(), "lost"
    assert arrived.keys() - wanted == set(), "unexpected"
    assert {key: count for key, count in arrived.items() if count != 1} == {}, "more than once"
    workdays = {day for day in days(*YEAR) if naive.is_workday(day)}
    assert set(briefs) == {(day, address) for day in workdays for address in office}
    assert set(briefs.values()) == {1}
