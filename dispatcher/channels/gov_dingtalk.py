"""政务钉钉, in Jiangxi 赣政通: work notices to one person each, and to-do tasks.

By its gateway's published interface and by what others saw of it; none of it was tried against the
platform itself. docs/channels/gov-dingtalk.md says what is not certain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from http import HTTPStatus
from secrets import randbelow
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from dispatcher.channels.calling import HttpChannel, parsed, pointed
from dispatcher.channels.cases import NOT_LET_IN, REFUSED, UNCLEAR, UNREACHABLE, Case
from dispatcher.channels.contract import DeliveryError, OnUnknown, Outgoing, Receipt
from dispatcher.channels.gov_codes import BY_WORDS, NOT_AN_ACCOUNT, STALE, TWICE
from dispatcher.channels.gov_words import messages
from dispatcher.channels.http import Client, Reply, place, refuse_url
from dispatcher.channels.robot import HALF
from dispatcher.channels.signing import gov_headers
from dispatcher.errors import SettingsError
from dispatcher.i18n import _

TOKEN, NOTICE = "/gettoken.json", "/message/workNotification"
OPEN, FINISH = "/tc/v2/openapi/task/create.json", "/tc/openapi/task/finish.json"
EARLY = 300.0
"""Seconds before its end at which a token is not used any more."""
LONGEST_SUBJECT = 200
"""Characters of a task's subject."""
SAID = ("bizErrorCode", "responseCode", "Code", "code", "errorCode", "errcode", "responseMessage",
        "errorMsg", "errorMessage", "Message", "message", "errmsg")  # fmt: skip
"""Where the gateway and what is behind it say why not."""
ID = re.compile(r"[A-Za-z0-9_.-]+")


class GovAccount(NamedTuple):
    """What the province's platform gives an application. ``creator`` is the account in whose name
    tasks are opened, ``page`` the address that a task leads to; both only for tasks."""

    url: str
    key: str
    secret: str
    tenant: str
    creator: str = ""
    page: str = ""


