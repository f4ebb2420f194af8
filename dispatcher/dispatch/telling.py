"""Telling: which step of which assignment is to be told now, and to which addresses.

The one rule: has the addressee been told the step that is reached by now, or a later one, in this
round? If not, it is told now, once. So it does not matter how long nobody looked.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zlib import crc32

from dispatcher.dispatch.routing import Route, route
from dispatcher.dispatch.window import next_opening, opening
from dispatcher.i18n import _
from dispatcher.ledger import assignments, channels, outbox, pruning, reminders
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.outbox import Address, Pile
from dispatcher.ledger.reminders import Reminder, Tried, Untold
from dispatcher.plan.model import Plan
from dispatcher.plan.steps import around, escalation_on, instant
from dispatcher.plan.ways import Way, detail, spread, ways

STEP = re.compile(r"T(?:([+-]\d+)(wd|d)?)?")
OPENING, NOTICE = -1e6, -1e9
STUCK = timedelta(hours=2)
OWN = ("owner", "copy")
WORKDAY = 1.4
"""Calendar days of a workday, to compare offsets that are counted in different days."""


def rank(step: str) -> float:
    """The order of steps by their offset from the due date, whatever list they once stood in. Of
    two that the plan has, their days say which is later: a holiday may turn round the order of one
    that is counted in workdays and one that is not.

    >>> sorted(["T+3", "open", "T", "T-7", "T-3wd", "moved 2026-04-15"], key=rank)
    ['moved 2026-04-15', 'open', 'T-7', 'T-3wd', 'T', 'T+3']
    """
    found = STEP.fullmatch(step)
    if not found:
        return OPENING if step == "open" else NOTICE
    number, unit = int(found[1] or 0), found[2]
    in_workdays = unit == "wd" or (number > 0 and unit is None)
    return number * (WORKDAY if in_workdays else 1)


class Telling(NamedTuple):
    """What is to be told of an assignment: to whom, which step, the earlier ones that it makes
    superfluous, and the reminders that it takes back."""

    addressee: str
    unit: str
    step: str
    passed_over: list[str]
    taken_back: list[Reminder]


class Decision(NamedTuple):
    """What follows for an assignment, and when to look at it again."""

    tellings: list[Telling]
    next_at: datetime | None


def decide(plan: Plan, assigned: Assigned, told: list[Reminder], now: datetime) -> Decision:
    """What to tell of an assignment ``now``, given what was told of it in this round.

    A copy is told up to the due date. An acknowledged one is left alone before it. After the
    escalation day the superior is told as well, if the unit itself was on an earlier workday.
    """
    if assigned.duty not in plan.duties or assigned.unit not in plan.units:
        # Answered by an edited calendar that the daemon has yet to take up; then all is looked at.
        return Decision([], None)
    steps, next_at = _steps(plan, assigned, now)
    above, escalate_at = _escalation(plan, assigned, told, steps, now)
    own = _telling(assigned, steps, told)
    looks = [instant for instant in (next_at, escalate_at) if instant]
    return Decision([one for one in (own, above) if one], min(looks, default=None))


def _telling(assigned: Assigned, steps: list[str], told: list[Reminder]) -> Telling | None:
    """What the unit itself is told."""
    # As owner or as copy: an edit may have changed its part.
    mine = [mark for mark in told if mark.addressee in OWN]
    if not steps or _is_told(assigned, steps, mine):
        return None
    recorded = {mark.step for mark in mine}
    passed_over = [step for step in steps[:-1] if step not in recorded]
    return Telling(assigned.addressee, assigned.unit, steps[-1], passed_over, _taken_back(mine))


def _taken_back(told: list[Reminder]) -> list[Reminder]:
    return [mark for mark in told if mark.state == "queued" and rank(mark.step) > NOTICE]


def _steps(plan: Plan, assigned: Assigned, now: datetime) -> tuple[list[str], datetime | None]:
    """The steps of an assignment that are reached by ``now``, and when the next one is."""
    occurrence = assigned.of(plan.duties[assigned.duty])
    passed, then = around(plan, occurrence, now)
    steps = [step.name for step in passed]
    if not assigned.owes:
        steps = [step for step in steps if rank(step) <= 0]
        then = then if then and rank(then.name) <= 0 else None
    return steps, then.at(plan) if then else None


def _is_told(assigned: Assigned, steps: Sequence[str], told: list[Reminder]) -> bool:
    """Whether the last of the steps that are reached is told already, or a later one, or it is not
    to be told at all."""
    if assigned.state == "acknowledged" and rank(steps[-1]) < 0:
        return True
    return any(says(mark.step, steps) for mark in told)


def says(step: str, steps: Sequence[str]) -> bool:
    """Whether ``step`` says the last of ``steps``, which are in the order of their days, or more.

    One that the plan does not have among them, after an edit, is placed by its offset.

    >>> says("T-5wd", ["open", "T-5wd", "T-10"]), says("T-9", ["open", "T-5wd", "T-10"])
    (False, True)
    """
    return step == steps[-1] if step in steps else rank(step) >= rank(steps[-1])


def _escalation(
    plan: Plan, assigned: Assigned, told: list[Reminder], steps: list[str], now: datetime
) -> tuple[Telling | None, datetime | None]:
    """What the superior is told, or when to see again whether it is to be told."""
    to = plan.defaults.escalate.to
    unit = superior_of(plan, assigned.unit)
    day = escalation_on(plan, assigned.of(plan.duties[assigned.duty]))
    if not (unit and day and assigned.owes):
        return None, None
    begins = instant(day, plan.defaults.at, plan.zone)
    if now < begins:
        return None, begins
    theirs = [mark for mark in told if mark.addressee == to]
    if not steps or rank(steps[-1]) <= 0 or _is_told(assigned, steps, theirs):
        return None, None
    if not _urged_before(plan, assigned, told, now):
        return None, next_opening(plan, now)
    return Telling(to, unit, steps[-1], [], _taken_back(theirs)), None


def _urged_before(plan: Plan, assigned: Assigned, told: list[Reminder], now: datetime) -> bool:
    """Whether the unit was told an overdue step on an earlier day, which was a workday."""
    today = now.astimezone(plan.zone).date()
    return any(
        mark.addressee in OWN
        and rank(mark.step) > 0
        and mark.told_at is not None
        and mark.told_at.astimezone(plan.zone).date() < today
        for mark in told
    )


def superior_of(plan: Plan, unit: str) -> str | None:
    """Who is told when a unit does not answer; None where nobody stands above it."""
    to = plan.office if plan.defaults.escalate.to == "office" else plan.units[unit].superior
    return to if to not in ("", unit) else None


def tell(conn: Connection, plan: Plan, now: datetime) -> Counter[str]:
    """Records what is to be told ``now``, and what that supersedes; counts both."""
    told = reminders.of_due(conn, now)
    rows, taken_back, looks = [], [], []
    for assigned in assignments.due_for_telling(conn, now):
        decision = decide(plan, assigned, told.get(assigned.id, []), now)
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
        why = _("its channel is paused; another brings it")
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
    if opening(plan, now + delay) > now + delay:
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
