"""Feishu's robots on loopback: token, signature, keywords, bytes, cards and budget as its pages
say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from dispatcher.channels.feishu import Feishu
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

PATH = "/open-apis/bot/v2/hook/"
HOUR = 3600
TEMPLATES = (
    "blue wathet turquoise green yellow orange red carmine violet purple indigo grey default"
).split()


class FakeFeishu(WebServer):
    """``messages`` are those that stand in the group, in order. ``keyword`` is to be in each;
    ``cards`` says whether cards are taken, or with what code they are refused."""

    def __init__(
        self, most: int = 100, now: Callable[[], float] = now, keyword: str = "",
        secret: str = SECRET, cards: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(self._judge)
        self.messages: list[dict[str, Any]] = []
        self.keyword, self.secret, self.cards, self._now = keyword, secret, cards, now
        self.minute, self.second = Budget(most, 60.0, now), Budget(most // 20, 1.0, now)

    @property
    def key(self) -> str:
        """The robot's whole address, as Feishu shows it."""
        return f"{self.url}{PATH}{KEY}"

    def said(self) -> list[str]:
        """What a reader reads: without the markup."""
        return [_read(message).replace("**", "") for message in self.messages]

    def _judge(self, asked: Asked) -> Answered:
        if asked.path != PATH + KEY:
            return _error(19001, "param invalid: incoming webhook access token invalid")
        if len(asked.body) > 20_000:
            return _error(9499, "Bad Request")
        try:
            message = json.loads(asked.body)
        except ValueError:
            return _error(9499, "Bad Request")
        if self.secret and not self._is_signed(message):
            return _error(19021, "sign match fail or timestamp is not within one hour")
        if not (self.minute.takes() and self.second.takes()):
            return _error(11232, "frequency limited psm[lark.oapi.app_platform_runtime]")
        return self._take(message)

    def _is_signed(self, message: dict[str, Any]) -> bool:
        stamp = message.get("timestamp", "0")
        key = f"{stamp}\n{self.secret}".encode()
        right = base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode()
        return message.get("sign") == right and abs(int(stamp) - self._now()) <= HOUR

    def _take(self, message: dict[str, Any]) -> Answered:
        if message.get("msg_type") == "interactive":
            if self.cards:
                return _error(self.cards, "Bad Request" if self.cards == 9499 else "card refused")
            if message["card"]["header"]["template"] not in TEMPLATES:
                return _error(9499, "Bad Request")
        elif message.get("msg_type") != "text":
            return _error(9499, "Bad Request")
        if self.keyword not in _read(message):
            return _error(19024, "Key Words Not Found")
        self.messages.append(message)
        return says({"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success"})


def _read(message: dict[str, Any]) -> str:
    if message["msg_type"] == "text":
        return str(message["content"]["text"])
    card = message["card"]
    contents = [element["content"] for element in card["elements"]]
    return "\n".join([card["header"]["title"]["content"], *contents])


def _error(code: int, words: str) -> Answered:
    return says({"code": code, "msg": words, "data": {}})


def make(server: WebServer, deadline: float = 5.0) -> Feishu:
    channel = Feishu(
        "飞书群", f"{server.url}{PATH}{KEY}", SECRET, client=here(), now=now, sleep=lambda _: None
    )
    channel.deadline = deadline
    return channel


def refusing_cards(code: int, words: str) -> Answer:
    """Takes a text, and no card."""

    def answer(asked: Asked) -> Answered:
        return _error(code, words) if asked.json["msg_type"] == "interactive" else _error(0, "ok")

    return answer


WAIT = 72.0
"""Seconds: of 60 to 89, those of this robot's name."""
WORDS: dict[tuple[int, str], Expected] = {
    (0, "success"): OK,
    (11232, "frequency limited"): rate(WAIT),
    (9499, "too many request"): rate(WAIT),
    (9499, "Bad Request"): REFUSED._replace(calls=2),
    (230099, "card table number over limit; ErrCode: 11310"): REFUSED._replace(calls=2),
    (2200, "internal error"): busy(),
    (19001, "param invalid: incoming webhook access token invalid"): auth(),
    (19021, "sign match fail or timestamp is not within one hour"): auth(),
    (19022, "Ip Not Allowed"): auth(),
    (19024, "Key Words Not Found"): auth(),
    (19036, "message is too large"): REFUSED,
    (99999, "a code that nobody knows"): REFUSED,
}
CODES: dict[str, tuple[Answer, Expected]] = {
    **{f"{code} {words}": (always(_error(code, words)), how) for (code, words), how in
       WORDS.items()},
    "卡片被拒(230099),改发文本,成功": (refusing_cards(230099, "card"), OK._replace(calls=2)),
    "卡片被拒(9499 Bad Request),改发文本,成功": (
        refusing_cards(9499, "Bad Request"), OK._replace(calls=2),
    ),
    "没有 code,StatusCode 是 0(旧版)": (always(says({"StatusCode": 0})), OK),
    "StatusCode 是 0,code 是 19024": (
        always(says({"StatusCode": 0, "code": 19024, "msg": "Key Words Not Found"})), auth(),
    ),
    "没有 code": (always(says({"msg": "success"})), UNKNOWN),
    "HTTP 400,code 是 19021": (
        always(says({"code": 19021, "msg": "sign match fail"}, 400)), auth(),
    ),
    "HTTP 429,code 是 11232": (
        always(says({"code": 11232, "msg": "frequency limited"}, 429)), rate(WAIT),
    ),
}  # fmt: skip
VENDOR = Vendor(
    "feishu",
    "飞书群机器人",
    make,
    always(_error(0, "success")),
    lambda words: always(_error(19036, words)),
    CODES,
)
