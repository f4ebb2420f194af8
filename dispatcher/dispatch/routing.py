"""Which of a unit's channels bring a reminder: all of them, or the next where one cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from dispatcher.ledger.outbox import Address
from dispatcher.ledger.tables import LEASED
from dispatcher.plan.model import Notify
from dispatcher.plan.ways import Way


class Route(NamedTuple):
    """Where a reminder is to go ``to``, and where its waiting messages are to be taken ``back``
    since something else brings it, or nothing can; ``hopeless`` when no way to its unit is left."""

    to: tuple[Address, ...] = ()
    back: tuple[Address, ...] = ()
    hopeless: bool = False


def route(
    ways: Sequence[Way],
    tried: Mapping[Address, str],
    notify: Notify,
    shut: Collection[str] = (),
) -> Route:
    """Where a reminder goes; ``tried`` are the states of its messages by address, ``shut`` the
    channels that are paused.

    A message that failed is the end of its address; one that was cancelled is as if it had never
    been. A channel that is shut is passed over while another way is left, else waited for. What
    waits where it can leave is left there, and nothing is decided while a message is in hand: so
    nobody is told by two channels.
    """
    in_hand = any(state in LEASED for state in tried.values())
    left = [way for way in ways if any(tried.get(to) != "failed" for to in _of(way))]
    if not left:
        return Route(back=_waiting_beside((), tried), hopeless=not in_hand)
    if notify == "all":
        to = tuple(to for way in left for to in _untried(way, tried))
        return Route(to, _waiting_beside(ways, tried))
    if in_hand:
        return Route()
    chosen = _choice(left, tried, shut)
    return Route(_untried(chosen, tried), _waiting_beside([chosen], tried))


def _choice(left: Sequence[Way], tried: Mapping[Address, str], shut: Collection[str]) -> Way:
    """Of the ways that work the one on which a message waits, else the first."""
    usable = [way for way in left if way.channel not in shut] or left
    return next((way for way in usable if "queued" in map(tried.get, _of(way))), usable[0])


def _waiting_beside(ways: Sequence[Way], tried: Mapping[Address, str]) -> tuple[Address, ...]:
    """Where a message waits that is on none of the ways."""
    kept = {to for way in ways for to in _of(way)}
    return tuple(to for to, state in tried.items() if state == "queued" and to not in kept)


def _of(way: Way) -> tuple[Address, ...]:
    return tuple(Address(way.channel, address) for address in way.addresses)


def _untried(way: Way, tried: Mapping[Address, str]) -> tuple[Address, ...]:
    return tuple(to for to in _of(way) if tried.get(to, "cancelled") == "cancelled")
