"""Plans made by hand, and an office that runs passes on them with a channel that remembers."""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import event, text

from dispatcher.channels.contract import Channel, DeliveryError, OnUnknown, Outgoing, Receipt
from dispatcher.dispatch.answering import answer, named
from dispatcher.dispatch.courier import Courier
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.passes import PassReport, run_pass
from dispatcher.dispatch.reconcile import reconcile
from dispatcher.errors import Place
from dispatcher.i18n import Text
from dispatcher.ledger import revisions
from dispatcher.ledger.answers import Said
from dispatcher.ledger.database import Connection, Engine, create_engine, migrate
from dispatcher.ledger.items import Item
from dispatcher.ledger.outbox import Content
from dispatcher.ledger.transitions import Kind
from dispatcher.plan.cadence import Cadence, Every
from dispatcher.plan.model import Contact, Defaults, Duty, Escalation, Offset, Plan, Unit
from dispatcher.plan.workdays import Workdays

ZONE = ZoneInfo("Asia/Shanghai")
MIGRATIONS = Path(__file__).parent.parent / "db"
OVERDUE = (Offset(1, workdays=True), Offset(3, workdays=True), Offset(5, workdays=True, every=True))
BEFORE = {
    "month": (Offset(7), Offset(1)),
    "quarter": (Offset(15), Offset(3)),
    "year": (Offset(60), Offset(15), Offset(3)),
    "dates": (Offset(15), Offset(3)),
}


def a_duty(name: str = "work", cadence: Cadence | None = None, **changes: Any) -> Duty:
    """A monthly duty of 甲, who leads, and 乙."""
    duty = Duty(
        id=name,
        title=f"{name}的工作",
        task="做好工作",
        rows=(1,),
        clause="",
        phrase="每月",
        cadence=cadence or Every("month"),
        progress=False,
        lead=("甲",),
        units=("甲", "乙"),
        expect="all",
        roll="preceding",
        before=None,
        overdue=OVERDUE,
        open=True,
        min_workdays=3,
        first=date(2020, 1, 1),
        last=date(2099, 12, 31),
        skip={},
        move={},
        measures=(),
        note="",
        place=Place(1, 1),
    )
    return duty._replace(**changes)


def a_unit(name: str, *emails: str, **changes: Any) -> Unit:
    """A unit with a contact for each address; without any, one of its own."""
    contacts = tuple(Contact(email, email=email) for email in emails or (f"{name}@example.com",))
    return Unit(name, contacts=contacts)._replace(**changes)


def plan_with(
    *duties: Duty, units: Sequence[Unit] = (), workdays: Workdays | None = None, **changes: Any
) -> Plan:
    """A plan of these duties and of 甲, 乙 and 丙, unless ``units`` are given; weekends are off."""
    units = units or [a_unit(name) for name in "甲乙丙"]
    plan = Plan(
        title="计划",
        zone=ZONE,
        office="丙",
        first=date(2020, 1, 1),
        last=date(2099, 12, 31),
        workdays=workdays or Workdays("none"),
        ranges={},
        defaults=Defaults(
            roll="preceding",
            due=None,
            year_round=Every("quarter"),
            at=time(9),
            window=(time(9), time(18)),
            open=True,
            min_workdays=3,
            before=BEFORE,
            overdue=OVERDUE,
            escalate=Escalation(Offset(3, workdays=True)),
        ),
        channels={},
        units={unit.name: unit for unit in units},
        groups={},
        duties={duty.id: duty for duty in duties},
        ladder=None,
    )
    return plan._replace(**changes)


def local(text: str) -> datetime:
    """The instant of a local time such as ``2026-11-23 09:00``; of a day, its nine o'clock."""
    found = datetime.fromisoformat(text)
    if len(text) == len("2026-11-23"):
        found += timedelta(hours=9)
    return found.replace(tzinfo=ZONE).astimezone(UTC)


HEAD = """\
plan: {title: 计划, office: 丙, from: 2025-01-01}
calendar: {holidays: none}
units:
  甲: {superior: 丙, contacts: [{name: 甲, email: a@example.com}]}
  乙: {superior: 丙, contacts: [{name: 乙, email: b@example.com}]}
  丙: {contacts: [{name: 丙, email: c@example.com}]}
duties:
"""
"""A calendar up to its duties: of 甲 and 乙, under 丙, which is the office."""


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        engine = create_engine(f"sqlite:///{path}")
        migrate(engine, MIGRATIONS)
        engine.dispose()
        return path.read_bytes()


@contextmanager
def a_ledger(path: Path) -> Iterator[Engine]:
    """An empty ledger in a file, migrated once for all tests, and quicker than it is safe."""
    path.write_bytes(_migrated())
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous = OFF"))
    yield engine
    engine.dispose()


