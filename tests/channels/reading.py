"""What stands in a mail."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr


def decoded(content: bytes, header: str) -> str:
    """By the older parser: this Python's newer one puts spaces between encoded words."""
    return str(make_header(decode_header(message_from_bytes(content)[header])))


def addressed(content: bytes, header: str) -> tuple[str, str]:
    """The name and address of a header, taken apart before the name is decoded."""
    name, address = parseaddr(message_from_bytes(content)[header])
    return str(make_header(decode_header(name))), address


def said(part: EmailMessage) -> str:
    return part.get_content().replace("\r\n", "\n")
