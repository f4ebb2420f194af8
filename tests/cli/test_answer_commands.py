"""Answers on the command line: each command end to end, its words and its exit code.

The commands read the real clock, so what they answer is next month's report, whenever that is.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.clock import system_clock
from tests.cli.conftest import Shell

TODAY = system_clock().date()
NEXT = (TODAY.replace(day=1) + timedelta(days=40)).replace(day=1)
KEY = f"report/{NEXT:%Y-%m}@区农办"
LATER = str(NEXT + timedelta(days=70))
BY = ("--by", "张三")
PTY = """\
import os, pty, sys
pid, terminal = pty.fork()
if not pid:
    os.execv(sys.executable, [sys.executable, "-m", "dispatcher", *sys.argv[2:]])
os.write(terminal, sys.argv[1].encode())
shown = b""
try:
    while piece := os.read(terminal, 4096):
        shown += piece
except OSError:
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
MEASURED = """\
  - {id: rate, title: 参保, rows: [3], when: 每月, responsible: 潭东镇,
     measures: [{name: 参保率, target: ≥99%}]}
"""


def asked(shell: Shell, query: str) -> list[tuple[Any, ...]]:
    """Rows of the ledger."""
    with sqlite3.connect(next(shell.folder.glob("var/*.db"))) as conn:
        return conn.execute(query).fetchall()


def state(shell: Shell) -> str:
    [(found,)] = asked(shell, "SELECT state FROM assignment WHERE unit = '区农办'")
    return str(found)


def housing(shell: Shell) -> str:
    """The period of a quarter that has not opened yet, both of whose units have acknowledged it."""
    ahead = (NEXT + timedelta(days=95)).replace(day=1)
    period = f"{ahead.year}-Q{(ahead.month + 2) // 3}"
    for unit in ("区农办", "潭东"):
        assert shell("ack", f"housing/{period}@{unit}", *BY).returncode == 0
    return period


@pytest.mark.parametrize(
    "route, became",
    [
        ([["ack"]], "acknowledged"),
        ([["report"]], "reported"),
        ([["done"]], "done"),
        ([["report"], ["return", "--note", "缺附件"]], "returned"),
        ([["extend", "ask", "--note", "忙", "--to", LATER], ["extend", "grant"]], "pending"),
        (
            [
                ["extend", "ask", "--note", "忙", "--to", LATER],
                ["extend", "refuse", "--note", "不"],
            ],
            "pending",
        ),
        ([["waive", "--note", "不涉及"]], "waived"),
        ([["withdraw", "--note", "合并"]], "withdrawn"),
        ([["done"], ["reopen", "--note", "不实"]], "pending"),
    ],
    ids=lambda given: " ".join(given[-1][:2]) if isinstance(given, list) else "",
)
def test_each_command_records_its_answer_and_says_so(
    shell: Shell, route: list[list[str]], became: str
) -> None:
    for words in route:
        names = words[:2] if words[0] == "extend" else words[:1]
        done = shell(*names, KEY, *BY, *words[len(names) :])
        assert (done.returncode, done.stdout, done.stderr) == (0, "recorded: 1\n", "")
    assert state(shell) == became
    assert len(asked(shell, "SELECT id FROM answer WHERE by = '张三'")) == len(route)


def test_the_same_answer_again_is_harmless_and_says_so(shell: Shell) -> None:
    shell("done", KEY, *BY)
    again = shell("done", KEY, *BY)
    assert (again.returncode, again.stdout) == (0, "recorded: 0\nrecorded already: 1\n")


def test_a_date_is_taken_with_an_extension_a_return_and_a_reopening(shell: Shell) -> None:
    shell("report", KEY, *BY)
    shell("return", KEY, *BY, "--note", "缺附件", "--to", LATER)
    assert asked(shell, "SELECT due_on, round FROM assignment") == [(LATER, 2)]
    assert shell("return", KEY, *BY, "--note", "缺", "--to", "2026-13-01").returncode == 2


def test_what_the_state_does_not_allow_is_a_no_that_says_what_is_possible(shell: Shell) -> None:
    shell("done", KEY, *BY)
    no = shell("report", KEY, *BY)
    assert (no.returncode, no.stdout) == (1, "")
    assert no.stderr == f"{KEY} is done: 'report' is not possible now; possible: reopen\n"


def test_an_answer_has_a_persons_name(shell: Shell) -> None:
    no = shell("done", KEY, "--by", "plan")
    assert no.returncode == 1
    assert no.stderr == "'plan' is nobody's name: say with --by who records it\n"


@pytest.mark.parametrize("command", ["waive", "withdraw"])
def test_a_missing_reason_is_a_no(shell: Shell, command: str) -> None:
    no = shell(command, KEY, *BY)
    assert no.returncode == 1
    assert no.stderr == f"'{command}' needs a reason: add --note\n"
    assert asked(shell, "SELECT count(*) FROM assignment") == [(0,)]


