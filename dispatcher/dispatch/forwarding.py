"""Forwarding: a letter that its way cannot bring goes on by the next one, as reminders do.

A reminder waits again when its message has failed, and the next pass chooses. Behind a brief, a
status message and a slip there is no reminder, so that their messages themselves are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from dispatcher.dispatch.cards import said_on
from dispatcher.dispatch.routing import Route, route
from dispatcher.dispatch.slips import called, recipients
from dispatcher.dispatch.telling import letter_ways, shut_channels, stuck
from dispatcher.i18n import _
from dispatcher.ledger import letters, outbox, pruning, slips
from dispatcher.ledger.database import Connection
from dispatcher.ledger.letters import Letter
from dispatcher.ledger.outbox import Address
from dispatcher.ledger.reminders import Tried
from dispatcher.ledger.tables import DELIVERED
from dispatcher.plan.model import Plan
from dispatcher.plan.ways import Way


def forward(conn: Connection, plan: Plan, now: datetime) -> None:
    """Queues every letter that failed, or waits where it cannot leave, to the next addresses of
    those who are to get it. One that nobody has got yet and no other way brings stays as it is."""
    shut, names = shut_channels(conn, now), {unit: _names(plan, unit) for unit in plan.units}
    for letter in letters.undelivered(conn):
        queued: set[Address] = set()
        for unit, tried in _by_unit(conn, plan, letter, names).items():
            found = _next(plan, unit, tried, shut | stuck(tried.items(), now))
            why = _("another channel brings it")
            pruning.take_back(conn, [tried[to].id for to in found.back], why, now)
            # Units that share an address get a letter once.
            for to in [to for to in found.to if to not in queued]:
                _queue(conn, plan, letter, to, now)
                queued.add(to)


def _by_unit(
    conn: Connection, plan: Plan, letter: Letter, names: Mapping[str, set[str]]
) -> dict[str, dict[Address, Tried]]:
    """The letter's messages to each unit that is to get it; those whose address is nobody's any
    more count for each of them."""
    units = [plan.office]
    if letter.slip_id is not None:
        units = recipients(plan, called(conn, letter.slip_id))
    known = set().union(*names.values())
    return {
        unit: {
            to: each
            for to, each in letter.tried.items()
            if to.address in names[unit] or to.address not in known
        }
        for unit in units
        if unit in plan.units
    }


def _names(plan: Plan, unit: str) -> set[str]:
    """By what a channel may address a unit, whether it has that channel or not."""
    theirs = (
        name
        for each in plan.units[unit].contacts
        for name in (each.email, each.mobile, each.account)
    )
    return {unit, *filter(None, theirs)}


def _next(plan: Plan, unit: str, tried: Mapping[Address, Tried], shut: Collection[str]) -> Route:
    """Where a letter goes on, and where it is taken back: nowhere else once one has arrived. An
    address gets a letter once, whatever became of it."""
    states = {to: each.state for to, each in tried.items()}
    found = letter_ways(plan, unit)
    if any(state in DELIVERED for state in states.values()):
        return Route(back=_waiting_beside(found, states))
    over = {to: "failed" if state == "cancelled" else state for to, state in states.items()}
    chosen = route(found, over, plan.units[unit].notify, shut)
    return Route() if chosen.hopeless else chosen


def _waiting_beside(ways: Collection[Way], states: Mapping[Address, str]) -> tuple[Address, ...]:
    kept = {Address(way.channel, address) for way in ways for address in way.addresses}
    return tuple(to for to, state in states.items() if state == "queued" and to not in kept)


def _queue(conn: Connection, plan: Plan, letter: Letter, to: Address, now: datetime) -> None:
    if letter.slip_id is None:
        said = said_on(plan, to.channel, letter.content)
        outbox.queue(conn, to, letter.kind, letter.at, content=said)
        return
    # As it was released: a channel that failed may have had but its subject.
    kept = slips.content_of(conn, letter.slip_id) or letter.content
    outbox.queue_slip(conn, to, letter.slip_id, said_on(plan, to.channel, kept), now)
