"""The promise under real ``kill -9``: nothing lost, every second copy listed.

Two hundred units are told every workday. The service is killed at random moments of a burst and
started again until the burst is over; then the next day comes. What arrived is judged by what the
mail server kept, not by the ledger; the ledger only has to own up to every second copy.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from dispatcher import bootstrap
from dispatcher.ledger import queries
from dispatcher.settings import load_settings
from tests.naive import is_workday
from tests.sink import Sink, mail_server

ROOT = Path(__file__).parents[2]
UNITS = 200
KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("SEED", "20261124"))
LONGEST = 0.5
"""Seconds after which a pass is killed at the latest."""


def calendar() -> str:
    lines = [
        "plan: {title: 测试, office: 区农办, from: 2026-01-01}",
        "units:",
        "  区农办: {contacts: [{name: 张工, email: office@example.com}]}",
    ]
    names = [f"单位{number}" for number in range(UNITS)]
    lines += [
        f"  {name}: {{contacts: [{{name: 王工, email: u{number}@example.com}}]}}"
        for number, name in enumerate(names)
    ]
    lines += [
        "duties:",
        f"  - {{id: a, title: 甲, when: 1月5日, overdue: [every 1wd], "
        f"responsible: [{', '.join(names)}]}}",
    ]
    return "\n".join(lines) + "\n"


class Service:
    """Starts passes, kills them, and counts."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.kills = 0
        self.chance = random.Random(SEED)

    def start(self, day: date) -> subprocess.Popen[str]:
        script = str(ROOT / "tests" / "crash" / "one_pass.py")
        command = [sys.executable, script, str(self.home), str(self.port), f"{day}T09:00+08:00"]
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout
        assert process.stdout.readline() == "ready\n", process.stderr and process.stderr.read()
        return process

    def pass_killed(self, day: date) -> bool:
        """Whether the pass was killed before it ended by itself."""
        with self.start(day) as process:
            try:
                process.wait(self.chance.uniform(0, LONGEST))
            except subprocess.TimeoutExpired:
                process.kill()
                self.kills += 1
                return True
            return process.returncode != 0

    def pass_whole(self, day: date) -> None:
        with self.start(day) as process:
            assert process.wait(120) == 0


@pytest.mark.crash
def test_kill_at_random_moments_of_a_burst_loses_nothing_and_lists_every_second_copy(
    tmp_path: Path,
) -> None:
    (tmp_path / "schedules.yaml").write_text(calendar(), "utf-8")
    with mail_server() as (sink, port):
        service = Service(tmp_path, port)
        days = []
        day = date(2026, 1, 5)
        while service.kills < KILLS:
            if is_workday(day):
                days.append(day)
                while service.kills < KILLS and service.pass_killed(day):
                    pass
                service.pass_whole(day)
            day += timedelta(days=1)
    copies = Counter(str(received.parsed()["Message-ID"]) for received in sink.received)
    twice = {key for key, count in copies.items() if count > 1}

    assert missing(sink, days) == set(), "lost"
    assert sum(copies.values()) - len(copies) <= service.kills, "more than one copy a kill"
    listed = listed_duplicates(tmp_path)
    assert {int(re.findall(r"\d+", key)[0]) for key in twice} <= listed, "not listed"
    print(
        f"{service.kills} kills, {len(copies)} messages, {len(twice)} second copies, "
        f"{len(listed)} listed, seed {SEED}"
    )


def missing(sink: Sink, days: list[date]) -> set[tuple[date, str]]:
    """The units that have not got the digest of a day."""
    arrived = {
        (received.address, str(received.parsed()["Subject"]).rpartition("(")[2])
        for received in sink.received
    }
    return {
        (day, f"u{number}@example.com")
        for day in days
        for number in range(UNITS)
        if (f"u{number}@example.com", f"{day.month}月{day.day}日)") not in arrived
    }


def listed_duplicates(home: Path) -> set[int]:
    engine = bootstrap.ledger(load_settings({}, home))
    with engine.begin() as conn:
        found = {each.message_id for each in queries.possible_duplicates(conn)}
    engine.dispose()
    return found
