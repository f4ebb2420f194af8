"""A unit's digest reads as an office would write it, whatever the data or the templates hold."""

from __future__ import annotations

import html
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dispatcher.dispatch.compose import Composer, Digest, Item, Rendered
from dispatcher.dispatch.digest import GROUPS
from dispatcher.dispatch.samples import samples
from dispatcher.plan.workdays import Workdays

SHIPPED = Path(__file__).parents[2] / "templates"
TODAY = date(2026, 4, 17)
CHINA = Workdays("china")

HOUSING = Item(
    unit="潭东镇",
    role="responsible",
    owes=True,
    duty="housing-inspection",
    title="农村住房安全动态排查",
    task="每季度开展农村住房安全动态排查监测",
    rows=(9,),
    clause="",
    period="2026-Q1",
    opens=date(2026, 1, 1),
    due=date(2026, 3, 31),
    nominal=date(2026, 3, 31),
    provisional=False,
    progress=False,
    step="T+13",
    times=4,
    lead=("区住建局",),
)
ASSETS = HOUSING._replace(
    title="龙井村自来水项目资产确权、登记、移交",
    task="",
    rows=(),
    clause="二(一)9",
    period="3月17日验收结算",
    due=TODAY,
    nominal=TODAY,
    step="T",
    times=0,
    lead=("区农办",),
)
EMPLOYMENT = HOUSING._replace(
    title="就业信息摸排",
    task="",
    rows=(26,),
    period="2026-04",
    due=date(2026, 4, 24),
    nominal=date(2026, 4, 25),
    step="T-7",
    times=0,
    lead=("区农办",),
)

MODEL_SUBJECT = "【催办】潭东镇:逾期1项、今日到期1项、7日内到期1项(4月17日)"
MODEL_TEXT = """\
潭东镇:
截至4月17日(周五)9时,你单位以下事项尚未办结:

【红】已逾期1项
1.农村住房安全动态排查(2026年第一季度)
要求:每季度开展农村住房安全动态排查监测
时限:3月31日(周二),已逾期17天,第4次催办
牵头单位:区住建局(清单第9项)

【黄】今日到期1项
2.龙井村自来水项目资产确权、登记、移交(3月17日验收结算)
时限:4月17日(周五),今日到期
牵头单位:区农办(要点二(一)9)

【蓝】7日内到期1项
3.就业信息摸排(2026年4月)
时限:4月24日(周五),还有7天(25日为周六,提前)
牵头单位:区农办(清单第26项)

以上事项你单位均为责任单位。请尽快反馈进展、存在问题和预计完成时间;已办结或不涉及的请告知,不再提醒。
联系人:张×× 0797-×××××××
区农办(乡村振兴局) 2026年4月17日
(系统自动发送,请勿回复涉密内容和群众个人信息)
"""

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">',
    "{{ 7 * 7 }}{% for x in y %}",
    "{{ ''.__class__.__mro__ }}",
    "{# 注释 #}",
    "住房\r\nBcc: x@example.com",
    "住房\u2028排查\u2029\x0b\x0c\x85",
    "\u202e查排\u202c\u2066\u2069\u200b\ufeff",
    "\x00\x1b[31m红",
    "\ud800",
    "=?utf-8?q?hi=0ABcc:_x@y?=",
    "%s %(x)s {0} {x.__class__}",
    "&lt;b&gt;",
]


def composed(*items: Item, units: tuple[str, ...] = ("潭东镇",), contact: str = "") -> Rendered:
    return Composer([SHIPPED], CHINA).digest(digest(*items, units=units, contact=contact))


