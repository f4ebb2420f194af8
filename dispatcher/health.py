"""Whether all is well, as far as the state folder, the disk and the ledger say."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, tzinfo
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from dispatcher import bootstrap
from dispatcher.errors import DispatcherError, Refused
from dispatcher.heartbeat import Beat, last_beat, trouble
from dispatcher.hiding import secrets
from dispatcher.i18n import Text, _
from dispatcher.logs import masked
from dispatcher.settings import Settings, shipped

if TYPE_CHECKING:
    from dispatcher.ledger.database import Connection
    from dispatcher.ledger.queries import Sent
    from dispatcher.ledger.revisions import Edit
    from dispatcher.plan.model import Plan

SILENT_AFTER = timedelta(minutes=2)
WAITING_AFTER = timedelta(hours=1)
PATIENCE = 8.0
"""Seconds that the ledger is given to answer: whoever asks every minute waits for ten or so."""
ROOM = 64 * 2**20
"""So many bytes should be free where the state is."""


class Health(NamedTuple):
    """What is well, and what needs a hand."""

    facts: list[Text]
    troubles: list[Text]


def health(settings: Settings) -> Health:
    """Whether passes succeed, and whether what is queued leaves. Whatever cannot be asked is a
    trouble itself. Refused where the daemon has never run."""
    found = Health([], [])
    beat, failing = last_beat(settings.heartbeat), trouble(settings.heartbeat)
    if beat is None and failing is None:
        raise Refused(_("no heartbeat in {folder}: the daemon has not run", folder=settings.state))
    if failing:
        found.troubles.append(_("nothing is done since {since}: {why}",
                                since=f"{failing.since:%Y-%m-%d %H:%M}",
                                why=failing.why))  # fmt: skip
    if beat:
        _look_at_beat(found, settings, beat)
    if shutil.disk_usage(settings.state).free < ROOM:
        found.troubles.append(_("the disk of {folder} is nearly full", folder=settings.state))
    asked = _asked_in_time(settings, beat)
    found.facts.extend(asked.facts)
    found.troubles.extend(each for each in asked.troubles if not failing or each != failing.why)
    _look_at_templates(found, settings)
    return found


def what_failed(error: Exception, settings: Settings) -> Text:
    """An error as a sentence: what is wrong with the database or its disk, or its first line,
    without any secret."""
    from dispatcher.ledger.guards import trouble as of_database

    if isinstance(error, DispatcherError):
        return error.text
    line = str(error).partition("\n")[0]
    plain = Text("{error}: {detail}", error=type(error).__name__, detail=line)
    return of_database(error) or Text("{text}", text=masked(str(plain), secrets(settings, None)))


def _look_at_beat(found: Health, settings: Settings, beat: Beat) -> None:
    age = int((bootstrap.now() - beat.at).total_seconds())
    last = _("last good pass {seconds} s ago", seconds=age)
    (found.troubles if age > SILENT_AFTER.total_seconds() else found.facts).append(last)


def _asked_in_time(settings: Settings, beat: Beat | None) -> Health:
    """What the ledger says, or why it says nothing."""
    answers: list[Health] = []

    def ask() -> None:
        try:
            answers.append(_of_ledger(settings, beat))
        except Exception as error:
            answers.append(Health([], [what_failed(error, settings)]))

    asking = Thread(target=ask, daemon=True, name="health")
    asking.start()
    asking.join(PATIENCE)
    late = _("the ledger has not answered within {seconds} s", seconds=int(PATIENCE))
    return answers[0] if answers else Health([], [late])


def _of_ledger(settings: Settings, beat: Beat | None) -> Health:
    from dispatcher.ledger.reading import reading

    found = Health([], [])
    with reading(settings.database_url, shipped("db")) as conn:
        if conn:
            refuse_unsafe(settings)
            plan = bootstrap.readable_plan(settings, conn)
            zone = plan.zone if plan else None
            _look_at_ledger(found, conn, zone)
            _look_at_waiting(found, conn, beat, plan)
        elif beat:
            found.troubles.append(gone(settings))
    return found


def refuse_unsafe(settings: Settings) -> None:
    """Refused where nothing is safe in the database in which the ledger is."""
    from dispatcher.ledger.guards import refuse_forgetful_server

    engine = bootstrap.database(settings)
    refuse_forgetful_server(engine)
    engine.dispose()


def gone(settings: Settings) -> Text:
    """That there is no ledger where there was one."""
    kind, _slashes, file = settings.database_url.partition(":///")
    if kind.startswith("sqlite"):
        return _("the ledger {file} is gone: stop the daemon, and put a backup back (dispatcher "
                 "restore)", file=file)  # fmt: skip
    return _("the database holds the ledger no longer, or does not show it to this role: put a "
             "backup back, or grant what is missing")  # fmt: skip


def _look_at_ledger(found: Health, conn: Connection, zone: tzinfo | None) -> None:
    from dispatcher.ledger import channels, installation, queries, revisions

    state, held, waits = queries.health(conn), installation.find(conn), revisions.waiting(conn)
    found.facts.append(_("open {open}, queued {queued}, failed {failed}, unknown {unknown}",
                         open=state.open, queued=state.queued, failed=state.failed,
                         unknown=state.unknown))  # fmt: skip
    if unreached := {each.unit for each in queries.unreached(conn)}:
        found.troubles.append(_("could not be told: {units}", units=sorted(unreached)))
    if held and held.hold is not None:
        found.troubles.append(_("paused by {by}: {reason}", by=held.held_by, reason=held.hold))
    if waits:
        found.troubles.append(not_in_force(waits, zone))
    found.troubles.extend(
        _("channel '{channel}' is paused by {by}: {reason}", channel=each.name, by=each.paused_by,
          reason=each.reason)
        for each in channels.states(conn).values()
        if each.needs_hand(bootstrap.now())
    )  # fmt: skip


def _look_at_waiting(found: Health, conn: Connection, beat: Beat | None, plan: Plan | None) -> None:
    """What was tried in vain is told at once, with the reason; what was not, after an hour, unless
    it waits for the window."""
    from dispatcher.ledger import queries

    zone = plan.zone if plan else None
    waiting = [
        each for each in queries.messages_since(conn, bootstrap.now()) if not each.settled_at
    ]
    failed = _tried_in_vain(conn, waiting)
    found.troubles.extend(
        _("messages wait for channel '{channel}', tried in vain at {at}: {failure}", channel=name,
          at=_minute(at, zone), failure=failure)
        for name, (at, failure) in failed.items()
    )  # fmt: skip
    untried = [each for each in waiting if each.channel not in failed]
    since = _late_since(untried, beat, plan) if beat else None
    if since:
        found.troubles.append(_("messages wait since {since}", since=_minute(since, zone)))


def _tried_in_vain(conn: Connection, waiting: list[Sent]) -> dict[str, tuple[datetime, str]]:
    """When each of the channels that bring nothing failed last, and why."""
    from dispatcher.ledger import channels

    tried = {each.channel for each in waiting if each.state == "queued" and each.attempts}
    past = {name: channels.used(conn, name) for name in sorted(tried)}
    return {name: (at, each.failure) for name, each in past.items() if (at := each.failed_at)}


def _late_since(untried: list[Sent], beat: Beat, plan: Plan | None) -> datetime | None:
    """Since when messages wait that might have left in the last pass, if that is too long."""
    from dispatcher.dispatch.window import kinds_leaving

    leaving = kinds_leaving(plan, beat.at) if plan else None
    might = [each.at for each in untried if leaving is None or each.kind in leaving]
    oldest = min(might, default=beat.at)
    return oldest if oldest < beat.at - WAITING_AFTER else None


def _look_at_templates(found: Health, settings: Settings) -> None:
    """None of them knows the plan, so that a calendar that is broken hides nothing."""
    from dispatcher.dispatch.compose import Composer
    from dispatcher.plan.workdays import Workdays

    found.troubles.extend(
        _("a template is broken, a plain text stands in for it: {fault}", fault=fault)
        for fault in Composer(bootstrap.templates(settings), Workdays("none")).faults()
    )


def _minute(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def not_in_force(edit: Edit, zone: tzinfo | None) -> Text:
    """An edit of the calendar that is not in force, by the clocks of ``zone``."""
    since = _minute(edit.noticed_at, zone)
    if edit.state == "held":
        return _("the edit of the calendar waits for 'dispatcher apply' since {since}: {why}",
                 since=since, why=edit.reason)  # fmt: skip
    return _("the calendar file cannot be used since {since}, the one before goes on: {why}",
             since=since, why=edit.reason)  # fmt: skip
