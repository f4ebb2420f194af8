"""What the office is told of its own service."""

from __future__ import annotations

import html
import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatcher.dispatch.compose import Brief, Composer, Line, Rendered, Status, Trial
from dispatcher.plan.workdays import Workdays

SHIPPED = Path(__file__).parents[2] / "templates"
TODAY = date(2026, 4, 17)
SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 4, 17, 9, tzinfo=SHANGHAI)
COMPOSER = Composer([SHIPPED], Workdays("china"))
SECRECY = "(系统自动发送,请勿回复涉密内容和群众个人信息)\n"
QUIET = Brief("区农办", TODAY, TODAY, due_count=0, sent=0, failed=0, unknown=0, queued=0)
LATE = Line("农村住房安全动态排查", "潭东镇", date(2026, 3, 31), 17, 4, "2026-Q1")
MODEL = QUIET._replace(
    due_count=9,
    sent=8,
    failed=1,
    overdue=(LATE, LATE._replace(unit="区住建局")),
    due_today=(Line("龙井村自来水项目资产确权、登记、移交", "潭东镇", TODAY, 0),),
    due_week=(
        *(Line("就业信息摸排", f"单位{n}", date(2026, 4, 24), 7) for n in range(5)),
        Line("项目资产移交", "潭东镇", date(2026, 4, 22), 5),
    ),
    attention=("区妇联邮箱退信,请核对地址",),
    provisional_years=(2027,),
)
STATUS = Status("区农办", TODAY, "工作任务清单", 84, 21, 225, False, "var/mailbox", None)


def visible(page: str) -> str:
    """What a browser would show of ``page``, in one line without spaces or list numbers."""
    return re.sub(r"\s", "", html.unescape(re.sub(r"<title>.*?</title>|<[^>]*>", "", page)))


def every_kind(words: str) -> list[Rendered]:
    """Each message with ``words`` wherever somebody could have written them."""
    line = LATE._replace(title=words, unit=words, period=words)
    brief = MODEL._replace(overdue=(line,), due_today=(line,), due_week=(line,), attention=(words,))
    status = STATUS._replace(office=words, title=words, mailbox=words, warnings=(words,))
    trial = Trial(words, words, words, NINE)
    return [COMPOSER.brief(brief), COMPOSER.status(status), COMPOSER.test(trial)]


def test_the_model_briefs_facts_give_the_model_brief() -> None:
    found = COMPOSER.brief(MODEL)
    assert found.broken == ""
    assert found.subject == "【督办日报】4月17日(周五):逾期2项、今日到期1项、发送异常1条"
    assert found.text == (
        "一、今日提醒:应发9条,已发8条,失败1条,结果不明0条(已发不等于已签收)\n"
        "二、逾期未反馈2项:1.潭东镇,农村住房安全动态排查(第一季度),逾期17天,已催4次;"
        "2.区住建局,同一事项,逾期17天,已催4次,建议电话督促\n"
        "三、今日到期1项:潭东镇,龙井村自来水项目资产确权、登记、移交\n"
        "四、7日内到期6项:就业信息摸排5个单位(4月24日);项目资产移交1个单位(4月22日)\n"
        "五、请处理:区妇联邮箱退信,请核对地址\n"
        "六、暂定日期:2027年放假安排未公布,相关时限暂定;"
        "公布后请用 dispatcher calendar import 导入\n" + SECRECY
    )
    for piece in (
        "今日提醒",
        "潭东镇,农村住房",
        "同一事项",
        "5个单位(4月24日)",
        "区妇联",
        "2027年",
    ):
        assert piece in visible(found.html)


def test_with_nothing_to_send_the_brief_says_so() -> None:
    found = COMPOSER.brief(QUIET)
    assert found.subject == "【督办日报】4月17日(周五):无应发提醒"
    assert found.text == "今日无应发提醒,系统运行正常。\n" + SECRECY
    assert "今日无应发提醒,系统运行正常。" in visible(found.html)


def test_the_brief_does_not_call_normal_what_needs_a_hand() -> None:
    found = COMPOSER.brief(QUIET._replace(attention=("区妇联没有邮箱",)))
    assert found.text == "一、今日无应发提醒。\n二、请处理:区妇联没有邮箱\n" + SECRECY
    assert found.subject.endswith(":请处理1类")


def test_what_failed_earlier_is_told_on_a_day_with_nothing_to_send() -> None:
    text = COMPOSER.brief(QUIET._replace(unknown=1, queued=2)).text
    assert "今日提醒:应发0条,已发0条,失败0条,结果不明1条,待发2条(已发不等于已签收)" in text


