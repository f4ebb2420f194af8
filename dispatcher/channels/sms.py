"""SMS by an HTTP gateway of whatever kind: its request and its answers are described by data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from dispatcher.channels.calling import HttpChannel, parsed, pointed, secret_parts
from dispatcher.channels.cases import BUSY, LATER, REFUSED, UNCLEAR, Case
from dispatcher.channels.contract import OnUnknown, Outgoing, Receipt
from dispatcher.channels.http import Client, Reply, place, refuse_url
from dispatcher.channels.signing import BEIJING, hmac_sha256
from dispatcher.channels.sms_words import LONGEST, WORDS, check_names, filled, mobile, words
from dispatcher.errors import SettingsError
from dispatcher.i18n import _

OUR_NAMES = ("id", "key", "secret", "time", "millis", "stamp")
SIGN_NAMES = ("sign", "SIGN", "sign64")
NOT_A_MOBILE = Case(
    "address",
    _("channel '{channel}': '{address}' is not one mobile number; correct the contact in the "
      "calendar"),
    permanent=True,
)  # fmt: skip
ACCOUNT = Case(
    "auth",
    _("channel '{channel}': {server} does not let this account send ({detail}); check key, secret, "
      "balance, and whether signature and template are approved"),
    wait=LATER,
    pauses=True,
)  # fmt: skip


class Verdicts(NamedTuple):
    """How an answer is read. ``at`` is a JSON pointer (RFC 6901) to the code, which is compared
    with the lists; empty: the lists hold regular expressions that are sought in the whole text.
    ``receipt`` points to the gateway's own name for the message.

    A code that no list holds is a refusal; a text in which nothing is found leaves all open.
    """

    success: tuple[str, ...]
    later: tuple[str, ...] = ()
    auth: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    at: str = ""
    receipt: str = ""


class Gateway(NamedTuple):
    """A gateway as its manual describes it.

    ``text`` is the filed template with ``{unit} {count} {item} {due}``; in ``body`` and
    ``headers`` there may also stand ``{mobile} {text}`` (body only), ``{id} {key} {secret}``, the
    time as ``{time}`` (seconds), ``{millis}``, ``{stamp}`` (20260417090000, Beijing), and the
    signature of ``signed`` as ``{sign} {SIGN} {sign64}``: hex, capital hex, base64.
    """

    url: str
    body: Mapping[str, Any]
    text: str
    verdicts: Verdicts
    key: str = ""
    secret: str = ""
    method: Literal["POST", "GET", "PUT"] = "POST"
    headers: Mapping[str, str] = {}
    format: Literal["form", "json"] = "form"
    charset: Literal["utf-8", "gbk", "gb18030"] = "utf-8"
    signer: Literal["none", "md5", "hmac-sha256"] = "none"
    signed: str = ""
    longest: int = LONGEST


class SmsGateway(HttpChannel):
    """One mobile number a call. What became of a call without an answer nobody can ask: held."""

    on_unknown: OnUnknown = "hold"

    def __init__(
        self, name: str, gateway: Gateway, *,
        client: Client, now: Callable[[], float], connections: int = 4,
    ) -> None:  # fmt: skip
        """``now`` gives seconds since 1970. Raises SettingsError."""
        refuse_url(gateway.url, client.hosts)
        _check(name, gateway)
        super().__init__(name, client, [gateway.key, gateway.secret, *secret_parts(gateway.url)])
        self.connections = connections
        self._gateway, self._now = gateway, now
        self.server = place(gateway.url)

    def send(self, outgoing: Outgoing) -> Receipt:
        """Gives the gateway's name for the message, where it has one."""
        gateway, number = self._gateway, mobile(outgoing.address)
        if not number:
            raise self.failure(NOT_A_MOBILE, "", gateway.url, address=outgoing.address)
        values = self._values(outgoing, number)
        url, body, kind = _request(gateway, filled(gateway.body, values))
        headers = {"Content-Type": kind, **filled(gateway.headers, values)}
        return self._read(self.ask(url, body, headers, monotonic() + self.deadline, gateway.method))

    def _values(self, outgoing: Outgoing, number: str) -> dict[str, str]:
        gateway, at = self._gateway, self._now()
        values = {
            **words(outgoing, gateway.longest),
            "mobile": number,
            "id": outgoing.reference,
            "key": gateway.key,
            "secret": gateway.secret,
            "time": str(int(at)),
            "millis": str(int(at * 1000)),
            "stamp": datetime.fromtimestamp(int(at), BEIJING).strftime("%Y%m%d%H%M%S"),
        }
        values["text"] = filled(gateway.text, values)
        signature = _signature(gateway, filled(gateway.signed, values))
        values |= {"sign": signature.hex(), "SIGN": signature.hex().upper()}
        return {**values, "sign64": base64.b64encode(signature).decode()}

    def _read(self, reply: Reply) -> Receipt:
        verdicts, url = self._gateway.verdicts, self._gateway.url
        said = reply.body.decode(self._gateway.charset, "replace")
        answer = parsed(said) if verdicts.at or verdicts.receipt else None
        failed = _case(verdicts, pointed(answer, verdicts.at) if verdicts.at else said)
        if failed not in (BUSY, ACCOUNT):  # what the gateway says of itself is more than a status
            self.check(reply, url)
        if failed:
            raise self.failure(failed, f"HTTP {reply.status} {said}", url)
        receipt = pointed(answer, verdicts.receipt) if verdicts.receipt else ""
        return Receipt(self.shown("" if receipt is None else str(receipt)))


