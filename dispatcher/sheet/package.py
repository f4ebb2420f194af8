"""A workbook as bytes: the same ones for the same content, whenever they are made."""

from __future__ import annotations

from datetime import date, datetime, time
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.packaging.core import DocumentProperties
from openpyxl.xml.constants import ARC_CORE
from openpyxl.xml.functions import tostring


def packed(book: Workbook, title: str, as_of: date) -> bytes:
    """The .xlsx file, dated ``as_of`` throughout: openpyxl would read the wall clock."""
    moment = datetime.combine(as_of, time())
    properties = DocumentProperties(
        creator="dispatcher", title=title, created=moment, modified=moment
    )
    saved, result = BytesIO(), BytesIO()
    book.save(saved)
    with ZipFile(saved) as source, ZipFile(result, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name) if name != ARC_CORE else tostring(properties.to_tree())
            part = ZipInfo(name, moment.timetuple()[:6])
            part.compress_type = ZIP_DEFLATED
            target.writestr(part, content)
    return result.getvalue()
