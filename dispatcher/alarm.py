"""The daemon's own word to the office when passes fail: past the ledger, for that may be why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

from dispatcher.heartbeat import Trouble
from dispatcher.i18n import translator
from dispatcher.state import keep, kept

log = logging.getLogger("dispatcher.alarm")
PATIENCE = timedelta(minutes=10)
"""Shorter troubles are nobody's business: they go by themselves. So long a failed letter rests."""
AGAIN = timedelta(days=1)
FAILING = "【告警】任务提醒程序自{since}起不能正常工作"
WHY = """自{since}起,任务提醒程序连续失败,期间到期的提醒没有发出。

原因:{why}

程序会一直重试;原因排除后自动恢复,应发的提醒届时补发一次,不会遗漏。请联系系统管理员处理。
"""
WELL = "【恢复】任务提醒程序已恢复正常"
SINCE_WHEN = "任务提醒程序已于{at}恢复正常,期间应发的提醒已开始补发。\n"

Send = Callable[[str, str], bool]
"""Hands subject and text to the office; whether any of its contacts was reached."""


class Alarm:
    """Tells the office of each cause at most once a day, and once when it is over.

    A letter leaves in a thread of its own, one at a time: a mail server that hangs holds up neither
    the passes nor the end of the process. What has been told is kept in a file, and in memory while
    the file cannot be written.
    """

    def __init__(self, path: Path, send: Send) -> None:
        self.path = path
        self.send = send
        found = kept(path)
        self.told: dict[str, str] = found.get("told", {})
        self.open: bool = found.get("open", False)
        self.thread = Thread()
        self.failed_at: datetime | None = None

    def failing(self, cause: str, trouble: Trouble, now: datetime) -> None:
        """Passes fail ``now`` as they have since ``trouble`` began."""
        if self._is_silent(now) or now - trouble.since <= PATIENCE:
            return
        last = self.told.get(cause)
        if last is not None and now - datetime.fromisoformat(last) < AGAIN:
            return
        since = _minute(trouble.since)
        why = trouble.why.render(translator("zh_CN"))
        letter = (FAILING.format(since=since), WHY.format(since=since, why=why))

        def has_been_told() -> None:
            log.warning("the office has been told: %s", trouble.why)
            self._keep({**self.told, cause: now.isoformat()}, open=True)

        self._begin(letter, has_been_told, now)

    def well(self, now: datetime) -> None:
        """A pass has succeeded."""
        if self.open and not self._is_silent(now):
            letter = (WELL, SINCE_WHEN.format(at=_minute(now)))
            self._begin(letter, lambda: self._keep(self.told, open=False), now)

    def wait(self, seconds: float | None = None) -> None:
        """Until the letter in hand has left or failed, if there is one; not longer than told."""
        if self.thread.is_alive():
            self.thread.join(seconds)

    def _is_silent(self, now: datetime) -> bool:
        """Whether a letter is in hand, or has failed lately."""
        lately = self.failed_at is not None and abs(now - self.failed_at) < PATIENCE
        return lately or self.thread.is_alive()

    def _begin(self, letter: tuple[str, str], told: Callable[[], None], now: datetime) -> None:
        def hand_over() -> None:
            delivered = self.send(*letter)
            self.failed_at = None if delivered else now
            if delivered:
                told()

        self.thread = Thread(target=hand_over, daemon=True, name="alarm")
        self.thread.start()

    def _keep(self, told: dict[str, str], *, open: bool) -> None:
        self.told, self.open = told, open
        keep(self.path, {"open": open, "told": told})


def _minute(instant: datetime) -> str:
    return f"{instant.month}月{instant.day}日{instant:%H:%M}"
