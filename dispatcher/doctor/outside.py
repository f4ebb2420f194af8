"""What the doctor looks at outside: every channel's server, its certificate and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dispatcher import bootstrap
from dispatcher.channels.probing import Seen, Target, Unseen, look
from dispatcher.doctor.findings import Finding, Ground, State, failure
from dispatcher.i18n import Text, _
from dispatcher.ledger.channels import State as Remembered
from dispatcher.plan.channels import filled, placeholders
from dispatcher.plan.model import Plan
from dispatcher.plan.ways import MAIL
from dispatcher.settings import Settings, shipped

SKEW = timedelta(seconds=60)
"""So far apart two clocks that are kept right never are."""
ENDING = 14
"""Days before its end at which a certificate should have been renewed."""
SET_CLOCK = _("set this machine's clock, or let it be kept right (timedatectl set-ntp true): "
              "DingTalk and Feishu refuse a signature that is an hour off, Tencent Cloud one that "
              "is five minutes off")  # fmt: skip
AUTHORITY = _("look at this machine's clock; the certificate of an authority of your own is named "
              "as ca_file of the channel, for mail as DISPATCHER_SMTP_CA_FILE")  # fmt: skip
FIREWALL = _("ask whoever keeps the network to let this machine call it; a proxy is named as "
             "proxy of the channel")  # fmt: skip
BY_MAIL = _("ask whoever keeps the network to let this machine call it; mail goes through no "
            "proxy")  # fmt: skip


def channels(ground: Ground) -> Iterator[Finding]:
    """How each channel is, one after the other; their servers are asked all at once."""
    assert ground.plan
    remembered = _remembered(ground.settings)
    made = {name: _target(ground, name) for name in _names(ground.settings, ground.plan)}
    targets = {name: each for name, each in made.items() if isinstance(each, Target)}
    seen = look({name: each for name, each in targets.items() if each.server}, ground.clock)
    for name, each in made.items():
        if isinstance(each, Finding):
            yield each
        if name in remembered:
            yield from _pause(remembered[name], ground)
        if name in seen:
            for found in _server(targets[name].server, seen[name], ground):
                yield found._replace(channel=name)


def _names(settings: Settings, plan: Plan) -> list[str]:
    """Mail is looked at where it is set up, or somebody is to be told by it."""
    by_mail = any(MAIL in unit.channels for unit in plan.units.values())
    return [*([MAIL] if by_mail or settings.smtp_url else []), *plan.channels]


def _target(ground: Ground, name: str) -> Target | Finding | None:
    """Whom a channel calls once the service is live; how it is set up wrongly, if it is.

    None where a secret is missing, as is told elsewhere.
    """
    assert ground.plan
    of = ground.plan.channels
    plan = ground.plan._replace(channels={name: of[name]} if name in of else {})
    try:
        return _of_mail(ground, plan) if name == MAIL else _of_other(ground.settings, plan, name)
    except Exception as error:  # one channel's fault is not the others'
        return failure("setup", error, name)._replace(state=ground.weight)


def _of_mail(ground: Ground, plan: Plan) -> Target | Finding:
    settings = ground.settings
    if settings.smtp_url:
        mail = bootstrap.channels(settings._replace(live=True), plan)[MAIL]
        return Target(mail.server, settings.smtp_ca_file)
    says = _("DISPATCHER_SMTP_URL names no mail server")
    hint = _("write it into {file}", file=settings.home / ".env")
    return Finding("setup", ground.weight, says, hint, MAIL)


def _of_other(settings: Settings, plan: Plan, name: str) -> Target | None:
    try:
        given = {asked: settings.secret(asked) for asked in placeholders(plan)}
    except Exception:
        return None
    if not all(given.values()):
        return None
    values = filled(plan.channels[name].values, given)
    ca_file = values.get("ca_file")
    return Target(
        bootstrap.beside_mail(settings, plan)[name].server,
        settings.home / ca_file if ca_file else None,
        values.get("proxy", ""),
    )


def _remembered(settings: Settings) -> dict[str, Remembered]:
    """What the ledger knows of channels; nothing where it cannot be asked, as is told elsewhere."""
    from dispatcher.ledger.channels import states
    from dispatcher.ledger.reading import reading

    try:
        with reading(settings.database_url, shipped("db")) as conn:
            return states(conn) if conn else {}
    except Exception:
        return {}


def _pause(channel: Remembered, ground: Ground) -> Iterator[Finding]:
    if not channel.is_paused(ground.now):
        return
    says: Text = _("paused by {by}: {reason}", by=channel.paused_by, reason=channel.reason)
    if channel.paused_until and ground.plan:
        until = channel.paused_until.astimezone(ground.plan.zone)
        says = _("{says}; tried again at {at}", says=says, at=f"{until:%Y-%m-%d %H:%M}")
    hint = _("when it is in order again: dispatcher channels resume {name} --by NAME",
             name=channel.name)  # fmt: skip
    state: State = "bad" if channel.needs_hand(ground.now) else "warn"
    yield Finding("pause", state, says, hint, channel.name)


def _server(server: str, seen: Seen | Unseen, ground: Ground) -> Iterator[Finding]:
    """What a look at a server comes to."""
    if isinstance(seen, Seen):
        yield Finding("reach", "ok", _("{server} answers", server=server))
        yield from _certificate(seen, ground)
        yield from _clock(seen)
    elif seen.untrusted:
        says = _("the certificate of {server} is not to be trusted: {detail}", server=server,
                 detail=seen.why)  # fmt: skip
        yield Finding("certificate", ground.weight, says, AUTHORITY)
    else:
        says = _("{server} cannot be reached: {detail}", server=server, detail=seen.why)
        hint = FIREWALL if server.startswith("http") else BY_MAIL
        yield Finding("reach", ground.weight, says, hint)


def _certificate(seen: Seen, ground: Ground) -> Iterator[Finding]:
    if seen.expires is None or ground.plan is None:
        return
    says = _("its certificate is good until {day}, for {days} days",
             day=seen.expires.astimezone(ground.plan.zone).date(),
             days=(seen.expires - ground.clock()).days)  # fmt: skip
    hint = _("have whoever keeps the server renew it")
    ending = (seen.expires - ground.clock()).days < ENDING
    yield Finding("certificate", "warn" if ending else "ok", says, hint if ending else None)


def _clock(seen: Seen) -> Iterator[Finding]:
    if seen.ahead is None:
        return
    seconds = round(seen.ahead.total_seconds())
    if abs(seen.ahead) <= SKEW:
        yield Finding("clock", "ok", _("its clock and ours are {seconds} s apart",
                                       seconds=abs(seconds)))  # fmt: skip
        return
    says = _("our clock is {seconds} s behind its own", seconds=-seconds)
    if seconds > 0:
        says = _("our clock is {seconds} s ahead of its own", seconds=seconds)
    yield Finding("clock", "bad", says, SET_CLOCK)


def send(unit: str, ground: Ground) -> Iterator[Finding]:
    """Sends a marked test message over each of a unit's channels; what became of each."""
    assert ground.plan
    sent = bootstrap.send_test(ground.settings, ground.plan, unit)
    for to, trouble in sent:
        says = _("{address}: sent", address=to.address)
        if trouble:
            says = _("{address}: {trouble}", address=to.address, trouble=trouble)
        yield Finding("send", "bad" if trouble else "ok", says, channel=to.channel)
    if not sent:
        says = _("unit '{unit}' has no contact that can be reached", unit=unit)
        yield Finding("send", "bad", says, _("give it a contact in the calendar"))
