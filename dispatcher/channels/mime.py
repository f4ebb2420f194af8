"""A message as mail: the same Outgoing gives the same bytes, all of them ASCII.

Written by hand, because the standard library takes some milliseconds for a digest, and has let
through in some of its versions what hides a line break. A text that is not plain goes in as encoded
words (RFC 2047), a file's name in sections (RFC 2231), a part's content in base64.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from dispatcher.channels.contract import Attachment, DeliveryError, Outgoing
from dispatcher.errors import SettingsError
from dispatcher.i18n import Text, _

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
MAILBOX = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*")
REFERENCE = re.compile(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*")
ENCODED_WORD = "=?"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""What is attached is always a sheet."""
PLAIN_NAME = re.compile(rf"{ATOM}(?: {ATOM})*")
PLAIN_SUBJECT = re.compile(r"(?:[!-~]+(?: +[!-~]+)*)?")
LINE = 76
"""Characters of a header line, and of one of base64."""
LINES = re.compile(rb".{1,%d}" % LINE)
WORD, SECTION = 39, 18
"""Bytes of text in an encoded word, so that one fits behind every header's name, and of a file's
name in a section, where each may take three characters."""
SAME = 64
"""So many names and subjects are remembered as a mail writes them: mails that leave together mostly
have the same ones."""
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
    head = "\r\n".join(_headers(outgoing, sender))
    return f"{head}\r\n".encode("ascii") + _body(outgoing)


def message_id(outgoing: Outgoing, sender: Sender) -> str:
    """By this a mail program knows a second copy for what it is."""
    return f"<{outgoing.reference}@{sender.domain}>"


def _headers(outgoing: Outgoing, sender: Sender) -> Iterator[str]:
    own = outgoing.sender_name
    yield _header("From", *_mailbox(sender.name or own, sender.address))
    yield _header("To", *_mailbox(outgoing.recipient_name, outgoing.address))
    if outgoing.reply_to:
        yield _header("Reply-To", *_mailbox(own, outgoing.reply_to))
    yield _header("Subject", *_subject(outgoing.subject))
    yield _header("Date", format_datetime(outgoing.at))
    yield _header("Message-ID", message_id(outgoing, sender))
    yield "Auto-Submitted: auto-generated"
    yield "X-Auto-Response-Suppress: All"
    yield "MIME-Version: 1.0"


def _header(name: str, first: str, *more: str) -> str:
    """A header of these tokens, folded between them where a line would become too long."""
    lines = [f"{name}: {first}"]
    for token in more:
        if len(lines[-1]) + 1 + len(token) > LINE:
            lines.append("")
        lines[-1] += f" {token}"
    return "\r\n".join(lines)


def _mailbox(name: str, address: str) -> tuple[str, ...]:
    if not name:
        return (address,)
    plain = len(name) <= WORD and PLAIN_NAME.fullmatch(name)
    return *((name,) if plain else _encoded_words(name)), f"<{address}>"


def _subject(text: str) -> tuple[str, ...]:
    plain = len(text) <= LINE - len("Subject: ") and PLAIN_SUBJECT.fullmatch(text)
    return (text,) if plain else _encoded_words(text)


@lru_cache(SAME)
def _encoded_words(text: str) -> tuple[str, ...]:
    """``text`` as words that a reader joins again, whatever space is between them.

    >>> _encoded_words("潭东镇")
    ('=?utf-8?b?5r2t5Lic6ZWH?=',)
    """
    return tuple(f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in _pieces(text, WORD))


def _pieces(text: str, size: int) -> Iterator[bytes]:
    """``text`` in UTF-8, in pieces of at most ``size`` bytes that break no character.

    >>> [piece.decode() for piece in _pieces("潭东镇", 8)]
    ['潭东', '镇']
    """
    content, start = text.encode(), 0
    while len(content) - start > size:
        end = start + size
        while content[end] & 0xC0 == 0x80:  # the middle of a character
            end -= 1
        yield content[start:end]
        start = end
    yield content[start:]


def _body(outgoing: Outgoing) -> bytes:
    """The headers that tell what the mail holds, and that."""
    body = _text_part("plain", outgoing.text)
    if outgoing.html:
        parts = [body, _text_part("html", outgoing.html)]
        body = _multipart("alternative", outgoing.reference, parts)
    if outgoing.attachments:
        parts = [body, *map(_attached, outgoing.attachments)]
        body = _multipart("mixed", outgoing.reference, parts)
    return body


def _text_part(subtype: str, text: str) -> bytes:
    try:
        lines = text.encode().splitlines()
    except UnicodeEncodeError:
        raise _bad_content(_("text"), _("half a character")) from None
    return _part(f'text/{subtype}; charset="utf-8"', b"\r\n".join([*lines, b""]))


def _attached(attachment: Attachment) -> bytes:
    sections = [quote(piece, safe="") for piece in _pieces(attachment.name, SECTION)]
    sections[0] = f"utf-8''{sections[0]}"
    numbers = [f"*{number}" for number in range(len(sections))] if sections[1:] else [""]
    named = [f"filename{at}*={section}" for at, section in zip(numbers, sections, strict=True)]
    disposition = ";\r\n ".join(["Content-Disposition: attachment", *named])
    return _part(WORKBOOK, attachment.content, disposition)


def _part(kind: str, content: bytes, *more: str) -> bytes:
    """A part with its headers, ``more`` of them at the end."""
    headers = [f"Content-Type: {kind}", "Content-Transfer-Encoding: base64", *more]
    lines = LINES.findall(b64encode(content))
    return b"\r\n".join(["\r\n".join(headers).encode("ascii"), b"", *lines, b""])


def _multipart(subtype: str, reference: str, parts: list[bytes]) -> bytes:
    # The underscore occurs in no base64 line, so the boundary cannot occur in a part.
    boundary = "=_" + sha256(f"{reference} {subtype}".encode()).hexdigest()[:32]
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'
    between = f"--{boundary}\r\n".encode("ascii")
    inside = [piece for part in parts for piece in (between, part)]
    return b"".join([head.encode("ascii"), *inside, f"--{boundary}--\r\n".encode("ascii")])


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
