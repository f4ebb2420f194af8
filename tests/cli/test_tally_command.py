"""What was owed in a quarter, and what became of it."""

from __future__ import annotations

import json

from tests.cli.conftest import Shell

APRIL = {"DISPATCHER_NOW": "2026-04-02T09:00+08:00"}


def at(shell: Shell, now: str, *words: str) -> str:
    done = shell(*words, DISPATCHER_NOW=now)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_quarter_is_counted_by_unit_and_in_all(shell: Shell) -> None:
    at(shell, "2026-01-05T09:00+08:00", "run", "--once")
    at(shell, "2026-01-30T10:00+08:00", "done", "report/2026-01@区农办", "--by", "张三")
    at(
        shell,
        "2026-02-26T10:00+08:00",
        "waive",
        "report/2026-02@区农办",
        "--by",
        "张三",
        "--note",
        "合并",
    )
    at(shell, "2026-03-30T10:00+08:00", "report", "housing/2026-Q1@潭东镇", "--by", "张三")
    at(shell, "2026-04-02T09:00+08:00", "run", "--once")
    found = json.loads(
        at(shell, APRIL["DISPATCHER_NOW"], "tally", "--period", "2026-Q1", "--format", "json")
    )
    assert found == [
        {"unit": "区农办", "owed": 4, "done": 1, "waived": 1, "reported": 0, "open": 2,
         "overdue": 2, "lapsed": 0, "rate": 33.3},
        {"unit": "潭东镇", "owed": 1, "done": 0, "waived": 0, "reported": 1, "open": 0,
         "overdue": 0, "lapsed": 0, "rate": 0.0},
    ]  # fmt: skip
    last = at(shell, APRIL["DISPATCHER_NOW"], "tally", "--period", "2026-Q1").splitlines()[-1]
    assert last.split() == ["together", "5", "1", "1", "1", "2", "2", "0", "25.0"]


def test_what_was_withdrawn_is_not_counted_as_owed(shell: Shell) -> None:
    at(shell, "2026-01-05T09:00+08:00", "run", "--once")
    taken_back = ("withdraw", "housing/2026-Q1@潭东镇", "--by", "张三", "--note", "合并")
    at(shell, "2026-01-05T10:00+08:00", *taken_back)
    said = at(shell, APRIL["DISPATCHER_NOW"], "tally", "--period", "2026-Q1", "--format", "csv")
    assert [line.split(",")[0] for line in said.splitlines()] == ["unit", "区农办"]


def test_a_stretch_without_duties_says_so_and_a_wrong_one_is_wrong_usage(shell: Shell) -> None:
    at(shell, "2026-01-05T09:00+08:00", "run", "--once")
    said = at(shell, "2026-01-05T09:00+08:00", "tally", "--period", "2025")
    assert said == "nothing was owed in 2025\n"
    assert shell("tally", "--period", "sometime").returncode == 2


def test_without_a_ledger_there_is_nothing_to_count(shell: Shell) -> None:
    assert shell("tally").returncode == 1
