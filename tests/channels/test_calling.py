"""What the channels over HTTP have in common: what they never show, and how long they wait."""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher import bootstrap
from dispatcher.channels.calling import LONGEST_WAIT, moment, parsed, secret_parts
from dispatcher.channels.contract import Channel, DeliveryError
from dispatcher.channels.http import Client
from dispatcher.channels.making import Means, make
from dispatcher.channels.wecom import ADDRESS, Wecom
from dispatcher.logs import start_logging
from dispatcher.plan.reading import read_plan
from dispatcher.settings import Settings, load_settings
from tests.channels.outcomes import KEY, always
from tests.channels.robots import here, now
from tests.channels.servers import digest
from tests.channels.test_secrets import everything_said
from tests.channels.web import Answered, Asked, WebServer, says

NUMBER = "13800000000"
TOKEN = "tok-471142"
"""Shorter than what is taken for a key by its length alone."""
PLAN = """\
plan: {title: 甲, office: 区农办, from: 2026-01-01}
channels:
  网关: {kind: sms, url: "URL/sms", text: "{unit}", body: {a: "{mobile}"}, answer: /code,
    success: 0}
units:
  区农办: {contacts: [{name: 张三, email: a@example.com, mobile: "13800000000"}]}
duties:
  - {id: safety, title: 安全检查, when: 每月, responsible: 区农办}
"""


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging(stream, "text", [])
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def failed(channel: Channel, **changes: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as failure:
        channel.send(digest(**{"address": NUMBER, **changes}))
    channel.close()
    return failure.value


def echo(asked: Asked) -> Answered:
    """Says again all that it was told."""
    said = f"{asked.path} {asked.body.decode()} {asked.headers.get('X-Key')}"
    return says({"code": "9", "msg": said})


# ------------------------------------------------------------------------------------ what is shown


@pytest.mark.parametrize(
    "written",
    [
        {"URL/sms": "URL/sms?t=${CANARY}"},
        {"URL/sms": "URL/${CANARY}/sms"},
        {'{a: "{mobile}"}': '{password: "${CANARY}"}'},
        {"text:": 'headers: {X-Key: "Bearer ${CANARY}"}, text:'},
    ],
)
def test_a_secret_that_stands_anywhere_in_the_settings_is_masked_in_what_the_other_side_echoes(
    server: WebServer, tmp_path: Path, written: dict[str, str]
) -> None:
    server.answer = echo
    text = PLAN
    for old, new in written.items():
        text = text.replace(old, new)
    plan = read_plan("schedules.yaml", text.replace("URL", server.url))
    settings = live(tmp_path, CANARY="canary+4711/x")
    error = failed(bootstrap.beside_mail(settings, plan)["网关"])
    assert "canary" in json.dumps([asked._asdict() for asked in server.asked], default=str)
    assert "***" in error.detail
    assert "canary" not in everything_said(error)


def live(folder: Path, **environ: str) -> Settings:
    given = {"DISPATCHER_HOSTS": "127.0.0.1", "DISPATCHER_LIVE": "1", **environ}
    return load_settings(given, folder)


@pytest.mark.parametrize("kind", ["webhook", "sms"])
def test_a_short_token_in_the_path_or_the_query_is_masked(server: WebServer, kind: str) -> None:
    server.answer = lambda asked: Answered(400, f"no route {asked.path}".encode())
    values = {"secret": "s" * 20, "text": "x", "body": {}, "success": ["0"], "answer": "/code"}
    for path in (f"/in/{TOKEN}", f"/in?to={TOKEN}"):
        made = make(kind, "网", {**values, "url": server.url + path}, MEANS)
        error = failed(made)
        assert error.detail in ("HTTP 400 no route /in/***", "HTTP 400 no route /in?to=***")
        assert TOKEN not in everything_said(error)


MEANS = Means(("127.0.0.1",), Path(), now)


def test_the_words_of_a_url_are_no_secret_and_its_keys_are() -> None:
    url = "https://oa.example.com/api/v2/receive/a1b2c3d4/abcdefghijklmnop?app=12&t=secret"
    assert secret_parts(url) == ["secret", "a1b2c3d4", "abcdefghijklmnop"]


def test_of_two_secrets_the_longer_is_masked_first() -> None:
    channel = Wecom("群", ADDRESS + KEY, client=Client({"qyapi.weixin.qq.com"}))
    channel.hide(["canary", "canary-and-more"])
    assert channel.shown("canary-and-more") == "***"


def test_a_secret_is_masked_as_php_writes_it() -> None:
    channel = Wecom("群", ADDRESS + KEY, client=Client({"qyapi.weixin.qq.com"}))
    channel.hide(["ab/cd+efgh=="])
    assert channel.shown(r'{"error": "ab\/cd+efgh=="}') == '{"error": "***"}'


def test_a_line_of_an_answer_that_is_no_header_puts_no_key_into_the_log(log: io.StringIO) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_answer_oddly, args=(listening,), daemon=True).start()
        key = f"http://127.0.0.1:{listening.getsockname()[1]}/cgi-bin/webhook/send?key={KEY}"
        channel = Wecom("群", key, client=here())
        channel.send(digest(address="潭东镇"))
        channel.close()
    assert KEY not in log.getvalue()


