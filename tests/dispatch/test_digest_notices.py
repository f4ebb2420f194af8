"""What a digest says of a notice, how it counts and groups, and what it leaves to one line."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from dispatcher.dispatch.compose import Digest, Item
from dispatcher.dispatch.digest import IN_FULL, digest_view
from dispatcher.ledger import items
from dispatcher.ledger.database import Engine
from dispatcher.plan.workdays import Workdays
from tests.building import ZONE, Office, a_duty, a_unit, plan_with, trouble

pytestmark = pytest.mark.one_database

TODAY = date(2026, 4, 17)
ITEM = Item(
    unit="潭东镇",
    role="responsible",
    owes=True,
    duty="housing",
    title="住房排查",
    task="每季度排查",
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
    told="潭东镇",
)
AHEAD = ITEM._replace(due=date(2026, 4, 30), nominal=date(2026, 4, 30), times=0)
OLD = date(2026, 3, 31)


def view(*items: Item) -> dict[str, Any]:
    units = tuple(dict.fromkeys(item.told for item in items))
    at = datetime(2026, 4, 17, 9, tzinfo=ZONE)
    return digest_view(Digest(units, TODAY, at, "区农办", "张工", items), Workdays("china"))


def entries(*items: Item) -> list[dict[str, Any]]:
    return [entry for group in view(*items)["groups"] for entry in group["entries"]]


def heads(*items: Item) -> list[str]:
    return [f"【{group['mark']}】{group['head']}" for group in view(*items)["groups"]]


# --------------------------------------------------------------------------- the words of each


@pytest.mark.parametrize(
    "item, says",
    [
        (
            AHEAD._replace(step="moved 2026-04-30", old_due=OLD),
            "时限由3月31日(周二)调整为4月30日(周四),请按新时限办理",
        ),
        (
            AHEAD._replace(step="moved 2026-04-30.2", old_due=OLD),
            "时限由3月31日(周二)调整为4月30日(周四),请按新时限办理",
        ),
        (
            AHEAD._replace(step="extended", old_due=OLD),
            "延期申请已同意,时限由3月31日(周二)调整为4月30日(周四)",
        ),
        (
            AHEAD._replace(step="extended", old_due=OLD, remark="请抓紧"),
            "延期申请已同意,时限由3月31日(周二)调整为4月30日(周四):请抓紧",
        ),
        (
            AHEAD._replace(step="refused", remark="年底前须完成"),
            "延期申请未获同意,仍按原时限办理:年底前须完成",
        ),
        (
            AHEAD._replace(step="refused.2", remark="仍不同意"),
            "延期申请未获同意,仍按原时限办理:仍不同意",
        ),
        (ITEM._replace(step="returned", remark="缺附件"), "退回重办:缺附件,请重新反馈"),
        (
            AHEAD._replace(step="returned", remark="缺附件", old_due=OLD),
            "退回重办:缺附件,请于4月30日(周四)前重新反馈",
        ),
        (ITEM._replace(step="reopened", remark="不实"), "重新办理:不实,请重新反馈"),
        (
            AHEAD._replace(step="reopened", remark="不实", old_due=OLD),
            "重新办理:不实,请于4月30日(周四)前重新反馈",
        ),
        (ITEM._replace(step="waived", remark="不涉及"), "已同意免报:不涉及,无需再办理和反馈"),
        (ITEM._replace(step="withdrawn", remark="合并"), "该事项已撤销:合并,无需再办理和反馈"),
        (ITEM._replace(step="withdrawn"), "该事项已撤销,无需再办理和反馈"),
    ],
    ids=lambda given: given.step if isinstance(given, Item) else "",
)
def test_a_notice_says_what_became_of_the_item_and_in_whose_words(item: Item, says: str) -> None:
    [entry] = entries(item)
    assert entry["notes"] == [says]
    assert says in entry["line"]


@pytest.mark.parametrize("step", ["open", "T-7", "T-3wd", "T", "T+1", "T+8"])
def test_a_step_says_nothing_beside_its_deadline(step: str) -> None:
    assert entries(ITEM._replace(step=step, remark="x", old_due=OLD))[0]["notes"] == []


def test_notices_of_one_night_are_all_said_in_order() -> None:
    earlier = (("refused", None, "不同意"), ("moved 2026-04-29", OLD, ""))
    item = AHEAD._replace(step="returned", remark="缺附件", earlier=earlier)
    assert [note[:5] for note in entries(item)[0]["notes"]] == [
        "延期申请未",
        "时限由3月",
        "退回重办:",
    ]


def test_a_notice_stands_beside_the_deadline_and_the_count() -> None:
    [entry] = entries(ITEM._replace(step="returned", times=1, remark="缺附件"))
    assert entry["deadline"] == "3月31日(周二),已逾期17天,第1次催办"
    assert entry["line"].endswith("第1次催办;退回重办:缺附件,请重新反馈")


def test_an_item_that_is_closed_says_only_that_and_its_old_date() -> None:
    for step in ("waived", "withdrawn"):
        closed = ITEM._replace(step=step, progress=True, missed=True, lapsed=2)
        [entry] = entries(closed)
        assert (entry["deadline"], entry["task"]) == ("原为3月31日(周二)", "")
        assert len(entry["notes"]) == 1
        assert not view(closed)["owed"]


def test_a_missed_measure_is_said_to_who_owes_it() -> None:
    assert entries(ITEM._replace(missed=True))[0]["notes"] == ["上次反馈的指标未达到要求"]
    above = ITEM._replace(missed=True, addressee="superior", told="区分管领导")
    assert entries(above)[0]["notes"] == []


# --------------------------------------------------------------------------------- the groups


def test_what_falls_short_is_yellow_until_it_is_overdue_and_red_then() -> None:
    assert heads(AHEAD._replace(missed=True)) == ["【黄】指标未达到1项"]
    assert heads(ITEM._replace(missed=True)) == ["【红】已逾期1项"]


def test_who_is_late_is_named_to_whoever_owes_something_too() -> None:
    late = ITEM._replace(addressee="superior", unit="乙镇")
    copied = AHEAD._replace(owes=False, addressee="copy", unit="丙镇")
    roles = [entry["role"] for entry in entries(ITEM, late, copied)]
    assert roles == ["", "逾期单位:乙镇", ""]


def test_each_group_has_its_own_items_and_each_item_stands_once() -> None:
    above = ITEM._replace(addressee="superior", unit="乙镇")
    copy = AHEAD._replace(owes=False, addressee="copy")
    items = [
        ITEM,
        AHEAD._replace(due=TODAY),
        AHEAD._replace(missed=True),
        AHEAD._replace(due=date(2026, 4, 20)),
        AHEAD,
        above,
        copy,
        ITEM._replace(step="waived"),
    ]
    assert heads(*items) == [
        "【红】已逾期1项",
        "【黄】今日到期1项",
        "【黄】指标未达到1项",
        "【蓝】7日内到期1项",
        "【待办】7日以后到期1项",
        "【上报】下列单位逾期未反馈1项,请督促",
        "【抄送】1项,无需反馈",
        "【免报】1项,不再办理",
    ]
    assert [entry["number"] for entry in entries(*items)] == list(range(1, 9))


def test_a_waived_and_a_withdrawn_item_stand_once_each() -> None:
    both = (ITEM._replace(step="waived"), ITEM._replace(step="withdrawn"))
    found = [(group["mark"], len(group["entries"])) for group in view(*both)["groups"]]
    assert found == [("免报", 1), ("撤销", 1)]


def test_totals_count_every_item_by_group() -> None:
    items = [ITEM] * 9 + [AHEAD._replace(due=TODAY)] * 2 + [ITEM._replace(step="waived")]
    found = view(*items)
    assert found["subject"] == "【催办】潭东镇:逾期9项、今日到期2项、免报1项(4月17日)"


def test_eight_items_are_in_full_and_each_other_in_a_line() -> None:
    items = [ITEM._replace(due=OLD - timedelta(days=n), title=f"事{n}") for n in range(11)]
    found = view(*items, AHEAD)
    [red] = found["groups"]
    assert len(red["entries"]) == IN_FULL == 8
    assert red["head"] == "已逾期11项"
    assert [entry["number"] for entry in found["rest"]] == [9, 10, 11, 12]
    assert found["rest"][-1]["line"].startswith("12.【待办】住房排查(2026年第一季度):4月30日")


def test_only_a_digest_with_something_overdue_urges() -> None:
    above = ITEM._replace(addressee="office", told="区农办")
    kinds = [view(*items)["kind"] for items in ([ITEM, AHEAD], [above, AHEAD], [AHEAD])]
    assert kinds == ["催办", "报告", "提醒"]


# ---------------------------------------------------------------------------- the old periods


def test_old_periods_of_a_duty_are_one_line() -> None:
    assert entries(ITEM._replace(lapsed=3))[0]["notes"] == ["另有3期逾期未办"]


def lapsing(engine: Engine, **changes: Any) -> Office:
    """An office of a silent 甲 whose January and February have lapsed, on 31 March."""
    units = [a_unit("甲", superior="上"), a_unit("乙"), a_unit("上"), a_unit("丙")]
    office = Office(engine, plan_with(a_duty(**changes), units=units))
    office.at("2026-01-23")
    office.daily("2026-02-26", "2026-02-27")
    office.at("2026-03-30")
    office.at("2026-03-31")
    return office


def latest(office: Office, address: str) -> list[items.Item]:
    [(key,)] = office.ask("SELECT max(id) FROM message WHERE address = :to", to=address)
    with office.conn() as conn:
        return items.items_of(conn, [key])[key]


def test_the_ledger_counts_the_lapsed_periods_of_the_same_duty_and_unit(engine: Engine) -> None:
    office = lapsing(engine)
    office.say("report", "work/2026-01@乙", "迟了")
    office.at("2026-04-01")
    assert [(each.period, each.lapsed) for each in latest(office, "甲@example.com")] == [
        ("2026-03", 2),
        ("2026-04", 2),
    ]
    assert [each.lapsed for each in latest(office, "乙@example.com")] == [1, 1]


def test_what_was_a_copy_is_not_counted_among_the_lapsed(engine: Engine) -> None:
    office = lapsing(engine, expect="lead")
    assert [each.lapsed for each in latest(office, "乙@example.com")] == [0]
    assert [each.lapsed for each in latest(office, "甲@example.com")] == [2]


def test_a_superiors_item_has_the_counts_of_the_unit(engine: Engine) -> None:
    office = lapsing(engine)
    office.at("2026-04-01")
    office.at("2026-04-03")
    [item] = latest(office, "上@example.com")
    assert (item.unit, item.told, item.addressee) == ("甲", "上", "superior")
    assert (item.step, item.times, item.lapsed) == ("T+3", 2, 2)


def test_a_notice_and_its_steps_that_waited_together_are_one_item(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty(units=("甲",))))
    office.at("2026-01-23")
    office.say("ask", note="忙", to="2026-02-03")
    office.say("grant", note="好")
    office.stop.set()
    for day in ("2026-01-26", "2026-02-02", "2026-02-03"):
        office.at(day)
    found = [each for each in latest(office, "甲@example.com") if each.period == "2026-01"]
    assert [(each.step, each.remark, str(each.old_due)) for each in found] == [
        ("extended", "好", "2026-01-30")
    ]


def test_a_digest_that_was_tried_keeps_its_words_when_an_item_of_it_is_answered(
    engine: Engine,
) -> None:
    office = Office(engine, plan_with(a_duty(units=("甲",)), a_duty("other", units=("甲",))))
    office.box.troubles["*"] = [trouble("temporary")]
    office.at("2026-01-23")
    office.say("report")
    assert office.at("2026-01-23 10:00") == ["甲 other/2026-01 T-7", "甲 work/2026-01 T-7"]
    rows = office.ask(
        "SELECT duty, r.state FROM reminder r JOIN assignment a ON a.id = assignment_id"
        " JOIN occurrence o ON o.id = occurrence_id WHERE step = 'T-7' ORDER BY duty"
    )
    assert rows == [("other", "told"), ("work", "cancelled")]
