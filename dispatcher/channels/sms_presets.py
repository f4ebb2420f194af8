"""SMS by the two clouds that most offices have an account with: Aliyun and Tencent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from secrets import token_hex
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dispatcher.channels.calling import HttpChannel, pointed
from dispatcher.channels.cases import REFUSED, SOON, UNCLEAR, Case
from dispatcher.channels.contract import DeliveryError, OnUnknown, Outgoing, Receipt
from dispatcher.channels.http import Client, place, refuse_url
from dispatcher.channels.signing import BEIJING, AliyunCall, aliyun_query, tencent_authorization
from dispatcher.channels.sms import NOT_A_MOBILE
from dispatcher.channels.sms_codes import OF_ALIYUN, OF_TENCENT
from dispatcher.channels.sms_words import LONGEST, WORDS, check_names, filled, mobile, words

PAGE = 50
"""The most that Aliyun shows of a number's messages of one day, at once."""
KEPT = 29
"""Days back for which Aliyun answers (help.aliyun.com, QuerySendDetails: the past 30 days)."""
FAILED = 2
"""Aliyun's SendStatus of a message that the operator could not deliver."""


class Account(NamedTuple):
    """What an office has with a cloud: ``signature`` and ``template`` are filed ones, ``params``
    what to put for the template's variables: by name (Aliyun) or in their order (Tencent).
    ``app`` and ``region`` are Tencent's."""

    key: str
    secret: str
    signature: str
    template: str
    params: Mapping[str, str] | Sequence[str]
    app: str = ""
    region: str = "ap-guangzhou"
    longest: int = LONGEST


class _Cloud(HttpChannel):
    """One mobile number a call."""

    origin: str
    codes: Mapping[str, Case]

    def __init__(
        self, name: str, account: Account, *,
        client: Client, now: Callable[[], float], connections: int = 4, origin: str = "",
    ) -> None:  # fmt: skip
        """``now`` gives seconds since 1970. Raises SettingsError."""
        check_names(name, account.params, WORDS)
        super().__init__(name, client, [account.key, account.secret])
        self.connections, self.origin = connections, origin or self.origin
        refuse_url(self.origin, client.hosts)
        self._account, self._now, self._host = account, now, urlsplit(self.origin).netloc
        self.server = place(self.origin)

    def _number(self, outgoing: Outgoing) -> str:
        number = mobile(outgoing.address)
        if not number:
            raise self.failure(NOT_A_MOBILE, "", self.origin, address=outgoing.address)
        return number

    def _variables(self, outgoing: Outgoing) -> Any:
        return filled(self._account.params, words(outgoing, self._account.longest))

    def _refusal(self, code: Any, message: Any, otherwise: Case = REFUSED) -> DeliveryError:
        """What a code means, by the first of the table's beginnings; no code leaves all open."""
        if not isinstance(code, str):
            return self.failure(UNCLEAR, f"{code} {message}", self.origin)
        found = (case for start, case in self.codes.items() if code.startswith(start))
        return self.failure(next(found, otherwise), f"{code} {message}", self.origin)


