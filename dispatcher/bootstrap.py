"""The one composition root: settings in, parts out. Only this room knows everybody."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from dispatcher.clock import system_clock
from dispatcher.errors import DispatcherError, Place, PlanError, Problem
from dispatcher.i18n import Text, _
from dispatcher.plan.model import Plan
from dispatcher.plan.nodes import MAX_BYTES
from dispatcher.plan.reading import placeholders, read_plan
from dispatcher.settings import Settings, load_settings


def settings() -> Settings:
    """The settings of this process."""
    return load_settings(os.environ, Path.cwd())


def read_calendar(path: Path) -> Plan:
    """The plan in a file; errors name the file as it was given."""
    return read_plan(str(path.name), calendar_text(path))


def calendar_text(path: Path) -> str:
    """The text of a calendar file; raises a clear error where there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = _("not UTF-8; save the file as UTF-8 (byte {offset})", offset=error.start)
        raise PlanError(path.name, [Problem(Place(line, 1), text)]) from None
    except OSError as error:
        raise DispatcherError(
            _("{file} cannot be read: {detail}; 'dispatcher init' makes a calendar to start from",
              file=path, detail=error.strerror)
        ) from None  # fmt: skip


def today(plan: Plan) -> date:
    """Today in the plan's zone."""
    return system_clock().astimezone(plan.zone).date()


def unset_secrets(plan: Plan, settings: Settings) -> list[Text]:
    """What the calendar's channels ask of the environment and do not find there."""
    return [
        _("channel '{channel}': {name} is not set", channel=channel, name=name)
        for name, channel in placeholders(plan).items()
        if not settings.environ.get(name)
    ]
