"""How much of a receiver's time a webhook leaves unused: one that takes 20 ms an answer.

``python -m bench.webhooks [SECONDS]`` prints the table. The receiver is a process of its own that
only waits and answers; the channel is the real one, called from as many threads as connections.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, Thread
from time import monotonic

from bench.measure import Table
from dispatcher.channels.contract import Card, Entry, Outgoing
from dispatcher.channels.http import Client
from dispatcher.channels.webhook import Webhook
from dispatcher.clock import system_clock

ANSWER, TARGET = 0.020, 0.85
CONNECTIONS = (1, 4, 16)
SECONDS, ROUNDS = 4.0, 5
REPLY = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"id": "7"}'
)
ENTRY = Entry(
    "housing/2026-Q1@潭东镇", "housing", "潭东镇", "red", "红", "已逾期1项", "农村住房安全动态排查",
    "2026-03-31", "3月31日(周二),已逾期17天,第4次催办", (), "你单位为责任单位", "每季度开展排查",
    "区住建局",
)  # fmt: skip
DIGEST = Outgoing(
    id=1, reference="1.a", kind="digest", at=system_clock(), address="潭东镇",
    recipient_name="潭东镇", subject="【催办】潭东镇:逾期5项", text="潭东镇:\n" * 60, html="",
    sender_name="区农办", card=Card("潭东镇", "截至4月17日", (ENTRY,) * 5, ()),
)  # fmt: skip


def bench(seconds: float = SECONDS) -> list[Table]:
    """One table; each rate the median of rounds in turn."""
    rates: dict[int, list[float]] = {count: [] for count in CONNECTIONS}
    load = os.getloadavg()[0]
    with receiver() as port:
        for _round in range(ROUNDS):
            for count in CONNECTIONS:
                rates[count].append(_rate(port, count, seconds))
    rows = []
    for count, found in rates.items():
        most, rate = count / ANSWER, statistics.median(found)
        rows.append(
            [f"{count}", f"{most:,.0f}", f"{rate:,.0f}", f"{rate / most:.2f}",
             f"{min(found) / most:.2f}"]
        )  # fmt: skip
    note = (
        f"Target: at least {TARGET} of connections / {ANSWER * 1000:.0f} ms. Medians of {ROUNDS} "
        f"rounds of {seconds:g} s; a body of 5 items; load average {load:.1f} at the start."
    )
    header = ("connections", "at most a second", "messages/s", "share", "worst round")
    return [Table("Webhooks to a receiver that takes 20 ms an answer", header, rows, [note])]


def _rate(port: int, connections: int, seconds: float) -> float:
    """Messages a second, of those that were begun within so many seconds."""
    client = Client({"127.0.0.1"}, connections=connections)
    channel = Webhook(
        "bench", f"http://127.0.0.1:{port}/", "0123456789abcdef", client=client,
        now=lambda: system_clock().timestamp(), connections=connections,
    )  # fmt: skip
    start, done = Barrier(connections + 1), [0] * connections

    def work(mine: int) -> None:
        channel.send(DIGEST)  # connections are open, modules loaded
        start.wait()
        until = monotonic() + seconds
        while monotonic() < until:
            channel.send(replace(DIGEST, reference=f"{mine}.{done[mine]}"))
            done[mine] += 1

    threads = [Thread(target=work, args=(mine,)) for mine in range(connections)]
    for thread in threads:
        thread.start()
    start.wait()
    begun = monotonic()
    for thread in threads:
        thread.join()
    took = monotonic() - begun
    channel.close()
    return sum(done) / took


@contextmanager
def receiver() -> Iterator[int]:
    """The port of a receiver in a process of its own."""
    command = [sys.executable, "-m", "bench.webhooks", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=64)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            (size,) = (
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(size)
            await asyncio.sleep(ANSWER)
            writer.write(REPLY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(_serve())
    else:
        for table in bench(*map(float, sys.argv[1:])):
            print(table.markdown())
