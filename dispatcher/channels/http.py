"""Calling a vendor over HTTP: one request, one answer, whatever the other side does.

By requests, with what it leaves open closed: a total deadline, no redirect, no proxy and no
password file of the environment, no host but those allowed, no endless answer.
"""

from __future__ import annotations

import io
import logging
import socket
import ssl
from collections.abc import Collection, Mapping
from http.client import HTTPResponse
from pathlib import Path
from threading import local
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection

from dispatcher import __version__
from dispatcher.channels.wire import is_loopback
from dispatcher.errors import SettingsError
from dispatcher.i18n import _

LONGEST = 65_536
"""Bytes of an answer that are read: the vendors' are below a thousand."""
IDLE = 10.0
"""Seconds after which an idle connection is not used again: of an older one nobody knows whether
the other side, or something between, has forgotten it, and a request into it gets no answer."""
AGENT = f"duty-dispatcher/{__version__}"
logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # it logs whole URLs, with the key in them
_this = local()
"""Of this thread's request: its last moment ``until``, on ``monotonic``, and whether anything of it
has been handed to a connection, ``written``."""


class Reply(NamedTuple):
    """What the other side answered; header names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unsent(Exception):
    """Nothing was handed over: no connection, or none that can be trusted (``untrusted``)."""

    def __init__(self, why: str, *, untrusted: bool = False) -> None:
        super().__init__(why)
        self.untrusted = untrusted


class Unanswered(Exception):
    """The request was written, in part at least, and no whole answer came."""


class _Session(requests.Session):
    """Looks at no redirect, which would be parsed, and its body read to the end."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, whatever it says."""


class Client:
    """One pool of connections to the hosts of one channel. Usable from several threads."""

    def __init__(
        self,
        hosts: Collection[str],
        *,
        ca_file: Path | None = None,
        proxy: str = "",
        connections: int = 4,
    ) -> None:
        """``hosts`` are the only ones that may be called; ``ca_file`` holds the only certificates
        to trust, for a private authority. Raises SettingsError."""
        self.hosts = frozenset(hosts)
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = _authorities(ca_file)
        self._session.proxies = {"https": proxy, "http": proxy} if proxy else {}
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(pool_connections=4, pool_maxsize=connections))

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], until: float, method: str = "POST"
    ) -> Reply:
        """Sends ``body`` and gives the answer, redirects included: none is followed. ``until`` is
        the last moment, on ``monotonic``. Raises Unsent or Unanswered, whose text names no URL."""
        refuse_url(url, self.hosts)
        left = until - monotonic()
        if left <= 0:
            raise Unsent("no time left")
        request = requests.Request(method, url, headers={"User-Agent": AGENT, **headers}, data=body)
        _this.until, _this.written = until, False
        try:
            with self._session.send(
                self._session.prepare_request(request),
                timeout=left, allow_redirects=False, stream=True,
                verify=self._session.verify, proxies=self._session.proxies,
            ) as response:  # fmt: skip
                content = response.raw.read(LONGEST, decode_content=True)
                return Reply(response.status_code, response.headers, content)
        except Exception as error:
            raise _as_ours(error, written=_this.written) from None

    def close(self) -> None:
        """Lets go of idle connections; a later call opens them again."""
        self._session.close()


def refuse_url(url: str, hosts: Collection[str]) -> None:
    """Raises SettingsError for a URL that no secret may be sent to: not https, but to this machine
    itself; a host that is not allowed; a user, or a fragment in it. Never quotes the URL."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise SettingsError(_("the channel's address is not a URL")) from None
    if host not in hosts:
        raise SettingsError(
            _("the channel's address leads to '{host}'; allowed: {hosts}", host=host,
              hosts=sorted(hosts))
        )  # fmt: skip
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise SettingsError(
            _("the channel's address must begin with https:// ({host}); http:// is only for this "
              "machine (127.0.0.1)", host=host)
        )  # fmt: skip
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise SettingsError(
            _("the channel's address holds a user or a #, which has no place there")
        )


def place(url: str) -> str:
    """Whom a URL leads to, as ``scheme://host:port``: what of it is no secret.

    >>> place("https://oa.example.com/in?token=secret"), place("http://[::1]:8080")
    ('https://oa.example.com:443', 'http://[::1]:8080')
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _authorities(ca_file: Path | None) -> str | bool:
    if ca_file is None:
        return True
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(
            _("{file} cannot be used as ca_file: {detail}", file=ca_file,
              detail=error.strerror or error)
        ) from None  # fmt: skip
    return str(ca_file)


def _as_ours(error: Exception, *, written: bool) -> Unsent | Unanswered:
    """Without the text of requests, which quotes the URL and the key in it."""
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unsent(cause.verify_message, untrusted=True)
    return Unanswered(_words(causes)) if written else Unsent(_words(causes))


def _causes(error: BaseException | None) -> list[BaseException]:
    """An error and those that it wraps, outermost first."""
    found: list[BaseException] = []
    queue = [error]
    while queue:
        each = queue.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            queue += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
    return found


def _words(causes: list[BaseException]) -> str:
    """The operating system's own word, where it has one; else the kind of the innermost error."""
    for cause in causes:
        if type(cause) is OSError and str(cause).startswith("Tunnel connection failed"):
            return str(cause)
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ssl.SSLError):
            return cause.strerror
    return type(causes[-1]).__name__


def _left() -> float:
    """Seconds until the request's last moment; raises TimeoutError after it."""
    left: float = _this.until - monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class _Until(io.RawIOBase):
    """Reads a socket's stream until a last moment: urllib3's timeout is for each read, so that who
    drips a byte at a time is never given up."""

    def __init__(self, stream: Any, sock: Any) -> None:
        self._stream, self._sock = stream, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left())
        read: int | None = self._stream.readinto(buffer)
        return read

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = io.BufferedReader(_Until(self.fp.detach(), sock))


class _Noting(HTTPConnection):
    """Notes when something of the request itself is written: a tunnel through a proxy is not."""

    response_class = _Response
    used: float | None = None
    """When it was last given back, on ``monotonic``."""

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            _this.written = False

    def _new_conn(self) -> socket.socket:
        """A connection to the first of the host's addresses that answers, each of which has its
        share of what is left: urllib3 would give each all of it, and as much to what follows."""
        # Resolving a name takes as long as the system's resolver lets it: nothing interrupts it.
        found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        failure = OSError("the host has no address")
        for tried, (*_kind, (address, *_more)) in enumerate(found):
            try:
                share = _left() / (len(found) - tried)
                where = str(address), self.port
                sock = create_connection(where, share, socket_options=self.socket_options)
                sock.settimeout(_left())
                return sock
            except OSError as error:
                failure = error
        raise failure

    def _tunnel(self) -> None:
        super()._tunnel()
        self.sock.settimeout(_left())

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_left())
        _this.written = True
        super().send(data)


class _SecureNoting(_Noting, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Noting

    def _get_conn(self, timeout: float | None = None) -> Any:
        """One that has been idle for long begins anew."""
        found: Any = super()._get_conn(timeout)
        if found.used is not None and monotonic() - found.used > IDLE:
            found.close()
        return found

    def _put_conn(self, conn: Any) -> None:
        if conn:
            conn.used = monotonic()
        super()._put_conn(conn)


class _SecurePool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _SecureNoting


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
