"""A slip reads as an office writes it, whatever the data or the templates hold."""

from __future__ import annotations

import html
from datetime import date
from pathlib import Path

import pytest

from dispatcher.dispatch.compose import Composer, Letter
from dispatcher.dispatch.letter import Earlier, letter_view
from dispatcher.plan.workdays import Workdays

SHIPPED = Path(__file__).parents[2] / "templates"
YELLOW = Letter(
    code="蓉农督〔2026〕12号",
    name="黄色预警单",
    colour="黄",
    unit="潭东镇",
    copies=("区分管领导",),
    role="responsible",
    title="农村住房安全动态排查",
    period="2026-Q1",
    task="每季度开展农村住房安全动态排查监测",
    rows=(9,),
    clause="",
    lead=("区住建局",),
    due=date(2026, 3, 31),
    provisional=False,
    times=4,
    earlier=(Earlier("蓝色提醒单", "蓉农督〔2026〕8号", date(2026, 4, 8)),),
    demand="请查明滞后原因,提出整改措施。",
    answer_due=date(2026, 4, 22),
    office="区农办(乡村振兴局)",
    contact="张×× 0797-×××××××",
    today=date(2026, 4, 17),
)
SUBJECT = (
    "【黄色预警单】潭东镇:农村住房安全动态排查(2026年第一季度),请于4月22日前答复"
    "(蓉农督〔2026〕12号)"
)
TEXT = """\
黄色预警单
蓉农督〔2026〕12号

潭东镇:
截至4月17日(周五),你单位以下事项尚未办结:

事项:农村住房安全动态排查(2026年第一季度)
要求:每季度开展农村住房安全动态排查监测
时限:3月31日(周二),已逾期17天,已催办4次
牵头单位:区住建局(清单第9项),你单位为责任单位
蓝色提醒单(蓉农督〔2026〕8号)要求4月8日(周三)前答复,至今未答复。

请查明滞后原因,提出整改措施。
请于4月22日(周三)前书面答复。

联系人:张×× 0797-×××××××
区农办(乡村振兴局)
2026年4月17日
抄送:区分管领导
(请勿回复涉密内容和群众个人信息)
"""


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer([SHIPPED], Workdays("china"))


def test_the_letter_reads_as_an_office_writes_it(composer: Composer) -> None:
    rendered = composer.slip(YELLOW)
    assert (rendered.subject, rendered.text, rendered.broken) == (SUBJECT, TEXT, "")


def test_the_web_page_says_what_the_text_says(composer: Composer) -> None:
    page = html.unescape(composer.slip(YELLOW).html)
    missing = [line for line in TEXT.splitlines() if line not in page]
    assert missing == []


def test_it_has_no_red_head(composer: Composer) -> None:
    red = composer.slip(YELLOW._replace(name="红色督办单", colour="红")).html
    heading = red.partition("<h1")[2].partition("</h1>")[0]
    assert "红色督办单" in heading
    assert "color" not in heading


def test_the_built_in_text_leaves_nothing_out() -> None:
    lines = "\n".join(letter_view(YELLOW)["lines"])
    missing = [line for line in TEXT.splitlines() if line not in lines]
    assert missing == []


@pytest.mark.parametrize(
    "name, colour, shown",
    [("督办单", "红", "督办单(红)"), ("白单", "白", "白单"), ("红色督办单", "红", "红色督办单")],
)
def test_the_colour_is_always_said_as_a_word(
    composer: Composer, name: str, colour: str, shown: str
) -> None:
    rendered = composer.slip(YELLOW._replace(name=name, colour=colour))
    assert rendered.subject.startswith(f"【{shown}】")
    assert rendered.text.startswith(f"{shown}\n")


@pytest.mark.parametrize(
    "due, words",
    [
        (date(2026, 4, 20), "4月20日(周一),还有3天"),
        (date(2026, 4, 17), "4月17日(周五),今日到期"),
        (date(2025, 12, 31), "2025年12月31日(周三),已逾期107天"),
    ],
)
def test_the_deadline_is_said_as_it_stands(composer: Composer, due: date, words: str) -> None:
    text = composer.slip(YELLOW._replace(due=due, times=0)).text
    assert f"时限:{words}\n" in text


def test_a_date_that_may_still_change_is_marked(composer: Composer) -> None:
    assert "已催办4次,暂定\n" in composer.slip(YELLOW._replace(provisional=True)).text


def test_what_there_is_not_leaves_no_line(composer: Composer) -> None:
    bare = YELLOW._replace(task="", copies=(), earlier=(), contact="")
    text = composer.slip(bare).text
    assert [word for word in ("要求:", "抄送", "未答复", "联系人") if word in text] == []


def test_words_of_the_plan_are_text_and_never_markup(composer: Composer) -> None:
    rendered = composer.slip(YELLOW._replace(title="<b>{{ 1 }}</b>\r\nBcc: x", demand="<script>"))
    assert "<b>" not in rendered.html
    assert "<script>" not in rendered.html
    assert "\n" not in rendered.subject
    assert "<b>{{ 1 }}</b> Bcc: x" in rendered.text
