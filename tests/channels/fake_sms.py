"""Gateways for SMS as their pages describe them: signatures are worked out anew, from the request
as it came."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dispatcher.channels.http import Client
from dispatcher.channels.sms import Gateway, SmsGateway, Verdicts
from dispatcher.channels.sms_presets import Account, AliyunSms, TencentSms
from tests.channels.fake_webhook import NOW
from tests.channels.outcomes import (
    KEY,
    SECRET,
    always,
)
from tests.channels.servers import digest
from tests.channels.web import Answer, Answered, Asked, WebServer, says

NUMBER = "13800138000"
GOOD = digest(address=NUMBER)
SKEW = 300
LONGEST = 20
"""Characters of a variable, here; the clouds' own limits differ by kind of template."""
ACCOUNT = Account(
    KEY, SECRET, "某区农办", "SMS_1", {"unit": "{unit}", "count": "{count}", "due": "{due}"}
)
TENCENT = ACCOUNT._replace(params=["{unit}", "{item}", "{due}"], app="1400006666")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def hmac256(key: bytes, said: str) -> bytes:
    return hmac.new(key, said.encode(), hashlib.sha256).digest()


class Aliyun:
    """``sent`` are the messages that it took, with the record of each; ``loses`` are numbers of
    calls after whose effect the answer gets lost; a number gets one message a minute."""

    def __init__(self, limit: int = 100) -> None:
        self.now: Callable[[], float] = lambda: NOW
        self.sent: list[dict[str, Any]] = []
        self.code, self.limit, self.actions = "", limit, []
        self.nonces: set[str] = set()

    def __call__(self, asked: Asked) -> Answered:
        if wrong := self._wrong(asked):
            return says({"Code": wrong, "Message": "no", "RequestId": "R"}, 400)
        given = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        self.actions.append(asked.headers["x-acs-action"])
        if asked.headers["x-acs-action"] == "QuerySendDetails":
            return self._records(given)
        code = self.code or self._refusal(given)
        if code:
            return says({"Code": code, "Message": "不行", "RequestId": "R"})
        self.sent.append(
            {
                "OutId": given["OutId"],
                "PhoneNum": given["PhoneNumbers"],
                "SendStatus": 1,
                "TemplateCode": given["TemplateCode"],
                "param": json.loads(given["TemplateParam"]),
                "day": given_day(self.now()),
            }
        )
        return says(
            {"Code": "OK", "Message": "OK", "BizId": f"9006^{len(self.sent)}", "RequestId": "R"}
        )

    def _refusal(self, given: dict[str, str]) -> str:
        if not re.fullmatch(r"1[3-9]\d{9}", given["PhoneNumbers"]):
            return "isv.MOBILE_NUMBER_ILLEGAL"
        values = json.loads(given["TemplateParam"]).values()
        if any(len(value) > LONGEST for value in values):
            return "isv.PARAM_LENGTH_LIMIT"
        if any(re.search(r"://|www\.|\.(com|cn|net)\b", value) for value in values):
            return "isv.PARAM_NOT_SUPPORT_URL"
        number = Counter(each["PhoneNum"] for each in self.sent)[given["PhoneNumbers"]]
        return "isv.BUSINESS_LIMIT_CONTROL" if number >= self.limit else ""

    def _records(self, given: dict[str, str]) -> Answered:
        found = [
            each
            for each in self.sent
            if (each["PhoneNum"], each["day"]) == (given["PhoneNumber"], given["SendDate"])
        ]
        shown = found[: int(given["PageSize"])]
        return says(
            {
                "Code": "OK",
                "Message": "OK",
                "TotalCount": len(found),
                "SmsSendDetailDTOs": {"SmsSendDetailDTO": shown},
            }
        )

    def _wrong(self, asked: Asked) -> str:
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=(.+),SignedHeaders=(.+),Signature=([0-9a-f]{64})",
            asked.headers["Authorization"],
        )
        if not found or found[1] != KEY:
            return "InvalidAccessKeyId.NotFound"
        nonce = asked.headers["x-acs-signature-nonce"]
        if nonce in self.nonces:
            return "SignatureNonceUsed"
        self.nonces.add(nonce)
        names = found[2].split(";")
        if not {"host", "x-acs-action", "x-acs-date", "x-acs-version"} <= set(names):
            return "IncompleteSignature"
        date = datetime.fromisoformat(asked.headers["x-acs-date"])
        if abs(date.timestamp() - self.now()) > 3 * SKEW:
            return "InvalidTimeStamp.Expired"
        lines = "".join(f"{name}:{asked.headers[name].strip()}\n" for name in sorted(names))
        query, body = urlsplit(asked.path).query, sha256(asked.body)
        request = f"POST\n/\n{query}\n{lines}\n{found[2]}\n{body}"
        said = "ACS3-HMAC-SHA256\n" + sha256(request.encode())
        right = hmac256(SECRET.encode(), said).hex()
        return "" if right == found[3] else "SignatureDoesNotMatch"


