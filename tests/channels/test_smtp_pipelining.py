"""A server that takes several commands at once (RFC 2920): who is blamed, and what never leaves.

That each fault has the same outcome as with one command at a time is in the table of outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import pytest

from dispatcher.channels import session
from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.wire import Wire
from tests.channels.sending import failure, send_all, smtp
from tests.channels.servers import DIGEST, PIPELINED, Fault, Script

NO_USER = b"550 5.1.1 no such user"


@pytest.fixture
def server() -> Iterator[Script]:
    with Script(EHLO=PIPELINED) as server:
        yield server


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is written in one go, each time; of the content, its first word."""
    written: list[bytes] = []
    real = Wire.say

    def noted(self: Wire, data: bytes) -> None:
        written.append(b"From:" if data.startswith(b"From:") else data)
        real(self, data)

    monkeypatch.setattr(Wire, "say", noted)
    return written


ENVELOPE = [
    b"MAIL FROM:<office@example.com>\r\n",
    b"RCPT TO:<tandong@example.com>\r\n",
    b"DATA\r\n",
]


def test_all_up_to_the_content_goes_out_at_once(server: Script, writes: list[bytes]) -> None:
    channel = smtp(server.port)
    send_all(channel, 2)
    channel.close()
    assert writes[1:] == [b"".join(ENVELOPE), b"From:"] * 2 + [b"QUIT\r\n"]
    assert len(server.contents) == 2


def test_a_server_that_does_not_offer_it_gets_one_command_at_a_time(writes: list[bytes]) -> None:
    with Script() as server:
        channel = smtp(server.port)
        send_all(channel, 1)
        channel.close()
    assert writes[1:] == [*ENVELOPE, b"From:", b"QUIT\r\n"]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "content"])
def test_a_server_that_is_slow_to_answer_is_waited_for(server: Script, step: str) -> None:
    server.faults[step] = "slow"
    channel = smtp(server.port)
    send_all(channel, 2)
    channel.close()
    assert (server.connections, len(server.contents)) == (1, 2)


def test_answers_that_come_all_at_once_are_told_apart(server: Script) -> None:
    answers = b"250 sender fine\r\n" + NO_USER + b"\r\n554 no valid recipients"
    server.faults |= {"MAIL": b"250-wait", "RCPT": b"250-wait", "DATA": answers}
    error = failure(smtp(server.port))
    assert (error.reason, error.detail) == ("address", "550 5.1.1 no such user")


@pytest.mark.parametrize("step, reason", [("MAIL", "auth"), ("RCPT", "address")])
def test_no_content_leaves_for_a_server_that_wants_it_after_a_refusal(
    server: Script, writes: list[bytes], step: str, reason: str
) -> None:
    server.faults |= {step: [NO_USER, None], "DATA": b"354 go on"}
    channel = smtp(server.port)
    with pytest.raises(DeliveryError) as failed:
        channel.send(DIGEST)
    assert failed.value.reason == reason
    assert writes[-1].endswith(b"DATA\r\n")
    channel.send(DIGEST)
    channel.close()
    assert (server.connections, len(server.contents)) == (2, 1)


def test_of_two_refusals_the_first_is_the_reason(server: Script) -> None:
    server.faults |= {"MAIL": b"550 not in your name", "RCPT": b"503 sender first"}
    error = failure(smtp(server.port))
    assert (error.reason, error.detail) == ("auth", "550 not in your name")


@pytest.mark.parametrize("silence", ["drop", "hang", "drip", b"299 what"])
def test_a_refusal_counts_though_nothing_sensible_follows_it(
    server: Script, monkeypatch: pytest.MonkeyPatch, silence: Fault
) -> None:
    monkeypatch.setattr(session, "PROBE", 0.1)
    server.faults |= {"RCPT": [NO_USER, None], "DATA": [silence, None]}
    channel, begun = smtp(server.port), monotonic()
    with pytest.raises(DeliveryError) as failed:
        channel.send(DIGEST)
    assert (failed.value.reason, failed.value.outcome) == ("address", "permanent")
    assert monotonic() - begun < channel.deadline  # a refusal does not wait for what follows it
    channel.send(DIGEST)
    channel.close()
    assert (server.connections, len(server.contents)) == (2, 1)
