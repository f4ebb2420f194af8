"""Twelve replies at six positions in four manners: what must follow is written down here.

The table is made by hand from these rules, and by nothing of the product:

1. A whole reply of 4yz is for later (RFC 5321, 4.2.1), and so is 421 wherever it stands. Words of
   too many or too often, and the marks of NetEase for it (HL:, MI:DMC), make it ``rate``: wait a
   quarter of an hour. All others are ``busy``: wait the two minutes that NetEase asks for.
2. 535 is about our login, at whatever position it comes.
3. 500 (and like it 502, 503) says that the server does not follow us, nothing of the message.
4. Every other 5yz is for good, and is about what was said last: the machine at connect and EHLO,
   the sender at MAIL, the addressee at RCPT, the message at DATA and content. But where the words
   name the sender, it is about the sender at RCPT too. Only addressee and message are given up;
   what is wrong with us is wrong for each message, and mended by a person.
5. A good reply that is not the one needed is no reply to us (4.3.2): the two are out of step.
6. What is not a whole reply is none, however much of it was heard: half a line and the end of the
   connection; all but the line's end, and then silence; a byte now and then, whole long after the
   deadline.
7. With no reply, or one out of step, nothing was handed over until the content was: until then it
   is a plain failure, and from then on nobody knows.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from time import monotonic
from typing import Literal, NamedTuple

import pytest

from dispatcher.channels.contract import DeliveryError
from tests.channels.sending import failure, smtp
from tests.channels.servers import DIGEST, PIPELINED, Script

POSITIONS = ["connect", "EHLO", "MAIL", "RCPT", "DATA", "content"]
"""DATA is the command, content is what follows it: both end with a reply."""
REPLIES = {
    "out of step": b"250 fine",  # a reply too many: what a server says most
    "421 HL:ICC": b"421 HL:ICC too many connections 10.0.0.1",  # NetEase
    "450 MI:DMC": b"450 MI:DMC 163 smtp9",  # NetEase: too many messages by one connection
    "451 DT:SPM": b"451 DT:SPM 163 smtp9",  # NetEase: keep it and try again in two minutes
    "452 full": b"452 4.3.1 insufficient system storage",  # RFC 5321
    "500 unknown": b"500 5.5.1 command unrecognized",  # RFC 5321; a meddling firewall says it too
    "535 login": b"535 5.7.8 authentication failed",  # RFC 4954
    "550 no user": b"550 5.1.1 user unknown",  # RFC 5321: the one that is said most
    "550 locked": b"550 User is locked",  # NetEase
    "552 too large": b"552 5.3.4 message exceeds fixed limit",  # RFC 1870; a limit, yet for good
    "553 sender": b"553 Mail from must equal authorized user",  # NetEase, Tencent
    "554 DT:SPM": b"554-DT:SPM 163 smtp9\r\n554 spam",  # NetEase; in two lines
}
IN_STEP = ["EHLO", "MAIL", "RCPT", "content"]
"""Where 250 is the reply that is needed: there 220, the late greeting, is the one too many."""
ANSWERED = """
               connect  EHLO     MAIL     RCPT     DATA     content
