"""The main job on real input: 2023 passed day by day against a real SMTP server.

What arrives at the server is compared with the naive calendar of ``tests/naive.py``: every
reminder that it expects, exactly once, and nothing else.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher import bootstrap
from dispatcher.dispatch.passes import run_pass
from dispatcher.dispatch.wording import titled
from dispatcher.ledger import assignments
from dispatcher.settings import load_settings
from tests import naive
from tests.sink import Received, Sink, mail_server

YEAR = (date(2023, 1, 1), date(2023, 12, 31))
ENTRY = re.compile(r"^\d+\.(?:【(?P<mark>..?)】)?(?P<title>.+?)(?::(?P<said>.*))?$")
TIMES = re.compile(r"第(\d+)次催办")


@pytest.fixture
def server() -> Iterator[tuple[Sink, int]]:
    with mail_server() as found:
        yield found


class Office:
    """The service over a real ledger file and a real mail server, on an injected clock."""

    def __init__(self, folder: Path, port: int) -> None:
        self.now = datetime(2023, 1, 1, tzinfo=UTC)
        environ = {
            "DISPATCHER_LIVE": "1",
            "DISPATCHER_SMTP_URL": f"smtp+plain://127.0.0.1:{port}",
            "DISPATCHER_MAIL_FROM": "nongban@example.com",
        }
        self.settings = load_settings(environ, folder)
        self.plan = bootstrap.read_calendar(self.settings.schedules)
        self.engine = bootstrap.ledger(self.settings)
        self.parts = bootstrap.parts(
            self.settings, self.plan, self.engine, lambda: self.now, threading.Event()
        )

    def pass_at(self, day: date, hour: int) -> None:
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=self.plan.zone)
        self.now = moment.astimezone(UTC)
        run_pass(self.parts, self.now)

    def answer_all_due(self, day: date) -> None:
        with self.engine.begin() as conn:
            for assigned in assignments.select_assigned(conn, states=["pending"]):
                if assigned.owes and assigned.due_on <= day:
                    assignments.done(conn, assigned, "区农办", "", self.now)

    def close(self) -> None:
        for channel in self.parts.channels.values():
            channel.close()
        self.engine.dispose()


def told(received: Received) -> Iterator[tuple[str, int]]:
    """The titles that a digest's text names, each with how often it has been urged."""
    lines = received.text().splitlines()
    for number, line in enumerate(lines):
        if match := ENTRY.match(line):
            said = match["said"] or " ".join(lines[number + 1 : number + 4])
            times = TIMES.search(said)
            yield match["title"], int(times[1]) if times else 0


@pytest.mark.year
@pytest.mark.parametrize("answered", [True, False], ids=["answering", "silent"])
def test_every_reminder_of_2023_arrives_exactly_once_and_nothing_else(
    tmp_path: Path, server: tuple[Sink, int], answered: bool
) -> None:
    sink, port = server
    office = Office(tmp_path, port)
    arrived: Counter[tuple[date, str, str, int]] = Counter()
    briefs: Counter[tuple[date, str]] = Counter()
    day = YEAR[0]
    while day <= YEAR[1]:
        office.pass_at(day, 9)
        if answered:
            office.answer_all_due(day)
        office.pass_at(day, 17)
        for received in sink.received:
            subject = str(received.parsed()["Subject"])
            if subject.startswith("【督办日报】"):
                briefs[day, received.address] += 1
            elif not subject.startswith("【系统启动】"):
                for title, times in told(received):
                    arrived[day, received.address, title, times] += 1
        sink.received.clear()
        day += timedelta(days=1)
    addresses = {
        unit.name: [contact.email for contact in unit.contacts]
        for unit in office.plan.units.values()
    }
    titles = {duty.id: duty.title for duty in office.plan.duties.values()}
    office.close()

    wanted = {
        (day, address, titled(titles[duty], period), times)
        for (day, unit), items in naive.expected(*YEAR, answered=answered).items()
        for duty, period, times in items
        for address in addresses[unit]
    }
    assert wanted - arrived.keys() == set(), "lost"
    assert arrived.keys() - wanted == set(), "unexpected"
    assert {key: count for key, count in arrived.items() if count != 1} == {}, "more than once"
    workdays = [
        YEAR[0] + timedelta(days=n)
        for n in range(365)
        if naive.is_workday(YEAR[0] + timedelta(days=n))
    ]
    assert set(briefs) == {
        (day, address) for day in workdays for address in addresses[office.plan.office]
    }
    assert set(briefs.values()) == {1}
