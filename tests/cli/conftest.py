"""A small calendar in an empty folder, and the command line run in it as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

from tests.databases import AT_THE_END

ROOT = Path(__file__).parents[2]
SMALL = """\
plan: {title: 测试, office: 区农办, from: 2026-01-01}
units:
  区农办: {contacts: [{name: 张工, email: office@example.com}]}
  潭东镇: {aliases: [潭东], contacts: [{name: 王工, email: tandong@example.com}]}
duties:
  - {id: housing, title: 住房排查, rows: [1], when: 每季度, responsible: "区农办,潭东镇"}
  - {id: report, title: "=报告", rows: [2], when: 每月, responsible: 区农办}
"""


@cache
def warm() -> subprocess.Popen[str]:
    """This test process's warm Python."""
    python = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/cli/warm.py")],
        env=Shell(ROOT).environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    AT_THE_END.append(lambda: python.__exit__(None, None, None))
    return python


def answer_of_warm(line: str) -> int:
    python = warm()
    assert python.stdin
    assert python.stdout
    print(line, file=python.stdin, flush=True)
    return int(python.stdout.readline())


class Shell:
    """Runs ``dispatcher`` in a folder, with nothing of this machine's environment but PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environ(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)} | more

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The command when it has ended, in a process of its own."""
        with NamedTemporaryFile("r") as stdout, NamedTemporaryFile("r") as stderr:
            asked = {
                "folder": str(self.folder),
                "environ": self.environ(**environ),
                "words": words,
                "stdout": stdout.name,
                "stderr": stderr.name,
            }
            returned = answer_of_warm(json.dumps(asked))
            return subprocess.CompletedProcess(words, returned, stdout.read(), stderr.read())

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dispatcher", *words],
            cwd=self.folder,
            env=self.environ(**environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def mail(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "var" / "mailbox").glob("*"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "schedules.yaml").write_text(SMALL, "utf-8")
    return Shell(tmp_path)


@pytest.fixture
def shipped(tmp_path: Path) -> Shell:
    """In a folder without a calendar of its own."""
    return Shell(tmp_path)
