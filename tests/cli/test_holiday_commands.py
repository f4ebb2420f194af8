"""How far the holidays are known, and taking in the notice of a year, at the command line."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from importlib.metadata import version

from dispatcher.plan.reading import read_plan
from tests.cli.conftest import SMALL, Shell
from tests.plan.test_holiday_notices import FICTION, as_json, packaged

DECEMBER = {"DISPATCHER_NOW": "2026-12-14T10:00+08:00"}
LATE = {"DISPATCHER_NOW": "2026-12-15T10:00+08:00"}
PACKAGE = f"chinesecalendar {version('chinesecalendar')}"
RANGES = """\
calendar:
  off: [2026-10-09]
  ranges:
    寒暑假: [{name: 2026年寒假, from: 2026-01-31, to: 2026-03-01, provisional: true, source: 推算}]
"""


def text(shell: Shell) -> str:
    return (shell.folder / "schedules.yaml").read_text("utf-8")


def with_ranges(shell: Shell) -> None:
    changed = SMALL.replace("when: 每月", "when: 除寒暑假期外每月1次")
    (shell.folder / "schedules.yaml").write_text(RANGES + changed, "utf-8")


def take_in(
    shell: Shell, notice: str, *words: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    (shell.folder / "notice.txt").write_text(notice, "utf-8")
    return shell("calendar", "import", "notice.txt", *words, **{**DECEMBER, **environ})


def as_published(year: int, **more: object) -> str:
    """The notice of a year by the package, in the form of holiday-cn."""
    notice = packaged(year)
    days = [(str(day), name, True) for day, name in notice.off.items()]
    days += [(str(day), name, False) for day, name in notice.work.items()]
    return as_json(days, year=year, papers=["https://example.com/2026"], **more)


def test_the_horizon_says_where_each_year_comes_from_and_what_is_missing(shell: Shell) -> None:
    with_ranges(shell)
    done = shell("calendar", **DECEMBER)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "known up to 2026; later dates are provisional" in lines[0]
    assert lines[2:5] == [
        f"2004-2026 {PACKAGE}",
        "2027 provisional: weekends and fixed holidays, no make-up workdays",
        "2026-10-09: a rest day by the office's own list",
    ]
    assert lines[-2:] == [
        "寒暑假 2026 2026年寒假 2026-01-31 2026-03-01 provisional 推算",
        "寒暑假 2027 not complete, needed by report",
    ]


def test_the_horizon_as_json_has_the_same(shell: Shell) -> None:
    with_ranges(shell)
    take_in(shell, FICTION, "--source", "虚构的通知", "--yes")
    found = json.loads(shell("calendar", "--format", "json", **DECEMBER).stdout)
    assert (found["holidays"], found["known_to"], found["off"]) == ("china", 2027, ["2026-10-09"])
    package, file = found["years"]
    assert (package["first"], package["last"], package["source"]) == (2004, 2026, PACKAGE)
    assert file == {
        "first": 2027,
        "last": 2027,
        "origin": "file",
        "source": "虚构的通知",
        "off": 25,
        "work": 2,
    }
    there, missing = found["ranges"]
    assert (there["first"], there["provisional"], there["missing"]) == ("2026-01-31", True, False)
    assert (missing["year"], missing["missing"], missing["duties"]) == (2027, True, ["report"])


def test_a_calendar_of_weekends_alone_says_so(shell: Shell) -> None:
    (shell.folder / "schedules.yaml").write_text("calendar: {holidays: none}\n" + SMALL, "utf-8")
    assert shell("calendar").stdout == (
        "holidays: none in the calendar: weekends alone are rest days\n"
    )
    assert json.loads(shell("calendar", "--format", "json").stdout)["known_to"] is None


def test_an_import_shows_what_it_does_and_writes_the_file(shell: Shell) -> None:
    done = take_in(shell, FICTION, "--source", "虚构的通知", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "+calendar:\n+  notices:\n+    2027:\n+      source: 虚构的通知\n"
    )
    assert "calendar.notices.2027: now 虚构的通知\n" in done.stdout
    assert "contradicts" not in done.stdout
    days = read_plan("s.yaml", text(shell)).workdays
    assert (days.last_year, days.notices[2027].source) == (2027, "虚构的通知")
    assert take_in(shell, FICTION, "--source", "虚构的通知").stdout == "nothing changes\n"


def test_of_a_year_that_is_there_what_is_otherwise_is_said(shell: Shell) -> None:
    take_in(shell, FICTION, "--source", "虚构的通知", "--yes")
    later = FICTION.replace("05-05 休", "05-04 休")
    done = take_in(shell, later, "--source", "虚构的通知", "--yes")
    assert done.stdout.splitlines()[:2] == [
        "-        劳动节: 2027-05-01..2027-05-05",
        "+        劳动节: 2027-05-01..2027-05-04",
    ]
    said = "calendar.notices.2027.off.劳动节: 2027-05-01..2027-05-05 → 2027-05-01..2027-05-04"
    assert said in done.stdout


def test_without_a_yes_nothing_is_written(shell: Shell) -> None:
    done = take_in(shell, FICTION, "--source", "虚构的通知")
    assert (done.returncode, done.stderr) == (2, "nobody to ask: add --yes\n")
    assert text(shell) == SMALL


def test_what_the_package_says_too_is_said_and_its_papers_are_the_source(shell: Shell) -> None:
    done = take_in(shell, as_published(2026), "--yes")
    assert "chinesecalendar says the same of 2026" in done.stdout
    assert read_plan("s.yaml", text(shell)).workdays.notices[2026].source.startswith("https://")


def test_a_notice_that_contradicts_the_package_is_shown_so_before_anybody_agrees(
    shell: Shell,
) -> None:
    other = (
        as_published(2026).replace("2026-10-10", "2026-10-11").replace("2026-05-05", "2026-05-01")
    )
    done = take_in(shell, other)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "contradicts chinesecalendar and would replace it for 2026; 3 days:" in lines[0]
    assert lines[2:5] == [
        "2026-05-05 Tuesday Labour Day Tuesday",
        "2026-10-10 Saturday a make-up workday Saturday",
        "2026-10-11 Sunday Sunday a make-up workday",
    ]
    assert (done.returncode, text(shell)) == (2, SMALL)
    assert take_in(shell, other, "--yes").returncode == 0
    days = read_plan("s.yaml", text(shell)).workdays
    assert days.is_workday(date(2026, 10, 11))
    assert not days.is_workday(date(2026, 10, 10))


def test_a_bad_notice_ends_with_2_and_names_each_place(shell: Shell) -> None:
    done = take_in(shell, FICTION + "2027-02-24 班 春节\n端午\n", "--source", "通知", "--yes")
    assert done.returncode == 2
    assert done.stderr.startswith("notice.txt:12:1: '端午' should be like")
    done = take_in(shell, FICTION + "2027-02-24 班 春节\n", "--yes")
    assert (done.returncode, "give --source" in done.stderr) == (2, True)
    assert take_in(shell, '{"year": 2027,, }', "--yes").stderr.startswith(
        "notice.txt:1:15: not valid JSON"
    )
    assert shell("calendar", "import", "nowhere.json").returncode == 2
    assert text(shell) == SMALL


def test_a_notice_that_is_not_utf8_names_the_line(shell: Shell) -> None:
    (shell.folder / "notice.txt").write_bytes(b"# 2027\n" + FICTION.encode("gbk"))
    done = shell("calendar", "import", "notice.txt", "--source", "通知")
    assert (done.returncode, done.stderr[:15]) == (2, "notice.txt:2:1:")


def test_the_shipped_calendar_itself_takes_no_notice(shipped: Shell) -> None:
    done = take_in(shipped, FICTION, "--source", "通知", "--yes")
    assert (done.returncode, "no calendar of your own" in done.stderr) == (1, True)


def test_check_warns_of_missing_holidays_and_from_mid_december_on_fails(shell: Shell) -> None:
    sentence = "the holidays of 2027 are missing; 'dispatcher calendar import' takes in"
    before, after = shell("check", **DECEMBER), shell("check", **LATE)
    assert (before.returncode, before.stderr) == (0, "")
    assert "warning: the holidays of 2027 have not been announced" in before.stdout
    assert (after.returncode, after.stderr[: len(sentence)]) == (1, sentence)
    assert "in order" in after.stdout
    take_in(shell, FICTION, "--source", "虚构的通知", "--yes")
    done = shell("check", **LATE)
    assert done.returncode == 0
    assert "holidays of 2027" not in done.stdout
