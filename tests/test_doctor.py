"""What the doctor finds: each thing that may be amiss is found, alone, and told with its cure."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from sqlalchemy import make_url

from dispatcher import bootstrap, doctor
from dispatcher.channels.probing import Seen, Target, Unseen
from dispatcher.clock import system_clock
from dispatcher.doctor import Diagnosis, Finding, house, outside
from dispatcher.errors import DispatcherError
from dispatcher.health import ROOM
from dispatcher.heartbeat import Trouble, beat, falter
from dispatcher.hiding import unset_secrets
from dispatcher.i18n import Text
from dispatcher.ledger import channels as kept
from dispatcher.ledger import guards, installation
from dispatcher.ledger.database import create_engine
from dispatcher.ledger.outbox import Address
from dispatcher.settings import Secret, Settings, load_settings
from tests.databases import a_database

NOW = datetime(2026, 6, 1, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
CALENDAR = """\
plan: {title: 测试, office: 区农办, from: 2026-01-01}
channels:
  办公群: {kind: wecom, key: "${WECOM_KEY}", ca_file: own.pem, proxy: "${OUR_PROXY}"}
units:
  区农办: {contacts: [{name: 张工, email: office@example.com}]}
  潭东镇: {aliases: [潭东], contacts: [{name: 王工, email: tandong@example.com}],
        channels: [email, 办公群]}
duties:
  - {id: housing, title: 住房排查, rows: [1], when: 每季度, responsible: "区农办,潭东镇"}
"""
ENVIRON = {
    "DISPATCHER_LIVE": "1",
    "DISPATCHER_SMTP_URL": "smtps://office:CANARY-mail@mail.example.com",
    "WECOM_KEY": "CANARY-key",
    "OUR_PROXY": "http://clerk:CANARY-proxy@proxy.example.com:3128",
}
BESIDE_MAIL = bootstrap.beside_mail
GOOD = Seen(NOW + 87 * DAY + SECOND, SECOND)


class World:
    """A machine on which all is well, until a test breaks it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.environ, self.now = folder, dict(ENVIRON), NOW
        self.seen: dict[str, Seen | Unseen] = {"email": GOOD, "办公群": GOOD}
        self.targets: dict[str, Target] = {}
        (folder / "schedules.yaml").write_text(CALENDAR, "utf-8")
        patch.setattr(bootstrap, "settings", lambda: self.settings)
        patch.setattr(bootstrap, "now", lambda: self.now)
        patch.setattr(bootstrap, "channels", self.mail)
        patch.setattr(bootstrap, "beside_mail", self.others)
        patch.setattr(outside, "look", self.look)

    @property
    def settings(self) -> Settings:
        return load_settings(self.environ, self.folder)

    def mail(self, settings: Settings, plan: Any) -> Mapping[str, Any]:
        assert settings.live, "only what is live calls anybody"
        assert not plan.channels, "another channel's fault is not mail's"
        return {"email": SimpleNamespace(server="smtps://mail.example.com:465")}

    def others(self, settings: Settings, plan: Any) -> Mapping[str, Any]:
        assert not unset_secrets(plan, settings)
        group = SimpleNamespace(server="https://qyapi.weixin.qq.com:443")
        return dict.fromkeys(plan.channels, group)

    def look(self, targets: dict[str, Target], _clock: Any) -> dict[str, Seen | Unseen]:
        self.targets = dict(targets)
        return {name: self.seen[name] for name in targets}

    def begin(self) -> None:
        """A ledger that went live, and a good pass a minute ago."""
        engine = bootstrap.ledger(self.settings)
        with engine.begin() as conn:
            installation.install(conn, NOW.date(), NOW)
        engine.dispose()
        beat(self.settings.heartbeat, NOW - timedelta(minutes=1), NOW)

    def ledger(self, work: Callable[[Any], object]) -> None:
        engine = bootstrap.ledger(self.settings)
        with engine.begin() as conn:
            work(conn)
        engine.dispose()

    def examine(self, unit: str = "") -> Diagnosis:
        return doctor.examine(unit, lambda: self.now)

    def amiss(self) -> list[Finding]:
        return [each for each in self.examine().findings if each.state != "ok"]

    def only(self, check: str, state: str, channel: str = "") -> Finding:
        """The one thing that is amiss."""
        (found,) = self.amiss()
        assert (found.check, found.state, found.channel) == (check, state, channel)
        return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    found = World(tmp_path, monkeypatch)
    found.begin()
    return found