def digest(*items: Item, units: tuple[str, ...] = ("潭东镇",), contact: str = "") -> Digest:
    at = datetime(2026, 4, 17, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
    return Digest(units, TODAY, at, "区农办(乡村振兴局)", contact, items)


def many(count: int) -> list[Item]:
    """Items due on each of the next ``count`` days, the last day first."""
    days = [TODAY + timedelta(days=count - number) for number in range(count)]
    return [
        EMPLOYMENT._replace(title=f"工作{number:02}", due=day, nominal=day)
        for number, day in enumerate(days, start=1)
    ]


def visible(page: str) -> str:
    """What a browser would show of ``page``, in one line without spaces."""
    body = re.sub(r"<title>.*?</title>|<[^>]*>", "", page)
    return re.sub(r"\s", "", html.unescape(body))


def spoilt(folder: Path, name: str, text: str) -> Composer:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return Composer([folder, SHIPPED], CHINA)


def test_the_model_messages_facts_give_the_model_message() -> None:
    found = composed(HOUSING, ASSETS, EMPLOYMENT, contact="张×× 0797-×××××××")
    assert (found.subject, found.text, found.broken) == (MODEL_SUBJECT, MODEL_TEXT, "")


def test_the_html_says_what_the_text_says() -> None:
    for items in ([HOUSING, ASSETS, EMPLOYMENT], many(30)):
        found = composed(*items, contact="张×× 0797-×××××××")
        assert visible(found.html) == re.sub(r"\s", "", found.text)


def test_the_html_loads_nothing_from_elsewhere() -> None:
    page = composed(HOUSING, ASSETS, EMPLOYMENT).html
    assert not re.search(r"://|\b(src|href|url|@import|script|link)\b", page)


def test_items_stand_by_colour_and_then_by_due_date() -> None:
    later = EMPLOYMENT._replace(title="以后", due=date(2026, 4, 25))
    soon = EMPLOYMENT._replace(title="快了", due=date(2026, 4, 18))
    late = HOUSING._replace(title="更早", due=date(2026, 2, 28))
    found = composed(later, EMPLOYMENT, soon, ASSETS, HOUSING, late)
    headings = re.findall(r"【.+?】.+|^\d+\.\w+", found.text, re.MULTILINE)
    assert headings == [
        "【红】已逾期2项",
        "1.更早",
        "2.农村住房安全动态排查",
        "【黄】今日到期1项",
        "3.龙井村自来水项目资产确权",
        "【蓝】7日内到期2项",
        "4.快了",
        "5.就业信息摸排",
        "【待办】7日以后到期1项",
        "6.以后",
    ]
    assert "逾期2项、今日到期1项、7日内到期2项、待办1项" in found.subject


def test_without_an_overdue_item_it_is_a_reminder() -> None:
    assert composed(ASSETS).subject == "【提醒】潭东镇:今日到期1项(4月17日)"


def test_of_thirty_items_eight_are_shown_in_full_and_the_rest_in_a_line_each() -> None:
    found = composed(HOUSING, ASSETS, *many(28))
    assert found.text.count("\n时限:") == 8
    assert "\n其余22项\n9.【蓝】" in found.text
    rest = found.text.split("其余22项\n")[1].split("\n\n")[0].splitlines()
    assert len(rest) == 22
    assert rest[0] == "9.【蓝】工作22(2026年4月):4月24日(周五),还有7天"
    assert rest[-1] == "30.【待办】工作01(2026年4月):5月15日(周五),还有28天"


def test_a_line_of_the_rest_keeps_every_mark() -> None:
    early = [
        HOUSING._replace(due=date(2026, 3, day), nominal=date(2026, 3, day)) for day in range(1, 9)
    ]
    last = HOUSING._replace(provisional=True, lapsed=2, progress=True)
    text = composed(*early, last).text
    assert (
        "9.【红】农村住房安全动态排查(2026年第一季度):3月31日(周二),已逾期17天,第4次催办,暂定;"
        "全年推进事项,请报进展;另有2期逾期未办\n" in text
    )


def test_a_check_in_asks_for_progress_and_says_how_many_were_missed() -> None:
    text = composed(HOUSING._replace(progress=True, lapsed=3)).text
    assert "第4次催办\n全年推进事项,请报进展\n另有3期逾期未办\n牵头单位:" in text


def test_a_provisional_deadline_is_marked_and_explained() -> None:
    text = composed(EMPLOYMENT._replace(provisional=True)).text
    assert "时限:4月24日(周五),还有7天,暂定(25日为周六,提前)" in text
    assert "标“暂定”的时限,待放假、校历安排公布后可能调整" in text
    assert "暂定" not in composed(EMPLOYMENT).text


def test_a_deadline_in_a_holiday_names_the_holiday() -> None:
    item = EMPLOYMENT._replace(due=date(2023, 9, 28), nominal=date(2023, 9, 29))
    assert "2023年9月28日(周四)" in composed(item).text
    assert "(29日为中秋节假期,提前)" in composed(item).text


def test_a_copy_is_counted_apart_and_asks_for_nothing() -> None:
    copy = EMPLOYMENT._replace(owes=False, times=2)
    found = composed(copy, ASSETS)
    assert found.subject == "【提醒】潭东镇:今日到期1项、抄送1项(4月17日)"
    assert "【抄送】1项,无需反馈\n2.就业信息摸排" in found.text
    assert "\n抄送,无需反馈\n" in found.text
    assert "以上需办理的事项你单位均为责任单位。" in found.text
    alone = composed(copy)
    assert alone.text.startswith("潭东镇:\n以下事项请知悉:\n")
    assert "请尽快反馈" not in alone.text


def test_a_late_copy_is_never_urged() -> None:
    found = composed(HOUSING._replace(owes=False))
    assert found.subject.startswith("【提醒】")
    assert "催办" not in found.text


def test_a_moved_item_names_both_dates() -> None:
    item = HOUSING._replace(
        step="moved 2026-04-30", due=date(2026, 4, 30), old_due=date(2026, 3, 31), times=0
    )
    text = composed(item).text
    assert "时限:4月30日(周四),还有13天\n" in text
    assert "时限由3月31日(周二)调整为4月30日(周四),请按新时限办理\n" in text


def test_a_withdrawn_item_says_that_nothing_is_owed() -> None:
    found = composed(HOUSING._replace(step="withdrawn"))
    assert found.subject == "【提醒】潭东镇:撤销1项(4月17日)"
    assert "【撤销】1项,不再办理\n" in found.text
    assert "时限:原为3月31日(周二)\n该事项已撤销,无需再办理和反馈\n" in found.text
    assert not re.search("请尽快反馈|逾期|要求", found.text)


def test_a_unit_that_leads_some_items_reads_its_part_at_each() -> None:
    text = composed(HOUSING, EMPLOYMENT._replace(role="lead", lead=("潭东镇",))).text
    assert "牵头单位:区住建局(清单第9项),你单位为责任单位" in text
    assert "牵头单位:潭东镇(清单第26项),你单位为牵头单位" in text
    assert "均为" not in text


def test_one_address_of_two_units_reads_which_unit_each_item_is_for() -> None:
    found = composed(HOUSING, HOUSING._replace(unit="潭口镇"), units=("潭东镇", "潭口镇"))
    assert found.subject.startswith("【催办】潭东镇、潭口镇:逾期2项")
    assert "区住建局(清单第9项),潭东镇为责任单位" in found.text
    assert "区住建局(清单第9项),潭口镇为责任单位" in found.text
    assert "你单位" not in found.text


def test_a_subject_names_three_units_and_counts_more() -> None:
    units = ("潭东镇", "潭口镇", "高校园区管理处", "区农办")
    assert composed(HOUSING, units=units).subject.startswith("【催办】潭东镇等4个单位:")


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_data_stays_text(bad: str) -> None:
    item = HOUSING._replace(title=bad, task=bad, clause=bad, period=bad, lead=(bad,), unit=bad)
    found = composed(item, item, *many(8), units=(bad,), contact=bad)
    assert found.broken == ""
    assert "\n" not in found.subject
    assert not re.search(r"<(script|img|a)\b", found.html)
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069"
        r"\ufeff\ud800-\udfff]",
        found.subject + found.text + found.html,
    )
    assert visible(found.html) == re.sub(r"\s", "", found.text)
    assert "{{ 7 * 7 }}" in found.text or "7 * 7" not in bad
    assert "Bcc" not in [line[:3] for line in found.text.splitlines()]


