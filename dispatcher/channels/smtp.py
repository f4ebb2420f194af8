"""Email: one message to one address over SMTP, encrypted and verified."""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Literal, cast
from urllib.parse import quote, unquote, urlsplit

from dispatcher.channels.cases import Case
from dispatcher.channels.contract import Channel, DeliveryError, OnUnknown, Outgoing, Receipt
from dispatcher.channels.kept import Kept
from dispatcher.channels.mime import message_bytes, parse_sender
from dispatcher.channels.session import Refusal, Session, Unanswered
from dispatcher.channels.verdicts import CLOSING, UNKNOWN, case_of_break, case_of_refusal
from dispatcher.channels.wire import Garbled, connect, is_loopback, words
from dispatcher.errors import SettingsError
from dispatcher.i18n import _

Scheme = Literal["smtp", "smtps", "smtp+plain"]
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
HOST = re.compile(r"\w[\w.-]*|[\da-f:.]+")
MAX_SHOWN = 200
"""Characters of the server's own word that are worth showing."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over: ``smtp`` is STARTTLS, ``smtps`` is TLS from the first byte,
    ``smtp+plain`` has no TLS and reaches this machine alone."""

    scheme: Scheme
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.scheme == "smtp+plain" and not is_loopback(self.host):
            raise SettingsError(
                _("DISPATCHER_SMTP_URL: smtp+plain:// is not encrypted and only for this machine "
                  "(127.0.0.1); write smtps:// or smtp://")
            )  # fmt: skip
        if bool(self.user) != bool(self.password):
            raise SettingsError(
                _("DISPATCHER_SMTP_URL: a login needs both user and password, as in {example}",
                  example="smtps://USER:PASSWORD@mail.example.com")
            )  # fmt: skip

    def mask(self, text: str) -> str:
        """``text`` without the password, in whatever spelling a server may echo it."""
        if not self.password:
            return text
        login = f"\0{self.user}\0{self.password}"
        encoded = [b64encode(secret.encode()).decode() for secret in (login, self.password)]
        quoted = [quote(self.password, safe=safe) for safe in ("", "/")]
        for secret in (*encoded, *quoted, self.password):
            text = text.replace(secret, "***")
        return text


def parse_smtp_url(url: str) -> SmtpServer:
    """Reads ``smtps://user:password@host:port``; raises SettingsError, never quoting the URL.

    >>> parse_smtp_url("smtps://office%40example.com:secret@mail.example.com")
    SmtpServer(scheme='smtps', host='mail.example.com', port=465, user='office@example.com')
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise _unreadable_url() from None
    more = parts.path.strip("/") + parts.query + parts.fragment
    if more or scheme not in PORTS or not HOST.fullmatch(host):
        raise _unreadable_url()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return SmtpServer(cast(Scheme, scheme), host, port or PORTS[scheme], user, password)


class Smtp(Channel):
    """Sends through one mail server, over connections that are kept for the next messages.

    A message whose content was begun and not answered is ``unknown`` and may be sent again: it
    bears the same Message-ID. Resolving the server's name is not under the deadline.
    """

    name = "email"
    on_unknown: OnUnknown = "resend"

    def __init__(
        self,
        server: SmtpServer,
        mail_from: str,
        *,
        ca_file: Path | None = None,
        deadline: float = 120.0,
        connections: int = 4,
    ) -> None:
        """``ca_file`` holds the only certificates to trust, for a server with a private CA;
        ``deadline`` is seconds for one attempt, ``connections`` how many may be open at once.
        Raises SettingsError."""
        self._server, self._sender = server, parse_sender(mail_from)
        self._context = None if server.scheme == "smtp+plain" else _verifying_context(ca_file)
        self._kept = Kept()
        self.deadline, self.connections = deadline, connections
        host = f"[{server.host}]" if ":" in server.host else server.host
        self.server = f"{server.scheme}://{host}:{server.port}"

    def __repr__(self) -> str:
        return f"Smtp({self._server!r})"

    def send(self, outgoing: Outgoing) -> Receipt:
        """Gives the server's last word, which mostly holds its own name for the message."""
        content = message_bytes(outgoing, self._sender)
        try:
            said = self._deliver(outgoing.address, content, monotonic() + self.deadline)
        except Refusal as refusal:
            said = f"{refusal.code} {refusal.text}"
            raise self._failure(case_of_refusal(refusal), said, outgoing) from None
        except Unanswered as error:
            raise self._failure(UNKNOWN, str(error), outgoing) from None
        except (OSError, UnicodeError, Garbled) as error:
            raise self._failure(case_of_break(error), words(error), outgoing) from None
        return Receipt(self._shown(said))

    def close(self) -> None:
        """Takes leave of the server; what is being sent is finished before its connection goes."""
        kept, self._kept = self._kept, Kept()
        kept.close()

    def _deliver(self, address: str, content: bytes, until: float) -> str:
        """By a kept connection, and by a new one where there is none or it proves to be dead.

        Nothing was handed over by a connection that died before the content, so that the second
        try cannot be a second copy.
        """
        kept = self._kept
        if session := kept.take():
            try:
                if session.wakes(until):
                    return self._through(session, kept, address, content)
            except (OSError, Garbled):
                pass
            except Refusal as refusal:
                if refusal.code != CLOSING or refusal.step == "content":
                    raise
            session.close()
        return self._through(self._opened(until), kept, address, content)

    def _through(self, session: Session, kept: Kept, address: str, content: bytes) -> str:
        try:
            return session.deliver(self._sender.address, address, content)
        finally:
            if session.is_open:
                kept.put(session)

    def _opened(self, until: float) -> Session:
        server = self._server
        wire = connect(server.host, server.port, until)
        session = Session(wire)
        try:
            if self._context and server.scheme == "smtps":
                wire.encrypt(self._context, server.host)
            session.greet()
            if self._context and server.scheme == "smtp":
                session.start_tls(self._context, server.host)
            if server.user:
                session.log_in(server.user, server.password)
        except BaseException:
            session.close()
            raise
        return session

    def _failure(self, case: Case, detail: str, outgoing: Outgoing) -> DeliveryError:
        return case.error(
            self._shown(detail),
            server=f"{self._server.host}:{self._server.port}",
            sender=self._sender.address,
            address=outgoing.address,
        )

    def _shown(self, said: str) -> str:
        """Masked before it is cut: half a password is a secret too."""
        return self._server.mask(said)[:MAX_SHOWN]


def _verifying_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts the system's authorities, or those in ``ca_file`` alone."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(
            _("DISPATCHER_SMTP_CA_FILE: {file} cannot be used: {detail}", file=ca_file,
              detail=error.strerror or error)
        ) from None  # fmt: skip


def _unreadable_url() -> SettingsError:
    example = "smtps://USER:PASSWORD@mail.example.com:465"
    return SettingsError(
        _("DISPATCHER_SMTP_URL should be like {example}; in user and password write "
          "@ : / # ? % as %40 %3A %2F %23 %3F %25", example=example)
    )  # fmt: skip
