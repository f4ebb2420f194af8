"""Mail as a reader finds it: whatever was put in, in lines that every mail server forwards."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.contract import Attachment
from dispatcher.channels.mime import Sender, message_bytes
from tests.channels.reading import addressed, decoded, said
from tests.channels.servers import OFFICE, digest, parsed

SENDER = Sender("", OFFICE)
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="?")
TRICKY = st.sampled_from('ab  .,"\\()<>@:;潭东镇😀é-_')
IN_HEADERS = st.text(LETTERS, max_size=9) | st.text(TRICKY) | st.text(LETTERS, min_size=20)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n. -"))


def in_lines(text: str) -> str:
    """A text as mail has it: every line ended, whichever way it was."""
    lines = text.encode().splitlines()
    return "".join(line.decode() + "\n" for line in lines)


@given(subject=IN_HEADERS, names=st.tuples(IN_HEADERS, IN_HEADERS), text=TEXTS, html=TEXTS)
def test_a_reader_finds_what_was_put_in(
    subject: str, names: tuple[str, str], text: str, html: str
) -> None:
    recipient, sender = names
    message = digest(
        subject=subject, recipient_name=recipient, sender_name=sender, text=text, html=html
    )
    content = message_bytes(message, SENDER)
    assert decoded(content, "Subject") == subject
    assert addressed(content, "From") == (sender, SENDER.address)
    assert addressed(content, "To") == (recipient, message.address)
    assert addressed(content, "Reply-To") == (sender, message.reply_to)
    mail = parsed(content)
    assert [part.get_content_type() for part in mail.walk()] == (
        ["multipart/alternative", "text/plain", "text/html"] if html else ["text/plain"]
    )
    bodies = [said(part) for part in mail.walk() if not part.is_multipart()]
    assert bodies == [in_lines(body) for body in (text, html)[: len(bodies)]]


@given(name=IN_HEADERS.map(str.strip).filter(bool), content=st.binary())
def test_an_attached_file_is_found_under_its_name(name: str, content: bytes) -> None:
    mail = parsed(message_bytes(digest(attachments=(Attachment(name, content),)), SENDER))
    (attached,) = mail.iter_attachments()
    assert attached["Content-Disposition"].params["filename"] == name
    assert attached.get_content() == content


@given(subject=IN_HEADERS, names=st.tuples(IN_HEADERS, IN_HEADERS, IN_HEADERS.filter(bool)))
def test_every_line_is_short_and_every_encoded_word_holds_whole_characters(
    subject: str, names: tuple[str, str, str]
) -> None:
    recipient, sender, file = names
    attachments = (Attachment(file, b"x" * 200),)
    message = digest(subject=subject, recipient_name=recipient, sender_name=sender)
    content = message_bytes(replace(message, attachments=attachments), SENDER)
    assert content.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    assert max(map(len, content.split(b"\r\n"))) <= 79  # a sheet's type is that long
    head = content.partition(b"\r\n\r\n")[0]
    for line in head.split(b"\r\n"):
        words = re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", line)
        assert len(line) <= (76 if words else 78)
        assert all(base64.b64decode(word, validate=True).decode() for word in words)
