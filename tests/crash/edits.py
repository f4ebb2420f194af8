"""A daemon whose calendar file is edited while it runs, with its own Watch and Reload and nothing
replaced but its clock and what carries its messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

from dispatcher import bootstrap
from dispatcher.channels.contract import Channel, Outgoing, Receipt
from dispatcher.dispatch.parts import Parts
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.items import Item
from dispatcher.ledger.outbox import Content
from dispatcher.plan.model import Plan
from dispatcher.reload import Reload
from dispatcher.settings import Settings, load_settings
from dispatcher.watch import Watch

NAME = "schedules.yaml"


class Kept(Channel):
    """A channel that adds what it is given to what all channels have sent."""

    deadline = 10.0
    connections = 1
    on_unknown = "resend"

    def __init__(self, name: str, sent: list[Outgoing]) -> None:
        self.name, self.sent = name, sent

    def send(self, outgoing: Outgoing) -> Receipt:
        self.sent.append(outgoing)
        return Receipt(f"{self.name}-{outgoing.id}")

    def close(self) -> None:
        pass


@contextmanager
def post_kept(*, plainly: bool = False) -> Iterator[list[Outgoing]]:
    """Everything that any daemon made from now on sends, whatever channels its calendar has;
    ``plainly`` a line for each reminder, as ``work/2026-11 T-7``."""
    sent: list[Outgoing] = []
    as_made = bootstrap.parts

    def channels(_settings: Settings, plan: Plan) -> dict[str, Channel]:
        return {name: Kept(name, sent) for name in ("email", *plan.channels)}

    def parts(*given: Any) -> Parts:
        made = as_made(*given)
        return made._replace(compose=line_by_line) if plainly else made

    with patch.object(bootstrap, "channels", channels), patch.object(bootstrap, "parts", parts):
        yield sent


def line_by_line(
    _conn: Connection, items: Sequence[Item], _now: datetime, _channel: str
) -> Content:
    steps = [(one, step) for one in items for step in (*(e[0] for e in one.earlier), one.step)]
    return Content("", "\n".join(f"{one.duty}/{one.period} {step}" for one, step in steps), "")


class Daemon:
    """A process of the product at work on ``folder``'s calendar: calling it is a pass."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        clock: Callable[[], datetime],
        *,
        file: Path | None = None,
        stop: Event | None = None,
        settle: float = 0,
    ) -> None:
        self.engine, self.file = engine, file or folder / NAME
        (folder / "var").mkdir(parents=True, exist_ok=True)
        settings = load_settings({"DISPATCHER_SCHEDULES": str(self.file)}, folder)
        begun = bootstrap.read_revision(self.file)
        parts = bootstrap.parts(settings, begun, engine, clock, stop)
        self.reload = Reload(settings, parts, begun, settle=settle)
        self.watch = Watch(settings, parts, lambda report: None, None, reload=self.reload)
        self.watch.opened = True  # the tests' ledger is: it was not made by migrations of its own

    def __call__(self) -> None:
        self.watch()

    @property
    def in_force(self) -> str:
        """The revision by which the ledger is kept."""
        return str(ask(self.engine, "SELECT revision FROM installation")[0][0])


def ask(engine: Engine, query: str) -> list[Any]:
    """Rows of plain SQL, as a person would look into the ledger."""
    with engine.begin() as conn:
        return list(conn.exec_driver_sql(query))
