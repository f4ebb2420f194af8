"""A calendar that is cut off while it is saved, at every byte: nothing is withdrawn, nothing that
was due is lost, and nothing is told twice.

What a daemon tells while its file is cut is compared with what its twin tells, whose file stays
whole. The shipped calendar is cut at every twelfth line and at some bytes; at every byte with
``-m campaign``, in pieces (``-k piece7``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from dispatcher import bootstrap
from dispatcher.channels.contract import Outgoing
from dispatcher.dispatch import revising
from dispatcher.errors import DispatcherError
from dispatcher.ledger.database import Connection
from dispatcher.plan.comparing import compare, horizon
from dispatcher.plan.model import Revision
from dispatcher.settings import shipped
from tests.building import a_ledger, local
from tests.crash.edits import NAME, Daemon, ask, post_kept

SHIPPED = shipped(NAME).read_bytes()
SAMPLE, PIECES = 80, 40
SHARE = 10
"""How many duties in a hundred an edit may silence unseen, unless the settings say otherwise."""

BLOCK = """\
\ufeff# 督办计划
plan:
  title: 计划    # 名称
  office: 丙
  from: 2026-01-01
calendar: {holidays: none}
units:
  丙:
    contacts:
      - {name: 丙, email: c@example.com}
  甲:
    contacts:
      - {name: 甲, email: a@example.com}
duties:
  # 每月一次
  - id: report
    title: 报送“月报”
    responsible: 甲、丙
    when: 每月
  - id: visit
    title: 走访
    responsible:
      - 甲
      - 丙
    when: 每季度
    note: 入户
""".replace("\n", "\r\n")
FLOW = (
    "{plan: {title: 计划, office: 丙, from: 2026-01-01}, calendar: {holidays: none}, units: {丙: "
    "{contacts: [{name: 丙, email: c@example.com}]}, 甲: {contacts: [{name: 甲, email: "
    "a@example.com}]}},\nduties: [{id: a, title: 月报, responsible: [甲, 丙], when: 每月},"
    " {id: b, title: 走访, responsible: 甲, when: 每周}]}\n# 完"
)
UNITS_LAST = """\
duties:
  - {id: a, title: 月报, responsible: 大家, when: 每月}
  - {id: b, title: 周报, responsible: 甲, when: 每周, before: [1d]}
plan: {title: 计划, office: 丙, from: 2026-01-01}
calendar: {holidays: none}
units:
  丙: {contacts: [{name: 丙, email: c@example.com}]}
  甲: {superior: 丙, contacts: [{name: 甲, email: a@example.com}]}
groups: {大家: [甲, 丙]}
defaults: {overdue: [1wd, 3wd]}
"""
RICH = """\
plan: {title: 计划, office: 丙, from: 2026-01-01}
calendar: {ranges: {假: [{name: 春假, from: 2026-02-02, to: 2026-02-20}]}}
channels: {群: {kind: wecom, key: '${K}'}}
ladder:
  number: 〔{year}〕{number}号
  rungs: [{colour: 蓝, name: 蓝单, after: 1wd, to: [owner], answer: 3wd, demand: 办}]
units:
  丙: {contacts: [{name: 丙, email: c@example.com}]}
  甲: {superior: 丙, contacts: [{name: 甲, email: a@example.com}], channels: [群, email]}
duties:
  - {id: a, title: 月报, responsible: 甲, when: 除假外每月, skip: {2026-03: 停}}
  - id: b
    title: 走访
    responsible: 甲、丙
    when: 每季度
    move: {2026-Q1: {to: 2026-04-15, reason: 推}}
