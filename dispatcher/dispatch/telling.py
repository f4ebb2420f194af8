"""Telling: what is to be told now is recorded, and put into one digest for each address."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from zlib import crc32

from dispatcher.dispatch.deciding import Dates, Telling, dates_of, decide, rank
from dispatcher.dispatch.routing import Route, route
from dispatcher.dispatch.window import opening
from dispatcher.i18n import _
from dispatcher.ledger import assignments, channels, outbox, pruning, reminders
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.outbox import Address, Pile
from dispatcher.ledger.reminders import Tried, Untold
from dispatcher.plan.model import Plan
from dispatcher.plan.steps import instant
from dispatcher.plan.ways import Way, detail, spread, ways

__all__ = ["post", "rank", "tell"]
STUCK = timedelta(hours=2)


def tell(conn: Connection, plan: Plan, now: datetime) -> Counter[str]:
    """Records what is to be told ``now``, and what that supersedes; counts both."""
    told = reminders.of_due(conn, now)
    rows, taken_back, looks = [], [], []
    shared: dict[tuple[int, date], Dates | None] = {}
    for assigned in assignments.due_for_telling(conn, now):
        key = (assigned.occurrence_id, assigned.due_on)
        if key not in shared:
            shared[key] = dates_of(plan, assigned, now)
        decision = decide(plan, assigned, told.get(assigned.id, []), shared[key], now)
        looks.append((assigned.id, decision.next_at))
        for telling in decision.tellings:
            why = _("superseded by {step}", step=telling.step)
            for step in telling.passed_over:
                row = _reminder(assigned, telling, step, now)
                rows.append(row | {"state": "superseded", "reason": why})
            rows.append(_reminder(assigned, telling, telling.step, now))
            taken_back += [(mark.id, why) for mark in telling.taken_back]
    reminders.supersede(conn, taken_back)
    reminders.record(conn, rows)
    assignments.look_again(conn, looks)
    superseded = sum(row["state"] == "superseded" for row in rows)
    return Counter(told=len(rows) - superseded, superseded=superseded + len(taken_back))


def _reminder(assigned: Assigned, telling: Telling, step: str, now: datetime) -> dict[str, object]:
    return reminders.new(assigned.id, assigned.round, telling.addressee, telling.unit, step, now)


def post(conn: Connection, plan: Plan, now: datetime) -> Counter[str]:
    """Makes of the reminders that wait one digest for each address, and counts them.

    A reminder goes to every contact of its unit that the unit's channel reaches; by the next
    channel where that one cannot bring it. One that can go to nobody fails, for the office to hear
    of. An address has one digest a day: what comes up after it waits for the next one.
    """
    piles: dict[Address, list[Untold]] = defaultdict(list)
    counts: Counter[str] = Counter()
    back: set[int] = set()
    shut = shut_channels(conn, now)
    for untold in reminders.untold(conn):
        found = _route(plan, untold, shut | stuck(untold.tried.items(), now))
        if found.hopeless:
            why = _("'{unit}' has no contact that can be reached", unit=untold.unit)
            reminders.fail(conn, untold.id, why)
            counts["unreachable"] += 1
        back |= {untold.tried[to].id for to in found.back}
        for to in found.to:
            piles[to].append(untold)
    if back:
        why = _("another channel brings it")
        pruning.take_back(conn, back, why, now)
    today = instant(now.astimezone(plan.zone).date(), time.min, plan.zone)
    waiting = {to: _pile(plan, to, found, now) for to, found in piles.items()}
    counts["messages"] = outbox.queue_digests(conn, waiting, now, today)
    return counts


def shut_channels(conn: Connection, now: datetime) -> set[str]:
    """The channels that are paused until a person mends or resumes them."""
    states = channels.states(conn).items()
    return {name for name, state in states if state.is_paused(now) and state.needs_hand(now)}


def stuck(tried: Iterable[tuple[tuple[str, str], Tried]], now: datetime) -> set[str]:
    """Of the messages to each address, the channels of those that were tried in vain for so long
    that another may do better."""
    return {
        channel
        for (channel, _address), each in tried
        if each.state == "queued" and each.attempts and each.at < now - STUCK
    }


def _route(plan: Plan, untold: Untold, shut: Collection[str]) -> Route:
    notify = plan.units[untold.unit].notify if untold.unit in plan.units else "all"
    tried = {Address(*to): each.state for to, each in untold.tried.items()}
    return route(ways(plan, untold.unit), tried, notify, shut)


def _pile(plan: Plan, to: Address, found: Collection[Untold], now: datetime) -> Pile:
    """Where many are told at one moment, each at its own time of a few minutes; but never after
    the window."""
    delay = offset(to, spread(plan, to.channel))
    if delay and opening(plan, now + delay) > now + delay:
        delay = timedelta()
    return Pile([each.id for each in found], any(rank(each.step) > 0 for each in found), delay)


def offset(to: Address, minutes: int) -> timedelta:
    """How long after the others an address is told: always the same, from one minute on.

    >>> offset(Address("群", "潭东镇"), 5)
    datetime.timedelta(seconds=229)
    """
    if minutes < 1:
        return timedelta()
    stretch = max(60 * (minutes - 1), 1)
    return timedelta(seconds=60 + crc32("/".join(to).encode()) % stretch)


def move_on(conn: Connection, plan: Plan, message_ids: Collection[int]) -> None:
    """What messages that failed hold waits again where another way to its unit is left."""
    _queue_again(conn, plan, reminders.failed_in(conn, message_ids))


def try_again(conn: Connection, plan: Plan) -> None:
    """What has failed waits again where the plan knows of another way to its unit now."""
    _queue_again(conn, plan, reminders.failed(conn))


def _queue_again(conn: Connection, plan: Plan, failed: Iterable[Untold]) -> None:
    for each in failed:
        if _route(plan, each, ()).to:
            reminders.queue_again(conn, each.id)


def addresses(plan: Plan, unit: str) -> list[Address]:
    """Where a unit can be told, by all of its channels."""
    return [Address(way.channel, to) for way in ways(plan, unit) for to in way.addresses]


def letter_addresses(conn: Connection, plan: Plan, unit: str, now: datetime) -> list[Address]:
    """Where a unit is told what no reminder holds: by the first of its channels that works, of
    those that may say all if there are any; by all where it wants that."""
    if unit not in plan.units:
        return []
    shut = shut_channels(conn, now)
    return list(route(letter_ways(plan, unit), {}, plan.units[unit].notify, shut).to)


def letter_ways(plan: Plan, unit: str) -> list[Way]:
    """The ways to a unit, those first that may say all of a letter."""
    return sorted(ways(plan, unit), key=lambda way: detail(plan, way.channel) != "full")


def office_mail(plan: Plan) -> str | None:
    """Where an answer by mail goes."""
    return next((each.email for each in plan.units[plan.office].contacts if each.email), None)


def mobiles(plan: Plan, unit: str) -> tuple[str, ...]:
    """Those of a unit's people; none for what is no unit's name."""
    if unit not in plan.units:
        return ()
    return tuple(dict.fromkeys(each.mobile for each in plan.units[unit].contacts if each.mobile))


def names_by_address(plan: Plan) -> dict[Address, str]:
    """Who is told at each address: ``甲、乙``."""
    found: dict[Address, list[str]] = defaultdict(list)
    for unit in plan.units:
        for address in addresses(plan, unit):
            found[address].append(unit)
    return {address: "、".join(units) for address, units in found.items()}


def office_contact(plan: Plan) -> str:
    """Whom a unit asks: the name and mobile of the office's first contact."""
    contacts = plan.units[plan.office].contacts
    return f"{contacts[0].name} {contacts[0].mobile}".strip() if contacts else ""
