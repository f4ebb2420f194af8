"""What `why` prints of events, which only the ledger knows, and the key by which it is asked.

It is Monday, 7 September 2026. A month after the 5th is 5 October, which lies in the holidays; the
last workday before them is Wednesday, 30 September.
"""

from __future__ import annotations

import pytest

from tests.cli.conftest import SMALL, Shell

HANDOVER = (
    "  - {id: handover, title: 移交, rows: [3], when: 验收结算后1个月内,"
    ' responsible: "区农办,潭东镇"}\n'
)
SLASHED = "  - {id: waived, title: 免报/不涉及, rows: [4], when: 每月, responsible: 区农办}\n"
PROJECT = "龙井村供水项目"


@pytest.fixture
def office(shell: Shell) -> Shell:
    """After the first pass; nothing has happened yet."""
    (shell.folder / "schedules.yaml").write_text(SMALL + HANDOVER + SLASHED, "utf-8")
    (shell.folder / ".env").write_text("DISPATCHER_NOW=2026-09-07T09:00+08:00")
    say(shell, "run", "--once")
    return shell


def say(office: Shell, *words: str) -> str:
    done = office(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def happen(office: Shell, subject: str = PROJECT, on: str = "2026-09-05", *more: str) -> None:
    say(office, "event", "handover", "--subject", subject, "--on", on, "--by", "张三", *more)


def squeezed(printed: str) -> list[str]:
    """The lines without the room between their columns."""
    return [" ".join(line.split()) for line in printed.splitlines()]


def test_why_of_an_event_goes_from_its_day_to_the_due_date_and_the_reminders(office: Shell) -> None:
    happen(office)
    (office.folder / ".env").write_text("DISPATCHER_NOW=2026-09-08T09:00+08:00")
    say(office, "run", "--once")
    lines = squeezed(say(office, "why", "handover", PROJECT, "--unit", "潭东"))
    assert lines[:5] == [
        f"移交 (handover/{PROJECT})",
        "cadence '验收结算后1个月内': within 1 months after 验收结算",
        f"event {PROJECT}: 验收结算 on 2026-09-05; 1 months later is 2026-10-05 (Monday)",
        "rest day 2026-10-05 is National Day; moved to the workday before",
        "due 2026-09-30 (Wednesday)",
    ]
    assert lines[5].startswith("reminders at 09:00: open on 2026-09-07, T-7 on 2026-09-23,")
    told = lines.index("潭东镇")
    assert lines[told - 1 : told + 2] == [
        "in the ledger:",
        "潭东镇",
        "stands pending, due 2026-09-30",
    ]
    assert any("2026-09-08 09:00 open told to 潭东镇: message" in line for line in lines)
    assert lines[-1] == "not told T+1: still to come, on 2026-10-08"


def test_why_of_an_event_without_a_unit_says_how_each_stands(office: Shell) -> None:
    happen(office)
    lines = squeezed(say(office, "why", "移交", PROJECT))
    assert "区农办 pending, due 2026-09-30" in lines
    assert "潭东镇 pending, due 2026-09-30" in lines


def test_why_of_a_duty_that_waits_for_events_lists_those_that_are_recorded(office: Shell) -> None:
    happen(office)
    happen(office, "江坝村供水项目", "2026-08-10")
    happen(office, "江坝村供水项目", "2026-08-10", "--undo", "--note", "记错了")
    say(office, "done", f"handover/{PROJECT}@潭东镇", "--by", "李四")
    assert squeezed(say(office, "why", "handover")) == [
        "移交 (handover)",
        "cadence '验收结算后1个月内': within 1 months after 验收结算",
        "recorded events:",
        "江坝村供水项目 happened on 2026-08-10, due 2026-09-10: withdrawn",
        f"{PROJECT} happened on 2026-09-05, due 2026-09-30: pending, done",
        "everything about one of them: why handover SUBJECT",
    ]


def test_of_one_unit_the_list_says_how_its_own_part_stands(office: Shell) -> None:
    happen(office)
    say(office, "ack", f"handover/{PROJECT}@潭东镇", "--by", "王工")
    says = squeezed(say(office, "why", "handover", "--unit", "潭东"))[3]
    assert says == (
        f"{PROJECT} happened on 2026-09-05, due 2026-09-30: acknowledged, due 2026-09-30,"
        " last answer: acknowledge, by 王工 on 2026-09-07 09:00"
    )


def test_while_nothing_is_recorded_why_says_what_the_duty_waits_for(office: Shell) -> None:
    whole = office("why", "handover")
    assert (whole.returncode, whole.stdout) == (1, "")
    assert whole.stderr.strip() == "'handover' waits for an event: 验收结算"
    one = office("why", "handover", PROJECT)
    assert (one.returncode, one.stdout) == (1, "")
    assert one.stderr.strip() == f"no period '{PROJECT}': {whole.stderr.strip()}"


def test_a_subject_that_is_not_recorded_is_refused_with_those_that_are(office: Shell) -> None:
    happen(office)
    done = office("why", "handover", "龙塘村")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == f"'handover' has no event '龙塘村'; recorded: {PROJECT}"


def test_a_period_from_before_the_duty_waited_for_events_is_still_explained(office: Shell) -> None:
    path = office.folder / "schedules.yaml"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace("rows: [4], when: 每月", "rows: [4], when: 验收结算后1个月内"), "utf-8"
    )
    assert office("run", "--once").returncode == 1  # it would withdraw what was told
    say(office, "apply", "--yes")
    say(office, "run", "--once")
    say(office, "event", "waived", "--subject", PROJECT, "--on", "2026-09-05", "--by", "张三")
    lines = squeezed(say(office, "why", "waived", "2026-09"))
    assert lines[:2] == [
        "免报/不涉及 (waived/2026-09)",
        "not in the plan: no period '2026-09': 'waived' waits for an event: 验收结算",
    ]


@pytest.mark.parametrize("key", ["housing/2026-Q3@潭东镇", "housing/2026-Q3@潭东"])
def test_the_key_that_status_prints_asks_for_duty_period_and_unit(office: Shell, key: str) -> None:
    apart = say(office, "why", "housing", "2026-Q3", "--unit", "潭东镇")
    assert say(office, "why", key) == apart
    assert "in the ledger:\n潭东镇\n" in apart


def test_a_key_may_leave_the_unit_out_as_the_answer_prints_it(office: Shell) -> None:
    apart = say(office, "why", "housing", "2026-Q3")
    assert say(office, "why", "housing/2026-Q3") == apart
    alone = say(office, "why", "housing", "2026-Q3", "--unit", "潭东镇")
    assert say(office, "why", "housing/2026-Q3", "--unit", "潭东镇") == alone


def test_the_key_of_an_event_holds_its_subject(office: Shell) -> None:
    happen(office)
    apart = say(office, "why", "handover", PROJECT, "--unit", "潭东镇")
    assert say(office, "why", f"handover/{PROJECT}@潭东镇") == apart


@pytest.mark.parametrize("more", [["2026-Q2"], ["--unit", "区农办"]])
def test_what_stands_in_the_key_is_not_said_again(office: Shell, more: list[str]) -> None:
    done = office("why", "housing/2026-Q3@潭东镇", *more)
    assert (done.returncode, "name it once" in done.stderr) == (2, True)


def test_a_title_with_a_stroke_in_it_is_no_key(office: Shell) -> None:
    assert say(office, "why", "免报/不涉及").startswith("免报/不涉及 (waived/2026-09)\n")
