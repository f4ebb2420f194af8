"""The gateway of the government's DingTalk, as others saw it: nothing of it was tried live."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime
from math import inf
from urllib.parse import parse_qsl

from dispatcher.channels.gov_dingtalk import NOTICE, OPEN, TOKEN, GovAccount, GovDingtalk
from dispatcher.channels.http import Client
from tests.channels.fake_webhook import NOW
from tests.channels.outcomes import (
    KEY,
    REFUSED,
    SECRET,
    UNKNOWN,
    Expected,
    Vendor,
    always,
    auth,
    rate,
)
from tests.channels.servers import digest
from tests.channels.web import Answer, Answered, Asked, WebServer, says

TENANT, PERSON, CREATOR = "50120", "8120034", "900001"
GOOD = digest(address=PERSON)
SKEW, LASTS = 300, 7200


def no(code: str, message: str) -> Answered:
    """As the service behind the gateway refuses: the call went well, and what was asked did not."""
    content = {"success": False, "responseCode": code, "responseMessage": message}
    return says({"success": True, "content": content})


class Gateway:
    """``notices`` by their ``bizMsgId``, ``tasks`` by their names; ``tokens`` with their ends."""

    def __init__(self) -> None:
        self.now: Callable[[], float] = lambda: NOW
        self.notices: dict[str, dict[str, str]] = {}
        self.tasks: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, float] = {"at-hand": inf}
        self.people = {PERSON}

    def __call__(self, asked: Asked) -> Answered:
        given = dict(parse_qsl(asked.body.decode()))
        if wrong := self._wrong(asked, given):
            return says({"success": False, "Code": wrong, "Message": wrong, "_RequestId": "R"})
        if asked.path == TOKEN:
            return self._token(given)
        if self.tokens.get(given.pop("access_token", ""), 0) <= self.now():
            return no("40014", "invalid access_token")
        if asked.path == NOTICE:
            return self._notice(given)
        return self._open(given) if asked.path == OPEN else self._finish(given)

    def _token(self, given: dict[str, str]) -> Answered:
        if (given["appkey"], given["appsecret"]) != (KEY, SECRET):
            return no("40001", "appkey or appsecret is wrong")
        token = "app_1"
        self.tokens[token] = self.now() + LASTS
        data = {"accessToken": token, "expiresIn": LASTS}
        content = {"success": True, "responseCode": "0", "responseMessage": "OK", "data": data}
        return says({"success": True, "content": content})

    def _notice(self, given: dict[str, str]) -> Answered:
        if given["tenantId"] != TENANT:
            return no("51001", "租户不存在")
        if given["receiverIds"] not in self.people:
            return no("51002", "receiverIds 无效")
        if len(given["msg"].encode()) > 2048:
            return no("51003", "msg 长度超过2048字节")
        if given["bizMsgId"] in self.notices:
            return no("51004", "bizMsgId 重复")
        self.notices[given["bizMsgId"]] = {**given, **json.loads(given["msg"])}
        return says({"success": True, "content": f"msg{len(self.notices)}"})

    def _open(self, given: dict[str, str]) -> Answered:
        for name, task in self.tasks.items():
            if task["bizTaskId"] == given["bizTaskId"]:
                return self._task(name)
        name = f"task-{len(self.tasks)}"
        self.tasks[name] = given
        return self._task(name)

    def _task(self, name: str) -> Answered:
        data = {"taskUuid": name, "packageUuid": "p"}
        return says({"success": True, "content": {"success": True, "data": data}})

    def _finish(self, given: dict[str, str]) -> Answered:
        task = self.tasks.get(given["taskUuid"])
        if not task or task["assigneeId"] != given["userId"]:
            return no("52001", "待办不存在")
        task["finished"] = "true"
        return says({"success": True, "content": {"success": True, "data": True}})

    def _wrong(self, asked: Asked, given: dict[str, str]) -> str:
        headers = asked.headers
        stamp = headers["X-Hmac-Auth-Timestamp"]
        if headers["apiKey"] != KEY:
            return "apiKey.invalid"
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00", stamp):
            return "timestamp.invalid"
        if abs(datetime.fromisoformat(stamp).timestamp() - self.now()) > SKEW:
            return "timestamp.expired"
        pairs = "&".join(f"{name}={given[name]}" for name in sorted(given))
        nonce = headers["X-Hmac-Auth-Nonce"]
        said = f"{asked.method}\n{stamp}\n{nonce}\n{asked.path}\n{pairs}"
        right = base64.b64encode(hmac.new(SECRET.encode(), said.encode(), hashlib.sha256).digest())
        return "" if right.decode() == headers["X-Hmac-Auth-Signature"] else "signature.invalid"


ACCOUNT = GovAccount("", KEY, SECRET, TENANT, CREATOR, "https://office.example.gov.cn/?a=1")


def fresh(server: WebServer, deadline: float = 5.0, now: float = NOW) -> GovDingtalk:
    """A channel that has not asked for its token yet."""
    account = ACCOUNT._replace(url=server.url)
    made = GovDingtalk("赣政通", account, client=Client({"127.0.0.1"}), now=lambda: now)
    made.deadline = deadline
    return made


def channel(server: WebServer, deadline: float = 5.0) -> GovDingtalk:
    """One that has its token."""
    made = fresh(server, deadline)
    made._token, made._token_ends = "at-hand", inf
    return made


def agrees(asked: Asked) -> Answered:
    """As one that has had nothing yet, and has given one token."""
    gateway = Gateway()
    gateway.tokens["app_1"] = inf
    return gateway(asked)


def refusal(code: str, message: str) -> Answer:
    return always(no(code, message))


ADDRESS = Expected("address", "permanent")
VENDOR = Vendor(
    "gov-dingtalk",
    "政务钉钉(赣政通)",
    channel,
    agrees,
    lambda words: refusal("59999", words),
    {
        "签名不对": (always(says({"success": False, "Message": "signature invalid"})), auth()),
        "时间戳不对": (always(says({"success": False, "Code": "timestamp.expired"})), auth()),
        "没有接口权限": (refusal("50004", "该应用没有接口权限"), auth()),
        "接收人不存在": (refusal("51002", "receiverIds 无效"), ADDRESS),
        "待办的人不对": (refusal("52002", "assigneeId is invalid"), ADDRESS),
        "接收人不在租户": (refusal("51006", "用户不在该租户下"), ADDRESS),
        "HTTP 400,签名不对": (
            always(says({"success": False, "Message": "signature invalid"}, 400)),
            auth(),
        ),
        "HTTP 400,什么都没说": (always(says({"success": False}, 400)), REFUSED),
        "内容过长": (refusal("51003", "msg 长度超过2048字节"), REFUSED),
        "重复": (refusal("51004", "bizMsgId 重复"), REFUSED),
        "限流": (refusal("51005", "触发限流"), rate()),
        "系统繁忙": (refusal("-1", "系统繁忙"), UNKNOWN),
        "别的码": (refusal("59999", "不行"), REFUSED),
        "success 以外什么都没有": (always(says({"success": False})), UNKNOWN),
        "access_token 失效,换了也不行": (
            lambda asked: agrees(asked) if asked.path == TOKEN else no("40014", "access_token"),
            auth()._replace(calls=3),
        ),
    },
    good=GOOD,
)
