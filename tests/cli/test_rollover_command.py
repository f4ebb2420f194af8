"""What rollover writes, prints and refuses."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pytest

from dispatcher.cli.rollover import _create
from dispatcher.errors import DispatcherError
from tests.cli.conftest import ROOT, SMALL, Shell

CHINESE = {"LANG": "zh_CN.UTF-8"}
MARK = "  # 待定(2027): 名称写着2026年，照2027年的文件改，或者不改"


@pytest.fixture
def titled(shell: Shell) -> Shell:
    """Its calendar is of 2026, and ends with it."""
    text = SMALL.replace("title: 测试", "title: 2026年清单")
    text = text.replace("from: 2026-01-01", "from: 2026-01-01, until: 2026-12-31")
    (shell.folder / "schedules.yaml").write_text(text, "utf-8")
    return shell


def test_a_draft_is_written_beside_the_file_in_use_which_stays_as_it_is(titled: Shell) -> None:
    used = titled.folder / "schedules.yaml"
    before = used.read_bytes()
    done = titled("rollover", "2027")
    draft = titled.folder / "schedules-2027.yaml"
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == f"""\
{draft}: a draft; the file in use is as it was

carried forward: 1
line  what   now
1     until  2027-12-31

to be decided, each marked on its line: 1
line  what                   about  the mark
1     names an earlier year         名称写着2026年，照2027年的文件改，或者不改

decide, take each mark out, then:
  dispatcher check {draft}  # is it in order
  dispatcher diff {draft}  # what it changes
  cp {draft} {used}  # take it up; the daemon reads it by itself
"""
    )
    assert used.read_bytes() == before
    first = "plan: {title: 2026年清单, office: 区农办, from: 2026-01-01, until: 2027-12-31}"
    assert draft.read_text("utf-8").splitlines() == [
        first + MARK,
        *before.decode().splitlines()[1:],
    ]


def test_what_it_says_to_do_next_works(titled: Shell) -> None:
    titled("rollover", "2027")
    assert titled("check", "schedules-2027.yaml").returncode == 0
    now = {"DISPATCHER_NOW": "2026-11-23T10:00+08:00"}
    differs = titled("diff", "schedules-2027.yaml", **now)
    assert differs.returncode == 1
    assert "until: 2026-12-31 → 2027-12-31" in differs.stdout
    shutil.copy(titled.folder / "schedules-2027.yaml", titled.folder / "schedules.yaml")
    assert titled("diff", "schedules-2027.yaml", **now).returncode == 0


def test_it_never_overwrites_a_file_not_even_the_one_in_use(titled: Shell) -> None:
    titled("rollover", "2027")
    draft = titled.folder / "schedules-2027.yaml"
    draft.write_text("mine", "utf-8")
    for words in ((), ("--out", "schedules.yaml"), ("--out", "schedules-2027.yaml")):
        done = titled("rollover", "2027", *words)
        assert done.returncode == 1
        assert "exists; a draft overwrites nothing" in done.stderr
    assert draft.read_text("utf-8") == "mine"
    done = titled("rollover", "2027", "--out", "nowhere/new.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere/new.yaml cannot be written: there is no such file or folder" in done.stderr


def test_once_it_is_all_there_nothing_is_written_and_it_ends_with_1(titled: Shell) -> None:
    titled("rollover", "2027", "--out", "next.yaml")
    (titled.folder / "next.yaml").replace(titled.folder / "schedules.yaml")
    done = titled("rollover", "2027")
    assert done.returncode == 1
    assert done.stdout == "everything for 2027 is there; lines still marked: 1\n"
    assert not (titled.folder / "schedules-2027.yaml").exists()


def test_the_json_has_the_draft_and_what_is_in_it(titled: Shell) -> None:
    done = titled("rollover", "2027", "--out", "next.yaml", "--format", "json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found == {
        "year": 2027,
        "file": "next.yaml",
        "carried": [{"line": 1, "field": "until", "value": "2027-12-31"}],
        "decisions": [
            {
                "line": 1,
                "kind": "old-year",
                "about": "",
                "mark": "名称写着2026年，照2027年的文件改，或者不改",
            }
        ],
    }
    (titled.folder / "next.yaml").replace(titled.folder / "schedules.yaml")
    done = titled("rollover", "2027", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == found | {"file": None, "carried": []}


def test_the_bytes_of_a_file_with_a_mark_of_its_order_and_other_line_ends_are_kept(
    titled: Shell,
) -> None:
    used = titled.folder / "schedules.yaml"
    before = b"\xef\xbb\xbf" + used.read_bytes().replace(b"\n", b"\r\n")
    used.write_bytes(before)
    assert titled("rollover", "2027").returncode == 0
    draft = (titled.folder / "schedules-2027.yaml").read_bytes()
    assert draft.replace(MARK.encode(), b"").replace(b"2027-12-31", b"2026-12-31") == before


def test_a_bad_file_a_bad_year_and_no_file_of_ones_own_are_refused(
    shell: Shell, tmp_path: Path
) -> None:
    for year in ("27", "next", "2099"):
        assert shell("rollover", year).returncode == 2
    (shell.folder / "schedules.yaml").write_text(SMALL.replace("每季度", "时常"), "utf-8")
    done = shell("rollover", "2027")
    assert done.returncode == 2
    assert "schedules.yaml:6:" in done.stderr
    (shell.folder / "schedules.yaml").unlink()
    done = shell("rollover", "2027")
    assert done.returncode == 1
    assert "no calendar of your own here" in done.stderr
    assert not (ROOT / "schedules-2027.yaml").exists()


def test_of_a_draft_that_the_disk_does_not_hold_nothing_is_left(tmp_path: Path) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, usual[1]))
    try:
        with pytest.raises(DispatcherError, match="cannot be written: File too large"):
            _create(tmp_path / "next.yaml", b"more than ten bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert list(tmp_path.iterdir()) == []


def test_the_draft_of_the_shipped_calendar_is_in_order(shell: Shell) -> None:
    shutil.copy(ROOT / "schedules.yaml", shell.folder)
    done = shell("rollover", "2027", **CHINESE)
    assert done.returncode == 0
    assert "2027年秋季学期 2027-09-01..2028-01-12" in done.stdout
    assert shell("check", "schedules-2027.yaml").returncode == 0
