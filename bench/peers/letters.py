"""What all of them send: one letter to many addresses, the same as ours sends.

The folder ``BENCH_HOME`` has it, as words in ``letter.json`` and as a whole mail in ``letter.eml``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

SENDER = "office@example.com"
SOMEBODY = b"u00000@example.com"
HOME = Path(os.environ["BENCH_HOME"])
PORT = int(os.environ.get("BENCH_PORT", "0"))
WORDS = json.loads((HOME / "letter.json").read_text("utf-8"))
MAIL = (HOME / "letter.eml").read_bytes()


def addresses(count: int) -> Iterator[str]:
    """So many different ones."""
    return (f"u{number:05}@example.com" for number in range(count))


def ready_made(to: str) -> bytes:
    """The mail's bytes, only the address put in."""
    return MAIL.replace(SOMEBODY, to.encode())


def written(to: str) -> EmailMessage:
    """The mail as the standard library's manual writes one."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, to, WORDS["subject"]
    mail.set_content(WORDS["text"])
    mail.add_alternative(WORDS["html"], subtype="html")
    return mail