def test_a_brief_for_several_days_names_them() -> None:
    since = QUIET._replace(since=date(2026, 4, 13))
    assert COMPOSER.brief(since).text.startswith("4月13日至4月17日无应发提醒,系统运行正常。\n")
    sent = since._replace(due_count=3, sent=3)
    assert COMPOSER.brief(sent).text.startswith("4月13日至4月17日提醒:应发3条,已发3条,")


def test_many_overdue_items_get_a_line_each() -> None:
    lines = tuple(LATE._replace(title=f"工作{n}", times=n, period="2025-Q4") for n in range(4))
    text = COMPOSER.brief(QUIET._replace(overdue=lines)).text
    assert (
        "二、逾期未反馈4项:\n"
        "1.潭东镇,工作0(2025年第四季度),逾期17天\n"
        "2.潭东镇,工作1(2025年第四季度),逾期17天,已催1次\n"
        "3.潭东镇,工作2(2025年第四季度),逾期17天,已催2次\n"
        "4.潭东镇,工作3(2025年第四季度),逾期17天,已催3次(建议电话督促)\n"
    ) in text


def test_two_periods_of_one_duty_are_not_the_same_item() -> None:
    text = COMPOSER.brief(QUIET._replace(overdue=(LATE, LATE._replace(period="2026")))).text
    assert "同一事项" not in text
    assert "农村住房安全动态排查(2026年)" in text


def test_the_first_start_says_that_nothing_leaves_while_it_is_a_trial() -> None:
    found = COMPOSER.status(STATUS)
    assert found.broken == ""
    assert found.subject == "【系统启动】区农办:催办系统已启动(4月17日)"
    assert found.text == (
        "一、催办系统已于2026年4月17日启动,此前已到期的事项不催办。\n"
        "二、工作清单:工作任务清单\n"
        "三、登记情况:工作84项,单位21个,已开始的任务225件\n"
        "四、发送方式:试运行,信件只存入 var/mailbox,不对外发送\n"
        "五、下次提醒:暂无\n" + SECRECY
    )


def test_the_first_start_says_what_comes_next_when_live() -> None:
    live = STATUS._replace(
        live=True,
        next=datetime(2027, 1, 4, 9, 30, tzinfo=SHANGHAI),
        warnings=("区妇联没有邮箱", "组员待确认"),
    )
    text = COMPOSER.status(live).text
    assert "四、发送方式:正式发送\n五、下次提醒:2027年1月4日(周一)9时30分\n" in text
    assert "六、请处理:区妇联没有邮箱;组员待确认\n" in text


def test_a_test_message_is_marked_and_asks_for_nothing() -> None:
    found = COMPOSER.test(Trial("潭东镇", "区农办", "张××", NINE))
    assert found.broken == ""
    assert found.subject == "【测试】潭东镇:测试信,无需办理(4月17日)"
    assert found.text == (
        "潭东镇:\n"
        "这是一封测试信,4月17日(周五)9时由催办系统发出。收到即说明发送正常,无需办理,也无需反馈。\n"
        "联系人:张××\n"
        "区农办 2026年4月17日\n" + SECRECY
    )
    assert visible(found.html) == re.sub(r"\s", "", found.text)


@pytest.mark.parametrize(
    "bad", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "甲\r\nBcc: x@y", "\u202e甲", "\x1b[31m"]
)
def test_hostile_words_stay_text_in_every_message(bad: str) -> None:
    for found in every_kind(bad):
        assert found.broken == ""
        assert "\n" not in found.subject
        assert "<script" not in found.html
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]|^Bcc", found.text + found.html, re.M)
        assert "49" not in found.text


@pytest.mark.parametrize("kind", ["brief", "status", "test"])
def test_a_broken_template_loses_no_word_of_the_office(kind: str, tmp_path: Path) -> None:
    (tmp_path / f"{kind}.html").write_text("{{ oops }}", encoding="utf-8")
    composer = Composer([tmp_path, SHIPPED], Workdays("china"))
    facts = {
        "brief": MODEL,
        "status": STATUS,
        "test": Trial("潭东镇", "区农办", "", NINE),
    }[kind]
    broken, whole = (getattr(made, kind)(facts) for made in (composer, COMPOSER))
    assert broken.broken == f"{kind}.html:1: 'oops' is undefined"
    assert (broken.subject, broken.text, broken.html) == (whole.subject, whole.text, "")
