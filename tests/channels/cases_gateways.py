"""The channels by gateways, for the suites that every channel over HTTP goes through; and how their
pages are checked."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from string import Formatter

import yaml

from dispatcher.channels.cases import Case
from dispatcher.channels.contract import Channel
from dispatcher.channels.making import Means, make
from dispatcher.i18n import Text, translator
from tests.channels import fake_gov_dingtalk, fake_webhook, sms_answers
from tests.channels.outcomes import KEY

VENDORS = (
    fake_gov_dingtalk.VENDOR,
    sms_answers.GATEWAY_VENDOR,
    sms_answers.ALIYUN_VENDOR,
    sms_answers.TENCENT_VENDOR,
    fake_webhook.VENDOR,
)
PAGES = Path(__file__).parents[2] / "docs/channels"


def unexplained(page: str, *cases: Case) -> list[str]:
    """The sentences that a page does not show, or not with forty characters of what to do."""
    sections = re.split("^### ", (PAGES / page).read_text("utf-8"), flags=re.MULTILINE)
    return [
        sentence
        for sentence in map(_shown, cases)
        if not any(
            len(re.findall("[一-鿿]", section.partition(sentence)[2])) >= 40 for section in sections
        )
    ]


def examples(page: str) -> list[Channel]:
    """The channels of a page's examples, made as the calendar file has them made."""
    text = re.sub(r"\$\{[A-Z_]+\}", KEY * 2, (PAGES / page).read_text("utf-8"))
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    given = [yaml.safe_load(textwrap.dedent(block))["channels"] for block in blocks]
    hosts = tuple(re.findall(r"https://([a-z.]+)", text))
    means = Means(hosts, Path(), lambda: fake_webhook.NOW)
    return [make(each["kind"], name, each, means) for one in given for name, each in one.items()]


def _shown(case: Case) -> str:
    names = [name for _words, name, *_rest in Formatter().parse(case.text.msgid) if name]
    said = Text(case.text.msgid, **dict.fromkeys(names, "…")).render(translator("zh_CN"))
    return f"> {said}\n"