def _case(verdicts: Verdicts, found: Any) -> Case | None:
    """How the answer fails; None for success."""
    if found is None or isinstance(found, dict | list):
        return UNCLEAR
    said = json.dumps(found) if isinstance(found, bool) else str(found)
    for values, case in (
        (verdicts.success, None),
        (verdicts.later, BUSY),
        (verdicts.auth, ACCOUNT),
        (verdicts.refused, REFUSED),
    ):
        if said in values if verdicts.at else any(re.search(value, said) for value in values):
            return case
    return REFUSED if verdicts.at else UNCLEAR


def _request(gateway: Gateway, body: Any) -> tuple[str, bytes, str]:
    """URL, body and kind of content; a GET carries its form in the URL."""
    if gateway.format == "json":
        content = json.dumps(body, ensure_ascii=False).encode(gateway.charset, "replace")
        return gateway.url, content, f"application/json; charset={gateway.charset}"
    form = urlencode(body, encoding=gateway.charset, errors="replace")
    kind = f"application/x-www-form-urlencoded; charset={gateway.charset}"
    if gateway.method != "GET":
        return gateway.url, form.encode(), kind
    return f"{gateway.url}{'&' if '?' in gateway.url else '?'}{form}", b"", kind


def _signature(gateway: Gateway, signed: str) -> bytes:
    said = signed.encode(gateway.charset, "replace")
    if gateway.signer == "md5":
        return hashlib.md5(said, usedforsecurity=False).digest()
    return hmac_sha256(gateway.secret.encode(), said) if gateway.signer == "hmac-sha256" else b""


def _check(channel: str, gateway: Gateway) -> None:
    """Raises SettingsError for what could never work."""
    check_names(channel, gateway.text, WORDS)
    sayable, signs = (*WORDS, *OUR_NAMES, "mobile", "text"), SIGN_NAMES if gateway.signed else ()
    check_names(channel, gateway.signed, sayable)
    check_names(channel, gateway.body, (*sayable, *signs))
    check_names(channel, list(gateway.headers.values()), (*OUR_NAMES, *signs))
    if bool(gateway.signed) != (gateway.signer != "none"):
        raise SettingsError(
            _("channel '{channel}': 'signer' and 'signed' belong together", channel=channel)
        )
    if gateway.format != "json" and not _is_form(gateway.body):
        raise SettingsError(
            _("channel '{channel}': 'body' is sent as a form: write names and values, as "
              "mobile: \"{example}\", or format: json", channel=channel, example="{mobile}")
        )  # fmt: skip
    _check_verdicts(channel, gateway.verdicts)


def _is_form(body: Any) -> bool:
    return isinstance(body, Mapping) and all(isinstance(each, str | int) for each in body.values())


def _check_verdicts(channel: str, verdicts: Verdicts) -> None:
    if not verdicts.success:
        raise SettingsError(_("channel '{channel}': 'success' says nothing", channel=channel))
    if verdicts.at:
        return
    for pattern in (*verdicts.success, *verdicts.later, *verdicts.auth, *verdicts.refused):
        try:
            re.compile(pattern)
        except re.error:
            raise SettingsError(
                _("channel '{channel}': '{pattern}' is not a regular expression", channel=channel,
                  pattern=pattern)
            ) from None  # fmt: skip
