"""What diff prints and how it ends, and the commands that edit the file in place."""

from __future__ import annotations

import errno
import json
import os
import pty
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dispatcher.cli import editing
from dispatcher.errors import DispatcherError
from tests.cli.conftest import SMALL, Shell

NOW = {"DISPATCHER_NOW": "2026-03-02T10:00+08:00"}
CHINESE = {"LANG": "zh_CN.UTF-8"}


def edited(shell: Shell, *replaced: str) -> str:
    """The name of a copy of the calendar in which texts have been replaced."""
    text = SMALL
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    (shell.folder / "new.yaml").write_text(text, "utf-8")
    return "new.yaml"


def at(shell: Shell, terminal: int, *words: str) -> subprocess.Popen[str]:
    """A command that a person at ``terminal`` has begun."""
    return subprocess.Popen(
        [sys.executable, "-m", "dispatcher", *words],
        cwd=shell.folder,
        env=shell.environ(**NOW),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def calendar(shell: Shell) -> str:
    return (shell.folder / "schedules.yaml").read_text("utf-8")


def test_a_calendar_that_means_the_same_changes_nothing_and_ends_with_0(shell: Shell) -> None:
    done = shell("diff", edited(shell, "title: 住房排查", 'title: "住房排查"   '), **NOW)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "nothing changes from 2026-03-02 to 2027-12-31\n"


def test_what_changes_is_shown_in_tables_and_ends_with_1(shell: Shell) -> None:
    done = shell("diff", edited(shell, "when: 每季度", "when: 每季度末月25日前"), **NOW)
    assert done.returncode == 1
    assert "duty  housing  when: 每季度 → 每季度末月25日前" in done.stdout
    assert "moved   2026-03-31  2026-03-25  住房排查  2026-Q1" in done.stdout
    assert "2026-03-10  T-15                 housing  2026-Q1  区农办、潭东镇" in done.stdout
    assert "reminders that come at once" not in done.stdout


def test_a_long_table_is_cut_and_says_how_to_see_all_of_it(shell: Shell) -> None:
    done = shell("diff", edited(shell, "when: 每季度", "when: 每月"), **NOW)
    assert "occurrences: 30\n" in done.stdout
    assert "... and 10 more: --format json shows all\n" in done.stdout


def test_the_json_has_everything_with_plain_dates_and_reasons(shell: Shell) -> None:
    new = edited(shell, "when: 每季度", "when: 每月", "office@", "bureau@")
    done = shell("diff", "schedules.yaml", new, "--format", "json", "--to", "2026-04-30", **NOW)
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert (found["from"], found["to"]) == ("2026-03-02", "2026-04-30")
    assert [one["change"] for one in found["occurrences"]] == ["added", "dropped", "added"]
    assert found["occurrences"][1] == {
        "change": "dropped",
        "duty": "housing",
        "title": "住房排查",
        "period": "2026-Q1",
        "before": "2026-03-31",
        "after": None,
        "units": ["区农办", "潭东镇"],
        "why": ["when: 每季度 → 每月"],
    }
    assert found["addresses_gained"] == [
        {"unit": "区农办", "channel": "email", "address": "bureau@example.com"}
    ]
    assert {one["step"] for one in found["at_once"]} == {"open"}
    assert found["assignments_kept"] is None
    assert found["duties_silenced"] == []


def test_with_a_ledger_the_open_assignments_are_told_of_and_nothing_is_written(
    shell: Shell,
) -> None:
    shell("run", "--once", **NOW)
    ledger = shell.folder / "var" / "dispatcher.db"
    before = ledger.read_bytes()
    done = shell("diff", edited(shell, "when: 每季度", "when: 每月"), "--format", "json", **NOW)
    found = json.loads(done.stdout)
    assert [(one["becomes"], one["assignment"]) for one in found["assignments"]] == [
        ("withdrawn", "housing/2026-Q1@区农办"),
        ("withdrawn", "housing/2026-Q1@潭东镇"),
    ]
    assert found["assignments"][0]["why"] == "the duty no longer has this period"
    assert found["assignments_kept"] == 1
    assert [one["assignment"] for one in found["at_once"]] == [
        "housing/2026-03@区农办",
        "housing/2026-03@潭东镇",
    ]
    assert ledger.read_bytes() == before


def test_no_answer_is_not_the_answer_that_something_changes(shell: Shell) -> None:
    away = "postgresql://nobody@127.0.0.1:1/ledger"
    done = shell("diff", "schedules.yaml", DISPATCHER_DATABASE_URL=away)
    assert done.returncode == 2
    assert done.stderr.startswith("the database cannot be reached")


def test_other_hours_and_another_office_are_said(shell: Shell) -> None:
    changed = edited(shell, "office: 区农办, from", "office: 潭东镇, timezone: Asia/Tokyo, from")
    done = shell("diff", changed, **NOW)
    assert done.returncode == 1
    assert "timezone: Asia/Shanghai → Asia/Tokyo" in done.stdout
    assert "messages leave at other times of the day" in done.stdout
    assert "what the office is told goes to 潭东镇" in done.stdout


def test_the_problems_of_both_files_are_named_and_it_ends_with_2(shell: Shell) -> None:
    new = edited(shell, "每季度", "每季渡")
    (shell.folder / "old.yaml").write_text(SMALL.replace("office:", "ofice:"), "utf-8")
    done = shell("diff", "old.yaml", new, **NOW)
    assert done.returncode == 2
    assert "old.yaml:1:19: unknown key 'ofice'" in done.stderr
    assert "new.yaml:6:" in done.stderr
    assert shell("diff", "a", "b", "c", **NOW).returncode == 2
    done = shell("diff", "schedules.yaml", "--to", "2026-03-01", **NOW)
    assert (done.returncode, "2026-03-01 lies before 2026-03-02" in done.stderr) == (2, True)
    assert "nowhere.yaml cannot be read" in shell("diff", "nowhere.yaml", **NOW).stderr


def test_in_chinese_every_word_but_the_file_s_own_is_chinese(shell: Shell) -> None:
    done = shell("diff", edited(shell, "when: 每季度", "when: 每月"), **NOW, **CHINESE)
    assert done.returncode == 1
    assert "due" not in done.stdout
    assert "moved" not in done.stdout


def test_set_shows_what_it_does_and_writes_one_line(shell: Shell) -> None:
    done = shell("set", "report", "when", "每月10日前", "--yes", **NOW)
    assert (done.returncode, done.stderr) == (0, "")
    assert "when: 每月 → 每月10日前" in done.stdout
    assert done.stdout.endswith("schedules.yaml: written\n")
    assert calendar(shell) == SMALL.replace("when: 每月,", "when: 每月10日前,")
    assert (
        shell("set", "report", "when", "每月10日前", "--yes", **NOW).stdout == "nothing changes\n"
    )


def test_without_a_terminal_and_without_yes_nothing_is_written(shell: Shell) -> None:
    done = shell("set", "report", "when", "每周", **NOW)
    assert done.returncode == 2
    assert "nobody to ask: add --yes" in done.stderr
    assert calendar(shell) == SMALL


@pytest.mark.parametrize("says, written", [("y\n", True), ("n\n", False)])
def test_at_a_terminal_a_person_is_asked(shell: Shell, says: str, written: bool) -> None:
    leader, follower = pty.openpty()
    done = at(shell, follower, "set", "report", "when", "每周")
    os.write(leader, says.encode())
    output, _errors = done.communicate(timeout=60)
    os.close(follower)
    os.close(leader)
    assert "write schedules.yaml?" in output
    assert (calendar(shell) != SMALL) is written
    assert done.returncode == (0 if written else 1)


def test_what_would_make_the_file_bad_is_refused_with_its_place(shell: Shell) -> None:
    done = shell("set", "report", "when", "每季渡", "--yes", **NOW)
    assert done.returncode == 2
    assert done.stderr.startswith("schedules.yaml:7:")
    done = shell("set", "report", "responsible", "区农半", "--yes", **NOW)
    assert "unknown unit or group '区农半'" in done.stderr
    assert shell("remove", "nothing", "--yes", **NOW).returncode == 2
    assert calendar(shell) == SMALL


def test_a_duty_is_added_changed_and_removed_and_a_person_replaced(shell: Shell) -> None:
    for words in (
        ("add", "pond", "title=山塘检查", "when=每年3月31日前", "responsible=区农办,潭东镇"),
        ("set", "pond", "skip", "2027", "不做"),
        ("set", "pond", "before", "7d", "3wd"),
        ("unit", "set", "潭东", "superior", "区农办"),
        ("handover", "潭东镇", "--from", "王工", "--to", "李工", "--email", "li@example.com"),
    ):
        done = shell(*words, "--yes", **NOW)
        assert done.returncode == 0, done.stderr
    assert "{name: 李工, email: li@example.com}" in calendar(shell)
    assert (
        '- {id: pond, title: 山塘检查, when: 每年3月31日前, responsible: "区农办,潭东镇",'
        " before: [7d, 3wd], skip: {2027: 不做}}" in calendar(shell)
    )
    assert shell("remove", "pond", "--yes", **NOW).returncode == 0
    assert "pond" not in calendar(shell)
    assert shell("add", "pond", "title", "--yes", **NOW).returncode == 2


def test_mode_link_mark_and_line_ends_of_the_file_are_kept(shell: Shell) -> None:
    path, real = shell.folder / "schedules.yaml", shell.folder / "real" / "plan.yaml"
    real.parent.mkdir()
    content = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    real.write_bytes(content)
    real.chmod(0o640)
    path.unlink()
    path.symlink_to(real)
    assert shell("set", "report", "roll", "none", "--yes", **NOW).returncode == 0
    assert path.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    wanted = "每月, responsible: 区农办, roll: none}".encode()
    assert real.read_bytes() == content.replace("每月, responsible: 区农办}".encode(), wanted)
    assert [each.name for each in real.parent.iterdir()] == ["plan.yaml"]


def test_a_file_that_was_changed_while_the_person_was_asked_is_left_alone(shell: Shell) -> None:
    leader, follower = pty.openpty()
    done = at(shell, follower, "set", "report", "when", "每周")
    assert done.stdout
    while "write schedules.yaml?" not in (line := os.read(done.stdout.fileno(), 65536).decode()):
        assert line
    other = SMALL.replace("住房排查", "房屋排查")
    (shell.folder / "schedules.yaml").write_text(other, "utf-8")
    os.write(leader, b"y\n")
    _output, errors = done.communicate(timeout=60)
    os.close(follower)
    os.close(leader)
    assert "has been changed meanwhile; nothing was written" in errors
    assert done.returncode == 1
    assert calendar(shell) == other
    assert not [*Path(shell.folder).glob(".schedules*")]


def test_the_shipped_calendar_itself_is_never_edited(shipped: Shell) -> None:
    done = shipped("set", "dropout-check", "roll", "none", "--yes", **NOW)
    assert done.returncode == 1
    assert "'dispatcher init' makes one" in done.stderr


def test_an_empty_value_takes_all_exceptions_of_a_duty_out(shell: Shell) -> None:
    before = calendar(shell)
    assert shell("set", "report", "skip", "2026-03", "停", "--yes", **NOW).returncode == 0
    assert shell("set", "report", "skip", "2026-04", "停", "--yes", **NOW).returncode == 0
    forgotten = shell("set", "report", "skip", "2026-03", "--yes", **NOW)
    assert (forgotten.returncode, "2026-03: 停" in calendar(shell)) == (2, True), forgotten.stderr
    assert shell("set", "report", "skip", "", "--yes", **NOW).returncode == 0
    assert calendar(shell) == before


def test_the_last_duty_is_removed_as_any_other(shell: Shell) -> None:
    for duty in ("report", "housing"):
        done = shell("remove", duty, "--yes", **NOW)
        assert done.returncode == 0, done.stderr
    assert calendar(shell).endswith("duties:\n  []\n")


def test_a_folder_that_may_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_given: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(DispatcherError, match="cannot be written: permission denied"):
        editing._replace(tmp_path / "schedules.yaml", b"", b"new")


def test_an_argument_in_another_encoding_is_refused(shell: Shell) -> None:
    done = subprocess.run(
        [sys.executable.encode(), *b"-m dispatcher set report title".split(), "我".encode("gbk")],
        cwd=shell.folder, env=shell.environ(**NOW), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "'??' is not UTF-8: set the terminal, or LANG, to UTF-8\n"
