"""``dispatcher rehearse`` as a user runs it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import SMALL, Shell


def test_it_says_what_a_stretch_of_days_brings_and_touches_nothing(shell: Shell) -> None:
    done = shell("rehearse", "--from", "2026-01-01", "--to", "2026-02-28", "--more-than", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    # 37 workdays with a brief, the status message, nine digests; nothing on the other days.
    assert lines[0] == "2026-01-01 to 2026-02-28: 47 messages with 10 items, in 38 passes"
    assert lines[1:4] == [
        "messages/items  2026-01  2026-02",
        "区农办          26/5     20/4",
        "潭东镇          1/1",
    ]
    assert lines[4] == "days on which a unit gets more than 1 items: 1; the most:"
    assert lines[6] == "2026-01-04  区农办  2"
    assert lines[-1].startswith("nothing is wrong")
    assert [path.name for path in shell.folder.iterdir()] == ["schedules.yaml"]


def test_the_messages_and_their_page_go_into_a_new_folder(shell: Shell) -> None:
    words = ("rehearse", "--from", "2026-01-01", "--to", "2026-01-06", "--out", "rehearsal")
    done = shell(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "open rehearsal/index.html in a browser"
    assert (shell.folder / "rehearsal" / "index.html").exists()
    kept = [path.suffix for path in (shell.folder / "rehearsal" / "messages").iterdir()]
    assert kept.count(".eml") == kept.count(".html") > 0
    again = shell(*words)
    assert again.returncode == 1
    assert again.stderr == "rehearsal is not empty; a rehearsal overwrites nothing\n"


def test_the_ledger_and_the_mailbox_of_the_office_stay_as_they_are(shell: Shell) -> None:
    shell("run", "--once", "--now", "2026-01-05T09:00+08:00")
    before = {path: path.read_bytes() for path in shell.folder.rglob("*") if path.is_file()}
    done = shell("rehearse", "--from", "2026-01-01", "--to", "2026-01-06")
    assert done.returncode == 0, done.stderr
    assert before == {path: path.read_bytes() for path in shell.folder.rglob("*") if path.is_file()}


def test_live_mail_is_not_live_in_a_rehearsal_and_no_server_is_asked_for(shell: Shell) -> None:
    words = ("rehearse", "--from", "2026-01-01", "--to", "2026-01-06")
    live = shell(*words, DISPATCHER_LIVE="1")
    assert live.returncode == 0, live.stderr
    assert live.stdout == shell(*words).stdout


def test_what_if_is_said_and_the_same_seed_gives_the_same(shell: Shell) -> None:
    (shell.folder / "new.yaml").write_text(SMALL.replace("每月", "每周"), "utf-8")
    words = (
        *("rehearse", "--from", "2026-01-01", "--to", "2026-03-31", "--answer-rate", "0.5"),
        *("--seed", "7", "--outage", "2026-02-01..2026-02-11", "--edit", "new.yaml@2026-03-01"),
    )
    done = shell(*words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "what is tried in vain in the outage is no news"
    assert "50 per cent of what falls due is answered (seed 7)" in done.stdout
    assert "no channel works from 2026-02-01 to 2026-02-11" in done.stdout
    assert "from 2026-03-01 on the calendar is new.yaml" in done.stdout
    assert shell(*words).stdout == done.stdout
    assert shell(*words, "--seed", "8").stdout != done.stdout


def test_what_is_wrong_ends_with_1(shell: Shell) -> None:
    wrong = SMALL.replace("when: 每月,", "when: 每月, before: [60d],")
    (shell.folder / "schedules.yaml").write_text(wrong, "utf-8")
    done = shell("rehearse", "--from", "2026-01-01", "--to", "2026-01-06")
    assert done.returncode == 1
    assert "step T-60 lies before every opening" in done.stdout
    assert "nothing is wrong" not in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("2026", "--from", "2026-01-01"),
        ("--from", "2026-02-01", "--to", "2026-01-01"),
        ("--from", "2000-01-01", "--to", "2099-01-01"),
        ("--outage", "2026-03-11..2026-03-01"),
        ("--outage", "2026-03-01"),
        ("--edit", "new.yaml"),
        ("--edit", "missing.yaml@2026-03-01"),
        ("--answer-rate", "1.5"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell("rehearse", *words)
    assert done.returncode == 2, done.stdout
    assert done.stderr


def test_without_days_it_lives_through_this_year(shell: Shell) -> None:
    done = shell("rehearse", DISPATCHER_NOW="2026-11-23T09:00+08:00")
    assert done.stdout.startswith("2026-01-01 to 2026-12-31: ")
    assert done.stdout == shell("rehearse", "2026").stdout


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_lived_through(
    shell: Shell,
) -> None:
    done = shell("rehearse", "2026", "--out", "/dev/null/x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "/dev/null/x cannot be written: a part of its path is no folder\n"


@pytest.mark.parametrize(
    "wish",
    [
        ("--edit", "schedules.yaml@2027-01-01"),
        ("--outage", "2025-03-01..2025-03-02"),
        ("--outage", "2026-02-01..2026-02-02"),
    ],
)
def test_what_lies_outside_the_days_that_are_rehearsed_is_a_mistake(
    shell: Shell, wish: tuple[str, str]
) -> None:
    done = shell("rehearse", "--from", "2026-01-01", "--to", "2026-01-06", *wish)
    assert done.returncode == 2
    assert "is not from 2026-01-01 to 2026-01-06, which are rehearsed" in done.stderr
