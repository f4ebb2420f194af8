"""What a mail server's answer means for a message, and the sentence that says so."""

from __future__ import annotations

import re
import ssl

from dispatcher.channels.cases import Case
from dispatcher.channels.session import Refusal, Step
from dispatcher.channels.wire import Garbled
from dispatcher.i18n import _

SOON, LATER = 120.0, 900.0
"""Least waits in seconds: where the server asks for one, and where only a person can mend it or
asking sooner makes it worse."""
RATE = re.compile(
    r"\brate\b|too (many|much|fast)|frequen|throttl|limit|HL:|MI:(DMC|SFQ|CEL)|RP:DRC|频|过多",
    re.IGNORECASE,
)
TOO_OFTEN = re.compile(
    r"frequency limited|\b5\.4\.5\b|(daily|hourly|sending)\W+(\w+\W+){0,3}(quota|limit)"
    r"|exceeded your (\w+ )?quota|quota exceeded \(number|(submission|sender).?quota"
    r"|too (many (e?-?mails|messages)|much recipient|frequently sending)|mail rate exceeded"
    r"|\bRCPTs? .*maximum threshold|(MI|RP):(DMC|SFQ|CEL|STC|DRC|TRC|QRC|RCL)",
    re.IGNORECASE,
)
"""Too much, which some servers say with a code from 500 on as if it were for good: Tencent
(frequency limited), Google (550 5.4.5 Daily user sending quota exceeded), Microsoft (554 ...
SubmissionQuotaExceeded), Alibaba (554 ... too frequently sending), iRedAPD, and NetEase, whose
letters name what there is too much of (550 RP:TRC)."""
NOT_OURS = re.compile(
    r"\b5\.([12]\.[1-9]|3\.4)\b|storage|mailbox(?! has exceeded)|\bsize\b|\d ?MB\b",
    re.IGNORECASE,
)
"""Quotas of the addressee's mailbox, and limits of a message's size (RFC 3463)."""
SENDING_AS = re.compile(
    r"conform with authentication|send ?as ?denied|permissions? to send as|bad outbound sender"
    r"|same as (smtp authenticate|authorization) user|account isn.t allowed to send",
    re.IGNORECASE,
)
"""What is said of our own address or account at whatever step, or as if it would pass by itself:
Alibaba (440 to MAIL), Microsoft (554 after the content), iRedAPD (554 to RCPT)."""
FULL = 552
"""The same by its code (RFC 5321, 4.2.3)."""
NOT_LET_IN = {530, 534, 535, 538}
OUT_OF_PLACE = {500, 502, 503}
"""The command is unknown, or not its turn (RFC 5321, 4.2.2): nothing is said of what is sent."""
CLOSING = 421


LOGIN = Case(
    "auth",
    _("the mail server refuses the login ({detail}); check user and password in "
      "DISPATCHER_SMTP_URL"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
SENDER = Case(
    "auth",
    _("the mail server does not let us send as {sender} ({detail}); DISPATCHER_MAIL_FROM should "
      "be the address of the login in DISPATCHER_SMTP_URL"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
ADDRESS = Case(
    "address",
    _("the mail server refuses the address {address} ({detail}); correct the contact in the "
      "calendar"),
    permanent=True,
)  # fmt: skip
CONTENT = Case(
    "content",
    _("the mail server refuses the message ({detail}); ask its administrator to trust {sender}, "
      "or reword the template"),
    permanent=True,
)  # fmt: skip
BUSY = Case(
    "busy",
    _("the mail server asks to wait ({detail}); the message is tried again by itself"),
    wait=SOON,
)
TOO_MUCH = Case(
    "rate",
    _("the mail server finds our messages too many ({detail}); they are tried again by themselves; "
      "if this lasts, ask its administrator for a higher limit"),
    wait=LATER,
)  # fmt: skip
TURNED_AWAY = Case(
    "protocol",
    _("the mail server {server} turns us away ({detail}); ask its administrator to admit this "
      "machine"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
UNTRUSTED = Case(
    "protocol",
    _("the certificate of the mail server {server} cannot be trusted ({detail}); where it is from "
      "a private authority, name that one's file in DISPATCHER_SMTP_CA_FILE"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
MISUNDERSTOOD = Case(
    "protocol",
    _("the mail server {server} does not speak as expected ({detail}); check scheme and port in "
      "DISPATCHER_SMTP_URL: smtps:// is mostly 465, smtp:// 587"),
    wait=LATER,
)  # fmt: skip
UNREACHABLE = Case(
    "unreachable",
    _("the mail server {server} cannot be reached ({detail}); check the network, and host and "
      "port in DISPATCHER_SMTP_URL"),
)  # fmt: skip
UNKNOWN = Case(
    "unknown",
    _("the mail server took the message and did not answer ({detail}); it may have arrived; a "
      "second copy is recognised by its Message-ID"),
)  # fmt: skip
AT_STEP: dict[Step, Case] = {"MAIL": SENDER, "RCPT": ADDRESS, "DATA": CONTENT, "content": CONTENT}
AT_RCPT = {
    r"(?i)^(?!.*sender (address|verif)).*(\b5\.1\.1\b|user unknown|no such user)": ADDRESS,
    r"(?i)\brelay|rcpthosts|RP:FRL|sender address|sender verif|mail from must|5\.1\.[78]\b": (
        SENDER._replace(pauses=False)
    ),
    r"(?i)client host|helo command|sending IP": TURNED_AWAY._replace(pauses=False),
}
"""What is not about the addressee: many servers put off to RCPT what they have against the sender
or this machine (smtpd_delay_reject of Postfix), or do not forward for us at all. Maybe they do for
others: nothing is paused for it."""


def case_of_refusal(refusal: Refusal) -> Case:
    """What a refusal means, from where in the conversation it came."""
    step, code, text = refusal.step, refusal.code, refusal.text
    if (step == "AUTH" and code != CLOSING) or code in NOT_LET_IN:
        return LOGIN
    if SENDING_AS.search(text):
        return SENDER
    if code < 500:
        return TOO_MUCH if RATE.search(text) else BUSY
    return _for_good(step, code, text)


def _for_good(step: Step, code: int, text: str) -> Case:
    """What it means when the code says that trying again is of no use."""
    if code != FULL and TOO_OFTEN.search(text) and not NOT_OURS.search(text):
        return TOO_MUCH
    if code in OUT_OF_PLACE:
        return MISUNDERSTOOD
    if step == "RCPT":
        # relay@example.com is an addressee like any other.
        said = re.sub(r"<[^<>\s]*@[^<>\s]*>|[\w.+-]+@[\w.-]+", "", text)
        return next((case for words, case in AT_RCPT.items() if re.search(words, said)), ADDRESS)
    return AT_STEP.get(step, TURNED_AWAY)


def case_of_break(error: Exception) -> Case:
    """What a conversation that broke off before any content means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return UNTRUSTED
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError | Garbled):
        return UNREACHABLE
    return MISUNDERSTOOD
