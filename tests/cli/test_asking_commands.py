"""What the commands that ask the ledger print, and how they end.

The last pass was on Monday, 30 March; it is Thursday, 2 April, and everything is two days late.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.cli.conftest import Shell

MONDAY = "2026-03-30T09:00+08:00"


@pytest.fixture
def office(shell: Shell) -> Shell:
    done = shell("run", "--once", "--now", MONDAY)
    assert done.returncode == 0, done.stderr
    (shell.folder / ".env").write_text("DISPATCHER_NOW=2026-04-02T10:00+08:00")
    return shell


def say(office: Shell, *words: str) -> str:
    done = office(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked(office: Shell, *words: str) -> Any:
    return json.loads(say(office, *words, "--format", "json"))


def change(office: Shell, *statements: str) -> None:
    """Changes the ledger as somebody with the file in his hands would."""
    with closing(sqlite3.connect(office.folder / "var" / "dispatcher.db")) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            raw.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            raw.execute(statement)
        raw.commit()


UNKNOWN = (
    "UPDATE message SET state = 'unknown' WHERE id = 2",
    "UPDATE attempt SET outcome = 'unknown' WHERE message_id = 2",
)


def test_who_only_asks_makes_no_ledger(shell: Shell) -> None:
    for words in (["status"], ["outbox", "show", "1"], ["audit", "verify"], ["duplicates"]):
        done = shell(*words)
        assert (done.returncode, "there is no ledger yet" in done.stderr) == (1, True)
    assert shell("why", "housing", "2026-Q1").returncode == 0
    assert not (shell.folder / "var").exists()


def test_who_only_asks_changes_no_ledger_and_waits_for_nobody(office: Shell) -> None:
    path = office.folder / "var" / "dispatcher.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("UPDATE installation SET held_by = 'nobody'")
        for words in (["status"], ["why", "housing", "2026-Q1"], ["audit", "verify"], ["outbox"]):
            say(office, *words)
        raw.rollback()


def test_a_ledger_of_another_program_is_not_touched_and_the_way_out_is_named(
    office: Shell,
) -> None:
    change(office, "UPDATE alembic_version SET version_num = '0000'")
    done = office("status")
    assert (done.returncode, "has schema 0000" in done.stderr) == (2, True)
    with closing(sqlite3.connect(office.folder / "var" / "dispatcher.db")) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("0000",)


def test_status_shows_what_is_open_with_its_colour_as_a_word(office: Shell) -> None:
    printed = say(office, "status")
    line = next(line for line in printed.splitlines() if "housing/2026-Q1@潭东镇" in line)
    assert line.split()[1:6] == ["住房排查", "responsible", "2026-03-31", "pending", "red"]
    assert "3 shown" in printed


def test_status_is_filtered_by_unit_duty_period_state_and_colour(office: Shell) -> None:
    say(office, "report", "housing/2026-Q1@潭东", "--by", "张三", "--yes")
    keys = {
        "": ["housing/2026-Q1@区农办", "report/2026-03@区农办", "housing/2026-Q1@潭东镇"],
        "--unit 潭东": ["housing/2026-Q1@潭东镇"],
        "--duty report": ["report/2026-03@区农办"],
        "--period 2026-Q1 --state reported": ["housing/2026-Q1@潭东镇"],
        "--colour 红": ["housing/2026-Q1@区农办", "report/2026-03@区农办"],
        "--colour red --unit 潭东": [],
    }
    for words, wanted in keys.items():
        found = asked(office, "status", *words.split())
        assert sorted(each["assignment"] for each in found) == sorted(wanted), words


@pytest.mark.parametrize(
    "now, colour", [("2026-03-24", "blue"), ("2026-03-31", "yellow"), ("2026-04-01", "red")]
)
def test_the_colour_follows_the_day(office: Shell, now: str, colour: str | None) -> None:
    (office.folder / ".env").write_text(f"DISPATCHER_NOW={now}T09:00+08:00")
    [found] = asked(office, "status", "--unit", "潭东")
    assert found["colour"] == colour


def test_status_json_says_who_answered_and_how_late_it_is(office: Shell) -> None:
    say(office, "ack", "housing/2026-Q1@潭东", "--by", "张三", "--yes")
    [found] = asked(office, "status", "--unit", "潭东")
    assert (found["state"], found["answered_by"], found["colour"]) == (
        "acknowledged",
        "张三",
        "red",
    )
    assert found["answered_at"].endswith("+08:00")
    assert found["overdue_days"] == 2


def test_status_goes_on_where_the_page_before_ended(office: Shell) -> None:
    first = say(office, "status", "--limit", "2")
    place = first.splitlines()[-1].removeprefix("more: ").split()
    rest = asked(office, "status", *place)
    assert len(rest) == 1
    assert rest[0]["assignment"] not in first
    second = office("status", "--limit", "2", "--format", "json")
    assert (len(json.loads(second.stdout)), second.stderr.strip()) == (
        2,
        " ".join(["more:", *place]),
    )


def test_status_csv_opens_in_a_spreadsheet_without_running_formulas(office: Shell) -> None:
    rows = list(csv.DictReader(io.StringIO(say(office, "status", "--format", "csv"))))
    assert {row["title"] for row in rows} == {"住房排查", "'=报告"}


def test_status_of_a_unit_that_nobody_knows_names_the_nearest(office: Shell) -> None:
    done = office("status", "--unit", "潭冬镇")
    assert (done.returncode, "nearest: 潭东镇" in done.stderr) == (2, True)
    assert office("status", "--after", "x").returncode == 2


def test_status_still_finds_a_unit_and_a_duty_that_the_plan_has_lost(office: Shell) -> None:
    path = office.folder / "schedules.yaml"
    text = path.read_text("utf-8").replace("潭东镇", "潭西镇").replace("aliases: [潭东], ", "")
    path.write_text(text.replace("id: housing", "id: houses"), "utf-8")
    found = asked(office, "status", "--unit", "潭东镇", "--duty", "housing")
    assert [each["assignment"] for each in found] == ["housing/2026-Q1@潭东镇"]


def test_status_speaks_chinese_under_a_chinese_locale(office: Shell) -> None:
    printed = office("status", LANG="zh_CN.UTF-8").stdout
    assert "待办" in printed
    assert "红" in printed


def test_why_goes_on_to_the_ledger(office: Shell) -> None:
    printed = say(office, "why", "housing", "2026-Q1")
    assert "'每季度': once every quarter" in printed
    assert "潭东镇  pending, due 2026-03-31, last told T-3 on 2026-03-30 09:00" in printed
    alone = say(office, "why", "housing", "2026-Q1", "--unit", "潭东")
    assert "T-3 told to 潭东镇: message 2 on email to tandong@example.com, sent" in alone
    assert "T-15 not told to 潭东镇: superseded by T-3" in alone


def test_why_of_what_the_plan_has_lost_prints_what_the_ledger_has(office: Shell) -> None:
    path = office.folder / "schedules.yaml"
    path.write_text(path.read_text("utf-8").replace("id: housing", "id: houses"), "utf-8")
    assert office("run", "--once").returncode == 1  # it would withdraw what was told
    say(office, "apply", "--yes")
    say(office, "run", "--once")
    printed = say(office, "why", "housing", "2026-Q1")
    assert printed.startswith("住房排查 (housing/2026-Q1)\nnot in the plan: unknown duty 'housing'")
    assert "withdrawn" in printed
    assert office("why", "nonsense").returncode == 2
    assert office("why", "houses", "1999-Q1").returncode == 1


def test_the_outbox_lists_the_newest_last_and_by_state_unit_and_kind(office: Shell) -> None:
    change(office, *UNKNOWN)
    everything = [each["id"] for each in asked(office, "outbox")]
    assert everything == sorted(everything)
    assert [each["id"] for each in asked(office, "outbox", "--state", "unknown")] == [2]
    assert [each["id"] for each in asked(office, "outbox", "--unit", "潭东")] == [2]
    kinds = {each["kind"] for each in asked(office, "outbox", "--unit", "区农办")}
    assert kinds == {"digest", "status", "brief"}
    assert {each["kind"] for each in asked(office, "outbox", "--kind", "brief")} == {"brief"}
    page = office("outbox", "--limit", "1", "--before", "3")
    assert page.stdout.splitlines()[1].startswith("2 ")
    assert "more: --before 2" in page.stdout


def test_a_message_is_shown_as_it_was_sent(office: Shell) -> None:
    printed = say(office, "outbox", "show", "2")
    assert "address: tandong@example.com (email)" in printed
    assert "subject: 【提醒】潭东镇" in printed
    assert "attempt 1 on 2026-03-30 09:00: sent" in printed
    assert "holds housing/2026-Q1@潭东镇 T-3 for 潭东镇: told" in printed
    assert "截至3月30日(周一)9时,你单位以下事项尚未办结" in printed
    assert office("outbox", "show", "99").returncode == 1


@pytest.mark.parametrize(
    "words",
    [
        ("outbox", "show", str(2**63)),
        ("slip", "show", str(2**63)),
        ("outbox", "--limit", str(2**63)),
        ("status", "--after", f"2026-03-31.{2**63}"),
        ("audit", "--since", "0001-01-01"),
    ],
)
def test_a_number_that_no_ledger_holds_is_wrong_usage(office: Shell, words: list[str]) -> None:
    wrong = office(*words)
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    assert words[-1] in wrong.stderr


def test_a_message_that_is_not_composed_yet_says_so(office: Shell) -> None:
    change(
        office,
        "UPDATE message SET state = 'queued', subject = NULL, text = NULL, attempts = 0,"
        " next_attempt_at = settled_at, settled_at = NULL WHERE id = 2",
    )
    assert "not composed yet" in say(office, "outbox", "show", "2")
    assert "not composed yet" in say(office, "outbox", "--state", "queued")


def test_a_retried_message_leaves_with_the_next_pass_and_is_listed_as_possible_duplicate(
    office: Shell,
) -> None:
    change(office, *UNKNOWN)
    (office.folder / ".env").write_text("DISPATCHER_NOW=2026-03-30T10:00+08:00")
    assert "nothing can have come twice" in say(office, "duplicates")
    first = say(office, "outbox", "retry", "2", "--by", "张三", "--note", "没收到")
    assert "message 2 is queued again" in first
    assert "it is so already" in say(office, "outbox", "retry", "2", "--by", "张三")
    say(office, "run", "--once")
    printed = say(office, "duplicates")
    assert "the outcome of attempt 1 on 2026-03-30 09:00 is unknown" in printed
    assert office("outbox", "retry", "2", "--by", "张三").returncode == 1


def test_what_was_found_out_about_a_message_is_recorded_once(office: Shell) -> None:
    change(office, *UNKNOWN)
    assert office("outbox", "resolve", "2", "--by", "张三").returncode == 2
    assert "counts as failed" in say(office, "outbox", "resolve", "2", "--lost", "--by", "张三")
    assert "it is so already" in say(office, "outbox", "resolve", "2", "--lost", "--by", "张三")
    refused = office("outbox", "resolve", "2", "--arrived", "--by", "张三")
    assert (refused.returncode, "message 2 is failed" in refused.stderr) == (1, True)
    assert "found to be lost" in say(office, "audit", "--subject", "message#2")


def test_the_audit_lists_who_changed_what_and_why(office: Shell) -> None:
    say(office, "waive", "housing/2026-Q1@潭东", "--by", "张三", "--note", "=不涉及", "--yes")
    found = asked(office, "audit", "--by", "张三")
    assert [(each["action"], each["subject"], each["reason"]) for each in found] == [
        ("waived", "housing/2026-Q1@潭东镇", "=不涉及")
    ]
    assert asked(office, "audit", "--by", "张三", "--since", "2099-01-01") == []
    printed = say(office, "audit", "--subject", "housing", "--format", "csv")
    assert "'=不涉及" in printed
    assert "waived" in say(office, "audit").splitlines()[-1]


def test_the_audit_is_sealed_by_each_pass_and_a_change_in_it_is_found(office: Shell) -> None:
    printed = say(office, "audit", "verify")
    assert "sealed 1, waiting for the next pass 0" in printed
    assert "note the head elsewhere" in printed
    head = printed.partition("head: ")[2].split()[0]
    say(office, "waive", "housing/2026-Q1@潭东", "--by", "张三", "--note", "x", "--yes")
    assert "waiting for the next pass 1" in say(office, "audit", "verify", "--head", head)
    change(office, "UPDATE audit SET actor = '李四' WHERE id = 1")
    broken = office("audit", "verify")
    assert (broken.returncode, "entry 1: its content is not" in broken.stderr) == (1, True)


def test_an_end_that_was_cut_off_shows_by_the_head_that_was_noted(office: Shell) -> None:
    head = say(office, "audit", "verify").partition("head: ")[2].split()[0]
    assert "is in the chain" in say(office, "audit", "verify", "--head", head)
    change(office, "DELETE FROM audit")
    assert office("audit", "verify").returncode == 0
    cut = office("audit", "verify", "--head", head)
    assert (cut.returncode, f"{head} is not in the chain" in cut.stderr) == (1, True)


def test_an_export_holds_what_is_needed_to_compute_the_chain_again(office: Shell) -> None:
    say(office, "waive", "housing/2026-Q1@潭东", "--by", "张三", "--note", "x", "--yes")
    say(office, "run", "--once")
    entries = json.loads(say(office, "audit", "export", "--format", "json"))
    names = ("id", "at", "actor", "action", "subject", "detail", "packed_reason")
    before = ""
    for entry in entries:
        row = [entry[name] for name in names]
        said = before + json.dumps(row, sort_keys=True, separators=(",", ":"))
        before = hashlib.sha256(said.encode()).hexdigest()
        assert entry["hash"] == before
    rows = list(csv.DictReader(io.StringIO(say(office, "audit", "export"))))
    assert [row["hash"] for row in rows] == [entry["hash"] for entry in entries]
    assert len(rows) == 2


def test_an_export_of_nothing_is_an_empty_array(office: Shell) -> None:
    change(office, "DELETE FROM audit")
    assert json.loads(say(office, "audit", "export", "--format", "json")) == []
