"""The daemon's own word to the office when passes fail: past the ledger, for that may be why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from dispatcher.heartbeat import Trouble
from dispatcher.i18n import translator
from dispatcher.state import keep, kept

log = logging.getLogger("dispatcher.alarm")
PATIENCE = timedelta(minutes=10)
"""Shorter troubles are nobody's business: they go by themselves."""
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

    What has been told is kept in a file, and in memory while the file cannot be written.
    """

    def __init__(self, path: Path, send: Send) -> None:
        self.path = path
        self.send = send
        found = kept(path)
        self.told: dict[str, str] = found.get("told", {})
        self.open: bool = found.get("open", False)

    def failing(self, cause: str, trouble: Trouble, now: datetime) -> None:
        """Passes fail ``now`` as they have since ``trouble`` began."""
        last = self.told.get(cause)
        lately = last is not None and now - datetime.fromisoformat(last) < AGAIN
        if lately or now - trouble.since <= PATIENCE:
            return
        since = _minute(trouble.since)
        why = trouble.why.render(translator("zh_CN"))
        if self.send(FAILING.format(since=since), WHY.format(since=since, why=why)):
            log.warning("the office has been told: %s", trouble.why)
            self.told[cause] = now.isoformat()
            self._keep(open=True)

    def well(self, now: datetime) -> None:
        """A pass has succeeded."""
        if self.open and self.send(WELL, SINCE_WHEN.format(at=_minute(now))):
            self._keep(open=False)

    def _keep(self, *, open: bool) -> None:
        self.open = open
        keep(self.path, {"open": open, "told": self.told})


def _minute(instant: datetime) -> str:
    return f"{instant.month}月{instant.day}日{instant:%H:%M}"
