"""What the commands that ask the calendar print, and how they end."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import unicodedata
from contextlib import closing

import pytest

from tests.cli.conftest import Shell


def test_a_good_file_is_in_order_and_its_coverage_is_printed(shell: Shell) -> None:
    done = shell("check", DISPATCHER_NOW="2026-06-01T09:00+08:00")
    assert done.returncode == 0
    assert "2/2" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_bad_file_ends_with_2_and_names_every_place(shell: Shell) -> None:
    path = shell.folder / "schedules.yaml"
    path.write_text(
        path.read_text("utf-8").replace("每季度", "每季渡").replace("office:", "ofice:")
    )
    done = shell("check")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert any(line.startswith("schedules.yaml:1:19: unknown key 'ofice'") for line in lines)
    assert any("schedules.yaml:6:" in line and "duty 'housing'" in line for line in lines)


def test_a_missing_file_is_a_clear_error(shell: Shell) -> None:
    done = shell("check", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml cannot be read" in done.stderr


def test_a_file_that_is_not_utf8_names_the_line(shell: Shell) -> None:
    (shell.folder / "gbk.yaml").write_bytes("plan:\n  title: 标题\n".encode("gbk"))
    done = shell("check", "gbk.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("gbk.yaml:2:1: not UTF-8")


def test_upcoming_json_is_an_array_sorted_by_due_date_with_reminders_and_offsets(
    shell: Shell,
) -> None:
    done = shell("upcoming", "--from", "2026-01-01", "--to", "2026-03-31", "--format", "json")
    found = json.loads(done.stdout)
    assert [(entry["duty"], entry["due"]) for entry in found] == [
        ("report", "2026-01-30"),
        ("report", "2026-02-28"),
        ("housing", "2026-03-31"),
        ("report", "2026-03-31"),
    ]
    housing = found[2]
    assert housing["units"] == ["区农办", "潭东镇"]
    assert housing["lead"] == ["区农办"]
    assert housing["nominal_due"] == "2026-03-31"
    assert housing["reminders"] == [
        {"step": "open", "at": "2026-01-04T09:00:00+08:00"},
        {"step": "T-15", "at": "2026-03-16T09:00:00+08:00"},
        {"step": "T-3", "at": "2026-03-27T09:00:00+08:00"},
        {"step": "T", "at": "2026-03-31T09:00:00+08:00"},
        {"step": "T+1", "at": "2026-04-01T09:00:00+08:00"},
        {"step": "T+3", "at": "2026-04-03T09:00:00+08:00"},
        {"step": "T+8", "at": "2026-04-13T09:00:00+08:00", "every": "5wd"},
    ]


def test_upcoming_csv_opens_in_a_spreadsheet_without_running_formulas(shell: Shell) -> None:
    done = shell("upcoming", "--from", "2026-01-01", "--days", "40", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows[0]["title"] == "'=报告"
    assert rows[0]["reminders"].startswith("open 2026-01-04T09:00:00+08:00; T-7 ")


def test_upcoming_takes_an_alias_for_a_unit(shell: Shell) -> None:
    done = shell("upcoming", "--from", "2026-01-01", "--days", "100", "--unit", "潭东",
               "--format", "json")  # fmt: skip
    assert {entry["duty"] for entry in json.loads(done.stdout)} == {"housing"}


def test_an_unknown_unit_or_duty_names_the_nearest(shell: Shell) -> None:
    assert "nearest: 潭东镇" in shell("upcoming", "--unit", "潭冬镇").stderr
    done = shell("why", "housin")
    assert done.returncode == 2
    assert "nearest: housing" in done.stderr


def test_columns_are_aligned_in_spite_of_wide_characters(shell: Shell) -> None:
    done = shell("upcoming", "--from", "2026-01-01", "--days", "100")
    starts = set()
    for line in done.stdout.splitlines()[1:-1]:
        column = 0
        for letter in line[: line.index("2026-", 11)]:
            column += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        starts.add(column)
    assert len(starts) == 1


def test_nothing_is_coloured_unless_it_goes_to_a_terminal(shell: Shell) -> None:
    assert "\x1b" not in shell("check").stdout


def test_why_says_that_a_month_lies_in_the_vacation(shipped: Shell) -> None:
    done = shipped("why", "dropout-check", "2023-07")
    assert done.returncode == 0
    assert "2023年暑假 leaves 0 workdays from 2023-07-01 to 2023-07-31" in done.stdout


def test_why_for_a_period_that_does_not_exist_answers_no(shipped: Shell) -> None:
    done = shipped("why", "dropout-check", "2023-13")
    assert done.returncode == 1
    assert "nearest: 2023-12" in done.stderr


def test_explain_shows_the_dates_of_a_phrase_before_anybody_edits(shipped: Shell) -> None:
    done = shipped("explain", "每季度末月25日前", "--year", "2026")
    assert "2026-Q3  2026-09-24 (nominally 2026-09-25)" in done.stdout
    assert shipped("explain", "每季渡").returncode == 2


def test_wrong_usage_ends_with_2(shell: Shell) -> None:
    assert shell("upcoming", "--days", "x").returncode == 2
    assert shell("upcoming", "--days", "3", "--to", "2026-01-01").returncode == 2
    assert shell("nonsense").returncode == 2


def test_the_commands_speak_chinese_under_a_chinese_locale(shell: Shell) -> None:
    done = shell("upcoming", "--from", "2026-01-01", "--days", "40", LANG="zh_CN.UTF-8")
    assert "时限" in done.stdout
    assert "牵头" in done.stdout
    assert "用法" in shell("--help", LANG="zh_CN.UTF-8").stdout


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "upcoming nobody",
            "upcoming one two",
            "upcoming --days",
            "upcoming --t 3",
            "upcoming --nix",
        ),
        *("upcoming --format nix", "upcoming --days nix", "upcomin", "nix", "import", "explain"),
    ],
)
def test_what_was_typed_wrongly_is_said_in_chinese_alone(shell: Shell, typed: str) -> None:
    done = shell(*typed.split(), LANG="zh_CN.UTF-8")
    assert done.returncode == 2
    said = done.stderr.partition("错误:")[2]
    own = re.sub("|".join(["'[^']*'", *typed.split()]), "", said)
    assert own.strip()
    assert not re.search("[a-z]{2}", own), said


def test_a_mistyped_mail_address_is_named_with_its_place(shell: Shell) -> None:
    path = shell.folder / "schedules.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("tandong@example.com", "tandong#example.com"), "utf-8")
    done = shell("check")
    assert done.returncode == 2
    assert done.stderr.startswith("schedules.yaml:4:53: 'tandong#example.com' should be one mail")


def test_why_without_a_period_says_why_there_is_none(shipped: Shell) -> None:
    waiting = shipped("why", "asset-registration")
    assert (waiting.returncode, "waits for an event: 验收结算" in waiting.stderr) == (1, True)
    ended = shipped("why", "village-renovation")
    assert (ended.returncode, "ended on 2023-12-31" in ended.stderr) == (1, True)


def test_a_file_that_is_gone_is_not_answered_by_the_sample(shell: Shell) -> None:
    assert shell("run", "--once").returncode == 0
    (shell.folder / "schedules.yaml").unlink()
    for words in (["upcoming"], ["check"], ["explain", "每月"], ["rehearse"]):
        asked = shell(*words)
        assert (asked.returncode, "is gone" in asked.stderr) == (2, True), (words, asked)
    doctor = shell("doctor")
    assert (doctor.returncode, "is gone" in doctor.stdout) == (2, True)
    with closing(sqlite3.connect(shell.folder / "var/dispatcher.db")) as ledger, ledger:
        ledger.execute("UPDATE revision SET calendar = replace(calendar, '每月', '每明')")
    run = shell("run", "--once")
    assert (run.returncode, "is gone" in run.stderr) == (2, True), run


def test_a_stretch_that_ends_before_it_begins_is_wrong_usage(shell: Shell) -> None:
    asked = shell("upcoming", "--from", "2026-03-01", "--to", "2026-02-01")
    assert (asked.returncode, "lies before" in asked.stderr) == (2, True)
