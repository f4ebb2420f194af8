"""The service as a user meets it: set up, run, held, answered, copied, stopped."""

from __future__ import annotations

import email
import errno
import json
import signal
import socket
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import policy
from pathlib import Path

import pytest

from dispatcher.dispatch.wording import titled
from tests.cli.conftest import Shell
from tests.naive import read

MONDAY = "2026-03-30T09:00+08:00"
"""The day before the quarter's and the month's end."""
ADDED = '  - {id: new, title: 新增, rows: [3], when: 每月, responsible: "区农办"}\n'


def body(path: Path) -> str:
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    found = message.get_body(("plain",))
    assert found
    return f"{message['Subject']}\n{found.get_content()}"


def test_one_pass_on_a_fresh_database_leaves_one_file_for_each_message(shell: Shell) -> None:
    done = shell("run", "--once", "--now", MONDAY)
    assert done.returncode == 0, done.stderr
    assert shell.mail() == [
        "20260330T090000-brief-office@example.com.eml",
        "20260330T090000-digest-office@example.com.eml",
        "20260330T090000-digest-tandong@example.com.eml",
        "20260330T090000-status-office@example.com.eml",
    ]
    assert "sent 4" in done.stdout
    assert "next: 2026-03-31 09:00" in done.stdout


def test_a_second_pass_at_the_same_moment_sends_nothing(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    before = shell.mail()
    assert "nothing to do" in shell("run", "--once", "--now", MONDAY).stdout
    assert shell.mail() == before


def test_the_go_live_day_of_the_shipped_calendar_leaves_what_the_corpus_lists(
    shipped: Shell,
) -> None:
    done = shipped("run", "--once", "--now", "2026-11-23T09:00+08:00")
    assert done.returncode == 0, done.stderr
    from dispatcher.bootstrap import read_calendar
    from dispatcher.settings import shipped as shipped_file

    plan = read_calendar(shipped_file("schedules.yaml"))
    wanted = defaultdict(set)
    for line in read("go-live-2026-11-23.csv"):
        for contact in plan.units[line["unit"]].contacts:
            title = titled(plan.duties[line["duty"]].title, line["period"])
            wanted[f"20261123T090000-digest-{contact.email}.eml"].add(title)
    office = [contact.email for contact in plan.units[plan.office].contacts]
    reports = {f"20261123T090000-{kind}-{to}.eml" for kind in ("brief", "status") for to in office}
    assert set(shipped.mail()) == set(wanted) | reports
    for name, titles in wanted.items():
        text = body(shipped.folder / "var" / "mailbox" / name)
        missing = {title for title in titles if title not in text}
        assert not missing, name
        numbered = [line for line in text.splitlines() if line.partition(".")[0].isdigit()]
        assert len(numbered) == len(titles), name


def test_a_dry_run_shows_what_would_be_sent_and_changes_nothing(shell: Shell) -> None:
    done = shell("run", "--dry-run", "--now", MONDAY)
    assert "tandong@example.com" in done.stdout
    assert "【提醒】潭东镇" in done.stdout
    assert "4 messages would be sent" in done.stdout
    assert shell.mail() == []
    assert "sent 4" in shell("run", "--once", "--now", MONDAY).stdout


def test_a_dry_run_leaves_an_older_ledger_to_the_program_that_works_by_it(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    with sqlite3.connect(shell.folder / "var" / "dispatcher.db") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0005'")
    done = shell("run", "--dry-run", "--now", MONDAY)
    assert done.returncode == 2
    assert "the database has schema 0005" in done.stderr
    with sqlite3.connect(shell.folder / "var" / "dispatcher.db") as conn:
        assert conn.execute("SELECT version_num FROM alembic_version").fetchone() == ("0005",)


def test_now_is_refused_where_mail_really_leaves(shell: Shell) -> None:
    done = shell("run", "--once", "--now", MONDAY, DISPATCHER_LIVE="1")
    assert done.returncode == 2
    assert "--now works only while mail goes to the mailbox" in done.stderr


@pytest.mark.parametrize("word", ["yesterday", "2026-03-30T09:00"])
def test_now_must_be_an_instant_with_its_offset(shell: Shell, word: str) -> None:
    assert shell("run", "--once", "--now", word).returncode == 2


def test_live_without_a_mail_server_is_refused(shell: Shell) -> None:
    done = shell("run", "--once", DISPATCHER_LIVE="1")
    assert done.returncode == 2
    assert "DISPATCHER_SMTP_URL" in done.stderr


def test_done_stops_the_chasing_of_that_unit_alone(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    done = shell("done", "housing/2026-Q1@潭东", "--by", "张三", "--yes")
    assert done.returncode == 0, done.stderr
    shell("run", "--once", "--now", "2026-04-01T09:00+08:00")
    mailbox = shell.folder / "var" / "mailbox"
    answered = body(mailbox / "20260401T090000-digest-tandong@example.com.eml")
    assert answered.startswith("【提醒】潭东镇:待办1项")
    assert "第一季度" not in answered
    silent = body(mailbox / "20260401T090000-digest-office@example.com.eml")
    assert silent.startswith("【催办】区农办:逾期2项")
    assert "住房排查(2026年第一季度)" in silent


def test_done_twice_is_harmless_and_says_so(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    command = ("done", "report/2026-03@区农办", "--by", "张三")
    assert shell(*command).stdout == "recorded: 1\n"
    assert shell(*command).stdout == "recorded: 0\nrecorded already: 1\n"


def test_done_takes_a_selection_and_shows_it_first(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    asked = shell("done", "--unit", "区农办", "--by", "张三")
    assert asked.returncode == 2
    assert "housing/2026-Q1@区农办" in asked.stdout
    assert "add --yes" in asked.stderr
    done = shell("done", "--unit", "区农办", "--duty", "report", "--by", "张三", "--yes")
    assert "recorded: 1" in done.stdout


def test_done_before_the_period_opens_enters_it(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    assert shell("done", "report/2026-09@区农办", "--by", "张三", "--yes").returncode == 0


def test_done_for_what_nobody_owes_is_refused(shell: Shell) -> None:
    shell("run", "--once", "--now", MONDAY)
    assert shell("done", "report/2026-03@潭东镇", "--by", "张三", "--yes").returncode == 1
    assert shell("done", "nonsense", "--by", "张三", "--yes").returncode == 2
    assert shell("done", "--by", "张三", "--yes").returncode == 2


def test_a_pause_holds_everything_and_what_was_missed_is_told_once_after_it(shell: Shell) -> None:
    shell("run", "--once", "--now", "2026-03-02T09:00+08:00")
    before = shell.mail()
    assert "paused" in shell("pause", "--reason", "系统迁移", "--by", "张三").stdout
    held = shell("run", "--once", "--now", MONDAY)
    assert "paused: 系统迁移" in held.stdout
    assert shell.mail() == before
    assert "resumed" in shell("resume", "--by", "张三").stdout
    shell("run", "--once", "--now", "2026-03-30T09:30+08:00")
    new = [name for name in shell.mail() if name.startswith("20260330T0930")]
    assert [name for name in new if "digest-tandong" in name] == [
        "20260330T093000-digest-tandong@example.com.eml"
    ]


def test_health_answers_no_before_the_first_pass_and_yes_after_it(shell: Shell) -> None:
    assert shell("health").returncode == 1
    shell("run", "--once", "--now", MONDAY)
    done = shell("health")
    assert done.returncode == 0, done.stdout
    shell("pause", "--reason", "x", "--by", "张三")
    assert shell("health").returncode == 1


def test_init_makes_a_folder_that_works_and_overwrites_nothing(shipped: Shell) -> None:
    assert shipped("init").returncode == 0
    for name in ("schedules.yaml", "schedules.schema.json", "templates/digest.txt", ".env.example"):
        assert (shipped.folder / name).exists(), name
    (shipped.folder / "schedules.yaml").write_text("changed")
    assert "left as it is" in shipped("init").stdout
    assert (shipped.folder / "schedules.yaml").read_text() == "changed"


def test_init_into_a_file_is_a_clear_error(shell: Shell) -> None:
    done = shell("init", "schedules.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("schedules.yaml: cannot be filled")


def test_health_names_whom_nobody_could_tell(shell: Shell) -> None:
    path = shell.folder / "schedules.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace(", email: tandong@example.com", ""), "utf-8")
    shell("run", "--once", "--now", MONDAY)
    done = shell("health")
    assert (done.returncode, "could not be told: 潭东镇" in done.stdout) == (1, True)


def test_the_offices_own_template_wins_and_a_broken_one_loses_nothing(shell: Shell) -> None:
    (shell.folder / "templates").mkdir()
    (shell.folder / "templates" / "digest.subject").write_text("{{ nonsense.x }}")
    shell("run", "--once", "--now", MONDAY)
    text = body(shell.folder / "var" / "mailbox" / "20260330T090000-digest-tandong@example.com.eml")
    assert "住房排查(2026年第一季度)" in text
    brief = body(shell.folder / "var" / "mailbox" / "20260330T090000-brief-office@example.com.eml")
    assert "信件模板有错" in brief


def wait_for(process: object, word: str) -> None:
    stdout = process.stdout  # type: ignore[attr-defined]
    for line in stdout:
        if word in line:
            return
    raise AssertionError(f"'{word}' was never said")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_daemon_says_what_it_did_and_what_comes_next_and_stops_cleanly(
    shell: Shell, number: signal.Signals
) -> None:
    with shell.start("run", "--now", MONDAY) as daemon:
        wait_for(daemon, "next: ")
        daemon.send_signal(number)
        assert daemon.wait(20) == 0
    assert len(shell.mail()) == 4


HANGING = """
import sys, time
from dispatcher import daemon
from dispatcher.channels.mailbox import Mailbox
from dispatcher.cli import main

def send(*_given):
    print("sending", flush=True)
    time.sleep(60)

daemon.STOP_DEADLINE = 0.2
Mailbox.send = send
sys.argv = ["dispatcher", "run", "--now", "2026-03-30T09:00+08:00"]
main()
"""


def test_a_daemon_that_cannot_finish_ends_at_once_and_its_lock_with_it(shell: Shell) -> None:
    program = [sys.executable, "-c", HANGING]
    with subprocess.Popen(
        program, cwd=shell.folder, env=shell.environ(), stdout=subprocess.PIPE, text=True
    ) as daemon:
        wait_for(daemon, "sending")
        daemon.terminate()
        assert daemon.wait(10) == 1
    assert shell("run", "--once", "--now", MONDAY).returncode == 0


@pytest.mark.parametrize("how", [("run",), ("run", "--once")])
def test_a_second_daemon_on_the_same_ledger_is_refused_and_told_whose_it_is(
    shell: Shell, how: tuple[str, ...]
) -> None:
    with shell.start("run", "--now", MONDAY) as daemon:
        wait_for(daemon, "next: ")
        second = shell(*how, "--now", MONDAY)
        daemon.terminate()
        assert daemon.wait(20) == 0
    assert second.returncode == 1
    assert f"process {daemon.pid}" in second.stderr


def test_a_second_daemon_is_refused_before_it_has_touched_the_ledger(shell: Shell) -> None:
    first = shell.start("run", "--now", MONDAY)
    try:
        assert first.stdout
        first.stdout.readline()
        with sqlite3.connect(shell.folder / "var/dispatcher.db") as ledger:
            ledger.execute("UPDATE alembic_version SET version_num = '0999'")
        ledger.close()
        found = shell("run", "--once", "--now", MONDAY)
        assert (found.returncode, "another daemon" in found.stderr) == (1, True)
    finally:
        first.kill()
        first.communicate()


ON_A_BAD_DISK = """
import sys
from dispatcher.cli import main, service
from dispatcher.ledger import database

why, tries = int(sys.argv[1]), int(sys.argv[2])

def lock(engine, real=database.single_daemon):
    global tries
    tries -= 1
    if tries >= 0:
        raise OSError(why, "bad")
    return real(engine)

database.single_daemon = lock
service.AGAIN, sys.argv[1:] = float(sys.argv[3]), sys.argv[4:]
main()
"""
"""The lock cannot be taken so many times: as on a read-only disk, but for one who is root, too."""


@contextmanager
def on_a_bad_disk(
    shell: Shell,
    *words: str,
    why: int = errno.EROFS,
    tries: int = 10**9,
    again: float = 60,
    **environ: str,
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_BAD_DISK, str(why), str(tries), str(again), *words],
        cwd=shell.folder,
        env=shell.environ(**environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def complaint(process: subprocess.Popen[str]) -> str:
    """The first line of what it says is wrong."""
    assert process.stderr
    return process.stderr.readline()


def test_a_daemon_that_starts_on_a_read_only_disk_begins_when_that_is_over(shell: Shell) -> None:
    with on_a_bad_disk(shell, "run", "--now", MONDAY, tries=3, again=0.01) as daemon:
        assert "cannot begin yet: the disk is read-only" in complaint(daemon)
        wait_for(daemon, "next: ")
        daemon.terminate()
        assert daemon.wait(20) == 0
        assert "stopping" in complaint(daemon)
    assert len(shell.mail()) == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_waits_for_its_disk_stops_at_once(
    shell: Shell, number: signal.Signals
) -> None:
    with on_a_bad_disk(shell, "run") as daemon:
        complaint(daemon)
        daemon.send_signal(number)
        assert daemon.wait(20) == 0


def test_systemd_hears_that_a_daemon_is_alive_that_waits_for_its_disk(shell: Shell) -> None:
    name = str(shell.folder / "systemd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name)
        systemd.settimeout(20)
        with on_a_bad_disk(shell, "run", NOTIFY_SOCKET=name):
            assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"


def test_what_is_no_fault_of_the_disk_is_not_waited_for(shell: Shell) -> None:
    with on_a_bad_disk(shell, "run", why=errno.ELOOP) as daemon:
        assert daemon.wait(20) == 1


def test_one_pass_does_not_wait_for_the_disk(shell: Shell) -> None:
    with on_a_bad_disk(shell, "run", "--once") as once:
        assert once.wait(20) == 2
        assert complaint(once).startswith("the disk is read-only")


def test_what_comes_next_is_said_in_the_zone_of_the_calendar_as_it_is_now(shell: Shell) -> None:
    path = shell.folder / "schedules.yaml"
    with shell.start("run", "--now", MONDAY) as daemon:
        wait_for(daemon, "next: 2026-03-31 09:00")
        text = path.read_text("utf-8").replace("plan: {", "plan: {timezone: Europe/London, ")
        path.write_text(text + ADDED, "utf-8")
        assert daemon.stdout
        said = daemon.stdout.readline()
        daemon.terminate()
        assert daemon.wait(20) == 0
    assert said.startswith("2026-03-30 02:0")


def test_a_secret_that_is_not_set_is_a_warning_until_mail_goes_live(shell: Shell) -> None:
    path = shell.folder / "schedules.yaml"
    channel = "channels: {工作群: {kind: wecom, key: '${WECOM_KEY}'}}\n"
    path.write_text(channel + path.read_text("utf-8"), "utf-8")
    assert "channel '工作群': WECOM_KEY is not set" in shell("check").stdout
    assert shell("run", "--once", "--now", MONDAY).returncode == 0
    live = shell("run", "--once", DISPATCHER_LIVE="1")
    assert (live.returncode, "WECOM_KEY is not set" in live.stderr) == (2, True)
    assert shell("check", WECOM_KEY="x").stdout.count("is not set") == 0


def test_a_jump_of_the_clock_is_said_and_a_person_may_end_the_hold(shell: Shell) -> None:
    shell("run", "--once")
    path = shell.folder / "var" / "clock.json"
    kept = json.loads(path.read_text())
    base = datetime.fromisoformat(kept["base"]["at"])
    kept["base"]["at"] = (base - timedelta(days=30)).isoformat()
    path.write_text(json.dumps(kept))
    held = shell("run", "--once")
    assert held.returncode == 1
    assert "nothing is done: the clock jumped forward by 30 days" in held.stderr
    asked = shell("health")
    assert (asked.returncode, "jumped forward by 30 days" in asked.stdout) == (1, True)
    assert "the clock is taken to be right from now on" in shell("resume", "--by", "张三").stdout
    assert shell("run", "--once").returncode == 0
    assert shell("health").returncode == 0
    assert shell("resume", "--by", "张三").stdout == "it was not paused\n"


def test_a_disk_that_takes_no_more_is_said_and_heals_by_itself(shell: Shell) -> None:
    """The real thing: the system refuses every write to a file."""
    shell("run", "--once", "--now", MONDAY)
    limited = subprocess.run(
        ["prlimit", "--fsize=0", sys.executable, "-m", "dispatcher", "run", "--once"],
        cwd=shell.folder,
        env=shell.environ(DISPATCHER_NOW="2026-04-01T09:00+08:00"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert limited.returncode == 2
    assert "the disk of the database fails" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert shell("run", "--once", "--now", "2026-04-01T09:00+08:00").returncode == 0


def test_a_refusal_at_the_start_names_the_fix(shell: Shell) -> None:
    (shell.folder / "etc").mkdir(mode=0o755)
    secret = shell.folder / "etc" / "url"
    secret.write_text("smtps://u:canary@mail.example.com")
    secret.chmod(0o644)
    done = shell("run", "--once", DISPATCHER_SMTP_URL_FILE="etc/url")
    assert done.returncode == 2
    assert f"chmod 600 {secret}" in done.stderr
