"""The mailbox folder: every message an .eml file, for any mail program to open."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from dispatcher.channels.contract import Channel, DeliveryError, OnUnknown, Outgoing, Receipt
from dispatcher.channels.mime import message_bytes, message_id, parse_sender
from dispatcher.files import flush
from dispatcher.i18n import _

NAME_LENGTH = 120
"""Bytes of an address in a file's name, which may have 255 in all."""


class Mailbox(Channel):
    """Writes each message into ``folder`` under its local time, kind and address.

    A message is there whole or not at all, and survives a power cut once ``send`` has returned.
    Sent again, it replaces itself. ``zone`` is the plan's. ``stands_for`` names the channel, other
    than mail, by which the messages would leave. Unless ``durable``, a power cut may take what was
    sent: for messages that can be made again.
    """

    name = "mailbox"
    on_unknown: OnUnknown = "resend"
    deadline = 10.0
    connections = 4
    """A disk takes several files to safety in about the time of one."""

    def __init__(
        self,
        folder: Path,
        zone: tzinfo,
        mail_from: str = "dispatcher@localhost",
        *,
        stands_for: str = "",
        durable: bool = True,
    ) -> None:
        self._folder, self._zone, self._sender = folder, zone, parse_sender(mail_from)
        self._stands_for, self._durable = stands_for, durable
        self._naming = Lock()

    def send(self, outgoing: Outgoing) -> Receipt:
        """Writes the file and gives its name; a disk that fails is a temporary DeliveryError."""
        outgoing = _as_mail(outgoing, self._stands_for) if self._stands_for else outgoing
        content = message_bytes(outgoing, self._sender)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Receipt(self._write(outgoing, content).name)
        except OSError as error:
            raise self._failure(error) from None

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, outgoing: Outgoing, content: bytes) -> Path:
        """Replaces the message's file atomically, and durably where that is wanted."""
        draft = self._folder / f".{outgoing.reference}.tmp"
        try:
            _write(draft, content, durable=self._durable)
            with self._naming:  # or two messages of one second would find the same name free
                path = draft.replace(self._path(outgoing))
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if self._durable:
            flush(self._folder)
        return path

    def _path(self, outgoing: Outgoing) -> Path:
        """Its file; with its reference in the name where another message of that second lies."""
        moment = outgoing.at.astimezone(self._zone)
        name = f"{moment:%Y%m%dT%H%M%S}-{outgoing.kind}-{_as_file_name(outgoing.address)}"
        path = self._folder / f"{name}.eml"
        own = message_id(outgoing, self._sender).encode()
        if path.exists() and own not in path.read_bytes():
            path = self._folder / f"{name}-{outgoing.reference}.eml"
        return path

    def _failure(self, error: OSError) -> DeliveryError:
        detail = error.strerror or str(error)
        text = _(
            "the mailbox folder {folder} cannot be written ({detail}); "
            "free disk space or mend its permissions",
            folder=self._folder,
            detail=detail,
        )
        return DeliveryError("unreachable", text, detail=detail)


def _as_mail(outgoing: Outgoing, channel: str) -> Outgoing:
    """A message of another channel as a mail that shows where it would have gone.

    Its domain is one that can never be reached (RFC 2606).
    """
    place = sha256(f"{channel} {outgoing.address}".encode()).hexdigest()[:12]
    whom = " ".join(dict.fromkeys([channel, outgoing.recipient_name, outgoing.address]))
    return replace(outgoing, address=f"{place}@channel.invalid", recipient_name=whom, html="")


def _as_file_name(address: str) -> str:
    """``address`` without what a file system could misread; no two addresses become one.

    >>> _as_file_name("a/b@example.com")
    'a%2Fb@example.com'
    """
    name = quote(address, safe="@+")
    if len(name) <= NAME_LENGTH:
        return name
    return f"{name[:NAME_LENGTH]}~{sha256(address.encode()).hexdigest()[:12]}"


def _write(path: Path, content: bytes, *, durable: bool) -> None:
    with open(path, "wb", opener=_private) as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _private(name: str, flags: int) -> int:
    """Opens for the owner alone: what is in it is for its addressee."""
    return os.open(name, flags | os.O_NOFOLLOW, 0o600)
