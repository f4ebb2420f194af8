"""The pages for the office explain every sentence that a channel can say, in the words it says."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from dispatcher.channels import verdicts
from dispatcher.channels.mime import parse_sender
from dispatcher.channels.smtp import parse_smtp_url
from dispatcher.channels.verdicts import Case
from dispatcher.i18n import Text, translator
from tests.cli.conftest import ROOT

PAGE = (ROOT / "docs/channels/email.md").read_text("utf-8")
SECTIONS = re.split(r"^###? ", PAGE, flags=re.M)
CASES = {name: case for name, case in vars(verdicts).items() if isinstance(case, Case)}
SETTINGS = "SMTP_URL SMTP_URL_FILE MAIL_FROM SMTP_CA_FILE SMTP_CONNECTIONS LIVE".split()


def shown(text: Text) -> str:
    """In Chinese, each value as dots."""
    names = [name for _words, name, *_rest in Formatter().parse(text.msgid) if name]
    return Text(text.msgid, **dict.fromkeys(names, "…")).render(translator("zh_CN"))


@pytest.mark.parametrize("name", CASES)
def test_each_sentence_of_the_mail_channel_stands_in_the_page_with_what_mends_it(name: str) -> None:
    sentence = f"> {shown(CASES[name].text)}\n"
    (section,) = [section for section in SECTIONS if sentence in section]
    explained = section.partition(sentence)[2]
    assert len(re.findall("[一-鿿]", explained)) >= 40


def test_the_page_explains_nothing_that_the_channel_does_not_say() -> None:
    assert len(re.findall("^> ", PAGE, re.M)) == len(CASES)


def test_what_the_page_shows_of_the_settings_is_accepted() -> None:
    lines = re.findall(r"^DISPATCHER_(\w+)=(.*)$", PAGE, re.M)
    servers = [parse_smtp_url(value) for name, value in lines if name == "SMTP_URL"]
    senders = [parse_sender(value) for name, value in lines if name == "MAIL_FROM"]
    assert [server.scheme for server in servers] == ["smtps", "smtp"]
    assert [server.user for server in servers] == [sender.address for sender in senders]
    for name in SETTINGS:
        assert f"| `DISPATCHER_{name}` |" in PAGE
