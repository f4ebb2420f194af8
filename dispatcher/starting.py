"""What the daemon begins with: the calendar in force, or the file's where that cannot be read."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, NamedTuple

from dispatcher import bootstrap, logs
from dispatcher.errors import PlanError
from dispatcher.hiding import secrets
from dispatcher.ledger import guards, revisions

if TYPE_CHECKING:
    from dispatcher.clock import Clock
    from dispatcher.dispatch.parts import Parts
    from dispatcher.ledger.database import Engine
    from dispatcher.plan.model import Revision
    from dispatcher.settings import Settings

log = logging.getLogger("dispatcher.starting")


class Begun(NamedTuple):
    """The calendar to begin with, and the parts for it.

    ``instead_of`` is the revision in force in whose place it stands, as an earlier version of this
    program took that up, and this one cannot read it.
    """

    calendar: Revision
    parts: Parts
    instead_of: str = ""


def begin(settings: Settings, engine: Engine, clock: Clock, stop: threading.Event) -> Begun:
    """What the daemon worked by last, as this program reads it; the file's while there is none,
    nobody can ask, or this program reads it no longer.

    Raises DispatcherError where the file cannot be read either, and for what the settings of this
    machine lack: an edit of the file is not to come in by that unseen.
    """

    def parts(calendar: Revision) -> Parts:
        logs.hide(secrets(settings, calendar.plan))
        return bootstrap.parts(settings, calendar, engine, clock, stop)

    instead_of, text = _in_force(engine) or ("", None)
    if text is not None:
        try:
            calendar = bootstrap.revision(settings.schedules.name, text)
            return Begun(calendar, parts(calendar))
        except PlanError as error:
            log.error("the calendar in force cannot be read, the file takes its place: %s", error)
    calendar = bootstrap.read_revision(bootstrap.calendar_file(settings))
    return Begun(calendar, parts(calendar), instead_of)


def _in_force(engine: Engine) -> tuple[str, str] | None:
    """The hash and the text of the revision in force; None also where nobody can ask."""
    try:
        bootstrap.open_ledger(engine)
        with engine.begin() as conn:
            return revisions.in_force(conn)
    except Exception as error:
        if not guards.trouble(error):
            raise
        return None
