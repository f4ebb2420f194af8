"""DingTalk's robot: signed in the query, guarded in three ways, and blocked for ten minutes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from dispatcher.channels.contract import DeliveryError, Outgoing
from dispatcher.channels.dingtalk import ADDRESS, Dingtalk, signature
from dispatcher.channels.http import Client
from dispatcher.channels.robot import encoded, robot_url
from tests.channels.fake_dingtalk import FakeDingtalk
from tests.channels.outcomes import SECRET
from tests.channels.robots import Turned, carded, entry, here, many, now
from tests.channels.servers import digest
from tests.channels.web import says

HOSTS = ("oapi.dingtalk.com",)
TOKEN = "f" * 64


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def group(clock: Turned) -> Iterator[FakeDingtalk]:
    with FakeDingtalk(now=clock.now) as group:
        yield group


@pytest.fixture
def channel(group: FakeDingtalk, clock: Turned) -> Iterator[Dingtalk]:
    channel = made(group, clock)
    yield channel
    channel.close()


def made(group: FakeDingtalk, clock: Turned, secret: str = SECRET) -> Dingtalk:
    return Dingtalk("工作群", group.key, secret, client=here(), now=clock.now, sleep=clock.sleep)


def failure(channel: Dingtalk, outgoing: Outgoing) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel.send(outgoing)
    channel.close()
    return failed.value


def test_the_signature_is_the_one_of_the_page() -> None:
    stamp = 1_700_000_000_000
    assert signature("testsecret", stamp) == "d043yCasNZ%2BKC1N0lrVg%2BAan0gEIKPvRfzRqMlUUwzk%3D"


@pytest.mark.parametrize(
    "given", [TOKEN, ADDRESS + TOKEN, f"{ADDRESS}{TOKEN}&timestamp=1&sign=x%3D"]
)
def test_the_token_and_the_whole_address_are_the_same(given: str) -> None:
    assert robot_url("群", given, ADDRESS, Client(HOSTS)) == ADDRESS + TOKEN


def test_time_in_milliseconds_and_signature_stand_in_the_query_once_encoded(
    channel: Dingtalk, group: FakeDingtalk
) -> None:
    channel.send(digest())
    query = parse_qs(urlsplit(group.asked[0].path).query)
    assert query["timestamp"] == ["1700000000000"]
    assert len(query["sign"][0]) == 44
    assert len(group.messages) == 1


def test_without_a_secret_nothing_is_signed(clock: Turned) -> None:
    with FakeDingtalk(now=clock.now, secret="") as group:
        channel = made(group, clock, "")
        channel.send(digest())
        channel.close()
    assert "sign" not in group.asked[0].path
    assert len(group.messages) == 1


def test_a_wrong_secret_is_told_from_a_wrong_clock() -> None:
    with FakeDingtalk() as group:
        wrong = Dingtalk("群", group.key, "SECother", client=here(), now=now)
        error = failure(wrong, digest())
        assert (error.reason, error.pauses, error.retry_after) == ("auth", True, 900.0)
        assert "compare 'secret'" in str(error)
        late = Dingtalk("群", group.key, SECRET, client=here(), now=lambda: now() - 7290)
        error = failure(late, digest())
        assert (error.reason, error.pauses, error.retry_after) == ("auth", True, 900.0)
        assert "set this machine's clock right" in str(error)
        assert "GMT" in error.detail
    assert group.messages == []


@pytest.mark.parametrize("off", [-3590, 3590])
def test_a_clock_within_the_hour_is_good_enough(off: int) -> None:
    with FakeDingtalk() as group:
        channel = Dingtalk("群", group.key, SECRET, client=here(), now=lambda: now() + off)
        channel.send(digest())
        channel.close()
    assert len(group.messages) == 1


@pytest.mark.parametrize(
    "words, hint",
    [
        ("keywords not in content, more: [https://ding-doc.dingtalk.com]", "instead of keywords"),
        ("关键词不匹配", "instead of keywords"),
        ("sign not match, more: [https://ding-doc.dingtalk.com]", "compare 'secret'"),
        ("invalid timestamp", "compare 'secret'"),
        ("ip 203.0.113.9 not in whitelist, more: [https://ding-doc.dingtalk.com]", "list of IP"),
        ("something else", "compare keywords, signature and IP"),
    ],
)
def test_the_three_ways_to_be_guarded_are_told_apart(words: str, hint: str) -> None:
    with FakeDingtalk() as group:
        group.answer = lambda _asked: says({"errcode": 310000, "errmsg": words})
        error = failure(Dingtalk("群", group.key, SECRET, client=here(), now=now), digest())
    assert hint in str(error)
    assert words[:10] in error.detail


@pytest.mark.parametrize(
    "code, hint",
    [
        (300005, "add a robot to the group"),
        (400102, "add a robot to the group"),
        (130101, "ten minutes"),
        (90030, "quota"),
        (460101, "set detail: title-only"),
    ],
)
def test_every_refusal_says_what_mends_it(code: int, hint: str) -> None:
    with FakeDingtalk() as group:
        group.answer = lambda _asked: says({"errcode": code, "errmsg": "no"})
        error = failure(Dingtalk("群", group.key, SECRET, client=here(), now=now), digest())
    assert hint in str(error)
    assert error.detail == f"{code} no"


def test_a_keyword_that_is_missing_says_to_sign_instead(clock: Turned) -> None:
    with FakeDingtalk(now=clock.now, keyword="督查") as group:
        assert "choose the signature" in str(failure(made(group, clock), digest()))


def test_people_are_mentioned_in_the_list_and_in_the_text_of_the_first_part(
    channel: Dingtalk, group: FakeDingtalk
) -> None:
    outgoing = replace(many(1000), mobiles=("13800000000", "13800000001"))
    channel.send(outgoing)
    first, *others = group.messages
    assert len(others) + 1 == channel.calls(outgoing) > 1
    assert first["at"] == {"atMobiles": ["13800000000", "13800000001"], "isAtAll": False}
    assert first["markdown"]["text"].endswith("@13800000000 @13800000001")
    for message in others:
        assert message["at"] == {"atMobiles": [], "isAtAll": False}
        assert "@" not in message["markdown"]["text"]


def test_the_title_is_for_the_notification_and_is_repeated_in_the_text(
    channel: Dingtalk, group: FakeDingtalk
) -> None:
    channel.send(carded([entry("甲")], subject="【催办】潭东镇"))
    (message,) = group.messages
    assert message["markdown"]["title"] == "【催办】潭东镇"
    assert message["markdown"]["text"].split("\n\n")[0] == "#### 【催办】潭东镇"
    assert "**【红】已逾期1项**" in message["markdown"]["text"].split("\n\n")


@pytest.mark.parametrize("count", [1, 60, 90, 150, 220, 1500])
def test_no_body_is_larger_than_dingtalk_takes_it(
    channel: Dingtalk, group: FakeDingtalk, count: int
) -> None:
    outgoing = many(count)
    channel.send(outgoing)
    assert len(group.messages) == channel.calls(outgoing)


def test_quotes_count_twice_as_they_do_on_the_way(channel: Dingtalk) -> None:
    messages = channel.messages(carded([entry('"' * 700) for _entry in range(40)]))
    sizes = [len(encoded(message)) for message in messages]
    assert max(sizes) <= 20_000
    assert min(sizes[:-1]) > 17_000


def test_the_pace_keeps_within_the_budget_for_ever(
    channel: Dingtalk, group: FakeDingtalk, clock: Turned
) -> None:
    for _message in range(100):
        channel.send(digest())
        clock.sleep(channel.pace)
    assert len(group.messages) == 100


def test_the_block_of_ten_minutes_is_waited_for(
    channel: Dingtalk, group: FakeDingtalk, clock: Turned
) -> None:
    for _message in range(20):
        channel.send(digest())
    error = failure(channel, digest())
    assert (error.reason, error.pauses, error.retry_after) == ("rate", True, 600.0)
    clock.sleep(599.0)
    assert failure(channel, digest()).reason == "rate"
    clock.sleep(1.0)
    channel.send(digest())
    assert len(group.messages) == 21


def test_a_later_part_that_fails_leaves_it_unknown(channel: Dingtalk, group: FakeDingtalk) -> None:
    for _message in range(19):
        channel.send(digest())
    error = failure(channel, many(1000))
    assert (error.reason, error.pauses, error.retry_after) == ("unknown", True, 600.0)
    assert "has taken 1" in str(error)
