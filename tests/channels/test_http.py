"""One request, one answer: whatever the other side does, the caller knows what was handed over."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, get_args

import pytest

from dispatcher.channels.http import LONGEST, Client, Reply, Unanswered, Unsent
from dispatcher.errors import SettingsError
from tests.channels.servers import make_authority
from tests.channels.web import Answered, Asked, Fault, WebServer

HERE = {"127.0.0.1"}
KEY = "693a91f6-canary-key"
BREAKS = ("hang", "drip", "reset", "drop", "half")


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def ask(server: WebServer, seconds: float = 5.0) -> Reply:
    client = Client(HERE)
    try:
        return client.post(f"{server.url}/send?key={KEY}", b"{}", {}, monotonic() + seconds)
    finally:
        client.close()


def test_an_answer_comes_back_with_its_status_headers_and_body(server: WebServer) -> None:
    server.answer = lambda _asked: Answered(418, b"tea", {"Retry-After": "3"})
    reply = ask(server)
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (418, b"tea", "3")


def test_what_is_sent_is_what_was_given(server: WebServer) -> None:
    client = Client(HERE)
    body = "潭东镇".encode()
    client.post(f"{server.url}/a?b=%2B", body, {"Content-Type": "text/x"}, monotonic() + 5)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/a?b=%2B", body)
    assert asked.headers["Content-Type"] == "text/x"
    client.close()


@pytest.mark.parametrize("fault", BREAKS)
def test_a_request_that_was_read_and_not_answered_is_unanswered(
    server: WebServer, fault: Fault
) -> None:
    server.fault = fault
    with pytest.raises(Unanswered) as broken:
        ask(server, 0.3)
    assert len(server.asked) == 1
    assert KEY not in repr(broken.value)
    assert broken.value.__cause__ is None
    assert broken.value.__suppress_context__


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_no_attempt_lasts_longer_than_its_deadline(server: WebServer, fault: Fault) -> None:
    server.fault = fault
    begun = monotonic()
    with pytest.raises(Unanswered):
        ask(server, 0.3)
    assert monotonic() - begun < 1.0


@pytest.mark.parametrize("fault", sorted(set(get_args(Fault)) - set(BREAKS)))
def test_whole_answers_are_answers_whatever_they_say(server: WebServer, fault: Fault) -> None:
    server.fault = fault
    reply = ask(server)
    assert reply.status in {200, 302, 408, 429, 500}
    assert len(reply.body) <= LONGEST
    assert len(server.asked) == 1  # no redirect is followed, and nothing is asked twice


def test_nobody_there_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unsent) as failed:
        Client(HERE).post(f"http://127.0.0.1:{port}/?key={KEY}", b"", {}, monotonic() + 5)
    assert "refused" in str(failed.value)
    assert KEY not in repr(failed.value)


def test_a_host_without_a_name_means_that_nothing_was_sent() -> None:
    with pytest.raises(Unsent):
        Client({"nowhere.invalid"}).post("https://nowhere.invalid/", b"", {}, monotonic() + 5)


def test_a_deadline_that_is_over_asks_nobody(server: WebServer) -> None:
    with pytest.raises(Unsent):
        ask(server, -1)
    assert server.asked == []


def test_an_endless_answer_is_read_to_its_limit(server: WebServer) -> None:
    server.answer = lambda _asked: Answered(200, b"x" * (LONGEST + 1000))
    assert len(ask(server).body) == LONGEST


@pytest.mark.parametrize(
    "url",
    [
        "http://oapi.dingtalk.com/robot/send",
        "https://oapi.dingtalk.com.evil.example/robot/send",
        "https://evil.example/?oapi.dingtalk.com",
        "https://oapi.dingtalk.com@evil.example/",
        "https://user:word@oapi.dingtalk.com/",
        "https://oapi.dingtalk.com:x/",
        "https://169.254.169.254/latest",
        "https://oapi.dingtalk.com/#a",
        "ftp://oapi.dingtalk.com/",
        "//oapi.dingtalk.com/",
        "",
    ],
)
def test_no_secret_goes_anywhere_else(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Client({"oapi.dingtalk.com"}).post(f"{url}?key={KEY}", b"", {}, monotonic() + 1)
    assert KEY not in str(refused.value)


def test_the_environment_names_no_proxy(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask(server).status == 200


def test_a_proxy_that_is_configured_is_used(server: WebServer) -> None:
    client = Client(HERE, proxy=server.url)
    client.post("http://127.0.0.1:1/a", b"", {}, monotonic() + 5)
    assert server.asked[0].path == "http://127.0.0.1:1/a"
    client.close()


def test_a_connection_is_used_again_but_not_after_it_was_idle_for_long(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(HERE)
    for _call in range(2):
        client.post(server.url, b"", {}, monotonic() + 5)
    monkeypatch.setattr("dispatcher.channels.http.IDLE", -1.0)
    client.post(server.url, b"", {}, monotonic() + 5)
    ports = [asked.port for asked in server.asked]
    assert ports[0] == ports[1] != ports[2]
    client.close()


def test_a_connection_in_use_keeps_no_other_from_growing_old(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, together = Client(HERE), threading.Barrier(2)

    def burst(_call: int) -> None:
        client.post(server.url, b"", {}, monotonic() + 5)

    def at_once(asked: Asked) -> Answered:
        together.wait(5)
        return Answered(200, b"")

    with ThreadPoolExecutor(2) as pool:
        server.answer = at_once
        [*pool.map(burst, range(2))]
        monkeypatch.setattr("dispatcher.channels.http.IDLE", 0.2)
        server.answer = lambda _asked: Answered(200, b"")
        for _call in range(4):
            sleep(0.1)
            burst(0)
        server.answer = at_once
        [*pool.map(burst, range(2))]
    ports = [asked.port for asked in server.asked]
    busy, (new,) = set(ports[2:6]), {*ports[6:]} - {*ports[2:6]}
    assert len(busy) == 1
    assert new not in ports[:2]
    client.close()


def test_a_tunnel_that_a_proxy_refuses_means_that_nothing_was_sent(server: WebServer) -> None:
    server.answer = lambda _asked: Answered(407, b"")
    with pytest.raises(Unsent, match="Tunnel connection failed"):
        Client({"oapi.dingtalk.com"}, proxy=server.url).post(
            f"https://oapi.dingtalk.com/?key={KEY}", b"", {}, monotonic() + 5
        )


class Secure(WebServer):
    """With a certificate that no public authority has signed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        context = make_authority(folder, "localhost")
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_address[1]}"


