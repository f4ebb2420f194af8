"""To-dos as the daemon keeps them: from the calendar's file to the gateway, beside its passes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from dispatcher.alarm import Alarm
from dispatcher.cli import service as run
from dispatcher.clock import system_clock
from dispatcher.dispatch.answering import answer, named
from dispatcher.ledger.answers import Said
from dispatcher.settings import Secret
from tests.channels.fake_gov_dingtalk import CREATOR, KEY, PERSON, SECRET, TENANT, Gateway
from tests.channels.web import WebServer
from tests.service import Service

CALENDAR = """\
plan: {{title: 测试, office: 区农办, from: 2026-01-01}}
channels:
  赣政通: {{kind: gov-dingtalk, url: '{url}', key: '${{GZT_KEY}}', secret: '${{GZT_SECRET}}',
    tenant: '{tenant}', tasks: true, creator: '{creator}', page: 'https://oa.example.cn/?a=1'}}
units:
  区农办: {{contacts: [{{name: 张工, email: office@example.com}}]}}
  潭东镇: {{contacts: [{{name: 王工, account: '{person}'}}], channels: [赣政通]}}
duties:
  - {{id: housing, title: 住房排查, rows: [1], when: 每月, responsible: 潭东镇}}
"""
MONDAY = date(2026, 3, 30)


@pytest.fixture
def gateway() -> Gateway:
    found = Gateway()
    found.now = lambda: system_clock().timestamp()
    return found


@pytest.fixture
def server(gateway: Gateway) -> Iterator[WebServer]:
    with WebServer(gateway) as server:
        yield server


@pytest.fixture
def service(server: WebServer, tmp_path: Path) -> Iterator[Service]:
    """An office that has gone live, and has told its town by the platform."""
    text = CALENDAR.format(url=server.url, tenant=TENANT, creator=CREATOR, person=PERSON)
    (tmp_path / "schedules.yaml").write_text(text, "utf-8")
    secrets = f"GZT_KEY={KEY}\nGZT_SECRET={SECRET}\nDISPATCHER_HOSTS=127.0.0.1\n"
    (tmp_path / ".env").write_text(secrets, "utf-8")
    (tmp_path / ".env").chmod(0o600)
    found = Service(tmp_path, 9, MONDAY)
    found.pass_at(MONDAY, 9)
    yield found
    found.close()


class Good:
    """A watch whose passes go well, until there is ``trouble``."""

    trouble: Any = None

    def __init__(self, service: Service) -> None:
        self.settings, self.parts = service.settings, service.parts
        self.passes: Counter[str] = Counter()
        self.alarm = Alarm(self.settings.state / "alarms.json", lambda _subject, _text: True)

    def __call__(self) -> datetime:
        self.passes["good"] += 1
        return self.parts.clock()

    def edit_that_waits(self) -> None:
        return None

    def open(self) -> None:
        pass

    def restless(self) -> bool:
        return False


class OnePass:
    """A daemon that is stopped after its first pass."""

    def __init__(self, work: Callable[[], datetime], *_clock: object) -> None:
        self.run = lambda: bool(work())


def keep(service: Service) -> None:
    run._keep_todos(service.settings, service.parts)


def test_a_to_do_follows_its_assignment_from_the_calendar_to_the_gateway(
    service: Service, gateway: Gateway
) -> None:
    assert [notice["receiverIds"] for notice in gateway.notices.values()] == [PERSON]
    keep(service)
    (task,) = gateway.tasks.values()
    assert (task["assigneeId"], task["creatorId"]) == (PERSON, CREATOR)
    assert (task["subject"], task["dueTime"]) == ("住房排查(2026年3月)", "2026-03-31 23:59:59")
    assert "finished" not in task
    with service.engine.begin() as conn:
        mine = named(conn, service.plan, "housing/2026-03@潭东镇", service.now)
        answer(conn, service.plan, mine, Said("done", "张三", "", None), service.now)
    keep(service)
    keep(service)
    assert task["finished"] == "true"
    assert len(gateway.tasks) == 1


def test_one_pass_alone_keeps_them_too(service: Service, gateway: Gateway) -> None:
    run._run_once(Good(service))  # type: ignore[arg-type]
    assert len(gateway.tasks) == 1


def test_the_daemon_keeps_them_and_lets_the_call_in_flight_end(
    service: Service, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.daemon.Daemon", OnePass)
    run._run_daemon(Good(service))  # type: ignore[arg-type]
    assert len(gateway.tasks) == 1
    with service.engine.begin() as conn:
        assert conn.exec_driver_sql("SELECT state FROM todo").scalar() == "open"


def test_they_are_kept_only_after_a_good_pass(service: Service, gateway: Gateway) -> None:
    watch = Good(service)
    beside = run._Beside(watch)  # type: ignore[arg-type]
    watch.trouble = "the clock jumped"
    assert beside() == service.now
    assert not beside.thread.ident
    assert gateway.tasks == {}
    watch.trouble = None
    beside()
    beside.thread.join()
    assert len(gateway.tasks) == 1


def test_a_daemon_whose_calendar_wants_none_starts_no_thread(service: Service) -> None:
    watch = Good(service)
    watch.parts = service.parts._replace(plan=service.plan._replace(channels={}))
    beside = run._Beside(watch)  # type: ignore[arg-type]
    beside()
    assert not beside.thread.ident


def test_a_gateway_that_does_not_answer_delays_no_pass(service: Service, server: WebServer) -> None:
    beside = run._Beside(Good(service))  # type: ignore[arg-type]
    service.parts.channels["赣政通"].deadline = 1.0
    server.fault = "hang"
    began, asked = monotonic(), len(server.asked)
    for _pass in range(5):
        beside()
    assert monotonic() - began < 0.9
    beside.thread.join()
    assert len(server.asked) - asked == 1
    with service.engine.begin() as conn:
        assert conn.exec_driver_sql("SELECT state FROM todo").scalar() == "unknown"


def test_what_goes_wrong_is_logged_without_secrets_and_raised_to_nobody(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> datetime:
        raise RuntimeError("the clock of canary")

    parts = service.parts._replace(clock=broken)
    settings = service.settings._replace(smtp_url=Secret("smtps://office:canary@host"))
    with caplog.at_level(logging.WARNING):
        run._keep_todos(settings, parts)
    assert "to-dos are not kept" in caplog.text
    assert "the clock of ***" in caplog.text


def test_an_outage_of_the_gateway_ends_in_one_to_do(
    service: Service, server: WebServer, gateway: Gateway
) -> None:
    server.fault = "429"
    keep(service)
    server.fault = None
    service.now += timedelta(hours=1)
    keep(service)
    assert len(gateway.tasks) == 1
