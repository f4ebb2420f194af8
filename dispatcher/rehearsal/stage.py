"""The channels of a rehearsal: they keep the pace of the real ones, and files are all they send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

from dispatcher import bootstrap
from dispatcher.channels.contract import Channel, DeliveryError, OnUnknown, Outgoing, Receipt
from dispatcher.channels.mailbox import Mailbox
from dispatcher.errors import SettingsError
from dispatcher.i18n import Text, _
from dispatcher.plan.channels import placeholders
from dispatcher.plan.model import Plan
from dispatcher.plan.ways import MAIL
from dispatcher.settings import Secret, Settings

MESSAGES = "messages"
"""The folder of the messages beside their page."""
STANDS_FOR_A_SECRET = Secret("rehearsal-rehearsal")
"""As long as any channel asks for."""
BARE = '<!DOCTYPE html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
WRAPPED = '<pre style="white-space:pre-wrap;font:16px/1.6 sans-serif">'


class Folder(NamedTuple):
    """Where messages are kept, each as a mail and as a web page."""

    path: Path
    mailbox: Mailbox

    def keep(self, outgoing: Outgoing) -> Receipt:
        """Writes both; gives the name of the mail's file."""
        receipt = self.mailbox.send(outgoing)
        page = outgoing.html or f"{BARE}{WRAPPED}{escape(outgoing.text)}</pre>"
        (self.path / receipt.vendor_id).with_suffix(".html").write_text(page, "utf-8")
        return receipt


class Standin(Channel):
    """Stands in for the ``real`` channel, where its limits are known: ``works`` says whether it
    does at present; ``folder`` keeps what is sent, if anything does."""

    on_unknown: OnUnknown = "resend"
    deadline = 10.0
    connections = 16
    """One commit for as many messages: there is no server to be spared."""

    def __init__(
        self, name: str, real: Channel | None, works: Callable[[], bool], folder: Folder | None
    ) -> None:
        self.name, self._real, self._works, self._folder = name, real, works, folder
        self.pace = real.pace if real else 0.0

    def calls(self, outgoing: Outgoing) -> int:
        """As the real one would."""
        return self._real.calls(outgoing) if self._real else 1

    def send(self, outgoing: Outgoing) -> Receipt:
        """Keeps it; while there is an outage, a DeliveryError."""
        if not self._works():
            raise DeliveryError("unreachable", _("channel '{channel}' is out", channel=self.name))
        return self._folder.keep(outgoing) if self._folder else Receipt("")

    def close(self) -> None:
        """Nothing is held open: the real one is never called."""


class Stage(NamedTuple):
    """The channels by name, and why the limits of some are not known."""

    channels: Mapping[str, Channel]
    unknown: list[Text]


def stage(settings: Settings, plan: Plan, out: Path | None, works: Callable[[], bool]) -> Stage:
    """A stand-in for each channel of the plan; ``out`` is where the messages are to be kept."""
    found: dict[str, Channel] = {MAIL: Standin(MAIL, None, works, _folder(settings, plan, out, ""))}
    unknown: list[Text] = []
    for name in plan.channels:
        real, why = _real(settings, plan, name)
        unknown += [why] if why else []
        found[name] = Standin(name, real, works, _folder(settings, plan, out, name))
    return Stage(found, unknown)


def _folder(settings: Settings, plan: Plan, out: Path | None, stands_for: str) -> Folder | None:
    if out is None:
        return None
    path, sender = out / MESSAGES, settings.mail_from or bootstrap.office_address(plan)
    return Folder(path, Mailbox(path, plan.zone, sender, stands_for=stands_for, durable=False))


def _real(settings: Settings, plan: Plan, name: str) -> tuple[Channel | None, Text | None]:
    """The channel as it would be, never called: it knows its limits; or why it cannot be made."""
    alone = plan._replace(channels={name: plan.channels[name]})
    unset = [each for each in placeholders(alone) if not settings.secret(each)]
    given = {**settings.environ, **dict.fromkeys(unset, STANDS_FOR_A_SECRET)}
    try:
        return bootstrap.beside_mail(settings._replace(environ=given), alone)[name], None
    except SettingsError as error:
        if unset:
            return None, _("channel '{channel}': {name} is not set", channel=name, name=unset[0])
        return None, _("channel '{channel}' cannot be set up, so that its limits are not known: "
                       "{why}", channel=name, why=error.text)  # fmt: skip