def _answer_oddly(listening: socket.socket) -> None:
    connection, _from = listening.accept()
    with connection:
        connection.recv(65536)
        body = b'{"errcode":0}'
        head = b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):  # closed with something unread, it would be reset
            pass


def test_no_key_is_in_the_log_even_where_everything_is_logged(
    server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = always(says({"errcode": 0}))
    channel = Wecom("群", f"{server.url}/cgi-bin/webhook/send?key={KEY}", client=here())
    channel.send(digest(address="潭东镇"))
    channel.close()
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b'{"success": "true", "content": {"success": true, "data": {"accessToken": "canary"}}}',
        b'{"success": true, "content": {"success": true, "data": {"access_token": "canary"}}}',
        b'{"success": true, "content": {"success": true, "data": {"accessToken": "canary"',
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_odd_answer_with_a_token_in_it_is_not_shown(
    server: WebServer, body: bytes, status: int
) -> None:
    server.answer = always(Answered(status, body))
    values = {"url": server.url, "key": "k" * 10, "secret": "s" * 20, "tenant": "1"}
    error = failed(make("gov-dingtalk", "赣政通", values, MEANS), address="8120034")
    assert f"HTTP {status}" in error.detail
    assert "canary" not in everything_said(error)


# ------------------------------------------------------------------------------------ how long


NOW = "Fri, 17 Apr 2026 01:00:00 GMT"


@pytest.mark.parametrize(
    "headers, wait",
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Fri, 17 Apr 2026 01:02:00 GMT", "Date": NOW}, 120.0),
        ({"Retry-After": "Fri, 17 Apr 2026 00:00:00 GMT", "Date": NOW}, 0.0),
        ({"Retry-After": "Sat, 18 Apr 2026 01:00:00 GMT", "Date": NOW}, LONGEST_WAIT),
        ({"Retry-After": "Friday, 17-Apr-26 01:02:00 GMT", "Date": NOW}, 120.0),
        ({"Retry-After": "Fri, 17 Apr 2026 01:02:00 GMT", "Date": "x"}, 60.0),
        ({"Retry-After": "soon", "Date": NOW}, 60.0),
        ({}, 60.0),
    ],
)
def test_the_other_sides_wish_to_wait_is_honoured_in_seconds_and_until_a_date(
    server: WebServer, headers: dict[str, str], wait: float
) -> None:
    server.answer = always(Answered(503, b"", headers))
    values = {"url": server.url, "secret": "s" * 20}
    assert failed(make("webhook", "内网", values, MEANS)).retry_after == wait


@given(st.text(max_size=40))
def test_no_text_passes_for_a_date_but_a_date(said: str) -> None:
    found = moment(said)
    assert found is None or found.utcoffset() is not None


@given(st.integers(0, 9_999_999_999))
def test_every_date_of_http_is_read_to_the_second(seconds: int) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert moment(format_datetime(at, usegmt=True)) == at


@given(st.text(st.characters(), max_size=300))
def test_what_is_shown_can_be_kept_by_every_database_and_moves_no_cursor(said: str) -> None:
    channel = Wecom("群", ADDRESS + KEY, client=Client({"qyapi.weixin.qq.com"}))
    for each in (said, "a\x00b\ud83d\x1b[31mc"):
        assert channel.shown(each).isprintable()
        channel.shown(each).encode()


def test_an_answer_that_is_nested_too_deep_is_none() -> None:
    assert parsed("[" * 60_000) is None
    assert parsed(b"[" * 60_000) is None
