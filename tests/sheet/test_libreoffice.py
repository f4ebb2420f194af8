"""What a clerk saves in LibreOffice comes back whole, and what it prints is not cut off."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from dispatcher.sheet.monthly import write_monthly
from dispatcher.sheet.writing import write_sheet
from tests.sheet.samples import (
    CLOSED,
    DROPOUT,
    MEDICAL,
    SHEET,
    filled,
    page_of,
    problems,
    read,
)
from tests.sheet.test_monthly import ROAD, WATER

SOFFICE, POPPLER = shutil.which("soffice"), shutil.which("pdftotext")
FONTS = shutil.which("fc-list")
CHINESE = FONTS and subprocess.run([FONTS, ":lang=zh"], capture_output=True, check=False).stdout
pytestmark = [
    pytest.mark.skipif(not SOFFICE, reason="LibreOffice (soffice) is not installed here"),
    pytest.mark.skipif(
        not POPPLER, reason="poppler's pdftotext and pdfinfo are not installed here"
    ),
    pytest.mark.skipif(not CHINESE, reason="no Chinese font is installed here"),
]

AWKWARD = DROPOUT._replace(
    title="=1+1",
    contact="_x0041_@ +86",
    progress="第一行\n 第二行😀\x07_x000D_ ",
    note="'前导引号",
)
TRICKY = SHEET._replace(lines=(AWKWARD, MEDICAL, CLOSED))
LONG = "各镇逐户排查,建立台账,落实包保责任人。"
PRINTED = SHEET._replace(
    lines=tuple(
        DROPOUT._replace(key=f"d/{number}@甲", progress=LONG * (number % 12), task=LONG * 4)
        for number in range(30)
    )
)


def convert(folder: Path, target: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files as LibreOffice saves them in another format; ``target``: ``xlsx``, ``pdf``, ..."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [
        f"{SOFFICE}",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--convert-to",
        target,
        "--outdir",
        f"{folder / 'saved'}",
        *[f"{folder / name}" for name in files],
    ]
    subprocess.run(command, capture_output=True, check=True, timeout=180)
    saved = [folder / "saved" / f"{Path(name).stem}.{target}" for name in files]
    return {path.stem: path.read_bytes() for path in saved}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("libreoffice")


@pytest.fixture(scope="module")
def saved(folder: Path) -> dict[str, bytes]:
    """Workbooks opened and saved again."""
    answers = {"L4": "+全部摸排完毕", "M4": "已办结", "O5": date(2027, 1, 20), "N6": 0.987}
    workbooks = {
        "untouched.xlsx": write_sheet(TRICKY),
        "filled.xlsx": filled(answers),
        "broken.xlsx": filled({"D4": "改了要求", "M4": "=A1", "N6": "=1/0", "T8": None}),
    }
    return convert(folder, "xlsx", workbooks)


def test_a_sheet_that_was_only_saved_is_unchanged(saved: dict[str, bytes]) -> None:
    assert read(saved["untouched"]) == read(write_sheet(TRICKY))
    assert not any(entry.changed for entry in read(saved["untouched"]).entries)


def test_what_was_filled_in_comes_back(saved: dict[str, bytes]) -> None:
    first, second, third = read(saved["filled"]).entries
    assert (first.progress, first.status) == ("+全部摸排完毕", "已办结")
    assert second.extend_to == date(2027, 1, 20)
    assert second.figures == (("参保率", "98.7%"), ("资助人数", "300"))
    assert [first.changed, second.changed, third.changed] == [True, True, False]


def test_what_is_wrong_is_still_named(saved: dict[str, bytes]) -> None:
    found = problems(saved["broken"])
    assert [re.findall(r"row \d+(?:, column .)?", problem)[0] for problem in found] == [
        "row 4, column M",
        "row 4, column D",
        "row 6, column N",
        "row 8",
    ]


def test_protection_validations_and_hidden_keys_survive(saved: dict[str, bytes]) -> None:
    page, written = page_of(saved["untouched"]), page_of(write_sheet(TRICKY))
    assert page.protection.sheet
    assert not page["L4"].protection.locked
    assert page["D4"].protection.locked
    assert page.column_dimensions["T"].hidden
    rules = [
        {rule.type for rule in each.data_validations.dataValidation} for each in (page, written)
    ]
    assert rules[0] == rules[1] == {"list", "date", "decimal"}


def test_no_text_becomes_a_formula(saved: dict[str, bytes]) -> None:
    cells = [cell for row in page_of(saved["untouched"]).iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s", "n", "d"}


@pytest.fixture(scope="module")
def edited_there(folder: Path) -> dict[str, bytes]:
    """Workbooks that were in LibreOffice's own format and were changed there."""
    workbooks = {"clerk.xlsx": write_sheet(SHEET), "free.xlsx": write_sheet(PRINTED)}
    opened = {name: text.decode() for name, text in convert(folder, "fods", workbooks).items()}
    answered = opened["clerk"].replace("已摸排3个镇", "已摸排全部镇", 1)
    free = opened["free"].replace('optimal-row-height="false"', 'optimal-row-height="true"')
    changed = {"clerk.fods": answered.encode(), "free.fods": free.encode()}
    return convert(folder, "xlsx", changed)


def test_what_was_written_in_libreoffices_own_format_comes_back(
    edited_there: dict[str, bytes],
) -> None:
    first, *others = read(edited_there["clerk"]).entries
    assert (first.progress, first.changed) == ("已摸排全部镇", True)
    assert not any(entry.changed for entry in others)


def test_a_row_is_no_lower_than_libreoffice_would_make_it(edited_there: dict[str, bytes]) -> None:
    ours, theirs = page_of(write_sheet(PRINTED)), page_of(edited_there["free"])
    heights = [
        (ours.row_dimensions[row].height, theirs.row_dimensions[row].height)
        for row in range(4, ours.max_row + 1)
    ]
    assert all(own >= free for own, free in heights), heights
    # How tight Chinese lines are set depends on the font that is there.
    assert sum(own for own, _free in heights) < 2 * sum(free for _own, free in heights)


@pytest.mark.parametrize("name, heading", [("ledger", "工作事项及要求"), ("monthly", "项目名称")])
def test_it_prints_on_a4_landscape_with_headings_and_number_on_every_page(
    printed: Path, name: str, heading: str
) -> None:
    path = printed / f"{name}.pdf"
    sheet = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Page size: +841\.\d+ x 595\.\d+ pts \(A4\)", sheet)
    *pages, rest = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout.split("\f")
    assert len(pages) > 1
    assert rest == ""
    for number, page in enumerate(pages, 1):
        assert heading in page
        assert f"第{number}页 共{len(pages)}页" in page


@pytest.fixture(scope="module")
def printed(folder: Path) -> Path:
    """The folder of what was printed into files."""
    monthly = write_monthly("衔接资金项目月调度表", date(2026, 10, 31), [WATER, ROAD] * 20)
    convert(folder, "pdf", {"ledger.xlsx": write_sheet(PRINTED), "monthly.xlsx": monthly})
    return folder / "saved"