def test_where_all_is_well_every_check_says_so(world: World) -> None:
    found = world.examine()
    assert {each.state for each in found.findings} == {"ok"}
    assert found.exit_code == 0
    said = [f"{each.channel} {each.check}: {each.says}".strip() for each in found.findings]
    assert said == [
        f"settings: read from the environment; there is no {world.folder}/.env",
        "files: there are none",
        "delivery: live: messages leave",
        said[3],
        f"calendar: {world.folder}/schedules.yaml: 1 duties, 2 units",
        "holidays: those of 2026 are known",
        said[6],
        "secrets: set: WECOM_KEY, OUR_PROXY",
        "templates: tried with samples, all of them work",
        "database: reachable, and of this program's schema",
        "daemon: last good pass 60 s ago",
        said[11],
        "email reach: smtps://mail.example.com:465 answers",
        "email certificate: its certificate is good until 2026-08-27, for 87 days",
        "email clock: its clock and ours are 1 s apart",
        "办公群 reach: https://qyapi.weixin.qq.com:443 answers",
        "办公群 certificate: its certificate is good until 2026-08-27, for 87 days",
        "办公群 clock: its clock and ours are 1 s apart",
    ]
    assert said[3].startswith("zone: Asia/Shanghai: it is 2026-06-01 09:00 there (data of ")
    assert said[6].startswith("holidays: ")
    assert said[11].startswith("disk: ")


