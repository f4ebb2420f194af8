"""A look at servers: what they show to somebody who says nothing secret, and how long it takes."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from dispatcher.channels.probing import LATE, Seen, Target, Unseen, look
from dispatcher.channels.smtp import Smtp, SmtpServer
from dispatcher.clock import system_clock
from tests.channels.servers import OFFICE, MailServer, Script, make_authority
from tests.channels.web import Answered, Fault, WebServer

pytestmark = [
    pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command is missing"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH"),
]
NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BRIEFLY = 0.5
TOLD = b"220 mail.example.com ESMTP ready; Thu, 26 Nov 2026 09:00:00 +0800"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="module")
def context(authority: Path) -> ssl.SSLContext:
    return make_authority(authority, "127.0.0.1")


@pytest.fixture
def ca_file(authority: Path, context: ssl.SSLContext) -> Path:
    return authority / "ca.pem"


@pytest.fixture
def secure(context: ssl.SSLContext) -> Iterator[WebServer]:
    """A web server whose certificate is good for two days, with the right time."""
    server = WebServer()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with server:
        yield server


def target(server: WebServer, ca_file: Path | None = None, proxy: str = "") -> Target:
    scheme = "https" if isinstance(server.socket, ssl.SSLSocket) else "http"
    return Target(server.url.replace("http", scheme, 1), ca_file, proxy)


def seen_of(target: Target, now: datetime | None = None, patience: float = 5.0) -> Seen | Unseen:
    return look({"x": target}, (lambda: now) if now else system_clock, patience)["x"]


def test_a_web_server_shows_its_certificate_and_its_clock(secure: WebServer, ca_file: Path) -> None:
    found = seen_of(target(secure, ca_file))
    assert isinstance(found, Seen)
    assert found.expires
    assert timedelta(days=1) < found.expires - system_clock() <= timedelta(days=2)
    assert found.ahead is not None
    assert abs(found.ahead) < 5 * SECOND


def test_what_it_is_asked_holds_nothing_but_the_question(secure: WebServer, ca_file: Path) -> None:
    secure.fault = "redirect"
    seen_of(target(secure, ca_file))
    (asked,) = secure.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/", b"")
    assert set(asked.headers) == {"Host", "Accept-Encoding", "User-Agent"}


@pytest.mark.parametrize("seconds", [90, -90])
def test_our_clock_is_ahead_or_behind(secure: WebServer, ca_file: Path, seconds: int) -> None:
    target_ = target(secure, ca_file)
    found = look({"x": target_}, lambda: system_clock() + seconds * SECOND)["x"]
    assert isinstance(found, Seen)
    assert found.ahead is not None
    assert abs(found.ahead - seconds * SECOND) < 5 * SECOND


def test_an_answer_from_a_cache_tells_the_time_at_which_it_was_put_there(
    secure: WebServer, ca_file: Path
) -> None:
    secure.answer = lambda _asked: Answered(headers={"Age": "3600"})
    found = seen_of(target(secure, ca_file))
    assert isinstance(found, Seen)
    assert found.ahead is not None
    assert abs(found.ahead + 3600 * SECOND) < 5 * SECOND


@pytest.mark.parametrize("fault", ["429", "500", "html", "empty"])
def test_any_answer_tells_the_time(secure: WebServer, ca_file: Path, fault: Fault) -> None:
    secure.fault = fault
    found = seen_of(target(secure, ca_file))
    assert isinstance(found, Seen)
    assert found.ahead is not None


@pytest.mark.parametrize("fault", ["hang", "drip", "reset", "drop"])
def test_a_server_that_gives_no_answer_is_reached_all_the_same(
    secure: WebServer, ca_file: Path, fault: Fault
) -> None:
    secure.fault = fault
    begun = monotonic()
    found = seen_of(target(secure, ca_file), patience=BRIEFLY)
    assert isinstance(found, Seen)
    assert (found.expires is not None, found.ahead) == (True, None)
    assert monotonic() - begun < 2 * BRIEFLY


def test_this_machine_itself_needs_no_certificate() -> None:
    with WebServer() as server:
        found = seen_of(target(server))
    assert isinstance(found, Seen)
    assert (found.expires, found.ahead is not None) == (None, True)


def test_a_certificate_of_an_unknown_authority_is_not_trusted(secure: WebServer) -> None:
    found = seen_of(target(secure))
    assert isinstance(found, Unseen)
    assert found.untrusted
    assert secure.asked == []


def test_a_certificate_of_another_host_is_not_trusted(secure: WebServer, ca_file: Path) -> None:
    port = secure.server_address[1]
    found = seen_of(Target(f"https://localhost:{port}", ca_file))
    assert isinstance(found, Unseen)
    assert found.untrusted
    assert "localhost" in found.why


def test_a_port_where_nobody_listens_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for scheme in ("https", "smtps", "smtp", "smtp+plain"):
        found = seen_of(Target(f"{scheme}://127.0.0.1:{port}"))
        assert found == Unseen("Connection refused"), scheme


@contextmanager
def silent() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["https", "smtps", "smtp", "smtp+plain"])
def test_a_server_that_never_says_a_word_is_given_up(scheme: str) -> None:
    with silent() as port:
        begun = monotonic()
        found = seen_of(Target(f"{scheme}://127.0.0.1:{port}"), patience=BRIEFLY)
        assert found == Unseen(LATE)
        assert monotonic() - begun < 2 * BRIEFLY


def test_many_are_looked_at_at_once_and_one_does_not_hide_another(
    secure: WebServer, ca_file: Path
) -> None:
    with silent() as port:
        targets = {str(each): Target(f"https://127.0.0.1:{port}") for each in range(8)}
        begun = monotonic()
        found = look(targets | {"good": target(secure, ca_file)}, system_clock, BRIEFLY)
        assert monotonic() - begun < 2 * BRIEFLY
    assert isinstance(found.pop("good"), Seen)
    assert set(found.values()) == {Unseen(LATE)}


def test_a_name_that_is_never_resolved_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def resolve(*_arguments: Any, **_options: Any) -> list[Any]:
        ended.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    begun = monotonic()
    assert seen_of(Target("smtps://mail.example.com:465"), patience=BRIEFLY) == Unseen(LATE)
    assert monotonic() - begun < 2 * BRIEFLY
    ended.set()


def test_a_mail_server_may_tell_the_time_in_its_greeting() -> None:
    with Script(connect=TOLD) as server:
        found = seen_of(Target(f"smtp+plain://127.0.0.1:{server.port}"), NOW + 61 * SECOND)
    assert found == Seen(None, 61 * SECOND)
    assert [line.split()[0] for line in server.seen] == ["EHLO", "QUIT"]


@pytest.mark.parametrize(
    "greeting", [b"220 here", TOLD.replace(b"Nov", b"Now"), TOLD.replace(b"26", b"36")]
)
def test_a_mail_server_need_not_tell_the_time(greeting: bytes) -> None:
    with Script(connect=greeting) as server:
        assert seen_of(Target(f"smtp+plain://127.0.0.1:{server.port}")) == Seen()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_server_shows_its_certificate(
    scheme: str, context: ssl.SSLContext, ca_file: Path
) -> None:
    options = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context}
    with MailServer(**options) as server:
        place = f"{scheme}://127.0.0.1:{server.port}"
        found = seen_of(Target(place, ca_file))
        unknown = seen_of(Target(place))
    assert isinstance(found, Seen)
    assert found.expires
    assert found.expires - system_clock() > timedelta(days=1)
    assert isinstance(unknown, Unseen)
    assert unknown.untrusted


def test_a_mail_server_that_sends_us_away_is_not_reached() -> None:
    with Script(connect=b"554 your address is blocked") as server:
        found = seen_of(Target(f"smtp+plain://127.0.0.1:{server.port}"))
    assert found == Unseen("connect: 554 your address is blocked")


def test_a_server_that_speaks_something_else_is_not_reached() -> None:
    with WebServer() as server:
        place = server.url.replace("http", "https", 1)
        found = seen_of(Target(place), patience=BRIEFLY)
    assert isinstance(found, Unseen)
    assert not found.untrusted


@pytest.mark.parametrize(
    "server, place",
    [
        (
            SmtpServer("smtps", "mail.example.com", 465, "u", "secret"),
            "smtps://mail.example.com:465",
        ),
        (SmtpServer("smtp+plain", "::1", 25), "smtp+plain://[::1]:25"),
    ],
)
def test_mail_says_whom_it_calls_without_the_login(server: SmtpServer, place: str) -> None:
    assert Smtp(server, OFFICE).server == place


class Proxy(threading.Thread):
    """Takes one CONNECT, notes it, and then carries bytes both ways."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = b""

    def run(self) -> None:
        near, _address = self.listener.accept()
        while b"\r\n\r\n" not in self.asked:
            self.asked += near.recv(4096)
        host, _colon, port = self.asked.split()[1].decode().rpartition(":")
        with near, socket.create_connection((host, int(port))) as far:
            near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self._carry, args=(far, near), daemon=True)
            back.start()
            self._carry(near, far)
            back.join(5)
        self.listener.close()

    @staticmethod
    def _carry(source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while heard := source.recv(4096):
                to.sendall(heard)
        with suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)


def test_a_server_behind_a_proxy_is_seen_through_it(secure: WebServer, ca_file: Path) -> None:
    proxy = Proxy()
    proxy.start()
    url = f"http://clerk:p%40ss@127.0.0.1:{proxy.port}"
    found = seen_of(target(secure, ca_file, proxy=url))
    proxy.join(5)
    assert isinstance(found, Seen)
    assert (found.expires is not None, found.ahead is not None) == (True, True)
    assert proxy.asked.startswith(f"CONNECT 127.0.0.1:{secure.server_address[1]} ".encode())
    assert b"Basic " + b64encode(b"clerk:p@ss") in proxy.asked
    assert "Proxy-Authorization" not in secure.asked[0].headers
