"""A payload in a title or a note is text in every robot's dialect, and nothing else."""

from __future__ import annotations

import re
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.contract import Outgoing
from dispatcher.channels.dingtalk import Dingtalk
from dispatcher.channels.feishu import Feishu
from dispatcher.channels.http import Client
from dispatcher.channels.markup import plain
from dispatcher.channels.robot import Robot, encoded
from dispatcher.channels.wecom import Wecom
from tests.channels.robots import carded, entry, now
from tests.channels.servers import digest

KEY = "a-robots-key"
ROBOTS: dict[str, Robot] = {
    "wecom": Wecom("群", KEY, client=Client(["qyapi.weixin.qq.com"])),
    "dingtalk": Dingtalk("群", KEY, client=Client(["oapi.dingtalk.com"]), now=now),
    "feishu": Feishu("群", KEY, client=Client(["open.feishu.cn"]), now=now),
}
OWN = {
    "wecom": r'\*\*|</font>|<font color="(?:warning|info|comment)">',
    "dingtalk": r"\*\*|(?m:^#### )",
    "feishu": r"\*\*",
}
"""All the markup that a channel itself writes."""
MARKUP = re.compile(r"[<>\[\]*_`~#@!&|\\]|://")
PAYLOADS = [
    "<@all>",
    "@all",
    "@所有人",
    "<@zhangsan>",
    "@13800000000",
    "<at id=all></at>",
    '<at user_id="all">所有人</at>',
    '<font color="warning">x</font>',
    "[点这里](https://evil.example)",
    "![](https://evil.example/a.png)",
    "https://evil.example",
    "<https://evil.example>",
    "&lt;at id=all&gt;",
    "&#60;at id=all&#62;",
    "**粗**",
    "`code`",
    "# 标题",
    "> 引用",
    "a\n# b",
    "a\r\n\r\n<@all>",
    "a\u2028<@all>",
    "\u202e倒\u202c",
    "<\u200b@all>",
    "\ud800",
    "\\<@all>",
    "|a|b|",
    "~~x~~",
    "\x00\x1b[31m",
    "{{x}} {% y %} ${Z} %s {detail}",
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([*PAYLOADS, "潭东镇", " ", "\n"]), max_size=5).map("".join),
)


def content(message: dict[str, Any]) -> str:
    """What stands where markup counts."""
    if message.get("msgtype") == "text":
        return str(message["text"]["content"])
    if "markdown" in message:
        return str(message["markdown"].get("content") or message["markdown"]["text"])
    return "\n".join(element["content"] for element in message["card"]["elements"])


def foreign_markup(kind: str, outgoing: Outgoing) -> list[str]:
    """Markup in a message that the channel has not written itself."""
    found = []
    for message in ROBOTS[kind].messages(outgoing):
        encoded(message)  # there is no half of a character in it
        found += MARKUP.findall(re.sub(OWN[kind], "", content(message)))
    return found


@pytest.mark.parametrize("kind", ROBOTS)
@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_no_payload_makes_markup_of_its_own(kind: str, payload: str) -> None:
    for outgoing in (
        carded([entry(payload)], subject=payload),
        carded([entry("x", notes=(payload,), task=payload, lead=payload, role=payload)]),
        carded([entry("x", deadline=payload, head=payload, mark=payload)], address=payload),
        digest(subject=payload, text=f"{payload}\n{payload}", mobiles=(payload, "13800000000")),
    ):
        found = foreign_markup(kind, outgoing)
        assert found in ([], ["@"])  # DingTalk's own mention of the one true number
        assert found == [] or kind == "dingtalk"


@pytest.mark.parametrize("kind", ROBOTS)
@given(title=TEXTS, note=TEXTS)
def test_no_text_makes_markup_of_its_own(kind: str, title: str, note: str) -> None:
    outgoing = carded([entry(title, notes=(note, title), task=note)], subject=title)
    assert foreign_markup(kind, outgoing) == []


@given(text=TEXTS)
def test_plain_text_is_one_line_without_anything_unseen(text: str) -> None:
    said = plain(text)
    assert len(said.splitlines()) <= 1
    assert not {category(char) for char in said} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not re.match(r"[-+=\s]", said)
    assert plain(said) == said


@given(text=st.text(st.characters(categories=["Lo", "Nd"]), min_size=1))
def test_words_and_numbers_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


def test_what_an_office_writes_stays_as_it_reads() -> None:
    said = "时限:3月31日(周二),已逾期17天,第4次催办;牵头单位:区住建局(清单第9项)"
    assert plain(said) == said
    assert plain("参保率>=99%") == "参保率＞=99%"


@pytest.mark.parametrize(
    "mobile", ["@all", "all", "13800000000,@all", "<@all>", "１３８０００００００"]
)
@pytest.mark.parametrize("kind", ROBOTS)
def test_what_is_no_number_is_not_mentioned(kind: str, mobile: str) -> None:
    messages = ROBOTS[kind].messages(digest(address="潭东镇", mobiles=(mobile,)))
    assert len(messages) == 1
    assert messages[0].get("at", {}).get("atMobiles", []) == []