def test_a_certificate_of_a_private_authority_is_trusted_by_its_file_alone(tmp_path: Path) -> None:
    with Secure(tmp_path) as server:
        trusting = Client({"localhost"}, ca_file=tmp_path / "ca.pem")
        assert trusting.post(server.url, b"", {}, monotonic() + 5).status == 200
        with pytest.raises(Unsent) as refused:
            Client({"localhost"}).post(server.url, b"", {}, monotonic() + 5)
        assert refused.value.untrusted
        assert len(server.asked) == 1


def test_a_handshake_that_hangs_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url, begun = f"https://127.0.0.1:{silent.getsockname()[1]}/", monotonic()
        with pytest.raises(Unsent):
            Client(HERE).post(url, b"", {}, begun + 0.3)
        assert monotonic() - begun < 1.0


@pytest.mark.parametrize("hangs", ["handshake", "answer", "rest"])
def test_the_deadline_is_the_total_of_encrypting_and_answering(tmp_path: Path, hangs: str) -> None:
    context, stop = make_authority(tmp_path, "127.0.0.1"), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        given = (listening, context, hangs, stop)
        threading.Thread(target=_dawdle, args=given, daemon=True).start()
        client = Client(HERE, ca_file=tmp_path / "ca.pem")
        url, begun = f"https://127.0.0.1:{listening.getsockname()[1]}/", monotonic()
        with pytest.raises(Unsent if hangs == "handshake" else Unanswered):
            client.post(url, b"{}", {}, begun + 1.0)
        took = monotonic() - begun
        stop.set()
    assert 0.9 < took < 1.4


def _dawdle(
    listening: socket.socket, context: ssl.SSLContext, hangs: str, stop: threading.Event
) -> None:
    """Does each step late, and the one that ``hangs`` never."""
    connection, _from = listening.accept()
    with suppress(OSError):
        for step in ("handshake", "answer", "rest"):
            stop.wait(30.0 if step == hangs else 0.45)
            if step == "handshake":
                connection = context.wrap_socket(connection, server_side=True)
                connection.recv(65536)
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    connection.close()


def test_the_deadline_is_the_total_of_a_tunnel_and_of_what_goes_through_it() -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_tunnel_to_nobody, args=(listening, stop), daemon=True).start()
        client = Client(HERE, proxy=f"http://127.0.0.1:{listening.getsockname()[1]}")
        begun = monotonic()
        with pytest.raises(Unsent):
            client.post("https://127.0.0.1/", b"{}", {}, begun + 1.0)
        took = monotonic() - begun
        stop.set()
    assert 0.9 < took < 1.3


def _tunnel_to_nobody(listening: socket.socket, stop: threading.Event) -> None:
    connection, _from = listening.accept()
    with connection, suppress(OSError):
        connection.recv(65536)
        stop.wait(0.45)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        stop.wait(30)


@pytest.mark.parametrize("last", ["127.0.0.1", "127.0.0.2"])
def test_the_deadline_is_the_total_of_all_addresses_of_a_host(
    server: WebServer, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    port, look_up = server.server_address[1], socket.getaddrinfo

    def found(host: str, *args: Any, **kwargs: Any) -> Any:
        several = ["127.0.0.2", last] if host == "localhost" else [host]
        return [each for name in several for each in look_up(name, *args, **kwargs)]

    with socket.create_server(("127.0.0.2", port), backlog=0) as silent, ExitStack() as crowd:
        for _number in range(3):
            crowd.enter_context(_knocking(silent))
        monkeypatch.setattr(socket, "getaddrinfo", found)
        begun = monotonic()
        with nullcontext() if last == "127.0.0.1" else pytest.raises(Unsent):
            reply = Client({"localhost"}).post(f"http://localhost:{port}/", b"", {}, begun + 1.0)
            assert reply.status == 200
        assert 0.45 < monotonic() - begun < 1.4


def _knocking(silent: socket.socket) -> socket.socket:
    """One of those who fill the queue of a server that lets nobody in."""
    knocking = socket.socket()
    knocking.setblocking(False)
    knocking.connect_ex(silent.getsockname())
    return knocking


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ca_file"):
        Client(HERE, ca_file=tmp_path / "missing.pem")


def test_threads_share_one_client(server: WebServer) -> None:
    client, found = Client(HERE, connections=8), []
    threads = [
        threading.Thread(
            target=lambda: found.append(client.post(server.url, b"", {}, monotonic() + 5).status)
        )
        for _thread in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert found == [200] * 8
