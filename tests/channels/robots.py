"""What the tests of the robots share: digests as data, a clock to turn, and a vendor's budget."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from dispatcher.channels.contract import Card, Colour, Entry, Outgoing
from dispatcher.channels.http import Client
from dispatcher.clock import system_clock
from tests.channels.servers import digest

HEADS: dict[Colour, tuple[str, str]] = {
    "red": ("红", "已逾期"),
    "yellow": ("黄", "今日到期"),
    "blue": ("蓝", "7日内到期"),
    "grey": ("待办", "7日以后到期"),
}
CLOSING = ("请尽快反馈进展。", "联系人:张工 0797-1234567", "区农办 2026年4月17日")


def now() -> float:
    """The present, in seconds since 1970."""
    return system_clock().timestamp()


def here() -> Client:
    """A client that may call this machine and nobody else."""
    return Client({"127.0.0.1"})


def entry(title: str, colour: Colour = "red", **changes: Any) -> Entry:
    mark, head = HEADS[colour]
    found = Entry(
        key="housing/2026Q1/潭东镇", duty="housing", unit="潭东镇", colour=colour, mark=mark,
        head=f"{head}1项", title=title, due="2026-03-31", deadline="3月31日(周二),已逾期17天",
        notes=("第4次催办",), role="你单位为责任单位", task="每季度开展排查", lead="区住建局",
    )  # fmt: skip
    return found._replace(**changes)


def carded(entries: Sequence[Entry], **changes: Any) -> Outgoing:
    """A digest of these entries to a group chat."""
    card = Card("潭东镇", "截至4月17日(周五)9时,你单位以下事项尚未办结:", tuple(entries), CLOSING)
    return digest(**{"address": "潭东镇", "card": card, **changes})


def many(count: int, **changes: Any) -> Outgoing:
    """A digest of so many entries, each known by its title."""
    colours: tuple[Colour, ...] = ("red", "yellow", "blue", "grey")
    each = [entry(f"事项{n:04}", colours[4 * n // count], **changes) for n in range(count)]
    return carded(each)


class Turned:
    """A clock that only goes on when it is slept by; ``slept`` is how often and how long."""

    def __init__(self, at: float = 1_700_000_000.0) -> None:
        self.at, self.slept = at, list[float]()

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


class Budget:
    """So many calls in any so many seconds; who asks for more is shut out for ``block`` seconds."""

    def __init__(
        self, most: int, seconds: float, now: Callable[[], float], block: float = 0.0
    ) -> None:
        self._most, self._seconds, self._now, self._block = most, seconds, now, block
        self._taken: deque[float] = deque()
        self._shut_until = float("-inf")

    def takes(self) -> bool:
        at = self._now()
        while self._taken and self._taken[0] <= at - self._seconds:
            self._taken.popleft()
        if at < self._shut_until:
            return False
        if len(self._taken) >= self._most:
            self._shut_until = at + self._block
            return False
        self._taken.append(at)
        return True
