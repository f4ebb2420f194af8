"""Feishu's robot: signed in the body, a card in the colour of what is most urgent, or a text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dispatcher.channels.contract import Colour, DeliveryError, Outgoing
from dispatcher.channels.feishu import ADDRESS, Feishu, signature
from dispatcher.channels.http import Client
from dispatcher.channels.robot import encoded, robot_url
from dispatcher.errors import SettingsError
from tests.channels.fake_feishu import FakeFeishu
from tests.channels.outcomes import KEY, SECRET
from tests.channels.robots import Turned, carded, entry, here, many, now
from tests.channels.servers import digest
from tests.channels.web import says

HOSTS = ("open.feishu.cn", "open.larksuite.com")


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def group(clock: Turned) -> Iterator[FakeFeishu]:
    with FakeFeishu(now=clock.now) as group:
        yield group


@pytest.fixture
def channel(group: FakeFeishu, clock: Turned) -> Iterator[Feishu]:
    channel = Feishu("群", group.key, SECRET, client=here(), now=clock.now, sleep=clock.sleep)
    yield channel
    channel.close()


def failure(channel: Feishu, outgoing: Outgoing) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel.send(outgoing)
    channel.close()
    return failed.value


def test_the_signature_is_the_one_of_the_page() -> None:
    right = "AOc8oJ7//5OlQlfWC3nRL0R+IkuzcD1FKcAyibRK9Q8="
    assert signature("testsecret", 1_700_000_000) == right


@pytest.mark.parametrize("given", [KEY, ADDRESS + KEY, f"{ADDRESS}{KEY}/"])
def test_the_key_and_the_whole_address_are_the_same(given: str) -> None:
    assert robot_url("群", given, ADDRESS, Client(HOSTS)) == ADDRESS + KEY


def test_the_edition_for_other_countries_keeps_its_own_host() -> None:
    given = f"https://open.larksuite.com/open-apis/bot/v2/hook/{KEY}"
    assert robot_url("群", given, ADDRESS, Client(HOSTS)) == given
    with pytest.raises(SettingsError, match="allowed"):
        robot_url("群", given.replace("larksuite", "example"), ADDRESS, Client(HOSTS))


def test_time_in_seconds_and_signature_stand_in_the_body(
    channel: Feishu, group: FakeFeishu
) -> None:
    channel.send(digest())
    (asked,) = group.asked
    assert asked.json["timestamp"] == "1700000000"
    assert asked.json["sign"] == signature(SECRET, 1_700_000_000)
    assert "?" not in asked.path


def test_without_a_secret_nothing_is_signed() -> None:
    with FakeFeishu(secret="") as group:
        channel = Feishu("群", group.key, client=here(), now=now)
        channel.send(digest())
        channel.close()
    assert set(group.asked[0].json) == {"msg_type", "card"}


@pytest.mark.parametrize(
    "colours, template",
    [
        (("red", "yellow"), "red"),
        (("yellow", "blue"), "orange"),
        (("blue",), "blue"),
        (("grey",), "grey"),
        (("grey", "blue"), "blue"),
        (("blue", "grey", "red"), "red"),
        ((), "blue"),
    ],
)
def test_a_card_has_the_colour_of_its_most_urgent_item(
    channel: Feishu, group: FakeFeishu, colours: tuple[Colour, ...], template: str
) -> None:
    channel.send(carded([entry("甲", colour) for colour in colours], subject="【催办】潭东镇"))
    (message,) = group.messages
    assert message["card"]["header"] == {
        "title": {"tag": "plain_text", "content": "【催办】潭东镇"},
        "template": template,
    }


def test_a_card_says_the_whole_digest(channel: Feishu, group: FakeFeishu) -> None:
    channel.send(carded([entry("甲")]))
    (element,) = group.messages[0]["card"]["elements"]
    assert element["tag"] == "markdown"
    lines = element["content"].splitlines()
    assert lines[2:5] == ["**【红】已逾期1项**", "**1.甲**", "要求:每季度开展排查"]


@pytest.mark.parametrize("code", [9499, 230099])
def test_a_card_that_is_refused_becomes_a_text(clock: Turned, code: int) -> None:
    with FakeFeishu(now=clock.now, cards=code) as group:
        channel = Feishu("群", group.key, SECRET, client=here(), now=clock.now, sleep=clock.sleep)
        channel.send(carded([entry("甲")], subject="【催办】潭东镇"))
        channel.close()
    (message,) = group.messages
    assert message["msg_type"] == "text"
    lines = message["content"]["text"].splitlines()
    assert lines[0] == "【催办】潭东镇"
    assert lines[3:6] == ["【红】已逾期1项", "1.甲", "要求:每季度开展排查"]
    assert [asked.json["msg_type"] for asked in group.asked] == ["interactive", "text"]
    assert clock.slept == [0.65]


def test_after_one_card_was_refused_every_part_and_message_is_a_text_at_once(
    clock: Turned,
) -> None:
    with FakeFeishu(now=clock.now, cards=230099) as group:
        channel = Feishu("群", group.key, SECRET, client=here(), now=clock.now, sleep=clock.sleep)
        long = many(400)
        calls = channel.calls(long)
        channel.send(long)
        assert len(group.asked) == len(clock.slept) + 1 == calls + 1 > 2
        channel.send(digest())
        channel.close()
        assert len(group.asked) == calls + 2
    assert [asked.json["msg_type"] for asked in group.asked].count("interactive") == 1
    assert set(clock.slept) == {0.65}


def test_a_text_that_is_refused_too_is_not_said_a_third_time() -> None:
    with FakeFeishu() as group:
        group.answer = lambda _asked: says({"code": 9499, "msg": "Bad Request"})
        error = failure(Feishu("群", group.key, SECRET, client=here(), now=now), digest())
    assert (error.reason, error.outcome) == ("content", "permanent")
    assert len(group.asked) == 2


@pytest.mark.parametrize(
    "code, hint",
    [
        (19001, "add a robot to the group"),
        (19021, "compare 'secret'"),
        (19022, "list of IP"),
        (19024, "instead of keywords"),
        (19036, "set detail: title-only"),
    ],
)
def test_every_refusal_says_what_mends_it(code: int, hint: str) -> None:
    with FakeFeishu() as group:
        group.answer = lambda _asked: says({"code": code, "msg": "no"})
        error = failure(Feishu("群", group.key, SECRET, client=here(), now=now), digest())
    assert hint in str(error)
    assert error.detail == f"{code} no"


def test_too_many_requests_is_not_a_card_refused(channel: Feishu, group: FakeFeishu) -> None:
    group.answer = lambda _asked: says({"code": 9499, "msg": "too many request"})
    error = failure(channel, digest())
    assert (error.reason, error.pauses) == ("rate", True)
    assert len(group.asked) == 1


def test_robots_come_back_at_moments_of_their_own_and_always_the_same() -> None:
    def wait(name: str) -> float | None:
        with FakeFeishu() as group:
            group.answer = lambda _asked: says({"code": 11232, "msg": "frequency limited"})
            channel = Feishu(name, group.key, client=here(), now=now)
            return failure(channel, digest()).retry_after

    waits = [wait(f"群{number}") for number in range(8)]
    assert waits == [wait(f"群{number}") for number in range(8)]
    assert len(set(waits)) > 4
    assert all(each is not None and 60 <= each < 90 for each in waits)


@pytest.mark.parametrize("count", [1, 60, 90, 150, 220, 1500])
def test_no_body_is_larger_than_feishu_takes_it(
    channel: Feishu, group: FakeFeishu, count: int
) -> None:
    outgoing = many(count)
    channel.send(outgoing)
    assert len(group.messages) == channel.calls(outgoing)
    assert all(len(asked.body) <= 20_000 for asked in group.asked)


def test_the_room_is_used(channel: Feishu) -> None:
    sizes = [len(encoded(channel.addressed(each)[1])) for each in channel.messages(many(1000))]
    assert min(sizes[:-1]) > 19_800


def test_parts_keep_to_five_a_second(channel: Feishu, group: FakeFeishu, clock: Turned) -> None:
    channel.send(many(2000))
    assert len(group.messages) == 5
    assert clock.slept == [0.65] * 4


def test_the_pace_keeps_within_the_budget_for_ever(
    channel: Feishu, group: FakeFeishu, clock: Turned
) -> None:
    for _message in range(300):
        channel.send(digest())
        clock.sleep(channel.pace)
    assert len(group.messages) == 300


def test_mobiles_are_of_no_use_to_feishu(channel: Feishu, group: FakeFeishu) -> None:
    channel.send(carded([entry("甲")], mobiles=("13800000000",)))
    assert b"13800000000" not in group.asked[0].body


def test_a_wrong_secret_is_told_from_a_wrong_clock() -> None:
    with FakeFeishu() as group:
        wrong = Feishu("群", group.key, "other", client=here(), now=now)
        assert "compare 'secret'" in str(failure(wrong, digest()))
        late = Feishu("群", group.key, SECRET, client=here(), now=lambda: now() + 7290)
        error = failure(late, digest())
        assert "set this machine's clock right" in str(error)
        assert "GMT" in error.detail
        assert (error.reason, error.pauses, error.retry_after) == ("auth", True, 900.0)
