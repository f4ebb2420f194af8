"""Mail channels to the servers on loopback, and many messages by them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from dispatcher.channels.contract import Channel, DeliveryError, Outgoing
from dispatcher.channels.smtp import Smtp, SmtpServer
from tests.channels.servers import DIGEST, OFFICE, digest, parsed

LOGIN = {"user": "office", "password": "right"}


def smtp(port: int, deadline: float = 5.0, **login: str) -> Smtp:
    return Smtp(SmtpServer("smtp+plain", "127.0.0.1", port, **login), OFFICE, deadline=deadline)


def failure(channel: Smtp, message: Outgoing = DIGEST) -> DeliveryError:
    """What sending a message by it raises."""
    with pytest.raises(DeliveryError) as failed:
        channel.send(message)
    channel.close()
    return failed.value


def digests(count: int) -> list[Outgoing]:
    return [digest(reference=f"{number}.a") for number in range(count)]


def send_all(channel: Channel, count: int) -> None:
    for message in digests(count):
        channel.send(message)


def send_at_once(channel: Channel, messages: Sequence[Outgoing]) -> list[threading.Thread]:
    """Begins to send, by as many threads as the channel allows, each the next of the messages."""
    waiting = list(messages)

    def work() -> None:
        while waiting:
            try:
                message = waiting.pop()
            except IndexError:  # another thread was quicker
                return
            channel.send(message)

    threads = [threading.Thread(target=work) for _thread in range(channel.connections)]
    for thread in threads:
        thread.start()
    return threads


def join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def references(contents: Sequence[bytes]) -> list[str]:
    """Which messages have arrived, in the order of their numbers."""
    found = [parsed(content)["Message-ID"].strip("<>").partition("@")[0] for content in contents]
    return sorted(found, key=lambda reference: int(reference.partition(".")[0]))
