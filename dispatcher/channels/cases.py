"""How handing over over HTTP fails: what each way means, in words, and what follows."""

from __future__ import annotations

from typing import NamedTuple

from dispatcher.channels.contract import DeliveryError, Reason
from dispatcher.i18n import Text, _

SOON, LATER = 60.0, 900.0
"""Least waits in seconds: where the other side asks for one, and where only a person can mend it
or asking sooner makes it worse."""


class Case(NamedTuple):
    """A way to fail. ``wait`` is in seconds; ``pauses`` as in DeliveryError."""

    reason: Reason
    text: Text
    permanent: bool = False
    wait: float | None = None
    pauses: bool = False

    def error(self, detail: str, wait: float | None = None, **values: object) -> DeliveryError:
        """The case as it happened; ``wait`` is the other side's own wish, if it has one."""
        return DeliveryError(
            self.reason,
            Text(self.text.msgid, detail=detail, **values),
            detail=detail,
            permanent=self.permanent,
            retry_after=self.wait if wait is None else wait,
            pauses=self.pauses,
        )


UNREACHABLE = Case(
    "unreachable",
    _("channel '{channel}': {server} cannot be reached ({detail}); check the network, the firewall "
      "and the proxy"),
)  # fmt: skip
UNTRUSTED = Case(
    "protocol",
    _("channel '{channel}': the certificate of {server} cannot be trusted ({detail}); where it is "
      "from a private authority, name that one's file as ca_file"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
UNANSWERED = Case(
    "unknown",
    _("channel '{channel}': {server} took the message and did not answer ({detail}); it may have "
      "arrived"),
)  # fmt: skip
UNCLEAR = Case(
    "unknown",
    _("channel '{channel}': {server} answered as it should not ({detail}); the message may have "
      "arrived"),
)  # fmt: skip
ELSEWHERE = Case(
    "protocol",
    _("channel '{channel}': {server} knows no such address ({detail}); compare it with the one "
      "that the vendor shows"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
NOT_LET_IN = Case(
    "auth",
    _("channel '{channel}': {server} does not let us in ({detail}); check key and secret, and "
      "whether this machine's IP is admitted"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
CLOCK = Case(
    "auth",
    _("channel '{channel}': {server} finds the time of our signature wrong ({detail}); set this "
      "machine's clock right"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
TOO_MANY = Case(
    "rate",
    _("channel '{channel}': {server} finds our messages too many ({detail}); they are tried again "
      "by themselves"),
    wait=SOON,
    pauses=True,
)  # fmt: skip
BUSY = Case(
    "busy",
    _("channel '{channel}': {server} asks to wait ({detail}); the message is tried again by "
      "itself"),
    wait=SOON,
)  # fmt: skip
REFUSED = Case(
    "content",
    _("channel '{channel}': {server} refuses the message ({detail})"),
    permanent=True,
)


def case_of_status(status: int) -> Case | None:
    """What an HTTP status means by itself; None where the answer's content says more."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400 or status in (404, 405, 410):
        return ELSEWHERE
    if status in (401, 403, 407):
        return NOT_LET_IN
    if status == 429:
        return TOO_MANY
    if status in (408, 503):  # to 408 the request may be sent again: RFC 9110, section 15.5.9
        return BUSY
    return REFUSED if 400 <= status < 500 else UNCLEAR
