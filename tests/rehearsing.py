"""A calendar in a folder of its own, rehearsed, and what came of it."""

from __future__ import annotations

from datetime import date, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

from dispatcher import bootstrap
from dispatcher.ledger.rehearsing import scratch_ledger
from dispatcher.rehearsal.living import Life
from dispatcher.rehearsal.page import write_page
from dispatcher.rehearsal.report import Report, report
from dispatcher.rehearsal.tally import Tally
from dispatcher.rehearsal.wishes import Stretch, Wishes
from dispatcher.settings import load_settings
from tests.mail import Mail, opened
from tests.sink import Received

CHINA = timezone(timedelta(hours=8))
UNITS = """\
units:
  区农办: {contacts: [{name: 张工, email: office@example.com}]}
  潭东镇: {superior: 区领导, contacts: [{name: 王工, email: tandong@example.com}]}
  区领导: {contacts: [{name: 李区长, email: leader@example.com}]}
"""
MONTHLY = f"""\
plan: {{title: 测试, office: 区农办, from: 2025-01-01}}
{UNITS}duties:
  - {{id: housing, title: 住房排查, rows: [1], when: 每月, responsible: 潭东镇}}
"""


class Kept(NamedTuple):
    """A message as it lies in the folder of a rehearsal."""

    day: date
    mail: Mail
    name: str


class Past(NamedTuple):
    """What is left of a rehearsal."""

    out: Path
    tally: Tally
    report: Report

    def letters(self) -> list[Kept]:
        """Its messages by name."""
        return [_kept(path) for path in sorted((self.out / "messages").glob("*.eml"))]

    def told(self, unit: str) -> list[str]:
        """The subjects of what an address at example.com was told, each with its day."""
        address = f"{unit}@example.com"
        found = [each for each in self.letters() if each.mail.address == address]
        return [f"{each.day:%m-%d} {each.mail.subject}" for each in found]


def _kept(path: Path) -> Kept:
    content = path.read_bytes()
    message = Received("", content).parsed()
    (to,) = message["To"].addresses
    day = parsedate_to_datetime(message["Date"]).astimezone(CHINA).date()
    return Kept(day, opened(Received(to.addr_spec, content)), path.name)


def rehearse(folder: Path, first: str, last: str, calendar: str = MONTHLY, **wishes: Any) -> Past:
    """The days from ``first`` to ``last`` of a calendar, with the page."""
    home, out = folder / "home", folder / "out"
    home.mkdir(exist_ok=True)
    (home / "schedules.yaml").write_text(calendar, "utf-8")
    stretch = Stretch(date.fromisoformat(first), date.fromisoformat(last))
    with scratch_ledger() as engine:
        bootstrap.open_ledger(engine)
        life = Life(load_settings({}, home), Wishes(stretch, out, **wishes), engine)
        life.run()
        with engine.begin() as conn:
            found = report(life, conn)
            write_page(out, life, found, conn)
    assert [path.name for path in home.iterdir()] == ["schedules.yaml"], "something was touched"
    return Past(out, life.tally, found)
