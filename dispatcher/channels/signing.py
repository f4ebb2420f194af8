"""Signatures that the other sides check, each by its own rules. Instants are seconds since 1970."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote, urlencode

BEIJING = timezone(timedelta(hours=8))
ALIYUN, TENCENT = "ACS3-HMAC-SHA256", "TC3-HMAC-SHA256"


def sha256_hex(content: bytes) -> str:
    """The content's digest."""
    return hashlib.sha256(content).hexdigest()


def hmac_sha256(key: bytes, said: str | bytes) -> bytes:
    """RFC 2104 with SHA-256."""
    return hmac.digest(key, said if isinstance(said, bytes) else said.encode(), "sha256")


def webhook_headers(secret: str, body: bytes, at: float) -> dict[str, str]:
    """The time, and the signature of time and body.

    What is signed is ``timestamp.body``, as Standard Webhooks has it (standardwebhooks.com, there
    with an id before it: here the id stands in the body); written ``sha256=`` and hex as GitHub
    writes X-Hub-Signature-256, so that receivers at hand fit.
    """
    stamp = str(int(at))
    signature = hmac_sha256(secret.encode(), stamp.encode() + b"." + body).hex()
    return {"X-Dispatcher-Timestamp": stamp, "X-Dispatcher-Signature": f"sha256={signature}"}


def aliyun_query(parameters: Mapping[str, str]) -> str:
    """Parameters as they are sent and signed: sorted, in the spelling of RFC 3986."""
    return urlencode(sorted(parameters.items()), quote_via=quote)


class AliyunCall:
    """A call of an RPC interface, signed by V3: help.aliyun.com/document_detail/159972.html."""

    def __init__(self, host: str, action: str, version: str, query: str) -> None:
        self._host, self._action, self._version, self.query = host, action, version, query

    def headers(self, key: str, secret: str, at: float, nonce: str) -> dict[str, str]:
        """All that are to be sent. ``nonce`` may be used only once."""
        nothing = sha256_hex(b"")
        signed = {
            "host": self._host,
            "x-acs-action": self._action,
            "x-acs-content-sha256": nothing,
            "x-acs-date": datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": nonce,
            "x-acs-version": self._version,
        }
        names = ";".join(signed)
        request = "\n".join(["POST", "/", self.query, *_lines(signed), "", names, nothing])
        signature = hmac_sha256(secret.encode(), f"{ALIYUN}\n{sha256_hex(request.encode())}").hex()
        credential = f"Credential={key},SignedHeaders={names},Signature={signature}"
        return {**signed, "Authorization": f"{ALIYUN} {credential}"}


def tencent_authorization(
    key: str, secret: str, service: str, headers: Mapping[str, str], body: bytes, at: float
) -> str:
    """For a POST of ``body`` with ``headers`` (lower-case, in order, all signed) by signature v3:
    cloud.tencent.com/document/api/382/38769. The day is that of UTC."""
    day = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%d")
    names, scope = ";".join(headers), f"{day}/{service}/tc3_request"
    request = "\n".join(["POST", "/", "", *_lines(headers), "", names, sha256_hex(body)])
    said = f"{TENCENT}\n{int(at)}\n{scope}\n{sha256_hex(request.encode())}"
    derived = f"TC3{secret}".encode()
    for step in (day, service, "tc3_request"):
        derived = hmac_sha256(derived, step)
    signature = hmac_sha256(derived, said).hex()
    return f"{TENCENT} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"


def gov_headers(
    key: str, secret: str, path: str, parameters: Mapping[str, str], at: float, nonce: str
) -> dict[str, str]:
    """For a POST of a form to the gateway of the government's DingTalk. What is signed are the
    parameters as they are, not as they are spelled on the way. Address and MAC must be named and
    are not compared with anything."""
    stamp = datetime.fromtimestamp(int(at), BEIJING).strftime("%Y-%m-%dT%H:%M:%S.000+08:00")
    pairs = "&".join(sorted(f"{name}={value}" for name, value in parameters.items()))
    said = "\n".join(filter(None, ["POST", stamp, nonce, path, pairs]))
    return {
        "X-Hmac-Auth-Timestamp": stamp,
        "X-Hmac-Auth-Version": "1.0",
        "X-Hmac-Auth-Nonce": nonce,
        "X-Hmac-Auth-Signature": base64.b64encode(hmac_sha256(secret.encode(), said)).decode(),
        "X-Hmac-Auth-IP": "127.0.0.1",
        "X-Hmac-Auth-MAC": "00:00:00:00:00:00",
        "apiKey": key,
    }


def _lines(headers: Mapping[str, str]) -> list[str]:
    return [f"{name}:{value}" for name, value in headers.items()]