"""
SMALL = {"block": BLOCK, "flow": FLOW, "units last": UNITS_LAST, "rich": RICH}


class Twins:
    """Two daemons of one calendar, one of whose files is cut."""

    def __init__(self, whole: bytes, folder: Path) -> None:
        self.whole, self.now, self.stack = whole, local("2026-01-05 09:00"), ExitStack()
        self.cut, self.twin = (self._begin(folder / name) for name in ("cut", "twin"))
        self.begun, self.counts = self.cut.in_force, Counter[str]()

    def _begin(self, folder: Path) -> Daemon:
        folder.mkdir()
        (folder / NAME).write_bytes(self.whole)
        engine = self.stack.enter_context(a_ledger(folder / "ledger.db"))
        found = Daemon(engine, folder, lambda: self.now)
        found()
        return found

    def look(self, content: bytes) -> None:
        """One of them looks at its file, which holds ``content``."""
        self.now += timedelta(seconds=1)
        self.cut.file.write_bytes(content)
        self.cut.reload.follow()
        assert self.cut.in_force == self.begun, content[-80:].decode(errors="replace")
        assert not self.cut.reload.restless()
        self.counts.update(state for (state,) in ask(self.cut.engine, WAITING))

    def next_morning(self) -> None:
        """Both pass at nine, with whatever their files hold."""
        self.now = (self.now + timedelta(days=1)).replace(hour=1, minute=0, second=0)
        for daemon in (self.cut, self.twin):
            daemon()


@pytest.fixture
def post() -> Iterable[list[Outgoing]]:
    with post_kept() as sent:
        yield sent


def campaign(whole: bytes, cuts: Sequence[int], folder: Path, days: int) -> Counter[str]:
    """Cuts the file at each of ``cuts``, in any order and now and then whole between two, while
    ``days`` go by; what became of the edits."""
    twins = Twins(whole, folder)
    with twins.stack:
        chance = Random(len(cuts))
        for number, length in enumerate(chance.sample(cuts, len(cuts))):
            twins.look(whole[:length])
            if number % (len(cuts) // days) == 0:
                twins.next_morning()
            if chance.random() < 0.1:
                twins.look(whole)
        twins.look(whole)
        twins.next_morning()
        assert_alike(twins)
    return twins.counts


WAITING = "SELECT state FROM edit WHERE state IN ('held', 'refused')"
ASSIGNED = (
    "SELECT duty, period, unit, assignment.state, assignment.due_on, round FROM assignment"
    " JOIN occurrence ON occurrence.id = occurrence_id ORDER BY 1, 2, 3"
)
REMINDED = (
    "SELECT duty, period, assignment.unit, reminder.round, step, addressee, reminder.unit,"
    " reminder.state, queued_at, told_at FROM reminder"
    " JOIN assignment ON assignment.id = assignment_id"
    " JOIN occurrence ON occurrence.id = occurrence_id ORDER BY 1, 2, 3, 4, 5, 6"
)
HISTORY = "SELECT at, actor, action, subject FROM audit ORDER BY id"
TOLD = (
    "SELECT at, channel, address, subject, text, state FROM message"
    " WHERE kind IN ('digest', 'slip') ORDER BY 1, 2, 3"
)
ROUNDS = "SELECT assignment_id, number, cause, due_on FROM round ORDER BY 1, 2"


def assert_alike(twins: Twins) -> None:
    """That nothing was ever otherwise than with the twin: rounds, the audit and reminders only
    grow."""
    for query in (ASSIGNED, REMINDED, HISTORY, TOLD, ROUNDS):
        cut, twin = (ask(daemon.engine, query) for daemon in (twins.cut, twins.twin))
        assert cut == twin, query
    told = ask(twins.cut.engine, "SELECT 1 FROM reminder WHERE state = 'told'")
    assert told, "nothing fell due: the campaign shows nothing"
    states = [state for (state,) in ask(twins.cut.engine, "SELECT state FROM edit ORDER BY id")]
    assert states[0] == "applied"
    assert {*states[1:]} == {"dropped"}


def cut_short(whole: bytes) -> range:
    """Every length at which more than blanks is missing."""
    return range(len(whole.rstrip()))


@pytest.mark.parametrize("name", SMALL)
def test_no_cut_of_a_small_calendar_withdraws_or_loses_anything(
    name: str, tmp_path: Path, post: list[Outgoing]
) -> None:
    whole = SMALL[name].encode()
    found = campaign(whole, cut_short(whole), tmp_path, days=60)
    assert found["held"] > 0
    assert found["refused"] > 0


def lines_and_some_bytes() -> list[int]:
    """Every twelfth line of the shipped file, and bytes by chance."""
    lines = [n + 1 for n, byte in enumerate(SHIPPED.rstrip()) if byte == ord("\n")]
    return sorted({*lines[::12], *Random(1).sample(cut_short(SHIPPED), SAMPLE)})


def every_byte() -> Iterator[Any]:
    """Every byte of the shipped file, in pieces."""
    for number in range(PIECES):
        cuts = cut_short(SHIPPED)[number::PIECES]
        yield pytest.param(cuts, marks=pytest.mark.campaign, id=f"piece{number + 1}")


@pytest.mark.parametrize("cuts", [pytest.param(lines_and_some_bytes(), id="lines"), *every_byte()])
def test_no_cut_of_the_shipped_calendar_withdraws_or_loses_anything(
    cuts: Sequence[int], tmp_path: Path, post: list[Outgoing]
) -> None:
    found = campaign(SHIPPED, cuts, tmp_path, days=40)
    print(dict(found))
    assert found["held"] > 0
    assert found["refused"] > 0


# ------------------------------------------------------ another edit whose save was cut off


class Verdict(NamedTuple):
    """What became of a cut: its state, the duties that it has no more, and whatever it does to the
    ledger and to the addresses."""

    state: str
    vanished: frozenset[str] = frozenset()
    does: str = ""


def verdict(conn: Connection, old: Revision, content: bytes, now: datetime) -> Verdict:
    """What the product would make of a file, judged by what the ledger holds then."""
    try:
        new = bootstrap.revision(NAME, content.decode("utf-8-sig"))
    except (DispatcherError, UnicodeDecodeError):
        return Verdict("refused")
    difference = compare(old.plan, new.plan, *horizon(new.plan, now.date()))
    told = told_and_open(conn)
    revising.propose(conn, revising.Proposal(old, new, difference, NAME, SHARE), now)
    vanished = frozenset(old.plan.duties.keys() - new.plan.duties.keys())
    state, does = conn.exec_driver_sql(
        "SELECT state, consequences FROM edit ORDER BY id DESC LIMIT 1"
    ).one()
    if state == "applied":
        assert told <= told_and_open(conn), content[-80:].decode()
        assert len(vanished) * 100 <= SHARE * len(old.plan.duties), content[-80:].decode()
    changes = [*json.loads(does), *(["addresses"] if difference.addresses_lost else [])]
    return Verdict(state, vanished, ", ".join(changes) or "nothing")


def told_and_open(conn: Connection) -> set[tuple[str, str, str]]:
    """What units have been told of and still owe."""
    query = (
        "SELECT DISTINCT duty, period, assignment.unit FROM reminder"
        " JOIN assignment ON assignment.id = assignment_id"
        " JOIN occurrence ON occurrence.id = occurrence_id"
        " WHERE reminder.state = 'told' AND assignment.state = 'pending'"
    )
    return {(duty, period, unit) for duty, period, unit in conn.exec_driver_sql(query)}


def verdicts(whole: bytes, edited: bytes, cuts: Iterable[int], folder: Path) -> Counter[Verdict]:
    """What becomes of an edit at each length at which its save may be cut off."""
    twins = Twins(whole, folder)
    with twins.stack:
        twins.next_morning()
        old = twins.cut.reload.running
        found: Counter[Verdict] = Counter()
        for length in cuts:
            with twins.cut.engine.connect() as conn:
                found[verdict(conn, old, edited[:length], twins.now)] += 1
        return found


def retitled(whole: bytes) -> bytes:
    """A calendar with a line changed that stands before most of it."""
    return whole.replace(b"title: ", "title: 新".encode(), 1)


@pytest.mark.parametrize("name", SMALL)
def test_a_cut_of_another_edit_takes_back_nothing_told_and_silences_little_unseen(
    name: str, tmp_path: Path, post: list[Outgoing]
) -> None:
    whole = SMALL[name].encode()
    found = verdicts(whole, retitled(whole), cut_short(retitled(whole)), tmp_path)
    show(found)
    assert {each.state for each in found} >= {"refused", "applied"}


@pytest.mark.parametrize("every", [20, pytest.param(1, marks=pytest.mark.campaign)])
def test_a_cut_of_another_edit_of_the_shipped_calendar_at_a_line_does_neither(
    every: int, tmp_path: Path, post: list[Outgoing]
) -> None:
    edited = retitled(SHIPPED)
    lines = [n + 1 for n, byte in enumerate(edited.rstrip()) if byte == ord("\n")]
    found = verdicts(SHIPPED, edited, lines[::every], tmp_path)
    show(found)
    assert {each.state for each in found} >= {"refused", "held"}


def show(found: Counter[Verdict]) -> None:
    for each, count in found.items():
        print(f"{count} {each.state}, without {len(each.vanished)} duties: {each.does}")
