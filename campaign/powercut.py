"""A power cut, simulated: a file keeps what it held at its last fdatasync, and of what was written
since then nothing, or some writes and not others.

The writes are read from the trace of the process that died. The disk is taken for honest: what it
says is written is written.
"""

from __future__ import annotations

import random
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

TRACED = "pwrite64,ftruncate,fdatasync,fsync"
CALL = re.compile(
    r'\d+ +(\w+)\(\d+<((?:\\x\w\w)+)>(?:, (?:"((?:\\x\w\w)*)", \d+, )?(\d+))?\) += \d'
)


class Call(NamedTuple):
    """A write of ``data`` at ``place``; a truncation to ``place``; or a file made sure of."""

    name: str
    path: str
    data: bytes
    place: int


def cut(ledger: Path, before: Path, trace: Path, seed: int) -> None:
    """Makes of a ledger what a power cut leaves of it, given how it was before the trace began."""
    chance = random.Random(seed)
    survives = chance.choice((0.0, 0.5))
    waiting: dict[str, list[Call]] = defaultdict(list)
    sure: dict[str, list[Call]] = defaultdict(list)
    for call in _calls(trace):
        if call.name in ("fdatasync", "fsync"):
            sure[call.path] += waiting.pop(call.path, [])
        else:
            waiting[call.path].append(call)
    for suffix in ("", "-wal"):
        path = Path(f"{ledger}{suffix}")
        saved = Path(f"{before}{suffix}")
        path.unlink(missing_ok=True)
        if saved.exists():
            shutil.copy(saved, path)
        some = [call for call in waiting[str(path)] if chance.random() < survives]
        _write(path, [*sure[str(path)], *some])
    Path(f"{ledger}-shm").unlink(missing_ok=True)


def _calls(trace: Path) -> Iterator[Call]:
    for line in _whole(trace.read_text("latin-1").splitlines()):
        if found := CALL.match(line):
            name, path, data, place = found.groups()
            yield Call(name, _bytes(path).decode(), _bytes(data or ""), int(place or 0))


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """The calls that came back, a line each: strace breaks one off where another thread's call
    comes between, and says the rest when it is over."""
    begun: dict[str, str] = {}
    for line in lines:
        thread = line.partition(" ")[0]
        head, broken, _rest = line.partition(" <unfinished ...>")
        _head, resumed, tail = line.partition(" resumed>")
        if broken:
            begun[thread] = head
        else:
            yield begun.pop(thread, "") + tail if resumed else line


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _write(path: Path, calls: list[Call]) -> None:
    if not calls:
        return
    path.touch()
    with path.open("r+b") as file:
        for call in calls:
            if call.name == "ftruncate":
                file.truncate(call.place)
            else:
                file.seek(call.place)
                file.write(call.data)
