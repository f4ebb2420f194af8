"""`dispatcher doctor` as a user meets it: its lines, its JSON, its exit code, and no secret."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from dispatcher import bootstrap
from dispatcher import doctor as examining
from dispatcher.cli import doctor as command
from dispatcher.doctor import Diagnosis, Finding
from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text
from dispatcher.settings import load_settings
from tests.channels.servers import MailServer, Script
from tests.channels.web import WebServer
from tests.cli.conftest import SMALL, Shell
from tests.cli.test_service_commands import MONDAY, body

GROUP = """\
channels:
  oa: {kind: webhook, url: "http://127.0.0.1:PORT/in", secret: "${OA_SECRET}"}
  办公群: {kind: wecom, key: "${WECOM_KEY}", proxy: "${OUR_PROXY}"}
units:
"""
LONG_AGO = b"220 mail.example.com ESMTP; Thu, 26 Nov 2020 09:00:00 +0800"
PASSWORD = "CANARY@mail/1"
SECRETS = {
    "DISPATCHER_SMTP_URL": f"smtp+plain://office:{quote(PASSWORD, safe='')}@127.0.0.1:1",
    "DISPATCHER_DATABASE_URL": "postgresql://clerk:CANARY%40base@127.0.0.1:1/x",
    "DISPATCHER_HEARTBEAT_URL": "https://watchdog.example.com/CANARY-beat",
    "WECOM_KEY": "CANARY-key-693a91f6",
    "OA_SECRET": "CANARY-oa-4f7a1c09d2e8",
    "OUR_PROXY": "http://clerk:CANARY-proxy@127.0.0.1:1",
}
SPELLINGS = [
    *(*SECRETS.values(), PASSWORD, quote(PASSWORD, safe=""), "CANARY@base", "CANARY%40base"),
    "CANARY-proxy",
]


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def with_channels(shell: Shell, port: int = 1) -> None:
    text = SMALL.replace("units:\n", GROUP.replace("PORT", str(port)))
    text = text.replace("tandong@example.com}]", "tandong@example.com}], channels: [email, oa]")
    (shell.folder / "schedules.yaml").write_text(text, "utf-8")


def test_a_folder_that_is_tried_out_has_nothing_bad(shell: Shell) -> None:
    shell("run", "--once")
    done = shell("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    header, *lines, last = done.stdout.splitlines()
    assert re.split("  +", header) == ["state", "channel", "looked at", "finding"]
    assert {line.split()[0] for line in lines} == {"ok", "warning"}
    assert last.startswith("bad: 0, warnings: ")
    (found,) = (line for line in lines if "delivery" in line)
    mailbox = shell.folder / "var" / "mailbox"
    assert f"not live: look into {mailbox} → set DISPATCHER_LIVE=1" in found


def test_the_columns_are_aligned_in_chinese_too(shell: Shell) -> None:
    with_channels(shell)
    done = shell("doctor", LANG="zh_CN.UTF-8")
    _header, *lines, _last = done.stdout.splitlines()
    marks = (f"{shell.folder}/schedules.yaml", "Asia/Shanghai")
    starts = {columns(line[: line.index(mark)]) for mark in marks for line in lines if mark in line}
    assert len(starts) == 1, done.stdout
    assert "办公群" in done.stdout


def test_programs_get_json(shell: Shell) -> None:
    done = shell("doctor", "--format", "json")
    found = json.loads(done.stdout)
    assert all(set(each) == {"check", "channel", "state", "says", "hint"} for each in found)
    (said,) = (each for each in found if each["check"] == "delivery")
    assert said == {
        "check": "delivery",
        "channel": None,
        "state": "warn",
        "says": f"not live: look into {shell.folder}/var/mailbox",
        "hint": "set DISPATCHER_LIVE=1 when messages are to leave",
    }


def test_every_check_has_a_name_for_people() -> None:
    assert set(examining.CHECKS) <= set(command.CHECKS)


def test_a_file_with_mistakes_ends_with_2_and_names_them_all(shell: Shell) -> None:
    path = shell.folder / "schedules.yaml"
    path.write_text(SMALL.replace("每季度", "每季末度").replace("每月", "每个星期八"), "utf-8")
    done = shell("doctor")
    assert done.returncode == 2
    assert len(re.findall(r"bad .* schedules\.yaml:\d+:\d+ duty '", done.stdout)) == 2


def test_settings_with_a_mistake_end_with_2(shell: Shell) -> None:
    done = shell("doctor", DISPATCHER_LIFE="1")
    assert done.returncode == 2
    assert "did you mean DISPATCHER_LIVE" in done.stdout


def test_a_mail_server_that_cannot_be_reached_ends_with_1_once_live(shell: Shell) -> None:
    url = "smtp+plain://127.0.0.1:1"
    assert shell("doctor", DISPATCHER_SMTP_URL=url).returncode == 0
    done = shell("doctor", DISPATCHER_SMTP_URL=url, DISPATCHER_LIVE="1")
    assert done.returncode == 1
    assert re.search(r"bad +email +connection +smtp\+plain://127.0.0.1:1 cannot be", done.stdout)


def test_a_clock_that_is_wrong_ends_with_1_and_says_what_breaks(shell: Shell) -> None:
    with Script(connect=LONG_AGO) as server:
        url = f"smtp+plain://127.0.0.1:{server.port}"
        done = shell("doctor", DISPATCHER_SMTP_URL=url, DISPATCHER_LIVE="1")
    assert done.returncode == 1
    (line,) = (line for line in done.stdout.splitlines() if " clock " in line)
    assert re.search(r"our clock is \d+ s ahead of its own → .*DingTalk and Feishu", line)


def test_send_hands_a_marked_test_message_over(shell: Shell) -> None:
    done = shell("doctor", "--send", "潭东")
    assert done.returncode == 0, done.stderr
    assert re.search(r"ok +email +test message +tandong@example.com: sent", done.stdout)
    (name,) = shell.mail()
    assert "test-tandong@example.com" in name
    assert "【测试】" in body(shell.folder / "var" / "mailbox" / name)


def test_send_goes_over_every_channel_of_the_unit(shell: Shell) -> None:
    """A webhook that agrees, and mail that nobody takes."""
    with WebServer() as server:
        with_channels(shell, server.server_address[1])
        environ = SECRETS | {"DISPATCHER_LIVE": "1", "DISPATCHER_HOSTS": "127.0.0.1"}
        del environ["DISPATCHER_DATABASE_URL"]
        done = shell("doctor", "--send", "潭东", "--format", "json", **environ)
    found = [each for each in json.loads(done.stdout) if each["check"] == "send"]
    assert [(each["channel"], each["state"]) for each in found] == [("email", "bad"), ("oa", "ok")]
    (posted,) = (asked.json for asked in server.asked if asked.method == "POST")
    assert "【测试】" in posted["subject"]
    assert done.returncode == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_send_reaches_a_real_mail_server(shell: Shell) -> None:
    with MailServer() as server:
        url = f"smtp+plain://127.0.0.1:{server.port}"
        done = shell("doctor", "--send", "潭东", DISPATCHER_SMTP_URL=url, DISPATCHER_LIVE="1")
    assert done.returncode == 0, done.stdout
    assert len(server.received) == 1


def test_send_to_nobody_ends_with_2_and_names_the_nearest(shell: Shell) -> None:
    done = shell("doctor", "--send", "潭西镇")
    assert done.returncode == 2
    assert "潭东镇" in done.stderr


def test_a_database_of_an_older_program_is_not_touched(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    import sqlite3

    path = shell.folder / "var" / "dispatcher.db"
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "of an older schema" in shell("doctor").stdout
    with sqlite3.connect(path) as conn:
        assert conn.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


@pytest.mark.parametrize("form", [(), ("--format", "json")])
def test_no_secret_is_in_what_it_says_when_everything_is_broken(
    shell: Shell, form: tuple[str, ...]
) -> None:
    """In earnest: nobody listens anywhere, and one server echoes what it hears."""
    with WebServer() as server:
        server.fault = "html"
        with_channels(shell, server.server_address[1])
        environ = SECRETS | {"DISPATCHER_LIVE": "1", "DISPATCHER_HOSTS": "127.0.0.1"}
        done = shell("doctor", "--send", "潭东", *form, **environ)
    assert done.returncode == 1, done.stderr
    assert not [each for each in SPELLINGS if each in done.stdout + done.stderr]
    assert "CANARY" not in done.stdout + done.stderr


def says_all(_ground: object) -> Iterator[Finding]:
    """A check that quotes every secret in all that it says, and then fails with them too."""
    everything = "\n".join(SPELLINGS)
    said = Text("{a} {b}", a=everything, b=Text("{c}", c=everything))
    yield Finding("settings", "bad", said, said)
    raise DispatcherError(said)


@pytest.mark.parametrize("error", [DispatcherError, RuntimeError, None])
@pytest.mark.parametrize("form", [[], ["--format", "json"]])
@pytest.mark.parametrize("name", [*examining.CHECKS, "send"])
def test_whatever_a_check_says_holds_no_secret(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, form: list[str],
    error: type[Exception] | None,
) -> None:  # fmt: skip
    def fail(*_given: object) -> Iterator[Finding]:
        raise (error or RuntimeError)(" ".join(SPELLINGS))

    with_channels(shell)
    settings = load_settings(SECRETS, shell.folder)
    broken = fail if error else says_all
    monkeypatch.setattr(bootstrap, "settings", lambda: settings)
    monkeypatch.setattr(examining, "CHECKS", {name: broken})
    done = CliRunner().invoke(command.doctor, form)
    assert "***" in done.output
    assert form or len(done.output.splitlines()) == (3 if error else 4), "a line for each finding"
    assert "CANARY" not in done.output


def test_a_diagnosis_is_as_bad_as_its_worst_finding() -> None:
    def code(*found: tuple[str, str]) -> int:
        says = Text("x")
        return Diagnosis([Finding(check, state, says) for check, state in found]).exit_code  # type: ignore[arg-type]

    assert code() == code(("disk", "ok")) == code(("disk", "warn"), ("calendar", "warn")) == 0
    assert code(("disk", "bad"), ("calendar", "warn")) == 1
    assert code(("disk", "bad"), ("calendar", "bad")) == code(("settings", "bad")) == 2


def test_lines_stay_lines_whatever_they_quote(shell: Shell) -> None:
    (shell.folder / "templates").mkdir()
    (shell.folder / "templates" / "test.txt").write_text("{% 'a\x1b[2J\nb' %}")
    done = shell("doctor")
    (line,) = (each for each in done.stdout.splitlines() if " templates " in each)
    assert line.startswith("bad")
    assert "\x1b" not in done.stdout
