"""The ways to a unit: what each kind of channel is like, and where it leads."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dispatcher.plan.model import Contact, Plan, Unit

MAIL = "email"


class Traits(NamedTuple):
    """What a kind of channel takes: settings that it ``needs`` and ``may`` have; what of a contact
    it reaches, or the unit itself; how much it says, and over how many minutes its messages are
    ``spread``, unless the file says otherwise."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    reaches: Literal["unit", "email", "mobile", "account"] = "unit"
    detail: Literal["full", "title-only"] = "title-only"
    spread: int = 0


OF_GATEWAY = (
    *("key", "secret", "method", "headers", "format", "charset", "signer", "signed"),
    *("answer", "later", "auth", "refused", "receipt", "longest", "connections"),
)
FOR_TASKS = ("creator", "page")
"""What ``tasks: true`` needs beside it."""
OF_VENDOR = ("key", "secret", "signature", "template", "params")
TRAITS = {
    "wecom": Traits(("key",), spread=5),
    "dingtalk": Traits(("key",), ("secret",), spread=5),
    "feishu": Traits(("key",), ("secret",), spread=5),
    "gov-dingtalk": Traits(
        ("url", "key", "secret", "tenant"), ("tasks", *FOR_TASKS, "connections"), "account", "full"
    ),
    "sms": Traits(("url", "text", "body", "success"), OF_GATEWAY, "mobile"),
    "sms-aliyun": Traits(OF_VENDOR, ("longest", "connections"), "mobile"),
    "sms-tencent": Traits((*OF_VENDOR, "app"), ("region", "longest", "connections"), "mobile"),
    "webhook": Traits(("url", "secret"), ("connections",), detail="full"),
}
"""WeCom and Feishu ask not to be called at the full and the half hour, when everybody does."""
OF_MAIL = Traits((), reaches="email", detail="full")


class Way(NamedTuple):
    """A channel that leads to a unit, and where to on it."""

    channel: str
    addresses: tuple[str, ...]


def traits(plan: Plan, channel: str) -> Traits:
    """What a channel of the plan is like."""
    return TRAITS[plan.channels[channel].kind] if channel in plan.channels else OF_MAIL


def detail(plan: Plan, channel: str) -> str:
    """How much a channel says: ``full`` or ``title-only``."""
    given = plan.channels[channel].values.get("detail") if channel in plan.channels else None
    return str(given or traits(plan, channel).detail)


def spread(plan: Plan, channel: str) -> int:
    """Over how many minutes a channel's messages of one moment are spread."""
    given = plan.channels[channel].values.get("spread") if channel in plan.channels else None
    return traits(plan, channel).spread if given is None else int(given)


def ways(plan: Plan, unit: str) -> list[Way]:
    """The channels of a unit that can reach it, in the unit's order."""
    if unit not in plan.units:
        return []
    found = plan.units[unit]
    known = [
        name for name in dict.fromkeys(found.channels) if name == MAIL or name in plan.channels
    ]
    reached = ((name, _addresses(found, traits(plan, name).reaches)) for name in known)
    return [Way(name, addresses) for name, addresses in reached if addresses]


def _addresses(unit: Unit, reaches: str) -> tuple[str, ...]:
    if reaches == "unit":
        return (unit.name,)
    return tuple(dict.fromkeys(filter(None, (_of(each, reaches) for each in unit.contacts))))


def _of(contact: Contact, reaches: str) -> str:
    found: str = getattr(contact, reaches)
    return found