@pytest.mark.parametrize("broken", list(doctor.CHECKS))
def test_a_check_that_fails_is_a_finding_and_keeps_no_other_from_being_made(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(_ground: object) -> Iterator[Finding]:
        raise ZeroDivisionError("out of order\nand more")

    monkeypatch.setitem(doctor.CHECKS, broken, fail)
    found = world.only(broken, "bad")
    assert str(found.says) == "ZeroDivisionError: out of order"
    assert "report this" in str(found.hint)
    assert world.examine().exit_code == (2 if broken in ("settings", "calendar") else 1)


def test_a_file_of_secrets_that_is_open_to_others_is_named(world: World) -> None:
    path = world.folder / ".env"
    path.write_text("WECOM_KEY=CANARY\n")
    path.chmod(0o644)
    world.folder.chmod(0o755)
    found = world.only("settings", "bad")
    assert f"chmod 600 {path}" in str(found.says)
    assert world.examine().exit_code == 2
    path.chmod(0o600)
    said = {each.check: str(each.says) for each in world.examine().findings}
    assert said["settings"] == f"read from the environment and from {path}"
    assert said["files"] == f"not open to others: {path}"


def test_a_secret_in_a_file_of_its_own_is_listed(world: World) -> None:
    path = world.folder / "smtp_url"
    path.write_text(world.environ.pop("DISPATCHER_SMTP_URL"))
    path.chmod(0o600)
    world.environ["DISPATCHER_SMTP_URL_FILE"] = "smtp_url"
    said = {each.check: str(each.says) for each in world.examine().findings}
    assert said["files"] == f"not open to others: {path}"


def test_settings_that_are_no_text_are_a_finding(world: World) -> None:
    (world.folder / ".env").write_bytes(b"\xff\xfe")
    found = world.only("settings", "bad")
    assert "save it as UTF-8" in str(found.says)


def test_a_sender_with_which_the_daemon_would_not_start_is_a_bad_setting(world: World) -> None:
    world.environ["DISPATCHER_MAIL_FROM"] = "区农办"
    found = world.only("settings", "bad")
    assert "DISPATCHER_MAIL_FROM: '区农办' should be like" in str(found.says)


def test_messages_that_go_to_the_mailbox_are_a_warning(world: World) -> None:
    del world.environ["DISPATCHER_LIVE"]
    found = world.only("delivery", "warn")
    assert str(world.settings.mailbox) in str(found.says)
    assert "DISPATCHER_LIVE=1" in str(found.hint)


def test_zone_data_that_is_missing_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(house, "ZoneInfo", missing)
    assert "pip install tzdata" in str(world.only("zone", "bad").hint)


def test_each_mistake_of_the_calendar_is_told_by_its_place(world: World) -> None:
    path = world.folder / "schedules.yaml"
    path.write_text(CALENDAR.replace("每季度", "每季末度").replace("区农办,潭东镇", "区农办,谭镇"))
    found = [each for each in world.amiss() if each.check == "calendar"]
    assert [str(each.says).partition(":")[0] for each in found] == ["schedules.yaml"] * 2
    assert all("schedules.yaml:9:" in str(each.says) for each in found)
    assert "duty 'housing'" in str(found[0].says)
    assert world.examine().exit_code == 2
    checked = {each.check for each in world.examine().findings}
    assert checked >= {"settings", "zone", "database", "daemon", "disk"}
    assert checked.isdisjoint({"templates", "reach"})


def test_a_calendar_that_is_not_there_is_a_bad_file(world: World) -> None:
    world.environ["DISPATCHER_SCHEDULES"] = "nowhere.yaml"
    assert "nowhere.yaml cannot be read" in str(world.only("calendar", "bad").says)
    assert world.examine().exit_code == 2


@pytest.mark.parametrize(
    "month, states", [(6, ["warn", "ok"]), (10, ["warn", "ok"]), (11, ["warn", "warn"])]
)
def test_holidays_that_are_not_announced_are_a_warning_once_they_should_be(
    world: World, month: int, states: list[str]
) -> None:
    path = world.folder / "schedules.yaml"
    path.write_text(CALENDAR.replace("from: 2026", "from: 2050"), "utf-8")
    world.now = datetime(2050, month, 1, tzinfo=UTC)
    found = [each for each in world.examine().findings if each.check == "holidays"]
    assert [each.state for each in found] == states
    assert all(("calendar import" in str(each.hint)) == (each.state == "warn") for each in found)


@pytest.mark.parametrize("live, state", [("1", "bad"), ("0", "warn")])
def test_a_secret_that_is_not_set_is_told_once_and_by_name(
    world: World, live: str, state: str
) -> None:
    world.environ |= {"DISPATCHER_LIVE": live, "WECOM_KEY": ""}
    found = [each for each in world.amiss() if each.check != "delivery"]
    assert [(each.check, each.state, each.channel) for each in found] == [
        ("secrets", state, "办公群")
    ]
    assert "WECOM_KEY" in str(found[0].says)
    assert str(world.folder / ".env") in str(found[0].hint)
    assert list(world.targets) == ["email"], "the other channel is looked at all the same"


@pytest.mark.parametrize("mode, state", [(0o600, "ok"), (0o644, "bad")])
def test_a_secret_may_come_from_a_file_that_is_not_open_to_others(
    world: World, mode: int, state: str
) -> None:
    path = world.folder / "wecom"
    path.write_text(world.environ.pop("WECOM_KEY"))
    path.chmod(mode)
    world.folder.chmod(0o755)
    world.environ["WECOM_KEY_FILE"] = "wecom"
    found = world.examine()
    assert [(each.check, each.state) for each in found.findings if each.state != "ok"] == [
        ("secrets", "bad")
    ] * (state == "bad")
    assert ("CANARY-key" in found.secrets) == (state == "ok")
    assert ("办公群" in world.targets) == (state == "ok")


def test_a_template_that_cannot_be_read_is_told_with_its_line(world: World) -> None:
    (world.folder / "templates").mkdir()
    (world.folder / "templates" / "digest.txt").write_text("fine\n{% if %}\n")
    found = world.only("templates", "bad")
    assert str(found.says).startswith("digest.txt:2: ")


def test_a_template_that_can_be_read_and_fails_is_told_with_its_line(world: World) -> None:
    (world.folder / "templates").mkdir()
    (world.folder / "templates" / "digest.txt").write_text("fine\n{{ 1/0 }}\n")
    found = world.only("templates", "bad")
    assert str(found.says) == "digest.txt:2: division by zero"


@pytest.mark.parametrize(
    "version, state, does", [("0001", "warn", "start the daemon"), ("9999", "bad", "newer program")]
)
def test_a_schema_of_another_time_is_told_and_left_as_it_is(
    world: World, version: str, state: str, does: str
) -> None:
    path = world.folder / "var" / "dispatcher.db"
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = ?", (version,))
    found = world.only("database", state)
    assert does in str(found.hint)
    with sqlite3.connect(path) as conn:
        assert conn.execute("SELECT version_num FROM alembic_version").fetchone() == (version,)


def test_where_nothing_has_begun_nothing_is_made(world: World) -> None:
    shutil.rmtree(world.folder / "var")
    found = world.amiss()
    assert [(each.check, each.state) for each in found] == [
        ("database", "warn"),
        ("daemon", "warn"),
    ]
    assert "dispatcher run" in str(found[0].says)
    assert not (world.folder / "var").exists()


def test_a_ledger_that_is_gone_is_bad_and_none_is_made(world: World) -> None:
    path = world.folder / "var" / "dispatcher.db"
    path.unlink()
    assert str(path) in str(world.only("database", "bad").says)
    assert not path.exists()


def test_a_database_that_is_none_is_bad(world: World) -> None:
    path = world.folder / "var" / "dispatcher.db"
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_text("x" * 9999)
    assert "put a backup back" in str(world.only("database", "bad").says)


def test_a_database_server_that_is_gone_is_bad(world: World) -> None:
    world.environ["DISPATCHER_DATABASE_URL"] = "postgresql://x:CANARY@127.0.0.1:1/x"
    assert world.only("database", "bad").says == guards.GONE


def test_an_empty_database_on_a_server_is_not_begun(world: World) -> None:
    with a_database("doctor") as url:
        world.environ["DISPATCHER_DATABASE_URL"] = url
        for _twice in range(2):
            says = str(world.only("database", "bad").says)
            assert "holds the ledger no longer" in says


@pytest.mark.parametrize("grant", ["", "GRANT USAGE ON SCHEMA public TO PUBLIC"])
def test_a_role_that_may_not_begin_a_ledger_is_told_what_it_lacks(world: World, grant: str) -> None:
    with a_database("doctor") as url, a_role(url) as other:
        world.environ["DISPATCHER_DATABASE_URL"] = other
        on(url, "REVOKE ALL ON SCHEMA public FROM PUBLIC", grant)
        said = str(world.only("database", "bad").says)
        role = make_url(other).username
        assert f'GRANT USAGE, CREATE ON SCHEMA public TO "{role}"' in said
        on(url, f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
        assert "GRANT" not in str(world.only("database", "bad").says)


@contextmanager
def a_role(url: str) -> Iterator[str]:
    """A role of its own, as which the database is asked."""
    name = f"dispatcher_test_{os.getpid()}"
    on(url, f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    try:
        mine = make_url(url).set(username=name, password=name)
        yield mine.render_as_string(hide_password=False)
    finally:
        on(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def on(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        for statement in filter(None, statements):
            conn.exec_driver_sql(statement)
    engine.dispose()


def test_a_database_server_that_may_forget_is_bad(world: World) -> None:
    with a_database("doctor") as url:
        world.environ["DISPATCHER_DATABASE_URL"] = url
        world.begin()
        assert world.amiss() == []
        engine = bootstrap.database(world.settings)
        with engine.begin() as conn:
            name = engine.url.database
            conn.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        engine.dispose()
        assert "synchronous_commit" in str(world.only("database", "bad").says)


def test_a_database_on_a_network_file_system_is_bad(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = world.folder / "mounts"
    mounts.write_text("server:/export / nfs4 rw 0 0\n")
    monkeypatch.setattr(bootstrap, "MOUNTS", mounts)
    assert "network file system" in str(world.only("database", "bad").says)


def test_a_pause_of_everything_is_bad(world: World) -> None:
    world.ledger(lambda conn: installation.pause(conn, "张三", "系统迁移", NOW))
    found = world.only("hold", "bad")
    assert str(found.says) == "paused by 张三: 系统迁移"
    assert "dispatcher resume" in str(found.hint)


def test_a_daemon_that_is_silent_is_bad(world: World) -> None:
    world.now = NOW + timedelta(minutes=5)
    assert str(world.only("daemon", "bad").says) == "last good pass 360 s ago"


def test_passes_that_fail_are_bad(world: World) -> None:
    falter(world.settings.heartbeat, Trouble(NOW, guards.FULL))
    assert "the disk is full" in str(world.only("daemon", "bad").says)


def test_a_disk_that_is_nearly_full_is_bad(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=ROOM - 1))
    found = world.only("disk", "bad")
    assert "nearly full" in str(found.says)
    assert "prune" not in str(found.hint), "it needs room itself"


@pytest.mark.parametrize("live, state", [("1", "bad"), ("0", "warn")])
@pytest.mark.parametrize(
    "seen, check, says",
    [
        (
            Unseen("Connection refused"),
            "reach",
            "https://qyapi.weixin.qq.com:443 cannot be reached",
        ),
        (Unseen("certificate has expired", untrusted=True), "certificate", "expired"),
    ],
)
def test_a_server_that_is_not_reached_is_bad_once_the_service_is_live(
    world: World, live: str, state: str, seen: Unseen, check: str, says: str
) -> None:
    world.environ["DISPATCHER_LIVE"] = live
    world.seen["办公群"] = seen
    (found,) = (each for each in world.amiss() if each.check != "delivery")
    assert (found.check, found.state, found.channel) == (check, state, "办公群")
    assert says in str(found.says)
    assert found.hint


def test_a_proxy_is_advised_only_where_there_is_one_to_set(world: World) -> None:
    world.seen = dict.fromkeys(world.seen, Unseen("Connection refused"))
    hints = {each.channel: str(each.hint) for each in world.amiss()}
    assert "mail goes through no proxy" in hints["email"]
    assert "named as proxy of the channel" in hints["办公群"]


@pytest.mark.parametrize("days, amiss", [(14, False), (13, True), (-1, True)])
def test_a_certificate_that_ends_in_two_weeks_is_a_warning(
    world: World, days: int, amiss: bool
) -> None:
    world.seen["email"] = Seen(NOW + days * DAY + SECOND)
    found = world.amiss()
    assert [(each.check, each.state) for each in found] == [("certificate", "warn")] * amiss
    assert all(f"for {days} days" in str(each.says) for each in found)


@pytest.mark.parametrize(
    "seconds, says", [(60, ""), (-60, ""), (61, "61 s ahead"), (-61, "behind")]
)
def test_a_clock_that_is_a_minute_off_is_bad(world: World, seconds: int, says: str) -> None:
    world.seen["email"] = Seen(None, seconds * SECOND)
    found = world.amiss()
    assert [(each.check, each.state) for each in found] == [("clock", "bad")] * bool(says)
    for each in found:
        assert says in str(each.says)
        assert "DingTalk and Feishu" in str(each.hint)


def test_a_server_that_shows_neither_certificate_nor_clock_is_only_reached(world: World) -> None:
    world.seen["email"] = Seen()
    found = [each.check for each in world.examine().findings if each.channel == "email"]
    assert found == ["reach"]


def test_a_channel_is_looked_at_as_it_is_called(world: World) -> None:
    world.environ["DISPATCHER_SMTP_CA_FILE"] = "mail.pem"
    world.examine()
    assert world.targets == {
        "email": Target("smtps://mail.example.com:465", world.folder / "mail.pem"),
        "办公群": Target(
            "https://qyapi.weixin.qq.com:443", world.folder / "own.pem", ENVIRON["OUR_PROXY"]
        ),
    }


@pytest.mark.parametrize("live, state", [("1", "bad"), ("0", "warn")])
def test_a_channel_that_is_set_up_wrongly_hides_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, live: str, state: str
) -> None:
    def fail(*_given: object) -> Mapping[str, Any]:
        raise DispatcherError("the key is not one")

    monkeypatch.setattr(bootstrap, "beside_mail", fail)
    world.environ["DISPATCHER_LIVE"] = live
    (found,) = (each for each in world.amiss() if each.check != "delivery")
    assert (found.check, found.state, found.channel) == ("setup", state, "办公群")
    assert str(found.says) == "the key is not one"
    assert list(world.targets) == ["email"]


KINDS = {
    "企业微信": ("https://qyapi.weixin.qq.com:443", "{kind: wecom, key: '${UUID}'}"),
    "钉钉": ("https://oapi.dingtalk.com:443", "{kind: dingtalk, key: '${HEX}', secret: '${SEC}'}"),
    "飞书": ("https://open.feishu.cn:443", "{kind: feishu, key: '${UUID}'}"),
    "赣政通": (
        "https://gov.example.cn:443",
        "{kind: gov-dingtalk, url: 'https://gov.example.cn', key: '${HEX}', secret: '${SEC}', "
        "tenant: '196729'}",
    ),
    "短信": (
        "http://127.0.0.1:8080",
        "{kind: sms, url: 'http://127.0.0.1:8080/send', text: '{unit}有{count}项', "
        "body: {to: '{mobile}', say: '{text}'}, answer: /code, success: 0}",
    ),
    "阿里云": (
        "https://dysmsapi.aliyuncs.com:443",
        "{kind: sms-aliyun, key: '${HEX}', secret: '${SEC}', signature: 区农办, "
        "template: SMS_1, params: {unit: '{unit}'}}",
    ),
    "腾讯云": (
        "https://sms.tencentcloudapi.com:443",
        "{kind: sms-tencent, key: '${HEX}', secret: '${SEC}', signature: 区农办, "
        "template: '1', params: ['{unit}'], app: '1400000000'}",
    ),
    "OA": (
        "https://oa.example.com:8443",
        "{kind: webhook, url: 'https://oa.example.com:8443/in?key=${HEX}', secret: '${SEC}'}",
    ),
}


def test_every_kind_of_channel_is_looked_at_where_it_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "beside_mail", BESIDE_MAIL)
    text = "".join(f"  {name}: {setting}\n" for name, (_place, setting) in KINDS.items())
    own = '  办公群: {kind: wecom, key: "${WECOM_KEY}", ca_file: own.pem, proxy: "${OUR_PROXY}"}\n'
    path = world.folder / "schedules.yaml"
    path.write_text(CALENDAR.replace(own, text).replace(", 办公群]", "]"), "utf-8")
    world.environ |= {
        "DISPATCHER_HOSTS": "gov.example.cn oa.example.com 127.0.0.1",
        "UUID": "693a91f6-7b1c-4bc4-97a0-0ec2c1fa5aaa",
        "HEX": "0123456789abcdef" * 4,
        "SEC": "SEC" + "0123456789abcdef" * 4,
    }
    world.seen = dict.fromkeys(("email", *KINDS), GOOD)
    assert [str(each.says) for each in world.amiss()] == []
    del world.targets["email"]
    assert {name: each.server for name, each in world.targets.items()} == {
        name: place for name, (place, _setting) in KINDS.items()
    }


def test_a_channel_that_calls_nobody_is_not_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = SimpleNamespace(server="")
    monkeypatch.setattr(bootstrap, "channels", lambda *_given: {"email": nobody})
    monkeypatch.setattr(bootstrap, "beside_mail", lambda *_given: {"办公群": nobody})
    assert world.amiss() == []
    assert world.targets == {}


@pytest.mark.parametrize("live, state", [("1", "bad"), ("0", "warn")])
def test_mail_that_is_not_set_up_is_told_where_somebody_is_told_by_mail(
    world: World, live: str, state: str
) -> None:
    world.environ |= {"DISPATCHER_LIVE": live, "DISPATCHER_SMTP_URL": ""}
    (found,) = (each for each in world.amiss() if each.check != "delivery")
    assert (found.check, found.state, found.channel) == ("setup", state, "email")
    alone = CALENDAR.replace("[email, 办公群]", "[办公群]").replace(
        "office@example.com}]", "office@example.com}], channels: [办公群]"
    )
    (world.folder / "schedules.yaml").write_text(alone, "utf-8")
    assert [each.check for each in world.amiss()] == ["delivery"] * (live == "0")
    assert list(world.targets) == ["办公群"]


def test_a_channel_that_a_person_has_paused_is_bad(world: World) -> None:
    world.ledger(lambda conn: kept.pause(conn, "办公群", "张三", Text("换密钥"), NOW))
    found = world.only("pause", "bad", "办公群")
    assert str(found.says) == "paused by 张三: 换密钥"
    assert str(found.hint).endswith("dispatcher channels resume 办公群 --by NAME")


@pytest.mark.parametrize("fault, state", [(True, "bad"), (False, "warn")])
def test_a_channel_that_has_paused_itself_is_bad_where_it_needs_a_hand(
    world: World, fault: bool, state: str
) -> None:
    wait = timedelta(minutes=10)
    world.ledger(
        lambda conn: kept.close(conn, "email", Text("too much"), kept.Closing(wait, fault), NOW)
    )
    found = world.only("pause", state, "email")
    assert str(found.says) == "paused by dispatcher: too much; tried again at 2026-06-01 09:10"
    world.now = NOW + wait
    assert "pause" not in {each.check for each in world.amiss()}


def test_a_test_message_goes_over_each_channel_and_its_failure_is_bad(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def send(_settings: Settings, _plan: object, unit: str) -> list[Any]:
        asked.append(unit)
        wrong = Text("the key is wrong")
        return [
            (Address("email", "tandong@example.com"), None),
            (Address("办公群", "潭东镇"), wrong),
        ]

    monkeypatch.setattr(bootstrap, "send_test", send)
    found = world.examine("潭东")
    assert asked == ["潭东镇"]
    said = [
        (each.channel, each.state, str(each.says))
        for each in found.findings
        if each.check == "send"
    ]
    assert said == [
        ("email", "ok", "tandong@example.com: sent"),
        ("办公群", "bad", "潭东镇: the key is wrong"),
    ]
    assert found.exit_code == 1
    monkeypatch.setattr(bootstrap, "send_test", lambda *_given: [])
    assert "no contact" in str(world.examine("潭东").findings[-1].says)


def test_a_test_message_to_nobody_is_wrong_usage(world: World) -> None:
    with pytest.raises(DispatcherError, match="unknown unit"):
        world.examine("潭西")


def test_what_may_not_be_shown_is_known_in_every_spelling(world: World) -> None:
    world.environ["DISPATCHER_DATABASE_URL"] = "postgresql://x:a%40b%2Fc@127.0.0.1:1/x"
    hidden = world.examine().secrets
    assert {"CANARY-mail", "CANARY-key", "CANARY-proxy", "a%40b%2Fc", "a@b/c"} <= set(hidden)
    assert Secret("CANARY-key") in hidden


def test_of_an_address_that_is_a_key_the_key_alone_is_hidden_too(world: World) -> None:
    key = "693a91f6-7b1c-4bc4-97a0-0ec2c1fa5aaa"
    world.environ["WECOM_KEY"] = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}"
    assert {key, world.environ["WECOM_KEY"]} <= set(world.examine().secrets)
    assert "qyapi.weixin.qq.com" not in world.examine().secrets


def test_an_address_that_is_none_is_hidden_as_a_whole(world: World) -> None:
    world.environ["DISPATCHER_SMTP_URL"] = "smtps://u:CANARY@[mail"
    assert "smtps://u:CANARY@[mail" in world.examine().secrets


def test_what_is_no_secret_is_shown(world: World) -> None:
    world.environ |= {"DISPATCHER_SMTP_URL": "smtp+plain://127.0.0.1:25", "WECOM_KEY": "abc"}
    assert set(world.examine().secrets) == {ENVIRON["OUR_PROXY"], "CANARY-proxy"}


def test_the_doctor_goes_by_this_machines_own_clock() -> None:
    assert doctor.examine.__defaults__ == ("", system_clock)