@pytest.mark.parametrize(
    "words, trouble",
    [
        (["done", KEY], "Missing option '--by'"),
        (["done", *BY], "name an assignment, or select with --unit, --duty and --period"),
        (["done", "report", *BY], "'report' is not an assignment; write it like"),
        (["done", f"report/{NEXT:%Y-%m}@区农", *BY], "unknown unit '区农'; nearest: 区农办"),
        (["done", KEY, "--unit", "潭东镇", *BY], "--unit"),
        (["extend", "ask", KEY, *BY, "--note", "忙"], "Missing option '--to'"),
        (
            ["extend", "ask", KEY, *BY, "--note", "忙", "--to", "9999-12-31"],
            "'9999-12-31' is not a date from 2000 to 2099",
        ),
        (["report", KEY, *BY, "--value", "参保率"], "'参保率' should be a measure and its figure"),
        (["report", KEY, *BY, "--value", "参保率=1"], f"{KEY} has no measures"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_to_write(
    shell: Shell, words: list[str], trouble: str
) -> None:
    # Fails for a key beside --unit: the unit is not looked at.
    wrong = shell(*words)
    assert wrong.returncode == 2, wrong.stdout
    assert trouble in wrong.stderr


def test_a_selection_is_shown_before_it_is_answered(shell: Shell) -> None:
    period = housing(shell)
    no = shell("report", "--period", period, *BY)
    assert no.returncode == 2
    assert no.stderr == "nobody to ask: add --yes\n"
    assert [line.split()[0] for line in no.stdout.splitlines()] == [
        "assignment",
        f"housing/{period}@潭东镇",
        f"housing/{period}@区农办",
    ]
    assert asked(shell, "SELECT DISTINCT state FROM assignment") == [("acknowledged",)]


def test_with_yes_a_selection_is_answered_leads_last(shell: Shell) -> None:
    period = housing(shell)
    done = shell("done", "--duty", "住房排查", "--period", period, *BY, "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("recorded: 2\n")
    assert asked(shell, "SELECT unit, state FROM assignment ORDER BY id") == [
        ("区农办", "done"),
        ("潭东镇", "done"),
    ]


def test_a_selection_is_answered_whole_or_not_at_all(shell: Shell) -> None:
    period = housing(shell)
    shell("extend", "ask", f"housing/{period}@潭东", *BY, "--note", "忙", "--to", "2099-01-04")
    no = shell(
        "extend", "ask", "--period", period, *BY, "--note", "忙", "--to", "2000-01-04", "--yes"
    )
    assert no.returncode == 1
    assert "name a later date with --to" in no.stderr
    assert asked(shell, "SELECT asked_on FROM assignment ORDER BY id") == [(None,), ("2099-01-04",)]


@pytest.mark.parametrize("said, code, became", [("y", 0, "reported"), ("n", 1, "acknowledged")])
def test_a_person_at_a_terminal_is_asked(shell: Shell, said: str, code: int, became: str) -> None:
    period = housing(shell)
    words = ("report", "--unit", "区农办", "--period", period, *BY)
    done = subprocess.run(
        [sys.executable, "-c", PTY, f"{said}\n", *words],
        cwd=shell.folder, env=shell.environ(), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert "report: 1 assignments? [y/N]" in done.stdout
    assert done.returncode == code, done.stdout
    assert ("nothing was changed" in done.stdout) == bool(code)
    assert state(shell) == became


def test_nothing_to_answer_is_a_no(shell: Shell) -> None:
    no = shell("done", "--unit", "潭东", *BY, "--yes")
    assert (no.returncode, no.stderr) == (1, "nothing fits to which this can be said\n")


def test_a_lead_needs_a_word_to_be_done_before_the_others(shell: Shell) -> None:
    period = housing(shell)
    key = f"housing/{period}@区农办"
    no = shell("done", key, *BY)
    assert no.returncode == 1
    assert "is not done while 潭东镇 are open" in no.stderr
    assert shell("done", key, *BY, "--despite", "另行核实").returncode == 0
    assert state(shell) == "done"


def test_a_figure_is_said_with_its_target(shell: Shell) -> None:
    calendar = shell.folder / "schedules.yaml"
    calendar.write_text(calendar.read_text("utf-8") + MEASURED, "utf-8")
    key = f"rate/{NEXT:%Y-%m}@潭东镇"
    done = shell("report", key, *BY, "--value", "参保率＝９８．７％")
    assert done.stdout == "参保率 98.7%, at least 99% wanted\nrecorded: 1\n", done.stderr
    done = shell("report", key, *BY, "--value", "参保率=99.5")
    assert done.stdout == "参保率 99.5%, at least 99% wanted and reached\nrecorded: 1\n"
    assert asked(shell, "SELECT figures FROM answer") == [
        ('{"参保率": "98.7%"}',),
        ('{"参保率": "99.5%"}',),
    ]


def measured(shell: Shell, measures: str) -> str:
    """The key of a report of 潭东镇 with these measures, which has not opened yet."""
    calendar = shell.folder / "schedules.yaml"
    text = MEASURED.replace("{name: 参保率, target: ≥99%}", measures)
    calendar.write_text(calendar.read_text("utf-8") + text, "utf-8")
    return f"rate/{NEXT:%Y-%m}@潭东镇"


@pytest.mark.parametrize(
    "figure, meant", [("0.987", "98.7%"), ("０．９８７", "98.7%"), ("1", "100%")]
)
def test_a_percentage_that_may_be_a_fraction_is_not_guessed(
    shell: Shell, figure: str, meant: str
) -> None:
    key = measured(shell, "{name: 参保率, target: ≥99%}, {name: 户数}")
    wrong = shell("report", key, *BY, "--value", f"参保率={figure}")
    assert wrong.returncode == 2, wrong.stdout
    assert f"%, or {meant}; write the percent sign" in wrong.stderr
    assert asked(shell, "SELECT figures FROM answer") == []
    done = shell("report", key, *BY, "--value", f"参保率={figure}%", "--value", f"户数={figure}")
    assert done.returncode == 0, done.stderr


def test_a_measure_is_found_whatever_brackets_and_blanks_its_name_is_typed_with(
    shell: Shell,
) -> None:
    key = measured(shell, "{name: 进度, target: ≥99%, each: [潭东镇, 潭口]}")
    done = shell("report", key, *BY, "--value", "进度（潭东镇）=52%", "--value", "进度 (潭口)=99%")
    assert done.stdout.splitlines() == [
        "进度(潭东镇) 52%, at least 99% wanted",
        "进度(潭口) 99%, at least 99% wanted and reached",
        "recorded: 1",
    ], done.stderr
    figures = '{"进度(潭东镇)": "52%", "进度(潭口)": "99%"}'
    assert asked(shell, "SELECT figures FROM answer") == [(figures,)]


def test_a_measure_that_is_given_twice_in_different_brackets_is_refused(shell: Shell) -> None:
    key = measured(shell, "{name: 进度, target: ≥99%, each: [潭东镇, 潭口]}")
    wrong = shell("report", key, *BY, "--value", "进度(潭口)=1%", "--value", "进度（潭口）=2%")
    assert wrong.returncode == 2
    assert wrong.stderr == "'进度（潭口）' is given twice: keep one\n"


def test_a_figure_is_not_written_into_several_periods_of_one_duty(shell: Shell) -> None:
    key = measured(shell, "{name: 参保率, target: ≥99%}")
    after = f"{NEXT + timedelta(days=40):%Y-%m}"
    for each in (key, f"rate/{after}@潭东镇"):
        assert shell("ack", each, *BY).returncode == 0
    words = ("report", "--unit", "潭东", "--duty", "rate", *BY, "--yes")
    wrong = shell(*words, "--value", "参保率=99%")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == (
        f"rate of 潭东镇 is there in several periods: {NEXT:%Y-%m}, {after}; a figure belongs to "
        "one of them: name it with --period\n"
    )
    assert asked(shell, "SELECT DISTINCT state FROM assignment") == [("acknowledged",)]
    one = shell(*words, "--value", "参保率=99%", "--period", after)
    assert one.returncode == 0, one.stderr
    both = shell(*words)
    assert both.stdout.endswith("recorded: 2\n"), both.stderr


def test_every_command_explains_itself(shell: Shell) -> None:
    for words in (["ack"], ["report"], ["done"], ["return"], ["extend", "ask"], ["extend", "grant"],
                  ["extend", "refuse"], ["waive"], ["withdraw"], ["reopen"]):  # fmt: skip
        shown = shell(*words, "--help")
        assert shown.returncode == 0
        assert "--note" in shown.stdout


WRITES = """
import sqlite3, sys
from dispatcher import cli
from dispatcher.cli import answers

def agreed(question):
    with sqlite3.connect("var/dispatcher.db", timeout=0.1) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE assignment SET state = state")
        if meanwhile:
            other.execute("UPDATE assignment SET due_on = '2099-12-30'")
    other.close()
    return True

answers.agreed = agreed
meanwhile = "MEANWHILE" in sys.argv
sys.argv = [word for word in sys.argv if word != "MEANWHILE"]
cli.main()
"""
"""While a person is asked, another writes."""


@pytest.mark.parametrize("meanwhile, code, became", [(0, 0, "reported"), (1, 1, "acknowledged")])
def test_nobody_waits_for_the_answer_of_who_is_asked(
    shell: Shell, meanwhile: int, code: int, became: str
) -> None:
    period = housing(shell)
    words = ("report", "--unit", "区农办", "--period", period, *BY, *["MEANWHILE"] * meanwhile)
    done = subprocess.run(
        [sys.executable, "-c", WRITES, *words],
        cwd=shell.folder, env=shell.environ(), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert ("the ledger has changed meanwhile" in done.stderr) == bool(meanwhile)
    assert state(shell) == became
