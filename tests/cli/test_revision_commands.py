"""Edits of the calendar as a clerk meets them: what is in force, what waits, what is refused."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import SMALL, Shell

FIRST = {"DISPATCHER_NOW": "2026-03-02T10:00+08:00"}
LATER = {"DISPATCHER_NOW": "2026-03-03T10:00+08:00"}
WITHOUT_HOUSING = SMALL[: SMALL.index("  - {id: housing")] + SMALL[SMALL.index("  - {id: report") :]
BAD = SMALL.replace('"区农办,潭东镇"}', '"区农办,谭东镇"}')
MORE = SMALL.replace("每季度", "每季度, note: 看现场")


def write(shell: Shell, text: str) -> None:
    (shell.folder / "schedules.yaml").write_text(text, "utf-8")


@pytest.fixture
def running(shell: Shell) -> Shell:
    """The daemon has worked by the small calendar."""
    assert shell("run", "--once", **FIRST).returncode == 0
    return shell


def states(shell: Shell) -> list[str]:
    found = shell("revisions", "--format", "json", **LATER)
    assert found.returncode == 0
    return [edit["state"] for edit in json.loads(found.stdout)]


def test_every_edit_is_listed_shown_and_compared(running: Shell) -> None:
    write(running, MORE)
    assert running("run", "--once", **LATER).returncode == 0
    listed = running("revisions", **LATER).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["edit", "1", "2"]
    assert "was in force" in listed[1]
    assert "in force" in listed[2]
    assert running("revisions", "show", "1").stdout == SMALL
    assert running("revisions", "show", "2").stdout == MORE
    changed = running("revisions", "diff", "1", "2", **LATER)
    assert (changed.returncode, "note" in changed.stdout) == (1, True)
    assert running("revisions", "diff", "2", **LATER).returncode == 0
    assert running("revisions", "diff", "1", "1", **LATER).returncode == 0


def test_an_edit_that_was_never_made_is_wrong_usage(running: Shell) -> None:
    found = running("revisions", "show", "7")
    assert (found.returncode, "no edit 7" in found.stderr) == (2, True)


def test_without_a_ledger_there_are_no_revisions(shell: Shell) -> None:
    found = shell("revisions")
    assert (found.returncode, "no ledger" in found.stderr) == (1, True)
    assert shell("apply", "--yes").returncode == 1


def test_a_held_edit_waits_for_apply_and_the_next_pass_takes_it_up(running: Shell) -> None:
    write(running, WITHOUT_HOUSING)
    held = running("run", "--once", **LATER)
    assert (held.returncode, "dispatcher apply" in held.stderr) == (1, True)
    assert states(running) == ["applied", "held"]
    assert "housing" in running("status", **LATER).stdout
    health = running("health", **LATER)
    assert (health.returncode, "dispatcher apply" in health.stdout + health.stderr) == (1, True)
    asked = running("apply", **LATER)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    assert states(running) == ["applied", "held"]
    done = running("apply", "--yes", "--by", "李主任", **LATER)
    assert done.returncode == 0, done.stderr
    assert states(running) == ["applied", "agreed"]
    assert running("run", "--once", **LATER).returncode == 0
    assert states(running) == ["applied", "applied"]
    assert "housing" not in running("status", **LATER).stdout
    assert "李主任" in running("audit", **LATER).stdout
    again = running("apply", "--yes", **LATER)
    assert (again.returncode, "no edit" in again.stderr) == (1, True)


def test_diff_compares_with_what_is_in_force_and_not_with_the_file(running: Shell) -> None:
    write(running, WITHOUT_HOUSING)
    assert running("run", "--once", **LATER).returncode == 1
    found = running("diff", "schedules.yaml", **LATER)
    assert found.returncode == 1
    assert "housing" in found.stdout


def test_with_a_bad_file_the_daemon_starts_by_what_was_in_force(running: Shell) -> None:
    write(running, BAD)
    found = running("run", "--once", **LATER)
    assert found.returncode == 2
    assert "谭东镇" in found.stderr
    assert "sent" in found.stdout  # the office was told
    assert states(running) == ["applied", "refused"]
    assert "谭东镇" in running("health", **LATER).stdout + running("health", **LATER).stderr
    refused = running("apply", "--yes", **LATER)
    assert (refused.returncode, "schedules.yaml:" in refused.stderr) == (1, True)


def test_a_channel_that_lacks_its_secret_is_refused_and_a_restart_goes_on_without_it(
    running: Shell,
) -> None:
    live = {"DISPATCHER_LIVE": "1", "DISPATCHER_SMTP_URL": "smtp+plain://127.0.0.1:9"}
    write(running, SMALL + 'channels: {办公群: {kind: wecom, key: "${WECOM_KEY}"}}\n')
    for _start in range(2):
        found = running("run", "--once", **live)
        assert (found.returncode, "WECOM_KEY" in found.stderr) == (2, True)
        assert "not in force" not in found.stderr
        assert states(running) == ["applied", "refused"]


def test_a_file_that_is_gone_is_not_replaced_by_the_sample(running: Shell) -> None:
    (running.folder / "schedules.yaml").unlink()
    found = running("run", "--once", **LATER)
    assert (found.returncode, "cannot be read" in found.stderr) == (2, True)
    assert states(running) == ["applied", "refused"]
    assert "housing" in running("status", **LATER).stdout


def test_a_trial_run_says_that_the_file_holds_an_edit(running: Shell) -> None:
    assert "dispatcher diff" not in running("run", "--once", "--dry-run", **LATER).stdout
    write(running, WITHOUT_HOUSING)
    assert "dispatcher diff" in running("run", "--once", "--dry-run", **LATER).stdout


def test_with_a_bad_file_answers_are_still_taken(running: Shell) -> None:
    write(running, BAD)
    done = running("done", "housing/2026-Q1@潭东镇", "--by", "张工", "--note", "看过", **LATER)
    assert done.returncode == 0, done.stderr
    assert running("status", "--unit", "潭东", **LATER).returncode == 0


def test_without_a_ledger_a_bad_file_is_refused_as_ever(shell: Shell) -> None:
    write(shell, BAD)
    found = shell("run", "--once", **FIRST)
    assert (found.returncode, "schedules.yaml:" in found.stderr) == (2, True)


def test_set_says_whether_the_daemon_will_take_it_up_by_itself(running: Shell) -> None:
    found = running("set", "report", "note", "月报", "--yes", **LATER)
    assert "within half a minute" in found.stdout
    found = running("remove", "housing", "--yes", **LATER)
    assert "dispatcher apply" in found.stdout
