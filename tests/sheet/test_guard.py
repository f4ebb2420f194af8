"""What may be opened: an .xlsx workbook of a sheet's size, and nothing that only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.sheet import guard
from dispatcher.sheet.writing import write_sheet
from tests.sheet.samples import SHEET, edited, problems, read

XLSX = write_sheet(SHEET)
LEDGER = "xl/worksheets/sheet1.xml"
BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


def packed(**parts: bytes | Callable[[bytes], bytes]) -> bytes:
    """XLSX with parts added or rewritten; ``__`` in a name is a slash, ``_`` a dot."""
    wanted = {name.replace("__", "/").replace("_", "."): part for name, part in parts.items()}
    result = BytesIO()
    with ZipFile(BytesIO(XLSX)) as source, ZipFile(result, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = wanted.pop(name, source.read(name))
            target.writestr(name, part if isinstance(part, bytes) else part(source.read(name)))
        for name, part in wanted.items():
            assert isinstance(part, bytes)
            target.writestr(name, part)
    return result.getvalue()


def zipped(**parts: bytes) -> bytes:
    result = BytesIO()
    with ZipFile(result, "w") as target:
        for name, part in parts.items():
            target.writestr(name.replace("__", "/").replace("_", "."), part)
    return result.getvalue()


def only_problem(content: bytes, file: str = "来件.xlsx") -> str:
    [problem] = problems(content, file)
    assert problem.startswith(f"{file}: ")
    return problem.removeprefix(f"{file}: ")


def encrypted_entries() -> bytes:
    """XLSX whose zip entries are flagged as encrypted."""
    content = bytearray(XLSX)
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:
        content[at + 8] |= 1
        at += 4
    return bytes(content)


@pytest.mark.parametrize(
    "content, file, problem",
    [
        (guard.OLE + b"Workbook", "台账.xls", "a .xls file cannot be imported; save the sheet as"),
        (guard.OLE + b"Workbook", "台账.xlsx", "a .xls file cannot be imported"),
        (zipped(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), "台账.ods", "a .ods"),
        (zipped(xl__workbook_bin=b""), "台账.xlsb", "a .xlsb file cannot be imported"),
        ("序号,备注\n1,无\n".encode(), "台账.CSV", "a .csv file cannot be imported"),
        ("序号,备注\n1,无\n".encode("gbk"), "台账.xlsx", "this is not an .xlsx workbook"),
        (b"", "台账.xlsx", "this is not an .xlsx workbook"),
        (zipped(word__document_xml=b"<x/>"), "台账.docx", "this is not an .xlsx workbook"),
        (packed(xl__vbaProject_bin=b"\0"), "台账.xlsm", "a .xlsm file cannot be imported"),
    ],
)  # fmt: skip
def test_another_format_is_named_with_what_to_do(content: bytes, file: str, problem: str) -> None:
    assert only_problem(content, file).startswith(problem)


@pytest.mark.parametrize("content", [guard.OLE + guard.ENCRYPTED, encrypted_entries()])
def test_a_workbook_with_a_password_is_named(content: bytes) -> None:
    assert only_problem(content).startswith("the workbook is protected by a password")


@pytest.mark.parametrize(
    "content",
    [
        XLSX[:-2000],
        XLSX[:1000] + bytes(500) + XLSX[1500:],
        packed(xl__workbook_xml=b"<workbook"),
        packed(xl__worksheets__sheet1_xml=lambda part: part[:3000]),
        packed(xl__styles_xml=b"<x/>"),
    ],
    ids=["cut off", "overwritten", "no workbook", "half a sheet", "no styles"],
)
def test_a_damaged_workbook_is_named(content: bytes) -> None:
    assert "damaged" in only_problem(content)


def test_a_file_larger_than_any_sheet_is_not_opened() -> None:
    problem = only_problem(b"PK" + bytes(guard.MOST_BYTES))
    assert "the workbook is too large: 11 MB, at most 10 MB are read" in problem


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked() -> None:
    bomb = packed(xl__media__image1_png=bytes(guard.MOST_UNPACKED))
    assert len(bomb) < 1024**2
    assert "the workbook is too large: 65 MB" in only_problem(bomb)


def test_a_part_gives_no_more_than_the_size_that_it_declares() -> None:
    bomb = bytearray(packed(xl__media__image1_png=bytes(1000)))
    at = bomb.rindex(b"PK\x01\x02")
    assert int.from_bytes(bomb[at + 24 : at + 28], "little") == 1000
    bomb[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert "damaged" in only_problem(bytes(bomb))


def test_a_workbook_of_too_many_cells_is_not_read() -> None:
    cells = b"<c><is><t/></is></c>" * (guard.MOST_CELLS + 1)
    part = b"<worksheet><sheetData><row>" + cells + b"</row></sheetData></worksheet>"
    assert f"at most {guard.MOST_CELLS} cells" in only_problem(packed(xl__worksheets__a_xml=part))


def test_a_workbook_of_too_many_styles_is_not_read() -> None:
    part = b"<styleSheet>" + b"<xf/>" * guard.MOST_OTHERS + b"</styleSheet>"
    assert "far more than a sheet" in only_problem(packed(xl__styles_xml=part))


def test_a_workbook_of_too_many_parts_is_not_read() -> None:
    parts = {f"xl__part{number}": b"" for number in range(guard.MOST_PARTS)}
    assert "far more than a sheet" in only_problem(packed(**parts))


@pytest.mark.parametrize(
    "number", [b"1048577", b"99999999", b"1e12", b"0000000000000000009", b"-1", b""]
)
def test_a_row_number_that_no_sheet_has_is_refused(number: bytes) -> None:
    def renumber(part: bytes) -> bytes:
        return part.replace(b'<row r="4"', b'<row r="' + number + b'"')

    assert "far more" in only_problem(packed(xl__worksheets__sheet1_xml=renumber))


@pytest.mark.parametrize(
    "part", [BOMB, OUTSIDE, b"\xff\xfe" + OUTSIDE.decode().encode("utf-16-le")]
)
@pytest.mark.parametrize(
    "name", ["xl__worksheets__sheet1_xml", "docProps__core_xml", "xl__other_bin"]
)
def test_a_document_type_is_refused_in_any_part(name: str, part: bytes) -> None:
    problem = only_problem(packed(**{name: part}))
    assert "declares a document type" in problem
    assert name.replace("__", "/").replace("_", ".") in problem


def test_a_picture_is_no_matter() -> None:
    assert read(packed(xl__media__image1_png=b"\x89PNG\r\n")).entries


def test_a_format_far_below_the_last_row_is_no_matter() -> None:
    def mark_the_end(page: Worksheet) -> None:
        page["C200000"].number_format = "0.00"

    assert len(read(edited(mark_the_end)).entries) == len(SHEET.lines)


def test_rows_outside_the_size_that_a_worksheet_declares_are_read() -> None:
    def shrink(part: bytes) -> bytes:
        return part.replace(b'<dimension ref="A1:U8"', b'<dimension ref="A1:C4"')

    assert read(packed(xl__worksheets__sheet1_xml=shrink)) == read(XLSX)
    assert shrink(ZipFile(BytesIO(XLSX)).read(LEDGER)) != ZipFile(BytesIO(XLSX)).read(LEDGER)


def test_what_the_library_warns_of_is_no_matter() -> None:
    extension = b'<extLst><ext uri="{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'

    def extend(part: bytes) -> bytes:
        return part.replace(b"</worksheet>", extension)

    assert read(packed(xl__worksheets__sheet1_xml=extend)) == read(XLSX)
