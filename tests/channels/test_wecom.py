"""WeCom's robot: markdown in three colours within its bytes, and people mentioned by mobile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dispatcher.channels.contract import DeliveryError, Outgoing
from dispatcher.channels.http import Client
from dispatcher.channels.robot import robot_url
from dispatcher.channels.wecom import ADDRESS, Wecom
from dispatcher.errors import SettingsError
from tests.channels.fake_wecom import FakeWecom
from tests.channels.robots import Turned, carded, entry, here, many
from tests.channels.servers import digest
from tests.channels.web import says

HOSTS = ("qyapi.weixin.qq.com",)
KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def group(clock: Turned) -> Iterator[FakeWecom]:
    with FakeWecom(now=clock.now) as group:
        yield group


@pytest.fixture
def channel(group: FakeWecom, clock: Turned) -> Iterator[Wecom]:
    channel = Wecom("全区工作群", group.key, client=here(), sleep=clock.sleep)
    yield channel
    channel.close()


def failure(channel: Wecom, outgoing: Outgoing) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel.send(outgoing)
    return failed.value


@pytest.mark.parametrize(
    "given",
    [KEY, f"  {KEY}\n", ADDRESS + KEY, f"{ADDRESS}{KEY}&debug=1", f" {ADDRESS}{KEY} "],
)
def test_the_key_and_the_whole_address_are_the_same(given: str) -> None:
    assert robot_url("群", given, ADDRESS, Client(HOSTS)) == ADDRESS + KEY


@pytest.mark.parametrize(
    "given",
    ["", "key", f"{ADDRESS}", f"key={KEY}", f"https://oapi.dingtalk.com/robot/send?access_token={KEY}",
     f"{KEY} {KEY}", f"{KEY}密", f"{ADDRESS}{KEY}#x"],
)  # fmt: skip
def test_what_is_no_key_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(SettingsError, match="begins with https://qyapi") as refused:
        robot_url("群", given, ADDRESS, Client(HOSTS))
    assert KEY not in str(refused.value)


def test_another_host_must_be_allowed() -> None:
    given = f"https://wx.example.gov.cn/cgi-bin/webhook/send?key={KEY}"
    with pytest.raises(SettingsError, match="allowed"):
        Wecom("群", given, client=Client(HOSTS))
    assert robot_url("群", given, ADDRESS, Client([*HOSTS, "wx.example.gov.cn"])) == given


def test_a_digest_is_markdown_in_the_colours_of_its_items(channel: Wecom, group: FakeWecom) -> None:
    colours = ("red", "yellow", "blue", "grey")
    channel.send(carded([entry(f"{colour}的事", colour) for colour in colours]))
    (message,) = group.messages
    content = message["markdown"]["content"]
    for said in (
        '<font color="warning">【红】已逾期1项</font>',
        '<font color="warning">【黄】今日到期1项</font>',
        '<font color="info">【蓝】7日内到期1项</font>',
        '<font color="comment">【待办】7日以后到期1项</font>',
        "**1.red的事**",
        "时限:3月31日(周二),已逾期17天",
    ):
        assert said in content.splitlines()


def test_people_are_mentioned_by_a_second_short_text(channel: Wecom, group: FakeWecom) -> None:
    outgoing = carded([entry("甲")], mobiles=("13800000000", "138 0000 0001", "13800000000"))
    assert channel.calls(outgoing) == 2
    channel.send(outgoing)
    assert [message["msgtype"] for message in group.messages] == ["markdown", "text"]
    text = group.messages[1]["text"]
    assert text["mentioned_mobile_list"] == ["13800000000", "13800000001"]
    assert "潭东镇" in text["content"]
    assert "提醒" in text["content"]


def test_a_unit_with_the_longest_of_names_is_still_mentioned(
    channel: Wecom, group: FakeWecom
) -> None:
    channel.send(carded([entry("甲")], address="镇" * 5000, mobiles=("13800000000",)))
    assert group.messages[1]["text"]["mentioned_mobile_list"] == ["13800000000"]


@pytest.mark.parametrize("count", [1, 5, 13, 14, 15, 40, 41, 42, 43, 80, 1000])
def test_no_content_is_larger_than_wecom_takes_it(
    channel: Wecom, group: FakeWecom, count: int
) -> None:
    outgoing = many(count)
    channel.send(outgoing)
    assert len(group.messages) == channel.calls(outgoing)


def test_the_room_is_used_to_the_last_bytes(channel: Wecom) -> None:
    sizes = [_bytes(message) for message in channel.messages(many(200))]
    assert max(sizes) <= 4096
    assert min(sizes[:-1]) > 4096 - 150


def _bytes(message: dict[str, Any]) -> int:
    return len(message["markdown"]["content"].encode())


def test_parts_keep_the_pace_and_the_order(channel: Wecom, group: FakeWecom, clock: Turned) -> None:
    channel.send(many(100))
    assert len(group.messages) >= 3
    assert clock.slept == [3.1] * (len(group.messages) - 1)
    firsts = [said.splitlines()[0] for said in group.said()]
    assert [first[-5:] for first in firsts] == [
        f"({n}/{len(firsts)})" for n in range(1, len(firsts) + 1)
    ]


def test_the_pace_keeps_within_the_budget_for_ever(
    channel: Wecom, group: FakeWecom, clock: Turned
) -> None:
    for _message in range(100):
        channel.send(digest())
        clock.sleep(channel.pace)
    assert len(group.messages) == 100


def test_who_calls_faster_is_told_to_wait_a_minute(
    channel: Wecom, group: FakeWecom, clock: Turned
) -> None:
    for _message in range(20):
        channel.send(digest())
    error = failure(channel, digest())
    assert (error.reason, error.outcome, error.pauses) == ("rate", "temporary", True)
    assert error.retry_after
    clock.sleep(error.retry_after)
    channel.send(digest())
    assert len(group.messages) == 21


def test_a_later_part_that_fails_leaves_it_unknown_and_says_which(
    channel: Wecom, group: FakeWecom, clock: Turned
) -> None:
    group.budget._most = 2
    outgoing = many(100)
    total = channel.calls(outgoing)
    error = failure(channel, outgoing)
    assert (error.reason, error.outcome) == ("unknown", "unknown")
    assert f"of {total} parts 127.0.0.1 has taken 2" in str(error)
    assert "45009" in str(error)
    assert (error.pauses, error.retry_after) == (True, 60.0)  # the budget is spent all the same
    assert len(group.asked) == 3  # and nothing is said after what failed


def test_the_first_part_that_fails_fails_the_whole(channel: Wecom, group: FakeWecom) -> None:
    group.answer = lambda _asked: says({"errcode": 40058, "errmsg": "no"})
    error = failure(channel, many(100))
    assert (error.reason, error.outcome) == ("content", "permanent")
    assert len(group.asked) == 1


def test_a_robot_that_was_removed_pauses_the_channel(channel: Wecom, group: FakeWecom) -> None:
    group.removed = True
    error = failure(channel, digest())
    assert (error.reason, error.pauses, error.retry_after) == ("auth", True, 900.0)
    assert "add a robot to the group" in str(error)
    assert "93000" in error.detail


def test_every_message_is_one_json_object_in_utf_8(channel: Wecom, group: FakeWecom) -> None:
    channel.send(digest())
    (asked,) = group.asked
    assert asked.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "潭东镇".encode() in asked.body
