"""A signed POST, the same at every attempt, with the whole digest as data."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.contract import Card, DeliveryError, Entry, Outgoing
from dispatcher.channels.http import Client
from dispatcher.channels.signing import webhook_headers
from dispatcher.channels.webhook import NOT_OURS, TOO_LONG, Webhook, payload
from dispatcher.errors import SettingsError
from tests.channels.cases_gateways import PAGES, examples, unexplained
from tests.channels.fake_webhook import NOW, SIGNING, Receiver, channel, status
from tests.channels.outcomes import KEY
from tests.channels.robots import now
from tests.channels.servers import digest
from tests.channels.web import WebServer

PAGE = (PAGES / "webhook.md").read_text("utf-8")
ENTRY = Entry(
    "housing/2026-Q1@潭东镇", "housing", "潭东镇", "red", "红", "已逾期1项", "农村住房安全排查",
    "2026-03-31", "3月31日(周二),已逾期17天", ("第4次催办",), "责任单位", "每季度排查", "区住建局",
)  # fmt: skip
CARD = Card("潭东镇", "截至4月17日尚未办结:", (ENTRY,), ("请尽快反馈。",))
DIGEST = digest(address="潭东镇", card=CARD)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(receiver: Receiver) -> Iterator[WebServer]:
    with WebServer(receiver) as server:
        yield server


def failure(server: WebServer, outgoing: Outgoing = DIGEST) -> DeliveryError:
    made = channel(server)
    with pytest.raises(DeliveryError) as failed:
        made.send(outgoing)
    made.close()
    return failed.value


def test_the_receiver_gets_the_whole_digest_as_data(server: WebServer, receiver: Receiver) -> None:
    assert channel(server).send(DIGEST).vendor_id == "OA-42.3f9c2a1b"
    assert receiver.taken == {
        "42.3f9c2a1b": {
            "id": "42.3f9c2a1b",
            "kind": "digest",
            "at": "2026-04-17T01:00:00+00:00",
            "unit": "潭东镇",
            "subject": DIGEST.subject,
            "text": DIGEST.text,
            "items": [
                {
                    "key": "housing/2026-Q1@潭东镇",
                    "duty": "housing",
                    "unit": "潭东镇",
                    "colour": "red",
                    "title": "农村住房安全排查",
                    "due": "2026-03-31",
                    "deadline": "3月31日(周二),已逾期17天",
                    "notes": ["第4次催办"],
                    "task": "每季度排查",
                    "lead": "区住建局",
                    "role": "责任单位",
                }
            ],
            "office": "区农办",
        }
    }


def test_what_is_no_digest_has_no_items(server: WebServer, receiver: Receiver) -> None:
    channel(server).send(digest(address="区农办", kind="brief"))
    (taken,) = receiver.taken.values()
    assert (taken["kind"], taken["items"], taken["subject"]) == ("brief", [], DIGEST.subject)


def test_the_signature_is_what_openssl_makes_of_time_and_body() -> None:
    body = json.dumps(payload(DIGEST)).encode()
    command = ["openssl", "dgst", "-sha256", "-hmac", SIGNING, "-r"]
    said = subprocess.run(command, input=b"1776387600." + body, capture_output=True, check=True)
    assert webhook_headers(SIGNING, body, NOW) == {
        "X-Dispatcher-Timestamp": "1776387600",
        "X-Dispatcher-Signature": f"sha256={said.stdout.decode().split()[0]}",
    }


def test_a_second_copy_bears_the_same_name_and_body(server: WebServer) -> None:
    made = channel(server)
    made.send(DIGEST)
    made.send(digest(address="潭东镇", card=CARD, attempt=2))
    first, second = server.asked
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "42.3f9c2a1b"
    made.close()


@pytest.mark.parametrize("strict", [False, True])
def test_a_second_copy_of_what_arrived_is_a_success_and_is_dropped(
    server: WebServer, receiver: Receiver, strict: bool
) -> None:
    receiver.strict = strict
    made = channel(server)
    made.send(DIGEST)
    assert made.send(digest(address="潭东镇", card=CARD, attempt=2)).vendor_id == "OA-42.3f9c2a1b"
    assert len(receiver.taken) == 1
    made.close()


def test_the_next_message_has_a_name_of_its_own(server: WebServer, receiver: Receiver) -> None:
    made = channel(server)
    made.send(DIGEST)
    made.send(digest(reference="43.a"))
    assert list(receiver.taken) == ["42.3f9c2a1b", "43.a"]
    made.close()


def test_a_wrong_secret_and_a_wrong_clock_are_the_offices_to_mend(
    server: WebServer, receiver: Receiver
) -> None:
    receiver.secret = "another-secret-of-theirs"
    wrong = failure(server)
    receiver.secret, receiver.now = SIGNING, lambda: NOW + 301
    late = failure(server)
    assert [error.detail for error in (wrong, late)] == [
        'HTTP 401 {"error": "wrong signature"}',
        'HTTP 401 {"error": "too old or too new"}',
    ]
    for error in (wrong, late):
        assert (error.reason, error.outcome, error.pauses) == ("auth", "temporary", True)
        assert "secret" in str(error)
        assert "clock" in str(error)


def test_connections_are_kept(server: WebServer) -> None:
    made = channel(server)
    for number in range(5):
        made.send(digest(reference=f"{number}.a"))
    assert len({asked.port for asked in server.asked}) == 1
    made.close()


def test_the_receivers_name_is_its_id_or_its_header(server: WebServer) -> None:
    made = channel(server)
    for body, headers, name in (
        (b'{"id": 7}', {}, "7"),
        (b'{"ok": true}', {"X-Request-Id": "r-1"}, "r-1"),
        (b"thanks", {"X-Request-Id": "r-2"}, "r-2"),
        (b'{"id": null}', {}, ""),
        (b"[1]", {}, ""),
    ):
        answered = status(200)(None)._replace(body=body, headers=headers)  # type: ignore[arg-type]
        server.answer = lambda _asked, answered=answered: answered
        assert made.send(DIGEST).vendor_id == name
    made.close()


def test_what_the_receiver_echoes_of_the_secrets_is_masked(server: WebServer) -> None:
    echo = f"{SIGNING} a-very-long-token-4711 no"
    server.answer = lambda _asked: status(422)(_asked)._replace(body=echo.encode())
    url = f"{server.url}/duty?token=a-very-long-token-4711"
    made = Webhook("内网", url, SIGNING, client=Client({"127.0.0.1"}), now=lambda: NOW)
    with pytest.raises(DeliveryError) as failed:
        made.send(DIGEST)
    assert failed.value.detail == "HTTP 422 *** *** no"
    made.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://oa.example.gov.cn/duty",
        "https://u:p@oa.example.gov.cn/",
        "ftp://oa.example.gov.cn/",
        "oa",
        "https://evil.example/",
    ],
)
def test_an_address_that_no_secret_may_be_sent_to_is_refused_at_once(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Webhook("内网", url, SIGNING, client=Client({"oa.example.gov.cn"}), now=lambda: NOW)
    assert "u:p" not in str(refused.value)


def test_a_host_that_is_not_allowed_gets_nothing(server: WebServer) -> None:
    client = Client({"oa.example.gov.cn"})
    with pytest.raises(SettingsError, match=r"allowed: oa\.example\.gov\.cn"):
        Webhook("内网", server.url, SIGNING, client=client, now=lambda: NOW)
    assert server.asked == []


def test_a_short_secret_is_refused_without_being_quoted() -> None:
    with pytest.raises(SettingsError, match="16 characters") as refused:
        Webhook("内网", "https://oa/", KEY[:15], client=Client({"oa"}), now=lambda: NOW)
    assert KEY[:15] not in str(refused.value)


@given(text=st.text(), title=st.text(), reference=st.from_regex(r"[0-9]{1,6}\.[0-9a-f]{8}\Z"))
def test_whatever_is_said_arrives_as_it_was(text: str, title: str, reference: str) -> None:
    card = CARD._replace(entries=(ENTRY._replace(title=title),))
    said = payload(digest(text=text, card=card, reference=reference))
    body = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
    assert json.loads(body)["items"][0]["title"] == title
    assert json.loads(body)["text"] == text


def test_the_example_of_the_page_takes_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    example = tmp_path / "receiver.py"
    example.write_text(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {"DUTY_SECRET": SIGNING, "DUTY_PORT": str(port)}
    with subprocess.Popen([sys.executable, example], env=environ, cwd=tmp_path) as process:
        try:
            _until_it_listens(port)
            url = f"http://127.0.0.1:{port}/duty"
            client = Client({"127.0.0.1"})
            real = Webhook("内网", url, SIGNING, client=client, now=now)
            assert real.send(DIGEST).vendor_id == "42.3f9c2a1b"
            assert real.send(DIGEST).vendor_id == "42.3f9c2a1b"
            real.send(digest(reference="43.a"))
            real.close()
            assert _posted(url, b"{}", "sha256=00") == 401
            old = webhook_headers(SIGNING, b"{}", now() - 3600)
            assert _posted(url, b"{}", **old) == 401
        finally:
            process.terminate()
    taken = (tmp_path / "duty.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in taken] == ["42.3f9c2a1b", "43.a"]


def _until_it_listens(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the example does not listen")


def _posted(url: str, body: bytes, signature: str = "", **headers: str) -> int:
    given = {"X-Dispatcher-Signature": signature, "X-Dispatcher-Timestamp": "1", **headers}
    request = urllib.request.Request(url, body, given)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_every_key_of_the_body_stands_in_the_page() -> None:
    said = payload(DIGEST)
    for name in (*said, *said["items"][0]):
        assert f"| `{name}` |" in PAGE
    assert datetime.fromisoformat(said["at"]).tzinfo


def test_the_vector_of_the_page_is_right() -> None:
    body = b'{"id":"1.a"}'
    right = hmac.new(b"0123456789abcdef", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert f"sha256={right}" in PAGE


def test_the_page_says_what_to_do_about_each_of_its_own_sentences() -> None:
    assert unexplained("webhook.md", NOT_OURS, TOO_LONG) == []


def test_the_examples_of_the_page_make_channels() -> None:
    assert list(map(type, examples("webhook.md"))) == [Webhook]
