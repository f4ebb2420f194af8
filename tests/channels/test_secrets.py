"""A password, a key or a secret is in no text that anybody could log, whatever fails."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.dingtalk import Dingtalk
from dispatcher.channels.feishu import Feishu
from dispatcher.channels.mailbox import Mailbox
from dispatcher.channels.smtp import Smtp, SmtpServer, parse_smtp_url
from dispatcher.channels.wecom import Wecom
from dispatcher.errors import DispatcherError
from dispatcher.hiding import secrets
from dispatcher.settings import load_settings
from tests.channels.outcomes import KEY, SECRET, Vendor, always, vendors
from tests.channels.robots import here, now
from tests.channels.servers import DIGEST, OFFICE, Fault, MailServer, Script, digest
from tests.channels.web import Answer, Answered, WebServer

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
CANARY = SECRET
LOGIN = {"user": "office", "password": CANARY}
SPELLINGS = [
    CANARY,
    quote(CANARY),
    quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(f"\0office\0{CANARY}".encode()).decode(),
    CANARY.encode("unicode_escape").decode(),
    "canary",
]
ECHO = " ".join(["denied", *SPELLINGS[:5]])
STEPS = ["connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "content"]
FAULTS: list[Fault] = [
    b"421 " + ECHO.encode(),
    b"450 " + ECHO.encode(),
    b"535 " + ECHO.encode(),
    b"550 " + ECHO.encode(),
    b"550 " + b"x" * 180 + ECHO.encode(),
    b"299 " + ECHO.encode(),
    ECHO.encode(),
    "drop",
    "hang",
]


def everything_said(error: BaseException) -> str:
    """All that a log, the ledger or a screen could show of an error, and of what led to it."""
    said = ["".join(traceback.format_exception(error))]
    if isinstance(error, DispatcherError):
        said += [str(error.text), repr(error.text), repr(error.text.values)]
    if isinstance(error, DeliveryError):
        said += [error.detail, error.office, repr(vars(error))]
    said += [str(error), repr(error), repr(error.args)]
    return "\n".join(said)


def leaks(said: str) -> list[str]:
    return [spelling for spelling in SPELLINGS if spelling in said]


def smtp(port: int, deadline: float = 5.0) -> Smtp:
    return Smtp(SmtpServer("smtp+plain", "127.0.0.1", port, **LOGIN), OFFICE, deadline=deadline)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault[:8]))
@pytest.mark.parametrize("step", STEPS)
def test_no_failure_of_a_mail_server_shows_the_password(step: str, fault: Fault) -> None:
    with Script(**{step: fault}) as server:
        channel = smtp(server.port, 0.2 if fault == "hang" else 5.0)
        with pytest.raises(DeliveryError) as failed:
            channel.send(DIGEST)
        channel.close()
    assert leaks(everything_said(failed.value)) == []


def test_no_receipt_shows_the_password() -> None:
    with Script(content=b"250 " + ECHO.encode()) as server:
        channel = smtp(server.port)
        assert leaks(repr(channel.send(DIGEST))) == []
        channel.close()


def test_a_login_refused_by_a_real_server_does_not_show_the_password() -> None:
    with (
        MailServer(users={"office": "right"}, auth_require_tls=False) as server,
        pytest.raises(DeliveryError) as failed,
    ):
        smtp(server.port).send(DIGEST)
    assert failed.value.reason == "auth"
    assert leaks(everything_said(failed.value)) == []


def test_no_part_of_the_channel_shows_the_password() -> None:
    server = SmtpServer("smtps", "mail.example.com", 465, **LOGIN)
    shown = [repr(server), str(server), f"{server}", repr(Smtp(server, OFFICE))]
    assert leaks("\n".join(shown)) == []


LOGIN_IN_URL = f"office:{quote(CANARY, safe='')}"
MISTAKES: dict[str, Callable[[Path], object]] = {
    "scheme": lambda _: parse_smtp_url(f"http://{LOGIN_IN_URL}@mail.example.com"),
    "port": lambda _: parse_smtp_url(f"smtps://{LOGIN_IN_URL}@mail.example.com:x"),
    "unescaped": lambda _: parse_smtp_url(f"smtps://office:{CANARY}@mail.example.com"),
    "brackets": lambda _: parse_smtp_url(f"smtps://{LOGIN_IN_URL}@[mail"),
    "normal form": lambda _: parse_smtp_url(f"smtps://{LOGIN_IN_URL}℀@mail.example.com"),
    "plain": lambda _: parse_smtp_url(f"smtp+plain://{LOGIN_IN_URL}@mail.example.com"),
    "no user": lambda _: parse_smtp_url(f"smtps://:{quote(CANARY, safe='')}@mail.example.com"),
    "sender": lambda _: Smtp(SmtpServer("smtps", "mail.example.com", 465, **LOGIN), "nobody"),
    "ca file": lambda tmp: Smtp(
        SmtpServer("smtps", "mail.example.com", 465, **LOGIN), OFFICE, ca_file=tmp / "missing"
    ),
    "subject": lambda _: smtp(1).send(digest(subject="a\nb")),
    "address": lambda _: smtp(1).send(digest(address="nobody")),
    "refused": lambda _: smtp(1).send(DIGEST),
    "no host": lambda _: Smtp(SmtpServer("smtps", "nowhere.invalid", 465, **LOGIN), OFFICE).send(
        DIGEST
    ),
    "disk": lambda tmp: Mailbox(written(tmp), ZoneInfo("Asia/Shanghai")).send(DIGEST),
}


def written(folder: Path) -> Path:
    file = folder / "password"
    file.write_bytes(CANARY.encode("gbk"))
    return file


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_mistake_in_the_settings_shows_the_password(mistake: str, tmp_path: Path) -> None:
    with pytest.raises(DispatcherError) as refused:
        MISTAKES[mistake](tmp_path)
    assert leaks(everything_said(refused.value)) == []


@pytest.mark.parametrize(
    "url, passwords",
    [
        ("postgresql://u:S3cret%2FPw@h/x", ["S3cret%2FPw", "S3cret/Pw"]),
        ("postgresql://u:S3c/r[t#Pw@h/x", ["S3c/r[t#Pw"]),
        ("postgresql://h/x?user=u&password=S3cret%2FPw+1", ["S3cret%2FPw+1", "S3cret/Pw 1"]),
        ("postgresql://u@h/x?sslkey=k&sslpassword=S3cretPw", ["S3cretPw"]),
    ],
)
def test_the_password_of_a_database_is_hidden_however_its_address_says_it(
    tmp_path: Path, url: str, passwords: list[str]
) -> None:
    hidden = secrets(load_settings({"DISPATCHER_DATABASE_URL": url}, tmp_path), None)
    assert {url, *passwords} <= set(hidden)


STATUSES = (200, 302, 400, 401, 403, 404, 413, 429, 500, 503)


def echoing(vendor: Vendor) -> list[Answer]:
    """Answers that say again all that they were told in confidence."""
    spelt = [(s, quote(s), quote(s, safe="")) for s in vendor.secrets]
    echo = " ".join(["denied", f"https://127.0.0.1/send?key={spelt[0][1]}", *chain(*spelt)])
    return [
        vendor.refuses(echo),
        vendor.refuses("x" * 180 + echo),
        *(always(Answered(status, echo.encode())) for status in STATUSES),
        *(always(Answered(status, json.dumps({"said": echo}).encode())) for status in STATUSES),
        always(Answered(307, b"", {"Location": f"https://evil.example/{KEY}"})),
    ]


@pytest.mark.parametrize("vendor", vendors(), ids=lambda vendor: vendor.kind)
def test_no_answer_of_a_vendor_shows_a_key_or_a_secret(vendor: Vendor) -> None:
    for answer in echoing(vendor):
        with WebServer(answer) as server:
            channel = vendor.make(server, 5.0)
            try:
                said = repr(channel.send(vendor.good))
            except DeliveryError as error:
                said = everything_said(error)
            channel.close()
        assert leaks(said) == []


@pytest.mark.parametrize("vendor", vendors(), ids=lambda vendor: vendor.kind)
def test_no_fault_on_the_way_to_a_vendor_shows_a_key_or_a_secret(vendor: Vendor) -> None:
    for happens, expected in vendor.outcomes().values():
        with WebServer(happens if callable(happens) else vendor.agrees) as server:
            server.fault = None if callable(happens) else happens
            channel = vendor.make(server, 0.3 if happens in ("hang", "drip") else 5.0)
            if expected.reason:
                with pytest.raises(DeliveryError) as failed:
                    channel.send(vendor.good)
                assert leaks(everything_said(failed.value)) == []
            channel.close()
    with pytest.raises(DeliveryError) as failed:
        channel.send(vendor.good)
    assert leaks(everything_said(failed.value)) == []
    assert leaks(f"{channel!r} {channel}") == []


WRONG_KEYS = [
    f"https://evil.example/cgi-bin/webhook/send?key={KEY}",
    f"http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
    f"https://a:{KEY}@qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
    f"https://evil.example/robot/send?access_token={KEY}",
    f"https://evil.example/open-apis/bot/v2/hook/{KEY}",
    f"https://[{KEY}/open-apis/bot/v2/hook/{KEY}",
    f"https://evil.example/{KEY}",
    f"{KEY} {KEY}",
    f"{KEY}\nx",
    f"{KEY}密",
]


@pytest.mark.parametrize(
    "make",
    [Wecom, partial(Dingtalk, now=now), partial(Feishu, now=now)],
    ids=["wecom", "dingtalk", "feishu"],
)
@pytest.mark.parametrize("key", WRONG_KEYS)
def test_no_mistake_in_a_robots_key_shows_it(make: Callable[..., object], key: str) -> None:
    with pytest.raises(DispatcherError) as refused:
        make("robot", key, client=here())
    assert leaks(everything_said(refused.value)) == []