class GovDingtalk(HttpChannel):
    """Each message to one account. Whether the gateway drops a second copy with the same
    ``bizMsgId`` is not certain: what is unknown is held."""

    on_unknown: OnUnknown = "hold"

    def __init__(
        self, name: str, account: GovAccount, *,
        client: Client, now: Callable[[], float], connections: int = 4,
    ) -> None:  # fmt: skip
        """``now`` gives seconds since 1970. Raises SettingsError."""
        refuse_url(account.url, client.hosts)
        if urlsplit(account.url).path.strip("/") or urlsplit(account.url).query:
            raise SettingsError(
                _("channel '{channel}': the gateway's address ends with its host, like {example}",
                  channel=name, example="https://openplatform.example.gov.cn")
            )  # fmt: skip
        super().__init__(name, client, [account.key, account.secret])
        self.connections = connections
        self._account, self._now = account, now
        self._origin = account.url.rstrip("/")
        self.server = place(account.url)
        self._lock, self._token, self._token_ends = Lock(), "", 0.0

    def send(self, outgoing: Outgoing) -> Receipt:
        """Gives the gateway's name for the message, or for its first part.

        A later part that fails leaves the message half said: unknown, whatever the failure is.
        """
        self._check_id(outgoing.address)
        until, found = monotonic() + self.deadline, list[Receipt]()
        given = messages(outgoing)
        for number, said in enumerate(given):
            name = f"{outgoing.reference}-{number + 1}" if number else outgoing.reference
            try:
                found.append(self._notify(outgoing, name, said, until))
            except DeliveryError as error:
                if not number:
                    raise
                raise self.failure(
                    HALF._replace(pauses=error.pauses), error.detail, self._origin,
                    error.retry_after, taken=number, total=len(given), why=error.text,
                ) from None  # fmt: skip
        return found[0]

    def calls(self, outgoing: Outgoing) -> int:
        """One for each part."""
        return len(messages(outgoing))

    def _notify(self, outgoing: Outgoing, name: str, said: str, until: float) -> Receipt:
        asked = {
            "tenantId": self._account.tenant,
            "receiverIds": outgoing.address,
            "bizMsgId": name,
            "msg": said,
        }
        try:
            return self._receipt(self._granted(NOTICE, asked, outgoing.address, until))
        except DeliveryError as error:
            # To another attempt it says that the one before arrived.
            if outgoing.attempt > 1 and error.text.msgid == TWICE.text.msgid:
                return Receipt(name)
            raise

    def open_task(self, reference: str, address: str, subject: str, due: date) -> Receipt:
        """Puts a task on a person's list, and gives the gateway's name for it, which closes it
        again. One with the same reference is said not to be opened twice."""
        self._check_id(address)
        asked = {
            "tenantId": self._account.tenant,
            "creatorId": self._account.creator,
            "assigneeId": address,
            "bizTaskId": reference,
            "subject": subject[:LONGEST_SUBJECT],
            "dueTime": f"{due:%Y-%m-%d} 23:59:59",
            "url": self._account.page,
            "mobileUrl": self._account.page,
        }
        until = monotonic() + self.deadline
        return self._receipt(self._granted(OPEN, asked, address, until))

    def finish_task(self, task: str, address: str) -> None:
        """Takes a task, by the gateway's name for it, from its person's list."""
        asked = {"taskUuid": task, "userId": address, "closePackage": "true"}
        self._granted(FINISH, asked, address, monotonic() + self.deadline)

    def _check_id(self, address: str) -> None:
        """One account, and nothing that would make it several."""
        if not ID.fullmatch(address):
            raise self.failure(NOT_AN_ACCOUNT, "", self._origin, address=address)

    def shown(self, said: str) -> str:
        """Without the token too, the last one."""
        return super().shown(said.replace(self._token, "***") if self._token else said)

    def _granted(self, path: str, asked: Mapping[str, str], address: str, until: float) -> Any:
        """The content of a call that was granted. A token that is not taken any more is replaced,
        once: nothing was done by that call."""
        try:
            try:
                return self._with_token(path, asked, until)
            except _Refusal as refusal:
                if refusal.case is not STALE:
                    raise
                self._drop_token(refusal.token)
                return self._with_token(path, asked, until)
        except _Refusal as refusal:
            raise self.failure(refusal.case, refusal.said, self._origin, address=address) from None

    def _with_token(self, path: str, asked: Mapping[str, str], until: float) -> Any:
        with self._lock:
            if self._now() >= self._token_ends:
                self._fetch_token(until)
            token = self._token
        try:
            return self._ask(path, {**asked, "access_token": token}, until)
        except _Refusal as refusal:
            refusal.token = token
            raise

    def _drop_token(self, token: str) -> None:
        """Not the one that another thread has fetched meanwhile."""
        with self._lock:
            if token == self._token:
                self._token_ends = 0.0

    def _fetch_token(self, until: float) -> None:
        """Whatever fails here, no message was handed over, and no answer is shown: the token may
        stand in it."""
        account, answered = self._account, ""
        asked = {"appkey": account.key, "appsecret": account.secret}
        try:
            reply = self._post(TOKEN, asked, until)
            answered = f"HTTP {reply.status}"
            self.check(reply._replace(body=b""), self._origin)
            content = self._content(self.read(reply, self._origin))
        except _Refusal as refusal:
            case = refusal.case if refusal.case.pauses else NOT_LET_IN
            raise self.failure(case, refusal.said, self._origin) from None
        except DeliveryError as error:
            if error.permanent:
                raise self.failure(NOT_LET_IN, answered, self._origin) from None
            if error.reason != "unknown":
                raise
            raise self.failure(UNREACHABLE, answered or error.detail, self._origin) from None
        token = pointed(content, "/data/accessToken")
        if not isinstance(token, str) or not token:
            raise self.failure(NOT_LET_IN, f"{answered}, no accessToken", self._origin)
        lasts = pointed(content, "/data/expiresIn")
        self._token = token
        self._token_ends = self._now() + (lasts if isinstance(lasts, int) else 0) - EARLY

    def _ask(self, path: str, asked: Mapping[str, str], until: float) -> Any:
        reply = self._post(path, asked, until)
        said = _said(parsed(reply.body)) if reply.status == HTTPStatus.BAD_REQUEST else ""
        if said:
            raise _refusal(said)
        self.check(reply, self._origin)
        return self._content(self.read(reply, self._origin))

    def _post(self, path: str, asked: Mapping[str, str], until: float) -> Reply:
        account, at = self._account, self._now()
        nonce = f"{int(at * 1000)}{randbelow(9000) + 1000}"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            **gov_headers(account.key, account.secret, path, asked, at, nonce),
        }
        body = urlencode(asked, errors="replace").encode()
        return self.ask(f"{self._origin}{path}", body, headers, until)

    def _content(self, answer: dict[str, Any]) -> Any:
        """What was granted; a refusal stands at the top, or in the content of a success."""
        content = answer.get("content")
        inner = content if isinstance(content, dict) else {}
        if answer.get("success") is True and inner.get("success", True) is True:
            return content
        said = _said(answer)
        if not said:
            raise self.failure(UNCLEAR, json.dumps(answer, ensure_ascii=False), self._origin)
        raise _refusal(said)

    def _receipt(self, content: Any) -> Receipt:
        """The name of what was made: the content itself, or its data."""
        named = pointed(content, "/data") if isinstance(content, dict) else content
        if isinstance(named, dict):
            named = named.get("taskUuid") or named.get("msgId")
        return Receipt(self.shown(str(named or "")))


class _Refusal(Exception):
    """The gateway's no, to a call with ``token``."""

    def __init__(self, case: Case, said: str) -> None:
        super().__init__()
        self.case, self.said, self.token = case, said, ""


def _refusal(said: str) -> _Refusal:
    cases = (case for words, case in BY_WORDS if re.search(words, said, re.IGNORECASE))
    return _Refusal(next(cases, REFUSED), said)


def _said(answer: Any) -> str:
    """Why not, in the answer's own words, code first; empty where it says nothing."""
    content = pointed(answer, "/content")
    found = (pointed(each, f"/{name}") for each in (answer, content) for name in SAID)
    return " ".join(str(each) for each in found if each not in (None, ""))
