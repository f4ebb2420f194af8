"""One conversation with a mail server.

Not the standard library's smtplib, because that bounds each read and not the whole (a server that
drips a byte a second is never given up), tries a wrong password once for every mechanism (and so
locks the account), and does not tell whether the content had begun when the line broke.
"""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Literal, NamedTuple

from dispatcher.channels.wire import Garbled, Reply, Wire, words

Step = Literal[
    "connect", "EHLO", "STARTTLS", "AUTH", "RSET", "MAIL", "RCPT", "DATA", "content", "QUIT"
]
FRESH, PROBE = 1.0, 5.0
"""Seconds for which an idle connection is trusted, and that it then gets to show that it lives."""


class Refusal(Exception):
    """The server understood and said no at ``step``."""

    def __init__(self, step: Step, reply: Reply) -> None:
        super().__init__(f"{step}: {reply.code} {reply.text}")
        self.step, self.code, self.text = step, reply.code, reply.text


class Command(NamedTuple):
    """A line to say, and the codes that the conversation needs for an answer."""

    step: Step
    line: str
    wanted: tuple[int, ...]


class Unanswered(Exception):
    """All of the content has left, and then no answer came: the message may have arrived."""


class Session:
    """A connection to a mail server.

    Every step raises Refusal, Garbled, or OSError (TimeoutError when the wire's deadline is over).
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.features: dict[str, str] = {}
        self.greeting = ""
        self._halfway = False

    def greet(self) -> None:
        """Hears the greeting and learns what the server can do."""
        self.greeting = self._want("connect", self._wire.reply(), 220).text
        self._hello()

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Goes on encrypted, the server's certificate being one for ``host``."""
        if "STARTTLS" not in self.features:
            raise Garbled("the server offers no STARTTLS")
        self._ask("STARTTLS", "STARTTLS", 220)
        self._wire.encrypt(context, host)
        self._hello()

    def log_in(self, user: str, password: str) -> None:
        """One try, by one mechanism: a second wrong one may lock the account."""
        offered = self.features.get("AUTH", "").upper().split()
        if "PLAIN" in offered:
            self._ask("AUTH", f"AUTH PLAIN {_base64(chr(0).join(('', user, password)))}", 235)
        elif "LOGIN" in offered:
            self._ask("AUTH", f"AUTH LOGIN {_base64(user)}", 334)
            self._ask("AUTH", _base64(password), 235)
        else:
            raise Garbled("the server offers no login by password")

    def wakes(self, until: float) -> bool:
        """Makes ready for another message; False when the server has gone meanwhile.

        A connection used a moment ago is not asked: that would cost each message a round trip. But
        what was refused halfway is taken back: until then the next MAIL would be out of order.
        """
        wire = self._wire
        if self._halfway or wire.idle >= FRESH:
            wire.until = min(until, monotonic() + PROBE)
            try:
                self._ask("RSET", "RSET", 250)
            except (OSError, Garbled, Refusal):
                return False
        wire.until, self._halfway = until, False
        return True

    def deliver(self, sender: str, address: str, content: bytes) -> str:
        """Hands one mail to one address; gives the server's word on it. Raises Unanswered too.

        After a failure the connection is closed, unless it is in order for another message.
        """
        try:
            self._announce(sender, address)
            return self._hand_over(content)
        except Refusal as refusal:
            # Who refuses one addressee or one message for good is ready for the next.
            if refusal.code < 500 or refusal.step == "MAIL":
                self.close()
            self._halfway = refusal.step != "content"
            raise
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """False once it has been closed from this side."""
        return self._wire.is_open

    @property
    def idle(self) -> float:
        """Seconds since the server's last word."""
        return self._wire.idle

    def quit(self, until: float) -> None:
        """Takes leave and closes."""
        self._wire.until = until
        with suppress(OSError, Garbled, Refusal):
            self._ask("QUIT", "QUIT", 221)
        self.close()

    def close(self) -> None:
        """Hangs up without a word: the only safe way in the middle of something."""
        self._wire.close()

    def _hello(self) -> None:
        reply = self._ask("EHLO", f"EHLO {self._wire.own_name()}", 250)
        # Old servers write AUTH=LOGIN.
        features = (re.match(r"([^ =]*)[ =]?(.*)", line) for line in reply.lines[1:])
        self.features = {match[1].upper(): match[2] for match in features if match}

    def _announce(self, sender: str, address: str) -> None:
        commands = [
            Command("MAIL", f"MAIL FROM:<{sender}>", (250,)),
            Command("RCPT", f"RCPT TO:<{address}>", (250, 251, 252)),
            Command("DATA", "DATA", (354,)),
        ]
        if "PIPELINING" in self.features:
            self._ask_together(commands)
        else:
            for step, line, wanted in commands:
                self._ask(step, line, *wanted)

    def _hand_over(self, content: bytes) -> str:
        self._wire.must_be_silent()
        stuffed = content.replace(b"\n.", b"\n..")
        start = b"." if content.startswith(b".") else b""
        try:
            self._wire.say(b"".join((start, stuffed, b".\r\n")))
        except OSError:
            # Its last line has not left, so that nobody has taken it.
            self._hear_why()
            raise
        try:
            return self._want("content", self._wire.reply(), 250).text
        except (OSError, Garbled) as error:
            raise Unanswered(words(error)) from None

    def _hear_why(self) -> None:
        """Raises Refusal where the server has said why it does not hear content to its end."""
        self._wire.until = min(self._wire.until, monotonic() + PROBE)
        try:
            self._want("content", self._wire.reply(), 250)
        except (OSError, Garbled):
            return
        finally:
            self.close()

    def _ask(self, step: Step, line: str, *wanted: int) -> Reply:
        self._say(line)
        return self._want(step, self._wire.reply(), *wanted)

    def _ask_together(self, commands: Sequence[Command]) -> None:
        """All in one write, then as many answers (RFC 2920); the first refusal is the one raised.

        The server goes on to what follows a refusal. If it does not refuse that as well, it waits
        for content that must not come, and the connection is closed.
        """
        self._say(*(command.line for command in commands))
        unheard = len(commands)
        for step, _line, wanted in commands:
            unheard -= 1
            try:
                self._want(step, self._wire.reply(), *wanted)
            except Refusal:
                if not self._refuses(unheard):
                    self.close()
                raise

    def _refuses(self, count: int) -> bool:
        """Whether so many answers that are still to come are refusals."""
        self._wire.until = min(self._wire.until, monotonic() + PROBE)
        try:
            return all(self._wire.reply().code >= 400 for _answer in range(count))
        except (OSError, Garbled):
            return False

    def _say(self, *lines: str) -> None:
        self._wire.say("".join(f"{line}\r\n" for line in lines).encode("ascii"))

    def _want(self, step: Step, reply: Reply, *wanted: int) -> Reply:
        if reply.code in wanted:
            return reply
        if reply.code >= 400:
            raise Refusal(step, reply)
        raise Garbled(f"{step}: {reply.code} {reply.text}")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
