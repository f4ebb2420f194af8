"""Mail as bytes: readable everywhere, the same every time, and nothing smuggled into it."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.mime import Sender, is_one_mailbox, message_bytes, parse_sender
from dispatcher.errors import SettingsError
from tests.channels.reading import decoded, said
from tests.channels.servers import DIGEST, digest, parsed

SENDER = Sender("", "office@example.com")
HEADERS = [
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
    *("X-Auto-Response-Suppress", "MIME-Version", "Content-Type"),
]
SMUGGLED = [
    "a\r\nBcc: x@example.org",
    "a\nBcc: x@example.org",
    "a\rBcc: x@example.org",
    "a\r\n\r\nbody",
    "a\n bcc: folded@example.org",
    "a\x00b",
    "a\x0bb",
    "a\x0cBcc: x@example.org",
    "a\x1bb",
    "a\x7fb",
    "a\x85Bcc: x@example.org",
    "a\u2028Bcc: x@example.org",
    "a\u2029b",
    "=?utf-8?q?hi=0ABcc:_x@example.org?=",
    "=?utf-8?b?aGkKQmNjOiB4QGV4YW1wbGUub3Jn?=",
    "潭东镇 =?utf-8?q?=0D=0ABcc:_x@example.org?= 联络员",
    "a=?us-ascii?Q?=00?=",
    "half \ud83d a character",
]
NOT_ONE_ADDRESS = [
    "",
    " ",
    "nobody",
    "@example.com",
    "a@",
    "a@@example.com",
    "a@b@example.com",
    "a@example.com,b@example.org",
    "a@example.com;b@example.org",
    "a@example.com b@example.org",
    "A <a@example.com>",
    "<a@example.com>",
    "a@example.com\n",
    "a@example.com\r\nBcc: x@example.org",
    "a@example.com>\r\nRCPT TO:<x@example.org",
    "a\x00@example.com",
    '"a b"@example.com',
    '"a@x.org,"@example.com',
    "a@example.com(comment)",
    "group:a@example.com;",
    "a@[127.0.0.1]",
    "a..b@example.com",
    ".a@example.com",
    "a.@example.com",
    "a@example..com",
    "a@-example.com",
    "a@example.com.",
    "联络员@example.com",
    "a@例子.com",
    "=?utf-8?q?a?=@example.com",
    "a@example.com SIZE=1",
    f"{'a' * 65}@example.com",
    f"a@{'b' * 64}.com",
    f"a@{'b.' * 130}com",
]


def header_names(content: bytes) -> list[str]:
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    return re.findall(r"^([A-Za-z-]+):", head, re.MULTILINE)


def test_a_message_holds_its_headers_and_both_forms_of_its_text() -> None:
    mail = parsed(message_bytes(DIGEST, SENDER))
    assert mail["From"] == "区农办 <office@example.com>"
    assert mail["To"] == "潭东镇 联络员 <tandong@example.com>"
    assert mail["Reply-To"] == "区农办 <office@example.com>"
    assert mail["Subject"] == DIGEST.subject
    assert mail["Message-ID"] == "<42.3f9c2a1b@example.com>"
    assert mail["Date"].datetime == DIGEST.at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), said(text)) == ("text/plain", DIGEST.text)
    assert (html.get_content_type(), said(html)) == ("text/html", DIGEST.html + "\n")


def test_everything_on_the_wire_is_short_lines_of_ascii_in_base64() -> None:
    content = message_bytes(digest(text="催办" * 5000, subject="逾期" * 60), SENDER)
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    bodies = [part.get_payload() for part in parsed(content).iter_parts()]
    assert all(base64.b64decode(body, validate=False) for body in bodies)
    assert content.count(b"Content-Transfer-Encoding: base64") == 2


def test_a_message_without_html_is_plain_text_alone() -> None:
    mail = parsed(message_bytes(digest(html=""), SENDER))
    assert (mail.get_content_type(), said(mail)) == ("text/plain", DIGEST.text)


def test_the_same_message_is_the_same_bytes_at_every_attempt() -> None:
    first = message_bytes(DIGEST, SENDER)
    assert first == message_bytes(digest(attempt=7), SENDER)
    assert first != message_bytes(digest(reference="43.3f9c2a1b"), SENDER)


def test_the_date_is_the_sending_time_and_never_the_clocks() -> None:
    east = datetime(1999, 12, 31, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    mail = parsed(message_bytes(digest(at=east), SENDER))
    assert mail["Date"].datetime == datetime(1999, 12, 31, 1, 0, tzinfo=UTC)


def test_a_boundary_never_occurs_in_a_part() -> None:
    content = message_bytes(DIGEST, SENDER)
    boundary = parsed(content).get_boundary()
    evil = message_bytes(digest(text=f"\n--{boundary}\n\n--{boundary}--\n"), SENDER)
    assert len(list(parsed(evil).iter_parts())) == 2
    assert evil.count(boundary.encode()) == 4


def test_a_name_in_the_setting_comes_before_the_offices() -> None:
    content = message_bytes(DIGEST, Sender("乡村振兴局, 综合科", "office@example.com"))
    (sender,) = parsed(content)["From"].addresses
    assert sender.display_name == "乡村振兴局, 综合科"
    assert sender.addr_spec == "office@example.com"


@pytest.mark.parametrize("field", ["subject", "recipient_name", "sender_name"])
@pytest.mark.parametrize("value", SMUGGLED)
def test_a_line_break_in_whatever_disguise_is_refused(field: str, value: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        message_bytes(digest(**{field: value}), SENDER)
    assert (refused.value.reason, refused.value.outcome) == ("content", "permanent")


@pytest.mark.parametrize("value", [*SMUGGLED, "a b", "a>", "a@b", "", "."])
def test_a_reference_that_would_not_stay_inside_its_header_is_refused(value: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        message_bytes(digest(reference=value), SENDER)
    assert (refused.value.reason, refused.value.outcome) == ("content", "permanent")


@pytest.mark.parametrize("address", NOT_ONE_ADDRESS)
def test_what_is_not_exactly_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        message_bytes(digest(address=address), SENDER)
    assert (refused.value.reason, refused.value.outcome) == ("address", "permanent")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("address", [a for a in NOT_ONE_ADDRESS if a])
def test_an_answer_goes_to_exactly_one_plain_address(address: str) -> None:
    with pytest.raises(DeliveryError, match="not exactly one mail address"):
        message_bytes(digest(reply_to=address), SENDER)


@pytest.mark.parametrize(
    "address",
    ["a@localhost", "first.last+tag@mail.example.com", "o'brien@example.com", "a/b=c@x-y.org"],
)
def test_an_everyday_address_is_accepted(address: str) -> None:
    assert is_one_mailbox(address)
    assert parsed(message_bytes(digest(address=address), SENDER))["To"].addresses[0].addr_spec == (
        address
    )


@pytest.mark.parametrize("field", ["text", "html"])
def test_a_text_that_is_not_unicode_is_refused(field: str) -> None:
    with pytest.raises(DeliveryError, match="half a character"):
        message_bytes(digest(**{field: "\ud83d"}), SENDER)


@given(
    names=st.tuples(*[st.text(max_size=120)] * 3),
    body=st.text(),
    local=st.from_regex(r"\A[a-z]+\Z"),
)
def test_whatever_is_accepted_has_our_headers_and_no_other(
    names: tuple[str, str, str], body: str, local: str
) -> None:
    subject, recipient, sender = names
    message = digest(
        subject=subject,
        recipient_name=recipient,
        sender_name=sender,
        text=body,
        html=body or "x",
        address=f"{local[:60]}@example.com",
    )
    try:
        content = message_bytes(message, SENDER)
    except DeliveryError:
        return
    assert header_names(content) == HEADERS
    assert content.isascii()
    assert [a.addr_spec for a in parsed(content)["To"].addresses] == [message.address]


def test_long_names_and_addresses_fold_without_a_new_header() -> None:
    address = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.com"
    message = digest(address=address, recipient_name="赣州蓉江新区" * 20, subject="x" * 900)
    content = message_bytes(message, Sender("", f"office@{'c' * 60}.{'d' * 60}.{'e' * 60}.cn"))
    assert header_names(content) == HEADERS
    assert decoded(content, "To") == f"{message.recipient_name} <{address}>"
    assert decoded(content, "Subject") == message.subject
    assert max(map(len, content.split(b"\r\n"))) < 998


@pytest.mark.parametrize(
    "text, name",
    [
        ("office@example.com", ""),
        (" 区农办 <office@example.com> ", "区农办"),
        ('"区农办, 综合科" <office@example.com>', "区农办, 综合科"),
    ],
)
def test_the_sender_may_have_a_name(text: str, name: str) -> None:
    assert parse_sender(text) == (name, "office@example.com")


@pytest.mark.parametrize(
    "text",
    ["", "区农办", "a@b.c, d@e.f", "x <a@b.c> y", "a\nb <a@b.c>", "=?utf-8?q?x?= <a@b.c>"],
)
def test_a_sender_that_is_not_one_address_is_refused_by_the_settings_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"DISPATCHER_MAIL_FROM: .* should be like"):
        parse_sender(text)


def test_a_reply_address_may_be_missing() -> None:
    assert b"Reply-To" not in message_bytes(digest(reply_to=None), SENDER)
