"""The doctor: looks at everything that has to be in order, and says what to do where it is not.

It changes nothing, and no check that fails keeps another from being made.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from dispatcher import bootstrap
from dispatcher.clock import Clock, system_clock
from dispatcher.doctor import house, outside
from dispatcher.doctor.findings import Check, Finding, Ground, failure, findings
from dispatcher.hiding import secrets
from dispatcher.plan.model import Plan
from dispatcher.plan.names import unit_called
from dispatcher.settings import Settings

__all__ = ["Diagnosis", "Finding", "examine"]

CHECKS: dict[str, Check] = {
    "settings": house.settings_read,
    "delivery": house.delivery,
    "zone": house.zone,
    "calendar": house.calendar,
    "holidays": house.holidays,
    "secrets": house.secrets,
    "templates": house.templates,
    "database": house.ledger,
    "daemon": house.daemon,
    "disk": house.disk,
    "channels": outside.channels,
}
WITH_PLAN = ("holidays", "secrets", "templates", "channels")
"""Checks that are not made where the calendar cannot be read."""
FILES = {"settings", "calendar"}
"""Checks of what people write."""


class Diagnosis(NamedTuple):
    """All that was found, and what no line of it may show."""

    findings: list[Finding]
    secrets: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when nothing is bad, 2 for a bad file, 1 for all else."""
        bad = {each.check for each in self.findings if each.state == "bad"}
        return 2 if bad & FILES else int(bool(bad))


def examine(unit: str = "", clock: Clock = system_clock) -> Diagnosis:
    """Everything is looked at, and a test message sent to a unit, if one is named.

    Without settings there is nothing else to look at. Raises DispatcherError for what is no unit.
    """
    try:
        settings = bootstrap.settings()
    except Exception as error:
        return Diagnosis([failure("settings", error)])
    plan = _plan(settings)
    ground = Ground(settings, plan, bootstrap.now(), clock)
    checks = {name: each for name, each in CHECKS.items() if plan or name not in WITH_PLAN}
    if plan and unit:
        checks["send"] = partial(outside.send, unit_called(plan, unit))
    found = [each for name, check in checks.items() for each in findings(name, check, ground)]
    return Diagnosis(found, secrets(settings, plan))


def _plan(settings: Settings) -> Plan | None:
    try:
        return bootstrap.read_calendar(bootstrap.calendar_file(settings))
    except Exception:  # what is wrong with it is found by its own check
        return None
