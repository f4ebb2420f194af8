"""Whether all is well, as far as the state folder, the disk and the ledger say."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from dispatcher import bootstrap
from dispatcher.errors import DispatcherError, Refused
from dispatcher.heartbeat import Beat, last_beat, trouble
from dispatcher.hiding import secrets
from dispatcher.i18n import Text, _
from dispatcher.logs import masked
from dispatcher.settings import Settings

if TYPE_CHECKING:
    from dispatcher.ledger.revisions import Edit

SILENT_AFTER = timedelta(minutes=2)
WAITING_AFTER = timedelta(hours=1)
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
        since = f"{failing.since.astimezone():%Y-%m-%d %H:%M}"
        found.troubles.append(_("nothing is done since {since}: {why}", since=since,
                                why=failing.why))  # fmt: skip
    if beat:
        _look_at_beat(found, settings, beat)
    if shutil.disk_usage(settings.state).free < ROOM:
        found.troubles.append(_("the disk of {folder} is nearly full", folder=settings.state))
    try:
        _look_at_ledger(found, settings, beat)
    except Exception as error:
        why = what_failed(error, settings)
        if failing is None or failing.why != why:
            found.troubles.append(why)
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


def _look_at_ledger(found: Health, settings: Settings, beat: Beat | None) -> None:
    from dispatcher.ledger import channels, installation, queries, revisions

    engine = bootstrap.ledger(settings)
    with engine.begin() as conn:
        state, held = queries.health(conn), installation.find(conn)
        unreached = {each.unit for each in queries.unreached(conn)}
        closed = channels.states(conn).values()
        waits = revisions.waiting(conn)
    engine.dispose()
    found.facts.append(_("open {open}, queued {queued}, failed {failed}, unknown {unknown}",
                         open=state.open, queued=state.queued, failed=state.failed,
                         unknown=state.unknown))  # fmt: skip
    if unreached:
        found.troubles.append(_("could not be told: {units}", units=sorted(unreached)))
    oldest = state.oldest_queued_at
    if oldest and beat and oldest < beat.at - WAITING_AFTER:
        found.troubles.append(_("messages wait since {since}", since=oldest))
    if held and held.hold is not None:
        found.troubles.append(_("paused by {by}: {reason}", by=held.held_by, reason=held.hold))
    if waits:
        found.troubles.append(not_in_force(waits))
    found.troubles.extend(
        _("channel '{channel}' is paused by {by}: {reason}", channel=each.name, by=each.paused_by,
          reason=each.reason)
        for each in closed
        if each.needs_hand(bootstrap.now())
    )  # fmt: skip


def not_in_force(edit: Edit) -> Text:
    """An edit of the calendar that is not in force."""
    since = f"{edit.noticed_at.astimezone():%Y-%m-%d %H:%M}"
    if edit.state == "held":
        return _("the edit of the calendar waits for 'dispatcher apply' since {since}: {why}",
                 since=since, why=edit.reason)  # fmt: skip
    return _("the calendar file cannot be used since {since}, the one before goes on: {why}",
             since=since, why=edit.reason)  # fmt: skip
