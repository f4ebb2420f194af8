"""Which of a unit's channels bring a reminder: all of them, or the next where one cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from dispatcher.ledger.outbox import Address
from dispatcher.plan.model import Notify
from dispatcher.plan.ways import Way

IN_VAIN = ("failed", "cancelled")


class Route(NamedTuple):
    """Where a reminder is to go ``to``, and where its waiting messages are to be taken ``back``
    since another channel brings it; ``hopeless`` when no way to its unit is left."""

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
    been. A channel that is shut is passed over while another way is left, else waited for.
    """
    left = [way for way in ways if any(tried.get(to) != "failed" for to in _of(way))]
    if not left:
        return Route(hopeless=True)
    if notify == "all":
        return Route(to=tuple(to for way in left for to in _untried(way, tried)))
    chosen = next((way for way in left if way.channel not in shut), left[0])
    return Route(_untried(chosen, tried), _waiting(left, chosen, tried, shut))


def _of(way: Way) -> tuple[Address, ...]:
    return tuple(Address(way.channel, address) for address in way.addresses)


def _untried(way: Way, tried: Mapping[Address, str]) -> tuple[Address, ...]:
    return tuple(to for to in _of(way) if tried.get(to, "cancelled") == "cancelled")


def _waiting(
    left: Sequence[Way], chosen: Way, tried: Mapping[Address, str], shut: Collection[str]
) -> tuple[Address, ...]:
    others = (way for way in left if way is not chosen and way.channel in shut)
    return tuple(to for way in others for to in _of(way) if tried.get(to) == "queued")