class AliyunSms(_Cloud):
    """SendSms of help.aliyun.com/document_detail/55284.html, which knows no second copy: before
    another attempt QuerySendDetails is asked whether the one before arrived."""

    on_unknown: OnUnknown = "ask"
    origin, codes = "https://dysmsapi.aliyuncs.com", OF_ALIYUN

    def calls(self, outgoing: Outgoing) -> int:
        """Another attempt first asks about each day on which the one before may have arrived."""
        return 1 if outgoing.attempt == 1 else 1 + len(self._days(outgoing))

    def send(self, outgoing: Outgoing) -> Receipt:
        """Gives Aliyun's BizId, or a note that the message had arrived before."""
        number, until = self._number(outgoing), monotonic() + self.deadline
        try:
            if outgoing.attempt > 1 and self._has_left(number, outgoing, until):
                return Receipt(outgoing.reference)
            answer = self._ask(
                "SendSms",
                {
                    "PhoneNumbers": number,
                    "SignName": self._account.signature,
                    "TemplateCode": self._account.template,
                    "TemplateParam": json.dumps(self._variables(outgoing), ensure_ascii=False),
                    "OutId": outgoing.reference,
                },
                until,
            )
        except DeliveryError as error:
            if error.reason == "unknown":
                error.retry_after = SOON  # till then the record of it may not be there yet
            raise
        return Receipt(self.shown(str(answer.get("BizId", ""))))

    def _has_left(self, number: str, outgoing: Outgoing, until: float) -> bool:
        """Whether it was handed to the operator before. One that could not be delivered counts as
        none."""
        return any(
            outgoing.reference == found.get("OutId") and found.get("SendStatus") != FAILED
            for day in self._days(outgoing)
            for found in self._sent(number, f"{day:%Y%m%d}", until)
        )

    def _days(self, outgoing: Outgoing) -> list[date]:
        """From today back to that of the message, for a weekend may lie between two attempts; the
        day before at least, and none that Aliyun no longer keeps."""
        today = datetime.fromtimestamp(self._now(), BEIJING).date()
        back = (today - outgoing.at.astimezone(BEIJING).date()).days
        return [today - timedelta(days=days) for days in range(min(max(back, 1), KEPT) + 1)]

    def _sent(self, number: str, day: str, until: float) -> Sequence[Any]:
        asked = {"PhoneNumber": number, "SendDate": day, "PageSize": f"{PAGE}", "CurrentPage": "1"}
        answer = self._ask("QuerySendDetails", asked, until)
        found = pointed(answer, "/SmsSendDetailDTOs/SmsSendDetailDTO")
        if found is None and f"{answer.get('TotalCount')}" == "0":
            return []
        if not isinstance(found, list):
            raise self.failure(UNCLEAR, json.dumps(answer, ensure_ascii=False), self.origin)
        return [each for each in found if isinstance(each, dict)]

    def _ask(self, action: str, parameters: Mapping[str, str], until: float) -> dict[str, Any]:
        """The answer of a call that was granted."""
        query = aliyun_query(parameters)
        call = AliyunCall(self._host, action, "2017-05-25", query)
        account = self._account
        headers = call.headers(account.key, account.secret, self._now(), token_hex(16))
        headers["Accept"] = "application/json"
        reply = self.ask(f"{self.origin}/?{query}", b"", headers, until)
        if b'"Code"' not in reply.body:
            self.check(reply, self.origin)
        answer = self.read(reply, self.origin)
        if answer.get("Code") != "OK":
            otherwise = REFUSED if action == "SendSms" else UNCLEAR
            raise self._refusal(answer.get("Code"), answer.get("Message"), otherwise)
        return answer


class TencentSms(_Cloud):
    """SendSms 2021-01-11 of cloud.tencent.com/document/api/382/55981. What became of a call
    without an answer cannot be asked by our own name for it: held."""

    on_unknown: OnUnknown = "hold"
    origin, codes = "https://sms.tencentcloudapi.com", OF_TENCENT

    def send(self, outgoing: Outgoing) -> Receipt:
        """Gives Tencent's SerialNo."""
        asked = {
            "PhoneNumberSet": [f"+86{self._number(outgoing)}"],
            "SmsSdkAppId": self._account.app,
            "TemplateId": self._account.template,
            "SignName": self._account.signature,
            "TemplateParamSet": self._variables(outgoing),
            "SessionContext": outgoing.reference,
        }
        answer = self._ask(json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace"))
        if error := pointed(answer, "/Error"):
            raise self._refusal(pointed(error, "/Code"), pointed(error, "/Message"))
        status = pointed(answer, "/SendStatusSet/0")
        if pointed(status, "/Code") != "Ok":
            raise self._refusal(pointed(status, "/Code"), pointed(status, "/Message"))
        return Receipt(self.shown(str(status.get("SerialNo", ""))))

    def _ask(self, body: bytes) -> Any:
        at, account = self._now(), self._account
        signed = {"content-type": "application/json; charset=utf-8", "host": self._host}
        headers = {
            **signed,
            "X-TC-Action": "SendSms",
            "X-TC-Version": "2021-01-11",
            "X-TC-Region": account.region,
            "X-TC-Timestamp": str(int(at)),
            "Authorization": tencent_authorization(
                account.key, account.secret, "sms", signed, body, at
            ),
        }
        reply = self.call(f"{self.origin}/", body, headers, monotonic() + self.deadline)
        return self.read(reply, self.origin).get("Response")
