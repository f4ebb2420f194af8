"""The guide's quarter is lived through: every command in it is run, and says what is shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest

from tests.cli.conftest import ROOT, Shell

GUIDE = (ROOT / "docs/guide.zh-CN.md").read_text("utf-8")
HASH = re.compile(r"[0-9a-f]{64}")


class Spoken(NamedTuple):
    """A command of the guide, the environment that it has set by then, and what it shows."""

    command: str
    environ: dict[str, str]
    shown: list[str]


def spoken() -> Iterator[Spoken]:
    environ = {"LANG": "zh_CN.UTF-8"}
    for block in re.findall(r"^```console\n(.*?)^```", GUIDE, re.S | re.M):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            if command.startswith("export "):
                environ |= dict([command.removeprefix("export ").split("=", 1)])
            else:
                yield Spoken(command, dict(environ), shown)


def fill_in(path: Path) -> None:
    """As the guide says that 潭口镇 does."""
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet
    head = next(row for row in sheet.iter_rows() if any(c.value == "完成情况" for c in row))
    columns = {cell.value: cell.column for cell in head}
    row = head[0].row + 1
    sheet.cell(row, columns["完成情况"]).value = "已办结"
    sheet.cell(row, columns["目前进展"]).value = "已排查5个村,未发现问题"
    book.save(path)


@pytest.fixture
def office(tmp_path: Path) -> Shell:
    (calendar,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.S | re.M)
    (tmp_path / "schedules.yaml").write_text(calendar, "utf-8")
    return Shell(tmp_path)


def test_a_quarter_goes_as_the_guide_shows(office: Shell) -> None:
    for command, environ, shown in spoken():
        done = office(*shlex.split(command)[1:], **environ)
        said = (done.stdout + done.stderr).replace(str(office.folder), "/srv/dispatcher")
        assert HASH.sub("……", said).splitlines() == shown, command
        if command.startswith("dispatcher sheet export"):
            fill_in(office.folder / "台账.xlsx")
