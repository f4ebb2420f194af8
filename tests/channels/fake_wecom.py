"""WeCom's robots on loopback: key, kinds, bytes and budget as its pages say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from dispatcher.channels.wecom import Wecom
from tests.channels.outcomes import (
    KEY,
    OK,
    REFUSED,
    UNKNOWN,
    Expected,
    Vendor,
    always,
    auth,
    busy,
    rate,
)
from tests.channels.robots import Budget, here, now
from tests.channels.web import Answer, Answered, Asked, WebServer, says

PATH = "/cgi-bin/webhook/send?key="
LIMITS = {"text": 2048, "markdown": 4096}


class FakeWecom(WebServer):
    """``messages`` are those that stand in the group, in order."""

    def __init__(self, most: int = 20, now: Callable[[], float] = now) -> None:
        super().__init__(self._judge)
        self.messages: list[dict[str, Any]] = []
        self.removed = False
        self.budget = Budget(most, 60.0, now)

    @property
    def key(self) -> str:
        """The robot's whole address, as WeCom shows it."""
        return f"{self.url}{PATH}{KEY}"

    def said(self) -> list[str]:
        """What a reader reads: without the markup."""
        contents = [message["markdown"]["content"] for message in self.messages if
                    message["msgtype"] == "markdown"]  # fmt: skip
        return [re.sub(r'\*\*|</font>|<font color="\w+">', "", content) for content in contents]

    def _judge(self, asked: Asked) -> Answered:
        if asked.method != "POST" or asked.path != PATH + KEY or self.removed:
            return _error(93000, "invalid webhook url, hint: [1], from ip: 127.0.0.1")
        if not self.budget.takes():
            return _error(45009, "api freq out of limit")
        try:
            return self._take(json.loads(asked.body))
        except ValueError:
            return _error(40058, "invalid Request Parameter")

    def _take(self, message: dict[str, Any]) -> Answered:
        kind = message.get("msgtype")
        if kind not in LIMITS:
            return _error(40008, "invalid message type")
        content = message.get(kind, {}).get("content")
        if not content:
            return _error(44004, "text message content is empty")
        if len(content.encode()) > LIMITS[kind]:
            return _error(45002, "content size out of limit")
        self.messages.append(message)
        return _error(0, "ok")


def _error(code: int, words: str) -> Answered:
    return says({"errcode": code, "errmsg": words})


def make(server: WebServer, deadline: float = 5.0) -> Wecom:
    channel = Wecom("企业微信群", f"{server.url}{PATH}{KEY}", client=here())
    channel.deadline = deadline
    return channel


WORDS: dict[tuple[int, str], Expected] = {
    (0, "ok"): OK,
    (-1, "system busy"): busy(),
    (6000, "data version conflict"): busy(),
    (45033, "concurrent call limit"): busy(),
    (45009, "api freq out of limit"): rate(),
    (93000, "invalid webhook url"): auth(),
    (93004, "robot is stopped"): auth(),
    (93008, "robot not in group"): auth(),
    (40008, "invalid message type"): REFUSED,
    (40033, "invalid charset"): REFUSED,
    (40035, "invalid parameter"): REFUSED,
    (40058, "invalid Request Parameter"): REFUSED,
    (44004, "text message content is empty"): REFUSED,
    (45002, "content size out of limit"): REFUSED,
    (99999, "a code that nobody knows"): REFUSED,
}
CODES: dict[str, tuple[Answer, Expected]] = {
    **{f"{code} {words}": (always(_error(code, words)), how) for (code, words), how in
       WORDS.items()},
    "没有 errcode": (always(says({"errmsg": "ok"})), UNKNOWN),
    'errcode 是 "0"': (always(says({"errcode": "0", "errmsg": "ok"})), UNKNOWN),
    "errcode 是 false": (always(says({"errcode": False})), UNKNOWN),
    "HTTP 500,errcode 是 0": (always(says({"errcode": 0}, 500)), UNKNOWN),
    "HTTP 400,errcode 是 93000": (
        always(says({"errcode": 93000, "errmsg": "invalid webhook url"}, 400)), auth(),
    ),
}  # fmt: skip
VENDOR = Vendor(
    "wecom",
    "企业微信群机器人",
    make,
    always(_error(0, "ok")),
    lambda words: always(_error(40058, words)),
    CODES,
    secrets=(KEY,),
)
