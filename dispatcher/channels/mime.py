"""A message as mail: the same Outgoing gives the same bytes, all of them ASCII.

The standard library folds and encodes headers; what it has let through in some of its versions
(line breaks, encoded words that hide them) is refused here before it gets there.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import NamedTuple

from dispatcher.channels.contract import DeliveryError, Outgoing
from dispatcher.errors import SettingsError
from dispatcher.i18n import Text, _

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
MAILBOX = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*")
REFERENCE = re.compile(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*")
ENCODED_WORD = "=?"
WORKBOOK = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
"""What is attached is always a sheet."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SURROGATE = re.compile(r"[\ud800-\udfff]")
FIELDS = {
    "subject": _("subject"),
    "recipient_name": _("name of the addressee"),
    "sender_name": _("name of the sender"),
}


class Sender(NamedTuple):
    """Who mail is from. ``name`` is empty where the message's own sender name is to be used."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.address.rpartition("@")[2]


def parse_sender(text: str) -> Sender:
    """Reads ``office@example.com`` or ``区农办 <office@example.com>``; raises SettingsError.

    >>> parse_sender("区农办 <office@example.com>")
    Sender(name='区农办', address='office@example.com')
    """
    match = re.fullmatch(r'\s*(?:"?([^"<>]*?)"?\s*<([^<>]+)>|(\S+))\s*', text)
    name, address = (match[1] or "", match[2] or match[3]) if match else ("", "")
    if not is_one_mailbox(address) or _fault(name):
        example = "区农办 <office@example.com>"
        raise SettingsError(
            _("DISPATCHER_MAIL_FROM: '{value}' should be like {example}",
              value=_shown(text), example=example)
        )  # fmt: skip
    return Sender(name, address)


def is_one_mailbox(address: str) -> bool:
    """Whether ``address`` is exactly one plain address: no list, no name, no quotes, no comment.

    >>> is_one_mailbox("a.b@example.com"), is_one_mailbox("a@example.com,b@example.com")
    (True, False)
    """
    return bool(MAILBOX.fullmatch(address)) and ENCODED_WORD not in address


def message_bytes(outgoing: Outgoing, sender: Sender) -> bytes:
    """The whole mail, lines ended by CRLF.

    Raises a permanent DeliveryError: ``address`` when an address is not exactly one, ``content``
    when a text cannot be written as mail.
    """
    _check(outgoing)
    mail = EmailMessage(policy=SMTP)
    name = sender.name or outgoing.sender_name
    mail["From"] = Address(name, addr_spec=sender.address)
    mail["To"] = Address(outgoing.recipient_name, addr_spec=outgoing.address)
    if outgoing.reply_to:
        mail["Reply-To"] = Address(outgoing.sender_name, addr_spec=outgoing.reply_to)
    mail["Subject"] = outgoing.subject
    mail["Date"] = outgoing.at
    mail["Message-ID"] = message_id(outgoing, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(outgoing.text, cte="base64")
    if outgoing.html:
        mail.add_alternative(outgoing.html, subtype="html", cte="base64")
    for name, content in outgoing.attachments:
        maintype, subtype = WORKBOOK
        mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        # The underscore occurs in no base64 line, so the boundary cannot occur in a part.
        part.set_boundary("=_" + sha256(f"{outgoing.reference}{number}".encode()).hexdigest()[:32])
    return mail.as_bytes()


def message_id(outgoing: Outgoing, sender: Sender) -> str:
    """By this a mail program knows a second copy for what it is."""
    return f"<{outgoing.reference}@{sender.domain}>"


def _check(outgoing: Outgoing) -> None:
    for address in filter(None, (outgoing.address, outgoing.reply_to)):
        if not is_one_mailbox(address):
            raise _bad_address(address)
    if not outgoing.address:
        raise _bad_address("")
    if not REFERENCE.fullmatch(outgoing.reference):
        raise _bad_content(_("reference"), _("a character that does not belong there"))
    for field, called in FIELDS.items():
        if fault := _fault(getattr(outgoing, field)):
            raise _bad_content(called, fault)
    for attachment in outgoing.attachments:
        if fault := _fault(attachment.name):
            raise _bad_content(_("name of an attachment"), fault)
    if SURROGATE.search(outgoing.text + outgoing.html):
        raise _bad_content(_("text"), _("half a character"))


def _fault(value: str) -> Text | None:
    """What makes ``value`` unfit for a header, if anything."""
    if CONTROL.search(value):
        return _("a line break or control character")
    if SURROGATE.search(value):
        return _("half a character")
    return _("a disguised encoding ('=?')") if ENCODED_WORD in value else None


def _bad_address(address: str) -> DeliveryError:
    text = _(
        "'{address}' is not exactly one mail address; correct the contact in the calendar",
        address=_shown(address),
    )
    return DeliveryError("address", text, detail=_shown(address), permanent=True)


def _bad_content(field: Text, fault: Text) -> DeliveryError:
    text = _(
        "the message cannot be written as mail: its {field} holds {fault}; "
        "correct the calendar or the template",
        field=field,
        fault=fault,
    )
    return DeliveryError("content", text, detail=f"{field}: {fault}", permanent=True)


def _shown(value: str) -> str:
    """``value`` for a person, in whom a control character can do no harm."""
    cut = value[:100].encode("utf-8", "backslashreplace").decode()
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", cut)
