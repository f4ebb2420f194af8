"""What may be opened: looked at before a spreadsheet library touches it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePath
from typing import NoReturn
from xml.parsers import expat
from zipfile import ZipFile, ZipInfo

from dispatcher.i18n import Text, _
from dispatcher.sheet.content import excerpt
from dispatcher.sheet.problems import Place, Problem, SheetError, Unfit

MOST_BYTES = 10 * 1024**2
MOST_UNPACKED = 64 * 1024**2
MOST_PARTS = 1_000
MOST_CELLS = 200_000
CELL = {"c", "v", "is", "si", "t"}
"""The elements that spell out a cell: three for a text."""
MOST_OTHERS = 100_000
"""Of other elements, which cost a reader far more: rows, styles."""
LAST_ROW = 1_048_576
ROW = re.compile(r"[0-9]{1,7}")

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""A stream's name: an .xlsx with a password is such a file inside an old container."""


def check(file: str, content: bytes) -> None:
    """Raises SheetError unless ``content`` is an .xlsx workbook of a size that can be read.

    What zipfile raises on a damaged package goes through.
    """
    try:
        _check_size(len(content), MOST_BYTES)
        if content.startswith(OLE):
            _refuse_old(content)
        if not content.startswith(b"PK"):
            _refuse_format(PurePath(file).suffix.lower())
        _check_package(content)
    except Unfit as unfit:
        raise SheetError([Problem(Place(file), unfit.text)]) from unfit


def damaged(file: str, reason: object) -> SheetError:
    """The error for a workbook that cannot be read although nothing forbids it."""
    text = _(
        "the workbook is damaged ({reason}); open it, save it as .xlsx again, and import that",
        reason=excerpt(str(reason)) or type(reason).__name__,
    )
    return SheetError([Problem(Place(file), text)])


def _refuse_old(content: bytes) -> NoReturn:
    if ENCRYPTED in content:
        _refuse_encrypted()
    _refuse_format(".xls")


def _refuse_encrypted() -> NoReturn:
    raise Unfit(_("the workbook is protected by a password to open it; save it without one"))


def _refuse_format(name: str) -> NoReturn:
    """``name``: what the file is instead; nothing if it cannot be told."""
    if not name or name == ".xlsx":
        raise Unfit(_("this is not an .xlsx workbook; save the sheet as .xlsx and import that"))
    text = _("a {format} file cannot be imported; save the sheet as .xlsx", format=name)
    raise Unfit(text)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        text = _(
            "the workbook is too large: {size} MB, at most {limit} MB are read; "
            "remove pictures and other worksheets",
            size=size // 1024**2 + 1,
            limit=limit // 1024**2,
        )
        raise Unfit(text)


def _check_package(content: bytes) -> None:
    with ZipFile(BytesIO(content)) as package:
        _check_parts(package, {part.filename: part for part in package.infolist()})
        count = Count()
        for part in package.infolist():
            count.read(part.filename, package.read(part))


def _check_parts(package: ZipFile, parts: Mapping[str, ZipInfo]) -> None:
    """The declared sizes bind: no more than that is ever unpacked of a part."""
    every = package.infolist()
    if any(part.flag_bits & 1 for part in every):
        _refuse_encrypted()
    _check_size(sum(part.file_size for part in every), MOST_UNPACKED)
    if len(every) > MOST_PARTS:
        raise _too_much()
    if "xl/workbook.xml" not in parts:
        _refuse_format(_other_format(package, parts))
    if any(name.lower().endswith("vbaproject.bin") for name in parts):
        _refuse_format(".xlsm")


def _other_format(package: ZipFile, parts: Mapping[str, ZipInfo]) -> str:
    if "xl/workbook.bin" in parts:
        return ".xlsb"
    if "mimetype" in parts and b"opendocument" in package.read("mimetype"):
        return ".ods"
    return ""


def _too_much() -> Unfit:
    text: Text = _(
        "the workbook holds far more than a sheet: at most {limit} cells are read; "
        "remove other worksheets and empty formatted rows",
        limit=MOST_CELLS,
    )
    return Unfit(text)


class Count:
    """Counts what the parts of a workbook hold, and refuses what no spreadsheet program writes.

    Every part is looked at, whatever its name: which of them are read as XML is said in the
    workbook itself. One that is not well-formed is left at that place, as the reader will leave it.
    """

    def __init__(self) -> None:
        self.of_cells = self.others = 0

    def read(self, name: str, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = lambda *_rest: self._refuse_doctype(name)
        parser.StartElementHandler = self._element
        try:
            parser.Parse(content, True)
        except expat.ExpatError:
            return

    def _refuse_doctype(self, name: str) -> NoReturn:
        text = _(
            "part {part} declares a document type, which no spreadsheet program does; "
            "do not open the file, and ask its sender",
            part=name,
        )
        raise Unfit(text)

    def _element(self, name: str, attributes: Mapping[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "row":
            _check_row(attributes.get("r", "1"))
        if local in CELL:
            self.of_cells += 1
        else:
            self.others += 1
        if self.of_cells > 3 * MOST_CELLS or self.others > MOST_OTHERS:
            raise _too_much()


def _check_row(number: str) -> None:
    """The reader would count up to any number that a file claims."""
    if not ROW.fullmatch(number) or int(number) > LAST_ROW:
        raise _too_much()
