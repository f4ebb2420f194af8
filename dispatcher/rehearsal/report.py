"""What a rehearsal found: what is wrong, and what should be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dispatcher.i18n import Text, _
from dispatcher.ledger import queries, rehearsing
from dispatcher.ledger.database import Connection
from dispatcher.plan.coverage import dead_steps
from dispatcher.rehearsal.living import Life
from dispatcher.rehearsal.wishes import Wishes

NAMED = 5
"""So many duties are named of those that rest on provisional dates."""


class Report(NamedTuple):
    """``wrong`` is what must be mended before the calendar is used, ``notes`` what is as it is."""

    wrong: list[Text]
    notes: list[Text]


def report(life: Life, conn: Connection) -> Report:
    """Judges a life that has been lived, by its tally and its ledger."""
    return Report([*_wrong(life, conn)], [*_notes(life, conn)])


def conditions(wishes: Wishes) -> Iterator[Text]:
    """What was different from a year in which all goes well."""
    if wishes.answer_rate < 1:
        yield _("{percent} per cent of what falls due is answered (seed {seed})",
                percent=f"{100 * wishes.answer_rate:g}", seed=wishes.seed)  # fmt: skip
    for outage in wishes.outages:
        yield _("no channel works from {first} to {last}", first=outage.first, last=outage.last)
    for edit in wishes.edits:
        yield _("from {day} on the calendar is {file}", day=edit.on, file=edit.file.name)


def _wrong(life: Life, conn: Connection) -> Iterator[Text]:
    tally = life.tally
    if tally.resting:
        yield _("{count} messages on rest days, the first on {day}",
                count=tally.resting.total(), day=min(tally.resting))  # fmt: skip
    for channel, count in sorted(tally.late.items()):
        yield _("channel '{channel}': {count} messages do not leave on their day, since its limit "
                "would be broken", channel=channel, count=count)  # fmt: skip
    for why, count in tally.lost.items():
        yield _("{count} messages cannot be delivered: {why}", count=count, why=why)
    for unit in sorted({each.unit for each in queries.unreached(conn)}):
        yield _("unit '{unit}' has no contact that can be reached", unit=unit)
    if count := rehearsing.built_in(conn):
        yield _("{count} messages use the built-in text: a template is broken", count=count)
    yield from _dead(life)


def _dead(life: Life) -> Iterator[Text]:
    years = range(life.wishes.stretch.first.year, life.wishes.stretch.last.year + 1)
    found = (text for plan in life.plans for year in years for text in dead_steps(plan, year))
    yield from {str(text): text for text in found}.values()


def _notes(life: Life, conn: Connection) -> Iterator[Text]:
    if waiting := queries.health(conn).queued:
        yield _("{count} messages still wait at the end", count=waiting)
    yield from life.unknown_limits.values()
    stretch = life.wishes.stretch
    unsure = rehearsing.provisional(conn, stretch.first, stretch.last)
    if unsure:
        named = list(unsure)[:NAMED]
        more = len(unsure) - len(named)
        duties: object = _("{duties} and {more} more", duties=named, more=more) if more else named
        yield _("{count} due dates rest on provisional dates: {duties}",
                count=sum(unsure.values()), duties=duties)  # fmt: skip