out of step    strange  strange  strange  strange  strange  unknown
421 HL:ICC     rate     rate     rate     rate     rate     rate
450 MI:DMC     rate     rate     rate     rate     rate     rate
451 DT:SPM     busy     busy     busy     busy     busy     busy
452 full       busy     busy     busy     busy     busy     busy
500 unknown    strange  strange  strange  strange  strange  strange
535 login      login    login    login    login    login    login
550 no user    barred   barred   sender   address  content  content
550 locked     barred   barred   sender   address  content  content
552 too large  barred   barred   sender   address  content  content
553 sender     barred   barred   sender   sender   content  content
554 DT:SPM     barred   barred   sender   address  content  content
"""
UNANSWERED = dict(zip(POSITIONS, ["lost"] * 5 + ["unknown"], strict=True))
"""The same for every reply that was dropped, hung or dripped."""
MEANINGS = {
    "busy": ("busy", "temporary", 120, "asks to wait"),
    "rate": ("rate", "temporary", 900, "finds our messages too many"),
    "login": ("auth", "temporary", 900, "refuses the login"),
    "sender": ("auth", "temporary", 900, "does not let us send as office@example.com"),
    "barred": ("protocol", "temporary", 900, "turns us away"),
    "strange": ("protocol", "temporary", 900, "does not speak as expected"),
    "address": ("address", "permanent", None, "refuses the address tandong@example.com"),
    "content": ("content", "permanent", None, "refuses the message"),
    "lost": ("unreachable", "temporary", None, "cannot be reached"),
    "unknown": ("unknown", "unknown", None, "it may have arrived"),
}
"""Reason, outcome, the least wait in seconds, and words of the sentence."""

Manner = Literal["answered", "dropped", "hung", "dripped"]
DEADLINE = 0.25
AT_ONCE = 24
TRIES = 5


class Cell(NamedTuple):
    reply: str
    position: str
    manner: Manner
    ehlo: dict[str, bytes]

    @property
    def said(self) -> bytes:
        """The reply as it stands on the wire."""
        reply = REPLIES[self.reply]
        if self.reply == "out of step" and self.position in IN_STEP:
            reply = b"220 here"
        return reply + b"\r\n"


class Found(NamedTuple):
    meaning: str
    handed_over: int
    connections: int


class Ill(Script):
    """A server that says what a cell holds; ``reached`` when it came to that."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(**cell.ehlo)
        self.cell, self.reached = cell, False

    def _answer(self, sock: socket.socket, step: str, number: int) -> bytes:
        if step != self.cell.position:
            return super()._answer(sock, step, number)
        self.reached = True
        said, manner = self.cell.said, self.cell.manner
        if manner == "answered":
            sock.sendall(said)
        elif manner == "dropped":
            sock.sendall(said[: len(said) // 2])
        elif manner == "hung":
            sock.sendall(said[:-1])
            self._stop.wait()
        else:
            self._drip_out(sock, said)
        return said if manner in ("answered", "dripped") else b""

    def _drip_out(self, sock: socket.socket, said: bytes) -> None:
        """All of it, in twice the time that there is; no wait for a byte is long."""
        for byte in said:
            self._stop.wait(2 * DEADLINE / len(said))
            sock.sendall(bytes([byte]))


def expected(cell: Cell) -> Found:
    if cell.manner != "answered":
        meaning = UNANSWERED[cell.position]
    else:
        row = next(line for line in ANSWERED.splitlines() if line.startswith(cell.reply))
        meaning = row.removeprefix(cell.reply).split()[POSITIONS.index(cell.position)]
    return Found(meaning, int(cell.position == "content"), 1)


def found(cell: Cell) -> Found:
    """What the channel makes of it; again where the deadline was over before the cell came up."""
    deadline = DEADLINE if cell.manner in ("hung", "dripped") else 10.0
    for _try in range(TRIES):
        with Ill(cell) as server:
            begun = monotonic()
            error = failure(smtp(server.port, deadline))
            assert monotonic() - begun < deadline + 1
        if server.reached:
            break
    return Found(meaning_of(error), len(server.contents), server.connections)


def meaning_of(error: DeliveryError) -> str:
    """The only name of a meaning that fits in all."""
    said = (error.reason, error.outcome, error.retry_after)
    names = [
        name
        for name, (*exact, words) in MEANINGS.items()
        if said == tuple(exact) and words in str(error)
    ]
    return names[0] if len(names) == 1 else f"{said}: {error}"


def misread(cells: Iterable[Cell]) -> list[str]:
    """The cells that end as they should not."""
    cells = list(cells)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(found, cells))
    return [
        f"{cell.reply} at {cell.position}, {cell.manner}: {end}, should be {expected(cell)}"
        for cell, end in zip(cells, ends, strict=True)
        if end != expected(cell)
    ]


@pytest.mark.parametrize("ehlo", [{}, {"EHLO": PIPELINED}], ids=["one by one", "pipelined"])
@pytest.mark.parametrize("manner", ["answered", "dropped", "hung", "dripped"])
def test_each_reply_at_each_position_in_each_manner_ends_as_the_table_says(
    manner: Manner, ehlo: dict[str, bytes]
) -> None:
    positions = POSITIONS[2:] if ehlo else POSITIONS
    assert misread(Cell(*at, manner, ehlo) for at in product(REPLIES, positions)) == []


def test_the_table_has_a_row_for_each_reply_and_a_column_for_each_position() -> None:
    head, *rows = ANSWERED.strip("\n").splitlines()
    assert head.split() == POSITIONS
    assert [row[:13].strip() for row in rows] == list(REPLIES)
    named = {meaning for row in rows for meaning in row[13:].split()} | {*UNANSWERED.values()}
    assert named == MEANINGS.keys()
    assert len(REPLIES) == 12


# -------------------------------------------------------------- what is not about the addressee

PUT_OFF = {
    # Postfix, which puts off until RCPT what it has against client, HELO and sender
    b"553 5.7.1 <office@example.com>: Sender address rejected: not logged in": "sender",
    b"450 4.1.8 <office@example.com>: Sender address rejected: Domain not found": "busy",
    b"550 5.1.8 <office@example.com>: Domain not found": "sender",
    b"554 5.7.1 <unknown[10.0.0.1]>: Client host rejected: Access denied": "barred",
    b"554 5.7.1 Service unavailable; Client host [10.0.0.1] blocked using a list": "barred",
    b"504 5.5.2 <pc>: Helo command rejected: need fully-qualified hostname": "barred",
    b"554 5.7.1 <tandong@example.com>: Relay access denied": "sender",
    b"504 5.5.2 <tandong>: Recipient address rejected: need fully-qualified address": "address",
    # Exim, Exchange, and Tencent, which says for good what is only too often
    b"550-Verification failed for <office@example.com>\r\n550 Sender verify failed": "sender",
    b"550 5.7.1 Unable to relay": "sender",
    b"550 Ip frequency limited. http://service.mail.qq.com": "rate",
    # Others that say so of a day's quota; but 552 is of the addressee's mailbox
    b"550 5.4.5 Daily user sending quota exceeded. gsmtp": "rate",
    b"554 5.7.1 <tandong@example.com>: rejected: You have exceeded your Outmail quota": "rate",
    b"554 5.7.0 Too many messages, try again later": "rate",
    b"550 User office@example.com has exceeded its 24-hour sending limit": "rate",
    b"550 5.7.1 your mailbox has exceeded its daily sending limit": "rate",
    b"550 5.1.90 you've reached your daily limit for message recipients": "rate",
    b"554 Reject by behaviour spam at Rcpt State: too frequently sendingCONTINUE": "rate",
    b"505 the total of RCPTs is achieved the maximum threshold": "rate",
    b"554 5.7.1 <tandong@example.com>: Recipient address rejected: "
    b"Quota exceeded (number of mails in total)": "rate",
    b"550 Requested mail action not taken: too much recipient": "rate",
    b"550 RP:TRC 163 smtp8": "rate",
    b"554 5.5.3 RP:QRC 163 smtp8": "rate",
    b"550 5.2.2 <tandong@example.com>: user exceeded your storage quota": "address",
    b"550 you have exceeded your mailbox quota": "address",
    b"550 Mailbox not found, try again later": "address",
    b"552 5.2.2 <tandong@example.com>: mailbox full, try again later": "address",
    # Who may send what, put off by others
    b"553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)": "sender",
    b"550 5.7.606 Access denied, banned sending IP [10.0.0.1]": "barred",
    b"554 5.7.1 <tandong@example.com>: Recipient address rejected: "
    b"Sender is not same as SMTP authenticate username": "sender",
    b"503 5.5.1 bad sequence of commands": "strange",
    b"502 5.5.2 not implemented": "strange",
    # the addressee's own name is not a word about the sender
    b"550 5.1.1 <sender@example.com>: user unknown": "address",
    b"550 5.7.1 <relay@example.com>: Recipient address rejected": "address",
    b"550 5.7.1 <a@example.com>:relay not permitted": "sender",
    b"550 5.1.0 <office@example.com>: Sender address rejected: User unknown": "sender",
    b"550 5.1.1 <a@example.com>: User unknown in relay recipient table": "address",
    b"550 5.7.1 mailbox takes no mail from outside": "address",
}


@pytest.mark.parametrize("reply, meaning", PUT_OFF.items(), ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("ehlo", [{}, {"EHLO": PIPELINED}], ids=["one by one", "pipelined"])
def test_a_contact_is_not_blamed_for_what_is_wrong_with_us(
    reply: bytes, meaning: str, ehlo: dict[str, bytes]
) -> None:
    with Script(RCPT=reply, **ehlo) as server:
        assert meaning_of(failure(smtp(server.port))) == meaning
    assert server.contents == []


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize("ehlo", [{}, {"EHLO": PIPELINED}], ids=["one by one", "pipelined"])
def test_what_was_refused_halfway_is_taken_back_before_the_next_message(
    step: str, ehlo: dict[str, bytes]
) -> None:
    """A second MAIL while the first is open is out of order (RFC 5321, 4.1.4)."""
    with Script(**{step: b"550 5.1.1 user unknown"}, **ehlo) as server:
        channel = smtp(server.port)
        for _message in range(2):
            with pytest.raises(DeliveryError, match="user unknown"):
                channel.send(DIGEST)
        channel.close()
    assert server.seen.count("RSET") + server.connections == 2


SAID_OF_CONTENT = {
    b"554 5.7.0 Too many messages, try again later": "rate",
    b"550 5.4.5 Daily sending quota exceeded": "rate",
    b"554 MI:SFQ 163 smtp8": "rate",
    b"554 MI:STC 163 smtp8": "rate",
    b"554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException": "rate",
    b"550 5.4.6 mail rate exceeded limit": "rate",
    b"554 5.7.1 sending limit exceeded for office@example.com": "rate",
    b"554 5.2.252 SendAsDenied; a@example.com not allowed to send as b@example.com": "sender",
    b"550 5.7.60 SMTP; Client does not have permissions to send as this sender": "sender",
    b"550 5.1.8 Access denied, bad outbound sender AS(42003)": "sender",
    b"541 This account isn't allowed to send email": "sender",
    b"552 5.3.4 Message size exceeds fixed limit": "content",
    b"554 message size exceeds sending size limit": "content",
    b"554 5.7.1 rejected as spam": "content",
}


@pytest.mark.parametrize("reply, meaning", SAID_OF_CONTENT.items())
def test_a_days_quota_is_no_fault_of_what_is_sent(reply: bytes, meaning: str) -> None:
    with Script(content=reply) as server:
        assert meaning_of(failure(smtp(server.port))) == meaning


def test_a_sender_refused_as_if_it_passed_by_itself_pauses_the_channel() -> None:
    reply = b"440 mail from account doesn't conform with authentication (Auth Account:a@x.cn)"
    with Script(MAIL=reply) as server:
        error = failure(smtp(server.port))
    assert (meaning_of(error), error.pauses) == ("sender", True)