def given_day(at: float) -> str:
    """The day in Beijing."""
    return datetime.fromtimestamp(at + 8 * 3600, UTC).strftime("%Y%m%d")


class Tencent:
    """``sent`` are the requests that it took."""

    def __init__(self) -> None:
        self.now: Callable[[], float] = lambda: NOW
        self.sent: list[dict[str, Any]] = []

    def __call__(self, asked: Asked) -> Answered:
        if wrong := self._wrong(asked):
            return says({"Response": {"Error": {"Code": wrong, "Message": "no"}, "RequestId": "R"}})
        given = asked.json
        (number,) = given["PhoneNumberSet"]
        code = "Ok"
        if not re.fullmatch(r"\+861[3-9]\d{9}", number):
            code = "InvalidParameterValue.IncorrectPhoneNumber"
        elif any("http" in value for value in given["TemplateParamSet"]):
            code = "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"
        else:
            self.sent.append(given)
        return status(code)(asked)

    def _wrong(self, asked: Asked) -> str:
        found = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=(.+)/(\d{4}-\d\d-\d\d)/sms/tc3_request, "
            r"SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})",
            asked.headers["Authorization"],
        )
        if not found or found[1] != KEY:
            return "AuthFailure.SecretIdNotFound"
        stamp = asked.headers["X-TC-Timestamp"]
        if abs(int(stamp) - self.now()) > SKEW:
            return "AuthFailure.SignatureExpire"
        names, day = found[3].split(";"), found[2]
        if names[:2] != ["content-type", "host"]:
            return "AuthFailure.InvalidAuthorization"
        if day != datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d"):
            return "AuthFailure.SignatureFailure"
        lines = "".join(f"{name}:{asked.headers[name].lower()}\n" for name in names)
        request = f"POST\n/\n\n{lines}\n{found[3]}\n{sha256(asked.body)}"
        said = f"TC3-HMAC-SHA256\n{stamp}\n{day}/sms/tc3_request\n{sha256(request.encode())}"
        key = hmac256(hmac256(hmac256(b"TC3" + SECRET.encode(), day), "sms"), "tc3_request")
        return "" if hmac256(key, said).hex() == found[4] else "AuthFailure.SignatureFailure"


def status(value: object) -> Answer:
    found = {"SerialNo": "2640:1", "PhoneNumber": f"+86{NUMBER}", "Code": value, "Message": "不行"}
    return always(says({"Response": {"SendStatusSet": [found], "RequestId": "R"}}))


def aliyun(server: WebServer, deadline: float = 5.0, now: float = NOW) -> AliyunSms:
    client = Client({"127.0.0.1"})
    made = AliyunSms("短信", ACCOUNT, client=client, now=lambda: now, origin=server.url)
    made.deadline = deadline
    return made


def tencent(server: WebServer, deadline: float = 5.0, now: float = NOW) -> TencentSms:
    client = Client({"127.0.0.1"})
    made = TencentSms("短信", TENCENT, client=client, now=lambda: now, origin=server.url)
    made.deadline = deadline
    return made


GATEWAY = Gateway(
    url="",
    key=KEY,
    secret=SECRET,
    text="【某区农办】{unit}有{count}件事项待办结({item}),最近时限{due}。",
    body={"account": "{key}", "mobile": "{mobile}", "content": "{text}", "ts": "{millis}",
          "sign": "{sign}", "uid": "{id}"},
    signer="md5",
    signed="{key}{secret}{millis}",
    format="json",
    verdicts=Verdicts(("0",), ("-7",), ("-1", "-2"), at="/code", receipt="/data/msgid"),
)  # fmt: skip


def gateway(server: WebServer, deadline: float = 5.0, **changes: Any) -> SmsGateway:
    described = GATEWAY._replace(**{"url": f"{server.url}/send", **changes})
    made = SmsGateway("短信", described, client=Client({"127.0.0.1"}), now=lambda: NOW)
    made.deadline = deadline
    return made


class Mas:
    """A gateway of an operator: JSON, with a signature in MD5. ``sent`` are its messages."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []

    def __call__(self, asked: Asked) -> Answered:
        given = asked.json
        right = hashlib.md5(f"{KEY}{SECRET}{given['ts']}".encode()).hexdigest()
        if (given["account"], given["sign"]) != (KEY, right):
            return says({"code": -1, "msg": "签名错误"})
        self.sent.append(given)
        return says({"code": 0, "msg": "ok", "data": {"msgid": len(self.sent)}})
