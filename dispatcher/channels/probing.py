"""A look at the servers that channels call: do they answer, until when is their certificate good,
and what time do they have? Nothing secret is said to them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from dispatcher.channels import smtp
from dispatcher.channels.session import Session
from dispatcher.channels.wire import connect, words

PATIENCE = 5.0
"""Seconds that all servers together are given."""
PORTS = {"https": 443, "http": 80} | smtp.PORTS
DATE = re.compile(r"(?:\w{3}, )?\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")
"""RFC 5322, section 3.3: how some mail servers tell the time in their greeting."""
LATE = "no answer in time"


class Target(NamedTuple):
    """Whom to look at, as ``scheme://host:port``; ``ca_file`` holds the only certificates to trust,
    ``proxy`` is the URL of one to go through."""

    server: str
    ca_file: Path | None = None
    proxy: str = ""


class Seen(NamedTuple):
    """A server that answers: until when its certificate is good, and by how much our clock is ahead
    of its own; None for what it does not show."""

    expires: datetime | None = None
    ahead: timedelta | None = None


class Unseen(NamedTuple):
    """A server that does not answer, or (``untrusted``) one that cannot be told from another."""

    why: str
    untrusted: bool = False


def look(
    targets: Mapping[str, Target], clock: Callable[[], datetime], patience: float = PATIENCE
) -> dict[str, Seen | Unseen]:
    """What there is to see of each target after ``patience`` seconds, all looked at at once.

    In threads that nobody waits for: resolving a name can hang, and nothing interrupts it.
    """
    until = monotonic() + patience
    found: dict[str, Seen | Unseen] = {}

    def ask(name: str, target: Target) -> None:
        try:
            for seen in _glances(target, until, clock):
                found[name] = seen
        except Exception as error:  # whatever the other side sends: it is seen, or it is not
            found.setdefault(name, _unseen(error))

    threads = [Thread(target=ask, args=each, daemon=True) for each in targets.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))
    return {name: found.get(name, Unseen(LATE)) for name in targets}


def _glances(target: Target, until: float, clock: Callable[[], datetime]) -> Iterator[Seen]:
    """What is seen of a server, more each time."""
    is_web = urlsplit(target.server).scheme.startswith("http")
    return (_web_server if is_web else _mail_server)(target, until, clock)


def _mail_server(target: Target, until: float, clock: Callable[[], datetime]) -> Iterator[Seen]:
    """It is seen once it has greeted, and is encrypted."""
    scheme, host, port = _parts(target.server)
    wire = connect(host, port, until)
    session = Session(wire)
    try:
        if scheme == "smtps":
            wire.encrypt(_context(target.ca_file), host)
        session.greet()
        ahead = _ahead(DATE.findall(session.greeting)[:1], clock())
        if scheme == "smtp":
            session.start_tls(_context(target.ca_file), host)
        yield Seen(_expires(wire.certificate), ahead)
        session.quit(until)
    finally:
        session.close()


def _web_server(target: Target, until: float, clock: Callable[[], datetime]) -> Iterator[Seen]:
    """It is seen once the connection is encrypted; its clock, if it answers to ``GET /``."""
    connection = _connection(target, until)
    try:
        connection.connect()
        seen = Seen(_expires(_certificate(connection)))
        yield seen
        connection.request("GET", "/", headers={"User-Agent": "duty-dispatcher"})
        with connection.getresponse() as answer:
            now = clock() - _age(answer.headers)
            yield seen._replace(ahead=_ahead(answer.headers.get_all("Date", []), now))
    finally:
        connection.close()


def _connection(target: Target, until: float) -> HTTPConnection:
    scheme, host, port = _parts(target.server)
    proxy = urlsplit(target.proxy)
    place = (proxy.hostname, proxy.port or 80) if proxy.hostname else (host, port)
    left = max(0.1, until - monotonic())
    if scheme != "https":
        return HTTPConnection(*place, timeout=left)
    # As requests does, which calls the vendors: its own list of authorities, not the system's.
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    context = _context(target.ca_file or Path(DEFAULT_CA_BUNDLE_PATH))
    connection = HTTPSConnection(*place, timeout=left, context=context)
    if proxy.hostname:
        connection.set_tunnel(host, port, headers=_proxy_login(proxy.username, proxy.password))
    return connection


def _proxy_login(user: str | None, password: str | None) -> dict[str, str]:
    from base64 import b64encode

    if not user:
        return {}
    login = b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {login}"}


def _parts(server: str) -> tuple[str, str, int]:
    parts = urlsplit(server)
    return (
        parts.scheme,
        parts.hostname or "",
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def _context(ca_file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def _certificate(connection: HTTPConnection) -> Mapping[str, Any]:
    sock = connection.sock
    return (sock.getpeercert() or {}) if isinstance(sock, ssl.SSLSocket) else {}


def _expires(certificate: Mapping[str, Any]) -> datetime | None:
    end = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if end else None


def _ahead(dates: list[str], now: datetime) -> timedelta | None:
    """By how much ``now`` is ahead of the time that was told; None where none was."""
    try:
        return now - parsedate_to_datetime(dates[0])
    except (IndexError, ValueError, TypeError):
        return None


def _age(headers: HTTPMessage) -> timedelta:
    """How long the answer, its Date included, has lain in a cache (RFC 9111, section 5.1)."""
    said = headers.get("Age", "")
    return timedelta(seconds=int(said) if said.isascii() and said.isdigit() else 0)


def _unseen(error: Exception) -> Unseen:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unseen(words(error), untrusted=True)
    return Unseen(LATE if isinstance(error, TimeoutError) else words(error)[:200])