@pytest.mark.parametrize("name", ["digest.subject", "digest.txt", "digest.html", "layout.html"])
@pytest.mark.parametrize(
    "text, why",
    [
        ("一\n{% if %}", ":2: Expected an expression"),
        ("一\n二\n{{ unknown }}", ":3: 'unknown' is undefined"),
        ("{{ groups[0].unknown }}", "has no attribute 'unknown'"),
        ("{{ 1 // 0 }}", "division"),
        (
            "{% for i in range(1500) %}{% for j in range(1500) %}啊{% endfor %}{% endfor %}",
            "1000000",
        ),
        ("{{ 'a' * 500000000 }}", "whole numbers"),
        ("{{ '%0500000000d' % 1 }}", "whole numbers"),
        ("{{ 9 ** 9 ** 9 }}", "whole numbers"),
        ("{{ 'a'.center(500000000) }}", "unsafe"),
        ("{{ 'a' | center(500000000) }}", "center"),
        ("{{ groups.append(1) }}", "unsafe"),
        ("{{ ''.__class__ }}", "unsafe"),
        ("{{ units | safe }}", "safe"),
        ("{% include 'missing.txt' %}", "missing.txt"),
    ],
)
def test_a_broken_template_still_sends_a_plain_text(
    tmp_path: Path, name: str, text: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = spoilt(tmp_path, name, text).digest(digest(HOUSING, ASSETS, contact="张××"))
    assert why in found.broken
    assert found.broken in caplog.text
    assert [record.name for record in caplog.records] == ["dispatcher.compose"]
    assert found.subject == "【催办】潭东镇:逾期1项、今日到期1项(4月17日)"
    assert found.html == ""
    assert found.text == BUILT_IN


BUILT_IN = """\
潭东镇:
截至4月17日(周五)9时,你单位以下事项尚未办结:
1.【红】农村住房安全动态排查(2026年第一季度):3月31日(周二),已逾期17天,第4次催办
2.【黄】龙井村自来水项目资产确权、登记、移交(3月17日验收结算):4月17日(周五),今日到期
请尽快反馈进展、存在问题和预计完成时间。
联系人:张××
区农办(乡村振兴局) 2026年4月17日
(系统自动发送,请勿回复涉密内容和群众个人信息)
"""


def test_a_template_in_another_encoding_is_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "digest.txt").write_bytes("各单位".encode("gbk"))
    found = Composer([tmp_path, SHIPPED], CHINA).digest(digest(HOUSING))
    assert found.broken.startswith("digest.txt: 'utf-8' codec can't decode")


