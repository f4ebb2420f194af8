"""The whole service over a real ledger file and a real mail server, on an injected clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import event

from dispatcher import bootstrap
from dispatcher.dispatch.passes import run_pass
from dispatcher.plan.model import Plan
from dispatcher.settings import load_settings

DAY = timedelta(days=1)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from ``first`` to ``last``."""
    while first <= last:
        yield first
        first += DAY


class Service:
    """What ``dispatcher run`` puts together, but for its clock and the fsync of its ledger."""

    def __init__(self, folder: Path, port: int, first: date, plan: Plan | None = None) -> None:
        self.now = datetime(first.year, first.month, first.day, tzinfo=UTC)
        environ = {
            "DISPATCHER_LIVE": "1",
            "DISPATCHER_SMTP_URL": f"smtp+plain://127.0.0.1:{port}",
            "DISPATCHER_MAIL_FROM": "nongban@example.com",
        }
        self.settings = load_settings(environ, folder)
        calendar = bootstrap.read_revision(self.settings.schedules)
        self.plan = plan or calendar.plan
        self.engine = bootstrap.ledger(self.settings)
        event.listen(self.engine, "connect", _quicker_than_it_is_safe)
        self.engine.dispose()
        self.parts = bootstrap.parts(
            self.settings,
            calendar._replace(plan=self.plan),
            self.engine,
            lambda: self.now,
            threading.Event(),
        )

    def at(self, day: date, hour: int) -> datetime:
        """It is this hour of this day, in the plan's zone."""
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=self.plan.zone)
        self.now = moment.astimezone(UTC)
        return self.now

    def pass_at(self, day: date, hour: int) -> None:
        run_pass(self.parts, self.at(day, hour))

    def close(self) -> None:
        for channel in self.parts.channels.values():
            channel.close()
        self.engine.dispose()


def _quicker_than_it_is_safe(raw: object, _record: object) -> None:
    raw.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]
