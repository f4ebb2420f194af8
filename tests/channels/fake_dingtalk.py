"""DingTalk's robots on loopback: token, signature, keywords, bytes, budget and block as its pages
say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dispatcher.channels.dingtalk import Dingtalk
from tests.channels.outcomes import (
    KEY,
    OK,
    REFUSED,
    SECRET,
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

PATH = "/robot/send"
HOUR = 3600


class FakeDingtalk(WebServer):
    """``messages`` are those that stand in the group, in order. ``keyword`` is to be in each."""

    def __init__(
        self,
        most: int = 20,
        now: Callable[[], float] = now,
        keyword: str = "",
        secret: str = SECRET,
    ) -> None:
        super().__init__(self._judge)
        self.messages: list[dict[str, Any]] = []
        self.keyword, self.secret, self._now = keyword, secret, now
        self.budget = Budget(most, 60.0, now, block=600.0)

    @property
    def key(self) -> str:
        """The robot's whole address, as DingTalk shows it."""
        return f"{self.url}{PATH}?access_token={KEY}"

    def said(self) -> list[str]:
        """What a reader reads: without the markup."""
        texts = [message["markdown"]["text"] for message in self.messages]
        return [text.replace("**", "").replace("#### ", "").replace("\n\n", "\n") for text in texts]

    def _judge(self, asked: Asked) -> Answered:
        parts = urlsplit(asked.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if "application/json" not in asked.headers.get("Content-Type", ""):
            return _error(43004, "需要HTTP头的Content-Type为application/json")
        if parts.path != PATH or query.get("access_token") != KEY:
            return _error(300005, "token is not exist")
        if self.secret and not self._is_signed(query):
            return _error(310000, "sign not match, more: [https://open.dingtalk.com]")
        if not self.budget.takes():
            return _error(130101, "send too fast, exceed 20 times per minute")
        if len(asked.body) > 20_000:
            return _error(460101, "message too long, exceed 20000 bytes")
        return self._read(asked.body)

    def _is_signed(self, query: dict[str, str]) -> bool:
        stamp = query.get("timestamp", "0")
        said = f"{stamp}\n{self.secret}".encode()
        right = base64.b64encode(hmac.digest(self.secret.encode(), said, hashlib.sha256)).decode()
        return query.get("sign") == right and abs(int(stamp) / 1000 - self._now()) <= HOUR

    def _read(self, body: bytes) -> Answered:
        try:
            message = json.loads(body)
        except ValueError:
            return _error(40035, "不合法的参数")
        if message.get("msgtype") != "markdown":
            return _error(400105, "unsupported message type")
        if not message["markdown"].get("title") or not message["markdown"].get("text"):
            return _error(40035, "缺少参数 markdown")
        if self.keyword not in message["markdown"]["text"]:
            return _error(310000, "keywords not in content, more: [https://open.dingtalk.com]")
        self.messages.append(message)
        return _error(0, "ok")


def _error(code: int, words: str) -> Answered:
    return says({"errcode": code, "errmsg": words})


def make(server: WebServer, deadline: float = 5.0) -> Dingtalk:
    key = f"{server.url}{PATH}?access_token={KEY}"
    channel = Dingtalk("钉钉群", key, SECRET, client=here(), now=now)
    channel.deadline = deadline
    return channel


WORDS: dict[tuple[int, str], Expected] = {
    (0, "ok"): OK,
    (-1, "system busy"): busy(30.0),
    (130101, "send too fast, exceed 20 times per minute"): rate(600.0),
    (410100, "发送速度太快而限流"): rate(600.0),
    (88888, "request frequency exceeds the limit"): rate(600.0),
    (88889, "您发送太快,请稍后再试"): rate(600.0),
    (90030, "webhook over limit"): rate(3600.0),
    (310000, "keywords not in content"): auth(),
    (310000, "sign not match"): auth(),
    (310000, "ip 203.0.113.9 not in whitelist"): auth(),
    (310000, "something else"): auth(),
    (300001, "token is not exist"): auth(),
    (300005, "token is not exist"): auth(),
    (400101, "access_token不存在"): auth(),
    (400102, "机器人已停用"): auth(),
    (400106, "机器人不存在"): auth(),
    (400013, "群已被解散"): auth(),
    (400105, "unsupported message type"): REFUSED,
    (40035, "不合法的参数"): REFUSED,
    (43004, "需要HTTP头的Content-Type为application/json"): REFUSED,
    (460101, "message too long, exceed 20000 bytes"): REFUSED,
    (88890, "message too long, exceed 20000 bytes"): REFUSED,
    (99999, "a code that nobody knows"): REFUSED,
}
CODES: dict[str, tuple[Answer, Expected]] = {
    **{f"{code} {words}": (always(_error(code, words)), how) for (code, words), how in
       WORDS.items()},
    "没有 errcode": (always(says({"errmsg": "ok"})), UNKNOWN),
    "HTTP 500,errcode 是 0": (always(says({"errcode": 0}, 500)), UNKNOWN),
}  # fmt: skip
VENDOR = Vendor(
    "dingtalk",
    "钉钉群机器人",
    make,
    always(_error(0, "ok")),
    lambda words: always(_error(40035, words)),
    CODES,
)
