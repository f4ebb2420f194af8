"""What the robots of group chats have in common: a message in parts, one after the other, each a
JSON object that is answered with a code."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, NamedTuple

from dispatcher.channels.calling import HttpChannel, moment, parsed
from dispatcher.channels.cases import CLOCK, LATER, UNCLEAR, Case
from dispatcher.channels.contract import DeliveryError, OnUnknown, Outgoing, Receipt
from dispatcher.channels.http import Client, Reply, place, refuse_url
from dispatcher.errors import SettingsError
from dispatcher.i18n import _

JSON = {"Content-Type": "application/json; charset=utf-8"}
MOBILE = re.compile(r"\+?[0-9]{6,20}")
ASTRAY = 55
"""Minutes by which a clock may be wrong before it is to blame: the vendors take signatures of an
hour."""

NO_ROBOT = Case(
    "auth",
    _("channel '{channel}': {server} knows no such robot, or it was removed from the group or "
      "stopped ({detail}); add a robot to the group and set its key anew"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
WRONG_SIGN = Case(
    "auth",
    _("channel '{channel}': {server} does not accept our signature ({detail}); compare 'secret' "
      "with the one that the robot's settings show"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
WRONG_IP = Case(
    "auth",
    _("channel '{channel}': {server} does not admit this machine's IP ({detail}); add it to the "
      "robot's list of IP addresses"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
NO_KEYWORD = Case(
    "auth",
    _("channel '{channel}': {server} misses the robot's keyword in the message ({detail}); in the "
      "robot's settings choose the signature instead of keywords, and set it as 'secret'"),
    wait=LATER,
    pauses=True,
)  # fmt: skip
TOO_LONG = Case(
    "content",
    _("channel '{channel}': {server} finds the message too long ({detail}); set detail: "
      "title-only, or shorten the template"),
    permanent=True,
)  # fmt: skip
HALF = Case(
    "unknown",
    _("channel '{channel}': of {total} parts {server} has taken {taken}, and then: {why}"),
)


class Answer(NamedTuple):
    """What the vendor answered: ``code`` is 0 for success, None where it is none of the vendor's
    answers; ``said`` is the code with its words, or all of it."""

    reply: Reply
    code: int | None
    said: str


class Robot(HttpChannel):
    """A robot can only speak, and nobody can ask it what arrived: what is unknown is held."""

    on_unknown: OnUnknown = "hold"
    connections = 1
    codes: tuple[str, ...] = ("errcode",)
    """Where an answer has its code: the first of these that it has counts."""
    words = "errmsg"
    """Where an answer has its words."""

    def __init__(
        self, name: str, url: str, secret: str = "", *,
        client: Client, sleep: Callable[[float], None] = sleep,
    ) -> None:  # fmt: skip
        """``url`` ends with the robot's key; ``sleep`` waits for so many seconds."""
        super().__init__(name, client, [re.split("[/=]", url)[-1], secret])
        self._url, self._secret, self._sleep = url, secret, sleep
        self.server = place(url)

    @abstractmethod
    def messages(self, outgoing: Outgoing) -> list[dict[str, Any]]:
        """What the vendor is to be given, one call each."""

    @abstractmethod
    def verdict(self, code: int, said: str) -> Case:
        """What a code other than 0 means; ``said`` is the vendor's word with it."""

    def instead(self, message: dict[str, Any], code: int, said: str) -> dict[str, Any] | None:
        """What to say once more in the place of a message that was refused so."""
        return None

    def addressed(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Where a message goes to, and the message as it goes there."""
        return self._url, message

    def refused(self, answer: Answer) -> DeliveryError:
        """An answer that refuses, in words."""
        return self.failure(self.verdict(answer.code or 0, answer.said), answer.said, self._url)

    def calls(self, outgoing: Outgoing) -> int:
        """One for each part."""
        return len(self.messages(outgoing))

    def send(self, outgoing: Outgoing) -> Receipt:
        """Gives no name: robots have none for what they say.

        A later part that fails leaves the message half said: unknown, whatever the failure is.
        """
        until = monotonic() + self.deadline
        messages = self.messages(outgoing)
        for number, message in enumerate(messages):
            try:
                if number:
                    self._sleep(self.pace)
                self.say(message, until)
            except DeliveryError as error:
                raise self._half(error, number, len(messages)) if number else error from None
        return Receipt("")

    def say(self, message: dict[str, Any], until: float) -> None:
        """One call, or a second one to say it otherwise; raises DeliveryError."""
        answer = self._answer(message, until)
        other = answer.code and self.instead(message, answer.code, answer.said)
        if other:
            self._sleep(self.pace)
            answer = self._answer(other, until)
        if answer.code:
            raise self.refused(answer)
        self.check(answer.reply, self._url)
        if answer.code is None:
            raise self.failure(UNCLEAR, answer.said, self._url)

    def _answer(self, message: dict[str, Any], until: float) -> Answer:
        url, body = self.addressed(message)
        reply = self.ask(url, encoded(body), JSON, until)
        said = reply.body.decode("utf-8", "replace")
        found = parsed(said)
        code = code_of(found, self.codes) if isinstance(found, dict) else None
        if code is None:
            return Answer(reply, None, f"HTTP {reply.status} {said}".strip())
        return Answer(reply, code, f"{code} {found.get(self.words, '')}".strip())

    def _half(self, error: DeliveryError, taken: int, total: int) -> DeliveryError:
        case = HALF._replace(pauses=error.pauses)
        values = {"taken": taken, "total": total, "why": error.text}
        return self.failure(case, error.detail, self._url, error.retry_after, **values)


class SignedRobot(Robot):
    """A robot that may be guarded by a signature of the time: its ``secret`` is empty where it is
    not."""

    def __init__(
        self, name: str, url: str, secret: str, *,
        client: Client, now: Callable[[], float], sleep: Callable[[float], None] = sleep,
    ) -> None:  # fmt: skip
        """``now`` gives seconds since 1970."""
        super().__init__(name, url, secret, client=client, sleep=sleep)
        self._now = now

    @abstractmethod
    def signed(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Where a message goes to, and the message, one of them with time and signature."""

    def addressed(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Signed, where there is a secret."""
        return self.signed(message) if self._secret else (self._url, message)

    def refused(self, answer: Answer) -> DeliveryError:
        """An answer that refuses; the clock is told from the secret."""
        minutes = self._astray(answer.reply) // 60
        if self.verdict(answer.code or 0, answer.said) is WRONG_SIGN and minutes >= ASTRAY:
            said = f"{answer.said}; {answer.reply.headers['Date']}"
            return self.failure(CLOCK, said, self._url)
        return super().refused(answer)

    def _astray(self, reply: Reply) -> int:
        """Seconds between our clock and the vendor's."""
        theirs = moment(reply.headers.get("Date", ""))
        return int(abs(theirs.timestamp() - self._now())) if theirs else 0


def code_of(answer: dict[str, Any], names: Sequence[str]) -> int | None:
    """The first of the codes that an answer has; None where it has none that is a number."""
    found = next((answer[name] for name in names if name in answer), None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def encoded(body: dict[str, Any]) -> bytes:
    """JSON as it goes out, and is counted."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def weight(text: str) -> int:
    """Bytes that a text takes inside of a JSON string."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - len('""')


def mobiles(outgoing: Outgoing) -> list[str]:
    """The numbers to mention, without anything that is none: a robot takes ``@all`` for all."""
    found = (re.sub(r"[\s-]", "", each) for each in outgoing.mobiles)
    return list(dict.fromkeys(each for each in found if MOBILE.fullmatch(each)))


def robot_url(name: str, given: str, example: str, client: Client) -> str:
    """Where the robot is called, from its key or from the whole address that the vendor shows.

    ``example`` is the vendor's own address up to the key; of another host that the client allows
    it may be too. Raises SettingsError, never quoting the key.
    """
    origin, path = example[: example.index("/", 8)], example[example.index("/", 8) :]
    found = re.fullmatch(
        rf"(?:(https?://[^/?#\s]+){re.escape(path)})?([\w-]{{8,200}})(?:[&/].*)?",
        given.strip(), re.ASCII,
    )  # fmt: skip
    if not found:
        raise SettingsError(
            _("channel '{channel}': 'key' should be the robot's key, or its whole address, which "
              "begins with {example}", channel=name, example=example)
        )  # fmt: skip
    url = f"{found[1] or origin}{path}{found[2]}"
    refuse_url(url, client.hosts)
    return url
