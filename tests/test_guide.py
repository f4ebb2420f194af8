"""The guide's stories are lived through: every command in it is run, and says what is shown."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import openpyxl
import pytest

from tests.cli.conftest import ROOT, Shell

GUIDE = (ROOT / "docs/guide.zh-CN.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)
STORIES = [f"```yaml\n{story}" for story in GUIDE.split("```yaml\n")[1:]]
"""Each begins with a calendar, in a folder of its own."""
CHINESE = {"LANG": "zh_CN.UTF-8", "TZ": "Asia/Shanghai"}
DAEMON = "from dispatcher import cli, daemon; daemon.WATCH = 1.0; cli.main()"
"""Looks at the calendar every second, for the story is long."""
PATIENCE = 20.0
"""Seconds within which a daemon must have come to what is shown."""


class Office:
    """A folder and what is done in it; a daemon once one is started, that works in it meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.shell, self.environ = Shell(folder), dict(CHINESE)
        self.calendar = folder / "schedules.yaml"
        self.daemon: subprocess.Popen[bytes] | None = None

    def do(self, kind: str, content: str) -> None:
        """What a block of the guide says."""
        if kind == "yaml":
            self.calendar.write_text(content, "utf-8")
        elif kind == "text":
            (self.shell.folder / "放假通知.txt").write_text(content, "utf-8")
        elif kind == "diff":
            self.edit(content.splitlines(keepends=True))
        elif kind == "console":
            for part in re.split(r"^\$ ", content, flags=re.M)[1:]:
                command, _newline, shown = part.partition("\n")
                self.type(command, shown)

    def edit(self, lines: list[str]) -> None:
        """As an editor does that writes the file anew; its last line need not end."""
        old, new = (
            "".join(line[1:] for line in lines if line[0] in signs) for signs in ("- ", "+ ")
        )
        text = self.calendar.read_text("utf-8")
        assert text.count(old) == 1, old
        self.calendar.write_text(text.replace(old, new), "utf-8")

    def type(self, command: str, shown: str) -> None:
        """A command of the guide; asked again while the daemon may still be at work."""
        command, _sign, target = command.partition(" > ")
        if command.startswith("export "):
            self.environ |= dict([command.removeprefix("export ").split("=", 1)])
        elif command.endswith(" &"):
            self.daemon = self.start(*shlex.split(command)[1:-1])
        else:
            deadline = monotonic() + (PATIENCE if self.daemon else 0)
            while not is_as(shown, said := self.answer(command, target)):
                assert monotonic() < deadline, f"{command}\n{said}"
                sleep(0.3)
        if command.startswith("dispatcher sheet export"):
            fill_in(self.shell.folder / "台账.xlsx")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        python = [sys.executable, "-c", DAEMON, *words]
        environ = self.shell.environ(**self.environ)
        return subprocess.Popen(python, cwd=self.shell.folder, env=environ)

    def answer(self, command: str, target: str) -> str:
        done = self.shell(*shlex.split(command)[1:], **self.environ)
        if target:
            (self.shell.folder / target).write_text(done.stdout, "utf-8")
        said = done.stderr if target else done.stdout + done.stderr
        return said.replace(str(self.shell.folder), "/srv/dispatcher")

    def close(self) -> None:
        if self.daemon:
            self.daemon.terminate()
            assert self.daemon.wait(PATIENCE) == 0


def is_as(shown: str, said: str) -> bool:
    """Whether that is what is shown: …… stands for what is left out, and a minute may pass."""
    pattern = re.escape(shown).replace("……", "(?s:.*)").replace("09:00", "09:0[0-9]")
    return re.fullmatch(pattern, said) is not None


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


@pytest.mark.parametrize("story", STORIES, ids=["a quarter", "an edit while the daemon runs"])
def test_it_goes_as_the_guide_shows(tmp_path: Path, story: str) -> None:
    office = Office(tmp_path)
    try:
        for kind, content in BLOCK.findall(story):
            office.do(kind, content)
    finally:
        office.close()
