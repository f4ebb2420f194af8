"""The robots' pages for the office: every sentence is explained, and what they show works."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any, NamedTuple

import pytest
import yaml

from dispatcher.channels import cases, dingtalk, robot
from dispatcher.channels.cases import Case
from dispatcher.channels.making import Means, make
from dispatcher.i18n import Text, translator
from dispatcher.plan.channels import filled
from tests.channels.outcomes import PAGE

COMMON = [case for case in vars(cases).values() if isinstance(case, Case) and case != cases.CLOCK]
GUARDS = [robot.WRONG_SIGN, cases.CLOCK, robot.WRONG_IP, robot.NO_KEYWORD]
ALWAYS = [*COMMON, robot.NO_ROBOT, robot.TOO_LONG, robot.HALF]
OWN: dict[str, list[Case]] = {
    "wecom": ALWAYS,
    "dingtalk": [*ALWAYS, *GUARDS, dingtalk.GUARDED, dingtalk.BLOCKED, dingtalk.USED_UP],
    "feishu": [*ALWAYS, *GUARDS],
}
"""Every sentence that a robot may say."""


class Page(NamedTuple):
    kind: str
    text: str

    def blocks(self, language: str) -> list[str]:
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, re.S | re.M)


@pytest.fixture(params=OWN)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.param, (PAGE.parent / f"{request.param}.md").read_text("utf-8"))


def shown(text: Text) -> str:
    """In Chinese, each value as dots."""
    names = [name for _words, name, *_rest in Formatter().parse(text.msgid) if name]
    return Text(text.msgid, **dict.fromkeys(names, "…")).render(translator("zh_CN"))


def test_every_sentence_of_the_robot_is_explained(page: Page) -> None:
    for case in OWN[page.kind]:
        sentence = f"\n> {shown(case.text)}\n"
        assert page.text.count(sentence) == 1, sentence
        explained = page.text.partition(sentence)[2].partition("\n> ")[0]
        assert len(re.findall("[一-鿿]", explained)) >= 40


def test_nothing_is_explained_that_the_robot_does_not_say(page: Page) -> None:
    assert len(re.findall("^> ", page.text, re.M)) == len(OWN[page.kind]) + len(["the key's"])


def test_what_the_page_shows_of_the_settings_makes_the_channel(page: Page) -> None:
    environ = dict(line.split("=", 1) for line in page.blocks("sh")[0].splitlines())
    plan: dict[str, Any] = yaml.safe_load(page.blocks("yaml")[0])
    ((name, values),) = plan["channels"].items()
    assert set(re.findall(r"\$\{(\w+)\}", page.blocks("yaml")[0])) == set(environ)
    assert plan["units"]["潭东镇"]["channels"][0] == name
    assert values["kind"] == page.kind
    channel = make(page.kind, name, filled(values, environ), Means((), PAGE.parent, lambda: 0.0))
    assert channel.name == name
    channel.close()
