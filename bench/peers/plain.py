"""The floor: one process, one connection of smtplib, ready-made bytes, nothing recorded."""

from __future__ import annotations

import smtplib
import sys
from time import monotonic, sleep

from letters import SENDER, addresses, ready_made


def main(port: int, due: float, count: int) -> None:
    """Sends one after the other from the instant ``due`` on."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        sleep(due - monotonic())
        for to in addresses(count):
            server.sendmail(SENDER, to, ready_made(to))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
