"""A small calendar in an empty folder, and the command line run in it as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


class Shell:
    """Runs ``dispatcher`` in a folder, with nothing of this machine's environment but PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environ(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)} | more

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dispatcher", *words],
            cwd=self.folder,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

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
