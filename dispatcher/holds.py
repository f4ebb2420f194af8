"""What keeps a pass from running: a clock not to be believed, a ledger that has gone back.

Either would send what must not be sent. What there is to remember for it is kept in the state
folder: outside the ledger, since the ledger may be what was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from dispatcher.clock import boot_id, boottime, kernel_synchronised, system_clock
from dispatcher.dispatch.parts import Parts
from dispatcher.dispatch.steadiness import Reading, Trust, accept, apart, judge
from dispatcher.i18n import Text
from dispatcher.ledger import guards, installation, restoring
from dispatcher.ledger.database import Connection
from dispatcher.state import keep, kept

log = logging.getLogger("dispatcher.holds")


class Machine(NamedTuple):
    """This machine's clocks: a reading of them, and whether the kernel says they are kept right."""

    read: Callable[[], Reading]
    synchronised: Callable[[], bool | None]


THIS_MACHINE = Machine(lambda: Reading(system_clock(), boottime(), boot_id()), kernel_synchronised)


class ClockGuard:
    """Remembers the clock from one look to the next, across restarts of the process too."""

    def __init__(self, state: Path, machine: Machine, zone: tzinfo) -> None:
        self.path, self.mark = _clock_file(state), _acceptance(state)
        self.machine, self.zone = machine, zone
        self.trust = _trust(self.path)

    def why_not(self, conn: Connection) -> Text | None:
        """Why nothing may be done by this clock; None while it is to be believed."""
        found, there = installation.find(conn), guards.server_clock(conn)
        watermark = found.watermark if found else None
        now = self.machine.read()
        now = now._replace(at=now.at.astimezone(self.zone))
        if self.mark.exists():
            self.trust = accept(now, watermark)
            restoring.come_back(conn, now.at)
        self.trust, hold = judge(
            self.trust, now, watermark, synchronised=self.machine.synchronised()
        )
        if keep(self.path, _facts(self.trust)):
            self.mark.unlink(missing_ok=True)
        return (apart(now.at, there) if there else None) or hold


def accept_clock(state: Path) -> bool:
    """A person says that this machine's clock is right; False when nobody doubts it."""
    found = _trust(_clock_file(state))
    if found is None or found.doubted is None:
        return False
    # A file of its own: the daemon writes the other one all the time.
    _acceptance(state).touch()
    return True


class LedgerGuard:
    """Remembers how far the ledger has come, and holds one that has gone back."""

    def __init__(self, state: Path) -> None:
        self.path = state / "epoch.json"
        self.known = _ledger_mark(self.path)

    def look(self, conn: Connection, parts: Parts) -> None:
        """Holds, in the database, a ledger that knows less than is remembered."""
        why = restoring.gone_back(restoring.mark(conn), self.known)
        found = installation.find(conn)
        if why and not (found and found.held_by == restoring.PROGRAM):
            log.warning("held until 'dispatcher resume': %s", why)
            now = parts.clock()
            restoring.hold(conn, why, now.astimezone(parts.plan.zone).date(), now)

    def remember(self, conn: Connection) -> None:
        """How far the ledger has come, after a good pass; of one that has gone back only once
        somebody has resumed it, so that it then comes after the one known."""
        found = installation.find(conn)
        if found and found.held_by == restoring.PROGRAM:
            return
        self.known = restoring.mark(conn)
        if self.known:
            facts = self.known._asdict() | {"watermark": self.known.watermark.isoformat()}
            keep(self.path, facts)


def _clock_file(state: Path) -> Path:
    return state / "clock.json"


def _acceptance(state: Path) -> Path:
    return state / "clock.accepted"


def _facts(trust: Trust) -> dict[str, Any]:
    def plain(reading: Reading | None) -> dict[str, Any] | None:
        return reading and reading._asdict() | {"at": reading.at.isoformat()}

    excused = trust.excused and trust.excused.isoformat()
    return {"base": plain(trust.base), "doubted": plain(trust.doubted), "excused": excused}


def _trust(path: Path) -> Trust | None:
    def reading(found: dict[str, Any]) -> Reading:
        at = datetime.fromisoformat(found["at"])
        return Reading(at, float(found["boottime"]), str(found["boot_id"]))

    found = kept(path)
    try:
        doubted, excused = found["doubted"], found["excused"]
        return Trust(
            reading(found["base"]),
            doubted and reading(doubted),
            excused and datetime.fromisoformat(excused),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _ledger_mark(path: Path) -> restoring.Mark | None:
    found = kept(path)
    try:
        until = datetime.fromisoformat(found["watermark"])
        return restoring.Mark(str(found["epoch"]), int(found["generation"]), until)
    except (KeyError, TypeError, ValueError):
        return None