def trouble(outcome: str, retry_after: float | None = None) -> DeliveryError:
    """A channel's error with this outcome."""
    text = Text("the channel says {outcome}", outcome=outcome)
    if outcome == "unknown":
        return DeliveryError("unknown", text)
    permanent = outcome == "permanent"
    return DeliveryError("address", text, permanent=permanent, retry_after=retry_after)


class Box(Channel):
    """A channel that keeps what it is given, and first raises what it is told to raise."""

    deadline = 10.0
    connections = 1

    def __init__(self, name: str = "email", on_unknown: OnUnknown = "resend") -> None:
        self.name, self.on_unknown = name, on_unknown
        self.sent: list[Outgoing] = []
        self.tried: list[Outgoing] = []
        self.troubles: dict[str, list[Exception]] = {}
        self.before_sending = lambda outgoing: None

    def send(self, outgoing: Outgoing) -> Receipt:
        self.tried.append(outgoing)
        self.before_sending(outgoing)
        waiting = self.troubles.get(outgoing.address) or self.troubles.get("*")
        if waiting:
            raise waiting.pop(0)
        self.sent.append(outgoing)
        return Receipt(f"vendor-{outgoing.id}")

    def close(self) -> None:
        pass


def compose(items: Sequence[Item], _at: datetime) -> tuple[str, str, str]:
    """A line for each item: ``甲 work/2026-11 T-7``."""
    lines = []
    for item in items:
        steps = [*(step for step, *_more in item.earlier), item.step]
        lines.append(" ".join([item.unit, f"{item.duty}/{item.period}", *steps]))
    return "subject", "\n".join(lines), ""


def _plain(value: Any) -> Any:
    """A value as SQLite has it, which knows neither dates nor JSON nor truth."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


Attach = Callable[[Connection, Sequence[Item], datetime], tuple[tuple[str, bytes], ...]]


class Office:
    """A ledger, a plan and a clock: ``at`` runs a pass and gives what it told, line by line."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self.engine, self.plan, self.revision = engine, plan, "r1"
        self.box = Box()
        self.channels: dict[str, Channel] = {"email": self.box}
        self.restart()
        self.compose = compose
        self.attach: Attach = lambda conn, items, now: ()
        self.queue_brief = lambda conn, now: None
        self.stop = threading.Event()
        self.patience = 20.0
        self.now = local("2026-01-01")
        self.report: PassReport | None = None

    @property
    def parts(self) -> Parts:
        return Parts(
            self.engine,
            self.plan,
            self.revision,
            self.courier,
            self._written,
            self.queue_brief,
            lambda: self.now,
            self.stop,
            patience=self.patience,
        )

    def _written(
        self, conn: Connection, items: Sequence[Item], now: datetime, _channel: str
    ) -> Content:
        return Content(*self.compose(items, now), files=self.attach(conn, items, now))

    def restart(self) -> None:
        """The process ends, and another begins with empty hands."""
        self.courier = Courier(self.channels, lambda: 0.0)

    def edit(self, plan: Plan) -> None:
        """The plan is another from now on."""
        self.plan, self.revision = plan, self.revision + "+"

    def at(self, moment: str, *, orphans: bool = False) -> list[str]:
        """What the pass at a local time tells, each line once, however many contacts get it."""
        self.now, before = local(moment), len(self.box.sent)
        edited = self._take_up()
        report = run_pass(self.parts, self.now, orphans=orphans)
        self.report = report._replace(counts=report.counts + edited)
        return sorted({line for sent in self.box.sent[before:] for line in sent.text.splitlines()})

    def _take_up(self) -> Counter[str]:
        """An edit, as ``revising`` carries it through; what that changed."""
        with self.engine.begin() as conn:
            if revisions.running(conn) in (None, self.revision):
                return Counter()
            return reconcile(conn, self.plan, self.revision, self.now).counts

    def daily(self, first: str, last: str) -> dict[str, list[str]]:
        """What is told at nine on each day, days of silence left out."""
        days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
        moments = [str(date.fromisoformat(first) + timedelta(days=n)) for n in range(days)]
        told = {moment: self.at(moment) for moment in moments}
        return {moment: lines for moment, lines in told.items() if lines}

    def say(self, kind: Kind, key: str = "work/2026-01@甲", note: str = "", **more: Any) -> bool:
        """张三 says something to an assignment, now; a date may be given as ``to="2026-04-15"``."""
        due = date.fromisoformat(more.pop("to")) if "to" in more else None
        said = Said(kind, more.pop("by", "张三"), note, due, **more)
        with self.engine.begin() as conn:
            return answer(conn, self.plan, named(conn, self.plan, key, self.now), said, self.now)

    def state(self, key: str = "work/2026-01@甲") -> str:
        """An assignment's state."""
        with self.engine.begin() as conn:
            return named(conn, self.plan, key, self.now).state

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of plain SQL, as a person would look into the ledger."""
        with self.engine.begin() as conn:
            return [tuple(map(_plain, row)) for row in conn.execute(text(query), values)]

    def conn(self) -> Any:
        """A transaction."""
        return self.engine.begin()
