"""A digest as data: the same words as its text, and no more of them than its channel is told."""

from __future__ import annotations

import json
from datetime import datetime

from dispatcher.dispatch.cards import card_of, packed, text_of, unpacked
from dispatcher.dispatch.compose import Digest, Item
from dispatcher.dispatch.digest import digest_view
from tests.building import ZONE
from tests.dispatch.test_compose import ASSETS, CHINA, EMPLOYMENT, HOUSING, TODAY


def digest(*items: Item) -> Digest:
    at = datetime(2026, 4, 17, 9, tzinfo=ZONE)
    return Digest(("潭东镇",), TODAY, at, "区农办", "王芳 13900000000", items)


THREE = digest(EMPLOYMENT, ASSETS, HOUSING)


def test_a_card_says_its_entries_in_the_order_and_the_words_of_the_text() -> None:
    card = card_of(THREE, CHINA, full=True)
    view = digest_view(THREE, CHINA)
    said = [entry for group in view["groups"] for entry in group["entries"]]
    assert [entry.title for entry in card.entries] == [entry["title"] for entry in said]
    assert [entry.deadline for entry in card.entries] == [entry["deadline"] for entry in said]
    assert [entry.colour for entry in card.entries] == ["red", "yellow", "blue"]
    assert [entry.due for entry in card.entries] == ["2026-03-31", "2026-04-17", "2026-04-24"]
    assert card.entries[0].key == "housing-inspection/2026-Q1@潭东镇"
    assert card.entries[0].task == "每季度开展农村住房安全动态排查监测"
    assert card.units == "潭东镇"
    assert card.opening == view["opening"]


def test_every_item_is_in_the_card_however_many_there_are() -> None:
    many = [HOUSING._replace(duty=f"duty-{number}") for number in range(30)]
    assert len(card_of(digest(*many), CHINA, full=True).entries) == 30


def test_a_card_of_titles_holds_nothing_else_and_says_where_to_ask() -> None:
    card = card_of(THREE, CHINA, full=False)
    assert {(entry.task, entry.lead, entry.role, entry.notes) for entry in card.entries} == {
        ("", "", "", ())
    }
    everything = json.dumps(packed(card), ensure_ascii=False) + text_of(card)
    assert "开展农村住房安全动态排查监测" not in everything
    assert "区住建局" not in everything
    assert "具体要求不在此处发送,请向区农办查询。" in card.closing


def test_a_card_survives_the_ledger() -> None:
    card = card_of(THREE, CHINA, full=True)
    assert unpacked(json.loads(json.dumps(packed(card)))) == card


def test_the_text_of_a_card_has_a_line_for_each_item() -> None:
    assert text_of(card_of(digest(HOUSING), CHINA, full=True)) == (
        "潭东镇:\n"
        "截至4月17日(周五)9时,你单位以下事项尚未办结:\n"
        "1.【红】农村住房安全动态排查(2026年第一季度):3月31日(周二),已逾期17天,第4次催办\n"
        "请尽快反馈进展、存在问题和预计完成时间。\n"
        "联系人:王芳 13900000000\n"
        "区农办 2026年4月17日\n"
    )


def test_a_card_of_copies_asks_for_no_answer() -> None:
    card = card_of(digest(HOUSING._replace(owes=False)), CHINA, full=True)
    assert not any("反馈" in line for line in card.closing)
    assert card.entries[0].colour == "grey"


def test_what_hides_or_reorders_text_is_not_in_a_card() -> None:
    card = card_of(digest(HOUSING._replace(title="排\u202e查\x07")), CHINA, full=True)
    assert card.entries[0].title == "排查 (2026年第一季度)"
