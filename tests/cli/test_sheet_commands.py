"""The sheet as an office uses it: written, sent along, filled in, taken back."""

from __future__ import annotations

import email
import shutil
import sqlite3
import subprocess
from email import policy
from pathlib import Path

import pytest
from openpyxl import load_workbook

from dispatcher.sheet.reading import read_sheet
from tests.cli.conftest import SMALL, Shell
from tests.filling import Cells, filled

MONDAY = "2026-03-30T09:00+08:00"
"""The day before the quarter's and the month's end."""
SOFFICE = shutil.which("soffice")
HOUSING = "housing/2026-Q1@潭东镇"
NAME = "台账-潭东镇-2026-Q1.xlsx"
MEASURES = """\
  - id: funds
    title: 资金调度
    rows: [3]
    when: 每月
    responsible: 潭东镇
    measures:
      - {name: 参保率, target: 99%以上}
      - {name: 项目资金, unit: 万元, each: [一号, 二号]}
      - {name: 已拨付, unit: 万元, each: [一号, 二号]}
"""
FUNDS = "funds/2026-03@潭东镇"
FILLED: dict[str, Cells] = {
    HOUSING: {
        "目前进展": "已排查3个村\n余下2个村",
        "完成情况": "正在办理",
        "申请延期至": "2026-04-10",
        "备注": "缺人手",
    },
    FUNDS: {"目前进展": "主体完工", "完成情况": "已办结"},
    f"{FUNDS}#参保率": {"指标值": 0.985},
    f"{FUNDS}#项目资金(一号)": {"指标值": 120.5},
    f"{FUNDS}#已拨付(一号)": {"指标值": "60"},
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after the pass of MONDAY, which is the present for every command in it."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "schedules.yaml").write_text(SMALL + MEASURES, "utf-8")
    (folder / ".env").write_text(f"DISPATCHER_NOW={MONDAY}\n")
    done = Shell(folder)("run", "--once")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def office(prepared: Path, tmp_path: Path) -> Shell:
    """A copy of it, to work in."""
    return Shell(shutil.copytree(prepared, tmp_path / "office"))


def exported(office: Shell, name: str = NAME) -> bytes:
    done = office("sheet", "export", "--unit", "潭东")
    assert done.returncode == 0, done.stderr
    return (office.folder / name).read_bytes()


def returned(office: Shell, rows: dict[str, Cells]) -> Path:
    """The exported sheet, filled in, under another name."""
    path = office.folder / "潭东镇返回.xlsx"
    path.write_bytes(filled(exported(office), rows))
    return path


def ask(office: Shell, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(office.folder / "var" / "dispatcher.db") as conn:
        return conn.execute(query).fetchall()


def states(office: Shell) -> dict[str, str]:
    query = (
        "SELECT duty || '/' || period || '@' || unit, assignment.state "
        "FROM assignment JOIN occurrence ON occurrence.id = occurrence_id"
    )
    return dict(ask(office, query))  # type: ignore[arg-type]


def test_a_unit_sheet_is_written_under_its_name_for_the_present_quarter(office: Shell) -> None:
    done = office("sheet", "export", "--unit", "潭东")
    assert done.stdout == f"{NAME} made: 2 assignments\n"
    found = read_sheet(NAME, (office.folder / NAME).read_bytes())
    assert (found.unit, {entry.key for entry in found.entries}) == ("潭东镇", {HOUSING, FUNDS})


def test_a_sheet_that_is_there_is_not_overwritten(office: Shell) -> None:
    before = exported(office)
    done = office("sheet", "export", "--unit", "潭东", DISPATCHER_NOW="2026-03-31T09:00+08:00")
    assert (done.returncode, f"perhaps filled in: {NAME}" in done.stderr) == (1, True)
    assert (office.folder / NAME).read_bytes() == before


def test_a_sheet_goes_into_a_folder_or_a_file(office: Shell) -> None:
    for out in ("out/三月", "out/三月/a.xlsx"):
        done = office("sheet", "export", "--unit", "潭东", "--period", "2026-03", "--out", out)
        assert done.returncode == 0, done.stderr
    written = sorted(path.name for path in (office.folder / "out/三月").iterdir())
    assert written == ["a.xlsx", "台账-潭东镇-2026-03.xlsx"]


def test_all_sheets_are_one_for_each_unit_and_one_of_all(office: Shell) -> None:
    done = office("sheet", "export", "--all", "--out", "all")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (office.folder / "all").iterdir()} == {
        "台账-全部单位-2026-Q1.xlsx",
        "台账-区农办-2026-Q1.xlsx",
        NAME,
    }


def test_of_all_sheets_none_is_written_when_one_is_there(office: Shell) -> None:
    exported(office)
    assert office("sheet", "export", "--all").returncode == 1
    assert [path.name for path in office.folder.glob("*.xlsx")] == [NAME]


@pytest.mark.parametrize(
    "words, code, says",
    [
        ((), 2, "name a unit with --unit, or say --all"),
        (("--all", "--out", "all.xlsx"), 2, "--all makes several files: name a folder with --out"),
        (("--all", "--unit", "潭东"), 2, "name a unit with --unit, or say --all"),
        (("--unit", "潭西"), 2, "unknown unit '潭西'"),
        (("--unit", "潭东", "--period", "2026-Q9"), 2, "'2026-Q9' is not a period"),
        (("--unit", "潭东", "--period", "2025"), 1, "nothing is owed in 2025"),
        (("--unit", "潭东", "--out", "schedules.yaml/x"), 2, "cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_said(
    office: Shell, words: tuple[str, ...], code: int, says: str
) -> None:
    done = office("sheet", "export", *words)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def test_an_import_shows_what_it_records_and_records_it(office: Shell) -> None:
    path = returned(office, FILLED)
    done = office("sheet", "import", path.name, "--by", "王工", "--yes")
    assert done.returncode == 0, done.stderr
    funds, asked, acknowledged = done.stdout.splitlines()[1:4]
    assert "pending → reported" in funds
    assert "参保率=98.5%、项目资金(一号)=120.5万元、已拨付(一号)=60万元  主体完工" in funds
    words = [HOUSING, "住房排查", "pending", "→", "pending", "2026-04-10", "缺人手"]
    assert asked.split() == words
    assert "pending → acknowledged" in acknowledged
    assert "已排查3个村 余下2个村" in acknowledged
    assert done.stdout.splitlines()[4:] == ["参保率 98.5%, at least 99% wanted", "recorded: 3"]
    assert (states(office)[HOUSING], states(office)[FUNDS]) == ("acknowledged", "reported")
    audit = ask(office, "SELECT actor, subject FROM audit WHERE action = 'import'")
    assert audit == [("王工", path.name)]


def test_an_import_without_a_yes_records_nothing(office: Shell) -> None:
    path = returned(office, FILLED)
    before = states(office)
    done = office("sheet", "import", path.name, "--by", "王工")
    assert (done.returncode, "add --yes" in done.stderr, HOUSING in done.stdout) == (2, True, True)
    assert (states(office), ask(office, "SELECT * FROM answer")) == (before, [])


def test_an_import_of_the_same_file_says_that_it_is_recorded_already(office: Shell) -> None:
    path = returned(office, FILLED)
    office("sheet", "import", path.name, "--by", "王工", "--yes")
    done = office("sheet", "import", path.name, "--by", "王工")
    assert (done.returncode, done.stdout) == (0, "recorded: 0\nrecorded already: 2\n")


def test_a_bad_row_keeps_the_whole_import_out(office: Shell) -> None:
    path = returned(office, FILLED | {HOUSING: {"完成情况": "不涉及"}})
    done = office("sheet", "import", path.name, "no.xlsx", "--by", "王工", "--yes")
    assert (done.returncode, "no.xlsx cannot be read" in done.stderr) == (2, True)
    done = office("sheet", "import", path.name, "--by", "王工", "--yes")
    assert done.returncode == 2
    assert done.stderr == (
        f"{path.name}, sheet 台账, row 10, column S(备注): '不涉及' needs a reason; write it here\n"
    )
    assert set(states(office).values()) == {"pending"}


def test_the_monthly_table_is_filled_from_what_was_reported(office: Shell) -> None:
    office("sheet", "import", returned(office, FILLED).name, "--by", "王工", "--yes")
    done = office("sheet", "monthly")
    assert done.stdout == "月调度表-2026-03.xlsx made: 2 projects\n", done.stderr
    page = load_workbook(office.folder / "月调度表-2026-03.xlsx").worksheets[0]
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=4)]
    assert page["A1"].value == "资金调度表(2026年3月)"
    assert rows[0] == [1, "一号", "潭东镇", 120.5, 60, 0.498, "主体完工"]
    assert rows[1] == [2, "二号", "潭东镇", None, None, None, "主体完工"]
    assert office("sheet", "monthly").returncode == 1


def test_the_digest_carries_the_sheet_when_the_unit_wants_it(office: Shell) -> None:
    calendar = office.folder / "schedules.yaml"
    text = calendar.read_text("utf-8")
    calendar.write_text(text.replace("潭东镇: {aliases", "潭东镇: {sheet: true, aliases"), "utf-8")
    tuesday = "2026-03-31T09:00+08:00"
    done = office("run", "--once", DISPATCHER_NOW=tuesday)
    assert done.returncode == 0, done.stderr
    [mail] = (office.folder / "var" / "mailbox").glob("20260331*digest-tandong*")
    message = email.message_from_bytes(mail.read_bytes(), policy=policy.default)
    [file] = message.iter_attachments()
    assert file.get_filename() == NAME
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert [(content,)] == ask(office, "SELECT content FROM attachment")
    assert len(read_sheet(NAME, content).entries) == 2


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_what_a_clerk_saves_in_libreoffice_comes_back_whole(office: Shell) -> None:
    path = returned(office, FILLED)
    saved = office.folder / "saved"
    command = [
        str(SOFFICE),
        f"-env:UserInstallation={(office.folder / 'profile').as_uri()}",
        *("--headless", "--convert-to", "xlsx", "--outdir", str(saved), str(path)),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    done = office("sheet", "import", f"saved/{path.name}", "--by", "王工", "--yes")
    assert done.returncode == 0, done.stderr
    assert (states(office)[HOUSING], states(office)[FUNDS]) == ("acknowledged", "reported")
    assert ask(office, "SELECT kind, note, due_on, figures FROM answer") == [
        (
            "report",
            "主体完工",
            None,
            '{"参保率": "98.5%", "项目资金(一号)": "120.5万元", "已拨付(一号)": "60万元"}',
        ),
        ("ask", "缺人手", "2026-04-10", None),
        ("ack", "已排查3个村\n余下2个村", None, None),
    ]
