"""`dispatcher channels` as a user meets it: how each one is, stopped and let go again."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from dispatcher.i18n import Text
from dispatcher.ledger import channels
from dispatcher.ledger.database import create_engine
from dispatcher.ledger.todos import todo
from tests.cli.conftest import SMALL, Shell
from tests.cli.test_service_commands import MONDAY

NOW = datetime.fromisoformat(MONDAY).astimezone(UTC)
MINUTE = timedelta(minutes=1)
GROUP = 'channels:\n  办公群: {kind: wecom, key: "${WECOM_KEY}"}\nunits:\n'
HEADER = [
    *("channel", "kind", "state", "paused by", "next", "waiting", "last sent"),
    *("last failure", "because"),
]
FIELDS = [
    *("name", "kind", "state", "paused_at", "paused_until", "paused_by", "reason", "next_at"),
    *("waiting", "sent_at", "failed_at", "failure", "todos"),
]


@pytest.fixture
def office(shell: Shell) -> Shell:
    """With a group beside the mail, and a ledger that has run at ``NOW``."""
    (shell.folder / "schedules.yaml").write_text(SMALL.replace("units:\n", GROUP), "utf-8")
    assert shell("run", "--once", "--now", MONDAY).returncode == 0
    return shell


def ask(office: Shell, *words: str, after: timedelta = timedelta(), **environ: str) -> Any:
    moment = (NOW + after).isoformat()
    return office("channels", *words, DISPATCHER_NOW=moment, **environ)


def found(office: Shell, after: timedelta = timedelta()) -> dict[str, dict[str, Any]]:
    return {
        each["name"]: each
        for each in json.loads(ask(office, "--format", "json", after=after).stdout)
    }


def change(office: Shell, work: Callable[[Any], object]) -> None:
    engine = create_engine(f"sqlite:///{office.folder / 'var' / 'dispatcher.db'}")
    with engine.begin() as conn:
        work(conn)
    engine.dispose()


def test_each_channel_has_a_line_mail_first_in_local_time(office: Shell) -> None:
    done = ask(office)
    assert done.returncode == 0, done.stderr
    header, mail, group = (re.split("  +", line) for line in done.stdout.splitlines())
    assert header == HEADER
    assert mail == ["email", "email", "in use", "at once", "0", "2026-03-30 09:00"]
    assert group == ["办公群", "wecom", "in use", "at once", "0"]


def test_programs_get_the_same_as_json(office: Shell) -> None:
    mail = found(office)["email"]
    assert list(mail) == FIELDS
    assert {key: value for key, value in mail.items() if value is not None} == {
        "name": "email",
        "kind": "email",
        "state": "open",
        "next_at": "2026-03-30T09:00:00+08:00",
        "waiting": 0,
        "sent_at": "2026-03-30T09:00:00+08:00",
        "todos": {},
    }


def test_a_channel_is_stopped_and_let_go_by_somebody(office: Shell) -> None:
    done = ask(office, "pause", "办公群", "--by", "张三", "--note", "换密钥")
    assert (done.returncode, done.stdout) == (0, "channel '办公群' is paused\n")
    (line,) = (line for line in ask(office).stdout.splitlines() if line.startswith("办公群"))
    assert re.split("  +", line) == [
        "办公群",
        "wecom",
        "paused",
        "张三",
        "after 'resume'",
        "0",
        "换密钥",
    ]
    assert found(office)["办公群"] == dict.fromkeys(FIELDS) | {
        "name": "办公群",
        "kind": "wecom",
        "state": "paused",
        "paused_at": "2026-03-30T09:00:00+08:00",
        "paused_by": "张三",
        "reason": "换密钥",
        "waiting": 0,
        "todos": {},
    }
    assert found(office)["email"]["state"] == "open"
    done = ask(office, "resume", "办公群", "--by", "李四")
    assert (done.returncode, done.stdout) == (0, "channel '办公群' is resumed\n")
    assert found(office)["办公群"]["state"] == "open"


def test_a_second_time_the_answer_is_no(office: Shell) -> None:
    assert ask(office, "resume", "email", "--by", "张三").returncode == 1
    ask(office, "pause", "email", "--by", "张三")
    done = ask(office, "pause", "email", "--by", "李四")
    assert done.returncode == 1
    assert "was paused already" in done.stderr
    assert found(office)["email"]["paused_by"] == "张三"


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_an_unknown_channel_is_wrong_usage_and_the_nearest_is_named(
    office: Shell, command: str
) -> None:
    done = ask(office, command, "办公", "--by", "张三")
    assert (done.returncode, done.stdout) == (2, "")
    assert "办公群" in done.stderr


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_somebody_has_to_sign_for_it(office: Shell, command: str) -> None:
    assert ask(office, command, "email").returncode == 2


def test_a_paused_channel_lets_nothing_leave_and_shows_what_waits(office: Shell) -> None:
    ask(office, "pause", "email", "--by", "张三")
    before = office.mail()
    office("run", "--once", "--now", "2026-04-01T09:00+08:00")
    assert office.mail() == before
    assert found(office, timedelta(days=2))["email"]["waiting"] > 0
    ask(office, "resume", "email", "--by", "张三", after=timedelta(days=2))
    office("run", "--once", "--now", "2026-04-01T09:01+08:00")
    assert office.mail() != before


def test_a_channel_that_has_closed_itself_says_until_when_and_opens_by_itself(
    office: Shell,
) -> None:
    why = Text("too much")
    change(
        office,
        lambda conn: channels.close(
            conn, "办公群", why, channels.Closing(10 * MINUTE, fault=False), NOW
        ),
    )
    (line,) = (line for line in ask(office).stdout.splitlines() if line.startswith("办公群"))
    assert re.split("  +", line)[2:5] == ["paused", "dispatcher", "2026-03-30 09:10"]
    assert found(office)["办公群"]["paused_until"] == "2026-03-30T09:10:00+08:00"
    after = found(office, 10 * MINUTE)["办公群"]
    assert (after["state"], after["reason"], after["paused_by"]) == ("open", None, None)
    assert ask(office, "resume", "办公群", "--by", "张三", after=10 * MINUTE).returncode == 1


def test_a_budget_that_is_spent_shows_when_there_is_more(office: Shell) -> None:
    change(office, lambda conn: channels.spend(conn, "办公群", 20, timedelta(seconds=3), NOW))
    assert found(office)["办公群"]["next_at"] == "2026-03-30T09:01:00+08:00"
    assert "2026-03-30 09:01" in ask(office).stdout


def test_the_to_dos_of_a_channel_are_counted(office: Shell) -> None:
    row = {"assignment_id": 1, "round": 1, "channel": "办公群", "due_on": date(2026, 3, 31)}
    lost = {"state": "unknown", "reason": Text("x"), "settled_at": NOW}
    for number in range(3):
        more = {"account": f"{number}", "state": "open", "task": "t"}
        change(office, lambda conn, more=more: conn.execute(insert(todo).values(row | more)))
    change(office, lambda conn: conn.execute(insert(todo).values(row | lost | {"account": "9"})))
    assert found(office)["办公群"]["todos"] == {"open": 3, "unknown": 1}
    last = ask(office).stdout.splitlines()[-1]
    assert last == "to-dos by '办公群': on the lists 3, of unknown outcome 1"


def test_the_last_failure_is_shown_with_its_reason(shell: Shell) -> None:
    (shell.folder / "full").write_text("a file, not a folder")
    shell("run", "--once", "--now", MONDAY, DISPATCHER_MAILBOX="full")
    (mail,) = found(shell).values()
    assert (mail["sent_at"], mail["failed_at"]) == (None, "2026-03-30T09:00:00+08:00")
    assert mail["failure"]
    assert mail["failure"] in ask(shell).stdout


def test_the_columns_are_aligned_in_chinese_too(office: Shell) -> None:
    def columns(text: str) -> int:
        return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)

    done = ask(office, LANG="zh_CN.UTF-8")
    _header, mail, group = done.stdout.splitlines()
    assert columns(mail[: mail.rindex("email")]) == columns(group[: group.index("wecom")])
    assert columns(mail[: mail.index(" 0 ")]) == columns(group[: group.rindex(" 0")])


def test_where_there_is_no_ledger_yet_the_answer_is_no(shell: Shell) -> None:
    done = shell("channels")
    assert done.returncode == 1
    assert "no ledger yet" in done.stderr
