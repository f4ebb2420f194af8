"""One request, one answer: whatever the other side does, the caller knows what was handed over."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import get_args

import pytest

from dispatcher.channels.http import LONGEST, Client, Reply, Unanswered, Unsent
from dispatcher.errors import SettingsError
from tests.channels.servers import make_authority
from tests.channels.web import Answered, Fault, WebServer

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
    assert ask(server).status in {200, 302, 429, 500}
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


def test_a_tunnel_that_a_proxy_refuses_means_that_nothing_was_sent(server: WebServer) -> None:
    with pytest.raises(Unsent):
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