def test_a_template_that_includes_itself_is_a_broken_one(tmp_path: Path) -> None:
    found = spoilt(tmp_path, "digest.txt", "{% include 'digest.txt' %}").digest(digest(HOUSING))
    assert "recursion" in found.broken
    assert found.text.startswith("潭东镇:")


def test_an_empty_template_is_a_broken_one(tmp_path: Path) -> None:
    found = spoilt(tmp_path, "digest.txt", "\n").digest(digest(HOUSING))
    assert (found.broken, found.text[:4]) == ("digest.txt: prints nothing", "潭东镇:")


def test_without_any_template_the_built_in_text_is_sent(tmp_path: Path) -> None:
    found = Composer([tmp_path], CHINA).digest(digest(HOUSING))
    assert "digest.subject" in found.broken
    assert found.text.startswith("潭东镇:")


def test_an_offices_own_template_wins_and_the_shipped_ones_fill_in(tmp_path: Path) -> None:
    own = spoilt(tmp_path, "digest.subject", "{{ units }}请看\n第二行\n")
    found = own.digest(digest(HOUSING, ASSETS, EMPLOYMENT, contact="张×× 0797-×××××××"))
    assert (found.subject, found.text, found.broken) == ("潭东镇请看 第二行", MODEL_TEXT, "")


def test_a_mended_template_is_used_without_a_restart(tmp_path: Path) -> None:
    composer = spoilt(tmp_path, "digest.subject", "{{ oops }}")
    assert composer.digest(digest(HOUSING)).broken
    (tmp_path / "digest.subject").write_text("改好了{{ kind }}", encoding="utf-8")
    assert composer.digest(digest(HOUSING)).subject == "改好了催办"


# -------------------------------------------------------------------------------- all of them tried


def test_the_shipped_templates_have_no_faults() -> None:
    assert Composer([SHIPPED], CHINA).faults() == []


@pytest.mark.parametrize("kind", ["digest", "brief", "status", "test", "slip"])
@pytest.mark.parametrize("part", ["subject", "txt", "html"])
def test_every_template_is_tried(tmp_path: Path, kind: str, part: str) -> None:
    name = f"{kind}.{part}"
    own = spoilt(tmp_path, name, "好\n{{ 1/0 }}")
    assert f"{name}:2: division by zero" in own.faults()
    (tmp_path / name).unlink()
    assert own.faults() == [], "it heals by itself"


def test_each_broken_template_is_named_once(tmp_path: Path) -> None:
    spoilt(tmp_path, "layout.html", "{{ oops }}")
    spoilt(tmp_path, "slip.txt", "{% if %}")
    own = spoilt(tmp_path, "digest.subject", "")
    assert own.faults() == [
        "digest.subject: prints nothing",
        "layout.html:1: 'oops' is undefined",
        "slip.txt:1: Expected an expression, got 'end of statement block'",
    ]


@pytest.mark.parametrize(
    "name, where",
    [
        *(("digest.txt", where) for where in ("rest", "owed", "provisional", "contact", "role")),
        ("digest.txt", "groups[0].entries[0].task"),
        ("digest.txt", "groups[0].entries[0].lead"),
        ("digest.txt", "not groups[0].entries[0].task"),
        ("digest.html", "rest and others"),
        *(("slip.txt", where) for where in ("task", "earlier", "contact", "copies", "not copies")),
        ("brief.html", "sections | length > 1"),
        ("brief.html", "sections | length == 1"),
    ],
)
def test_a_fault_that_only_some_messages_show_is_found(
    tmp_path: Path, name: str, where: str
) -> None:
    text = "{% if " + where + " %}{{ oops }}{% endif %}好"
    assert f"{name}:1: 'oops' is undefined" in spoilt(tmp_path, name, text).faults()


def test_the_samples_show_every_colour() -> None:
    views = [view for kind, view in samples() if kind == "digest"]
    shown = {entry["head"] for view in views for entry in entries_in(view)}
    assert shown == {group.head for group in GROUPS}


def entries_in(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(entry for group in view["groups"] for entry in group["entries"]), *view["rest"]]


def test_looking_for_faults_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert spoilt(tmp_path, "digest.txt", "{{ oops }}").faults()
    assert caplog.records == []
