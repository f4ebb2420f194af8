"""Colour slips as a clerk meets them: list, show, release, make void."""

from __future__ import annotations

import csv
import io
import json
import sqlite3

import pytest

from tests.cli.conftest import SMALL, Shell

LADDER = """\
ladder:
  number: 农督〔{year}〕{number}号
  rungs:
    - {colour: 蓝, name: 蓝色提醒单, after: 3wd, to: [owner], answer: 3wd, demand: 请抓紧办理。}
"""
DAYS = ("2026-03-31T09:00+08:00", "2026-04-03T09:00+08:00")
"""The quarter and the month are due on Tuesday 31 March; three workdays later is Friday 3 April."""
NOW = "2026-04-03T10:00+08:00"


@pytest.fixture
def desk(shell: Shell) -> Shell:
    """With a slip drafted on each of the three assignments: 1 and 2 of housing, 3 of report."""
    calendar = SMALL.replace("units:\n", "calendar: {holidays: none}\n" + LADDER + "units:\n", 1)
    (shell.folder / "schedules.yaml").write_text(calendar, "utf-8")
    for day in DAYS:
        done = shell("run", "--once", "--now", day)
        assert done.returncode == 0, done.stderr
    assert "slips drafted 3" in done.stdout
    return shell


def slip(desk: Shell, *words: str, **environ: str) -> str:
    """What a command says that goes well."""
    done = desk("slip", *words, DISPATCHER_NOW=NOW, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(desk: Shell, *words: str) -> list[dict[str, object]]:
    return json.loads(slip(desk, "list", "--format", "json", *words))


def letters(desk: Shell) -> list[str]:
    return [name for name in desk.mail() if "-slip-" in name]


def test_drafts_are_listed_without_a_number(desk: Shell) -> None:
    lines = slip(desk, "list").splitlines()
    assert len(lines) == 4
    assert lines[1].split() == [
        *("1", "蓝色提醒单", "housing/2026-Q1@区农办", "住房排查", "draft", "2026-04-03"),
    ]


def test_a_release_is_numbered_and_sent_with_the_next_pass(desk: Shell) -> None:
    said = slip(desk, "release", "2", "1", "--by", "张三", "--note", "领导同意")
    assert said.splitlines() == [
        "slip 2: released as 农督〔2026〕1号, to tandong@example.com",
        "slip 1: released as 农督〔2026〕2号, to office@example.com",
    ]
    assert letters(desk) == []
    desk("run", "--once", "--now", "2026-04-03T10:05+08:00")
    assert letters(desk) == [
        "20260403T100000-slip-office@example.com.eml",
        "20260403T100000-slip-tandong@example.com.eml",
    ]


def test_a_slip_is_shown_as_it_was_released_with_its_deliveries(desk: Shell) -> None:
    assert "(草稿,未编号)" in slip(desk, "show", "2")
    slip(desk, "release", "2", "--by", "张三")
    desk("run", "--once", "--now", "2026-04-03T10:05+08:00")
    shown = slip(desk, "show", "2")
    assert "released 2026-04-03 10:00 by 张三 as 农督〔2026〕1号" in shown
    assert "to be answered by 2026-04-08" in shown
    [delivery] = [line.split() for line in shown.splitlines() if "tandong@" in line]
    assert delivery[1:] == ["tandong@example.com", "sent", "2026-04-03", "10:05"]
    database = sqlite3.connect(desk.folder / "var" / "dispatcher.db")
    [(text,)] = database.execute("SELECT text FROM slip WHERE id = 2")
    database.close()
    assert shown.endswith(text)


def test_a_second_release_says_so(desk: Shell) -> None:
    slip(desk, "release", "1", "--by", "张三")
    assert "released already as 农督〔2026〕1号" in slip(desk, "release", "1", "--by", "王五")
    assert [row["released_by"] for row in rows(desk, "--state", "released")] == ["张三"]


def test_a_release_needs_a_name(desk: Shell) -> None:
    assert desk("slip", "release", "1").returncode == 2


def test_what_was_answered_is_refused_and_nothing_else_released_with_it(desk: Shell) -> None:
    desk("report", "housing/2026-Q1@潭东镇", "--by", "王工", DISPATCHER_NOW=NOW)
    done = desk("slip", "release", "1", "2", "--by", "张三", DISPATCHER_NOW=NOW)
    assert done.returncode == 1
    assert "slip 2 has lost its cause: answered: reported, by 王工" in done.stderr
    assert rows(desk, "--state", "released") == []


def test_a_void_slip_keeps_its_number_in_the_list_of_its_year(desk: Shell) -> None:
    slip(desk, "release", "1", "2", "--by", "张三")
    said = slip(desk, "void", "1", "--by", "李四", "--note", "重复")
    assert said == "slip 1 is void; its number 农督〔2026〕1号 stays used\n"
    slip(desk, "release", "3", "--by", "张三")
    numbered = [
        (row["number"], row["state"], row["reason"]) for row in rows(desk, "--year", "2026")
    ]
    assert numbered == [(1, "void", "李四: 重复"), (2, "released", None), (3, "released", None)]
    assert slip(desk, "void", "1", "--by", "李四", "--note", "重复") == "slip 1 was void already\n"


def test_who_has_had_a_void_slip_is_named(desk: Shell) -> None:
    slip(desk, "release", "2", "--by", "张三")
    desk("run", "--once", "--now", "2026-04-03T10:05+08:00")
    said = slip(desk, "void", "2", "--by", "李四", "--note", "重复")
    assert "they have it already, let them know: tandong@example.com" in said


def test_the_list_is_csv_that_a_spreadsheet_reads_as_text(desk: Shell) -> None:
    lines = list(csv.DictReader(io.StringIO(slip(desk, "list", "--format", "csv"))))
    assert [(line["id"], line["title"], line["code"]) for line in lines] == [
        *(("1", "住房排查", ""), ("2", "住房排查", ""), ("3", "'=报告", "")),
    ]


def test_an_unknown_slip_is_refused(desk: Shell) -> None:
    done = desk("slip", "show", "9", DISPATCHER_NOW=NOW)
    assert done.returncode == 1
    assert "no slip 9" in done.stderr


def test_without_slips_the_list_says_so(shell: Shell) -> None:
    shell("run", "--once", "--now", DAYS[0])
    assert slip(shell, "list") == "no slips\n"
