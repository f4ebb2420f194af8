"""Work notices and tasks by a gateway that nobody here can reach: against a copy of what is said
of it."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.cases import CLOCK, NOT_LET_IN, TOO_MANY
from dispatcher.channels.contract import DeliveryError, Outgoing
from dispatcher.channels.gov_codes import NOBODY, NOT_AN_ACCOUNT, STALE, TWICE
from dispatcher.channels.gov_dingtalk import NOTICE, TOKEN, GovDingtalk
from dispatcher.channels.gov_words import MAX_BYTES, messages
from dispatcher.channels.http import Client
from dispatcher.channels.robot import HALF
from dispatcher.channels.signing import gov_headers
from dispatcher.errors import SettingsError
from tests.channels.cases_gateways import examples, unexplained
from tests.channels.fake_gov_dingtalk import (
    ACCOUNT,
    CREATOR,
    GOOD,
    LASTS,
    PERSON,
    SKEW,
    TENANT,
    Gateway,
    channel,
    fresh,
    no,
    refusal,
)
from tests.channels.fake_webhook import NOW
from tests.channels.outcomes import KEY, SECRET
from tests.channels.robots import carded, entry, many
from tests.channels.servers import digest
from tests.channels.web import Answered, Asked, Fault, WebServer, says

AGAIN = digest(address=PERSON, attempt=2)
CARD = carded([entry("住房排查"), entry("就业摸排", "blue", task="", lead="")], address=PERSON)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def server(gateway: Gateway) -> Iterator[WebServer]:
    with WebServer(gateway) as server:
        yield server


def failure(made: GovDingtalk, outgoing: Outgoing = GOOD) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        made.send(outgoing)
    made.close()
    return failed.value


def paths(server: WebServer) -> list[str]:
    return [asked.path for asked in server.asked]


def test_the_signature_is_what_openssl_makes_of_the_five_lines() -> None:
    given = {"tenantId": "50120", "msg": '{"a": "潭&东"}', "bizMsgId": "1.a"}
    headers = gov_headers(KEY, "testsecret", NOTICE, given, NOW, "17763876000001234")
    said = (
        "POST\n2026-04-17T09:00:00.000+08:00\n17763876000001234\n/message/workNotification\n"
        'bizMsgId=1.a&msg={"a": "潭&东"}&tenantId=50120'
    )
    command = ["openssl", "dgst", "-sha256", "-hmac", "testsecret", "-binary"]
    right = subprocess.run(command, input=said.encode(), capture_output=True, check=True).stdout
    assert headers["X-Hmac-Auth-Signature"] == b64encode(right).decode()
    assert (headers["apiKey"], headers["X-Hmac-Auth-Version"]) == (KEY, "1.0")


def test_a_notice_reaches_its_person_as_markdown(server: WebServer, gateway: Gateway) -> None:
    made = fresh(server)
    assert made.send(CARD).vendor_id == "msg1"
    notice = gateway.notices[CARD.reference]
    assert (notice["tenantId"], notice["receiverIds"]) == (TENANT, PERSON)
    assert notice["msgtype"] == "markdown"
    assert notice["markdown"]["title"] == CARD.subject  # type: ignore[index]
    assert notice["markdown"]["text"].split("\n\n") == [  # type: ignore[index]
        f"**{CARD.subject}**",
        "潭东镇:",
        "截至4月17日(周五)9时,你单位以下事项尚未办结:",
        "**【红】已逾期1项**",
        "**1.住房排查**",
        "要求:每季度开展排查",
        "时限:3月31日(周二),已逾期17天",
        "第4次催办",
        "你单位为责任单位",
        "牵头单位:区住建局",
        "**【蓝】7日内到期1项**",
        "**2.就业摸排**",
        "时限:3月31日(周二),已逾期17天",
        "第4次催办",
        "你单位为责任单位",
        "请尽快反馈进展。",
        "联系人:张工 0797-1234567",
        "区农办 2026年4月17日",
    ]
    made.close()


def test_a_token_serves_until_shortly_before_its_end(server: WebServer, gateway: Gateway) -> None:
    made = fresh(server)
    for number, at in enumerate((0, 60, LASTS - 301, LASTS - 300, LASTS)):
        made._now = gateway.now = lambda at=at: NOW + at
        made.send(digest(address=PERSON, reference=f"{number}.a"))
    assert paths(server) == [TOKEN, NOTICE, NOTICE, NOTICE, TOKEN, NOTICE, NOTICE]
    made.close()


def test_threads_share_one_token(server: WebServer) -> None:
    made = fresh(server)
    messages = [digest(address=PERSON, reference=f"{number}.a") for number in range(8)]
    threads = [threading.Thread(target=made.send, args=(each,)) for each in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert paths(server).count(TOKEN) == 1
    assert paths(server).count(NOTICE) == 8
    made.close()


def test_a_token_that_is_not_taken_any_more_is_replaced_once(
    server: WebServer, gateway: Gateway
) -> None:
    made = channel(server)
    gateway.tokens.clear()
    made.send(GOOD)
    assert paths(server) == [NOTICE, TOKEN, NOTICE]
    assert len(gateway.notices) == 1
    made.close()


def test_a_token_that_is_refused_late_does_not_cost_the_one_that_has_come_meanwhile(
    server: WebServer, gateway: Gateway
) -> None:
    both, first, renewed = threading.Barrier(2), threading.Lock(), threading.Event()

    def answer(asked: Asked) -> Answered:
        if b"access_token=at-hand" in asked.body:
            both.wait(5)
            assert first.acquire(blocking=False) or renewed.wait(5)
            return no("40014", "invalid access_token")
        if asked.path == NOTICE:
            renewed.set()
        return gateway(asked)

    server.answer, made = answer, channel(server)
    messages = [digest(address=PERSON, reference=f"{number}.a") for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        assert len([*pool.map(made.send, messages)]) == 2
    assert paths(server).count(TOKEN) == 1
    made.close()


def test_a_token_that_is_refused_with_a_status_drops_no_message(server: WebServer) -> None:
    server.answer = lambda _asked: Answered(400, b"")
    error = failure(fresh(server))
    assert (error.reason, error.outcome, error.detail) == ("auth", "temporary", "HTTP 400")


@pytest.mark.parametrize("fault", ["hang", "reset", "drop", "half", "html", "500"])
def test_while_there_is_no_token_nothing_was_handed_over(server: WebServer, fault: Fault) -> None:
    server.fault = fault
    made = fresh(server, 0.3)
    error = failure(made)
    assert (error.reason, error.outcome) == ("unreachable", "temporary")
    assert paths(server) == [TOKEN]


def test_a_wrong_secret_is_the_offices_to_mend(server: WebServer) -> None:
    account = ACCOUNT._replace(url=server.url, secret="other")
    made = GovDingtalk("赣政通", account, client=Client({"127.0.0.1"}), now=lambda: NOW)
    error = failure(made)
    assert (error.reason, error.pauses, error.detail) == (
        "auth",
        True,
        "signature.invalid signature.invalid",
    )


@pytest.mark.parametrize("answer", [{"success": True}, {"success": True, "content": {"data": {}}}])
def test_a_token_that_is_none_is_no_token(server: WebServer, answer: object) -> None:
    server.answer = lambda _asked: says(answer)
    error = failure(fresh(server))
    assert (error.reason, error.outcome) == ("auth", "temporary")


def test_a_clock_that_is_wrong_is_said_to_be(server: WebServer) -> None:
    error = failure(fresh(server, now=NOW + SKEW + 1))
    assert (error.reason, error.pauses) == ("auth", True)
    assert "clock" in str(error)


def test_an_account_that_nobody_has_is_the_calendars_to_mend(server: WebServer) -> None:
    error = failure(channel(server), digest(address="4711"))
    assert (error.reason, error.outcome) == ("address", "permanent")
    assert "'4711'" in str(error)


@pytest.mark.parametrize("address", ["", "1,2", "1&receiverIds=2", "1\n2", "张三", "1 2"])
def test_what_is_not_one_account_never_leaves(server: WebServer, address: str) -> None:
    error = failure(channel(server), digest(address=address))
    assert (error.reason, error.outcome) == ("address", "permanent")
    assert server.asked == []


def test_a_second_copy_is_the_very_same_and_its_refusal_says_that_the_first_arrived(
    server: WebServer, gateway: Gateway
) -> None:
    made = channel(server)
    made.send(GOOD)
    assert made.send(AGAIN).vendor_id == GOOD.reference
    assert len(gateway.notices) == 1
    first, second = server.asked
    assert first.body == second.body
    made.close()


def test_a_refusal_as_a_copy_at_the_first_attempt_is_a_refusal(server: WebServer) -> None:
    server.answer = refusal("51004", "bizMsgId 重复")
    error = failure(channel(server))
    assert (error.reason, error.outcome) == ("content", "permanent")


def test_neither_token_nor_secret_is_shown(server: WebServer) -> None:
    made = channel(server)
    made._token = "token-4712"
    server.answer = lambda _asked: no("9", f"{KEY} {SECRET} token-4712 不行")
    assert failure(made).detail == "9 *** *** *** 不行"


def test_a_task_is_opened_once_and_closed_by_its_name(server: WebServer, gateway: Gateway) -> None:
    made = channel(server)
    opened = made.open_task("housing/1@潭东镇", PERSON, "住房排查" * 80, date(2026, 3, 31))
    assert made.open_task("housing/1@潭东镇", PERSON, "住房排查", date(2026, 3, 31)) == opened
    task = gateway.tasks[opened.vendor_id]
    assert (task["creatorId"], task["assigneeId"], task["tenantId"]) == (CREATOR, PERSON, TENANT)
    assert (task["dueTime"], len(task["subject"])) == ("2026-03-31 23:59:59", 200)
    assert task["url"] == task["mobileUrl"] == ACCOUNT.page
    made.finish_task(opened.vendor_id, PERSON)
    assert task["finished"] == "true"
    made.close()


def test_a_task_fails_as_a_message_does(server: WebServer) -> None:
    made = channel(server, 0.3)
    with pytest.raises(DeliveryError) as nobody:
        made.open_task("1", "1,2", "住房", date(2026, 3, 31))
    with pytest.raises(DeliveryError) as gone:
        made.finish_task("task-99", PERSON)
    server.fault = "hang"
    with pytest.raises(DeliveryError) as lost:
        made.open_task("1", PERSON, "住房", date(2026, 3, 31))
    reasons = [failed.value.reason for failed in (nobody, gone, lost)]
    assert reasons == ["address", "content", "unknown"]
    made.close()


@pytest.mark.parametrize("count", [1, 3, 8, 20, 60, 2000])
def test_every_part_keeps_to_the_limit_and_says_which_it_is(count: int) -> None:
    found = messages(many(count))
    assert 1 <= len(found) <= 5
    for number, said in enumerate(found, start=1):
        assert len(said.encode()) <= MAX_BYTES
        assert f"({number}/{len(found)})" in said or len(found) == 1
    assert channel_calls(count) == len(found)
    assert "事项0000" in found[0]


def channel_calls(count: int) -> int:
    account = ACCOUNT._replace(url="https://gov.example.cn")
    client = Client({"gov.example.cn"})
    return GovDingtalk("赣政通", account, client=client, now=lambda: NOW).calls(many(count))


@given(st.text(max_size=6000), st.text(max_size=90), st.text(max_size=60))
def test_any_text_keeps_to_the_limit(text: str, subject: str, office: str) -> None:
    for said in messages(digest(text=text, subject=subject, sender_name=office)):
        assert len(said.encode()) <= MAX_BYTES
        json.loads(said)


@pytest.mark.parametrize("letter", ["第", "\U00020000", '"'])
def test_a_long_line_is_cut_and_nothing_of_it_lost(letter: str) -> None:
    task = "".join(f"{letter}{number}句话。" for number in range(300))
    task += letter * 500
    assert all(len(said.encode()) <= MAX_BYTES for said in messages(digest(text=task)))
    found = [json.loads(said)["markdown"]["text"] for said in messages(digest(text=task))]
    assert len(found) > 1
    lines = [line for text in found for line in text.split("\n\n")[1:]]
    assert "".join(lines) == task


def test_no_text_becomes_markup_a_link_or_a_mention() -> None:
    forged = "**a** [x](http://a.cn) <font color=red> @all `c` # 标题\n\n- b"
    entries = [entry(forged, task=forged, lead=forged, notes=(forged,), deadline=forged)]
    (said,) = messages(carded(entries, subject=forged))
    text = re.sub(r"^\*\*|\*\*$", "", json.loads(said)["markdown"]["text"], flags=re.MULTILINE)
    assert not re.search(r"[*`\[\]<>@#]|://|^[-+=]", text, re.MULTILINE)


def test_a_message_in_parts_has_a_name_for_each(server: WebServer, gateway: Gateway) -> None:
    made = channel(server)
    long = many(60)
    total = made.calls(long)
    assert made.send(replace(long, address=PERSON)).vendor_id == "msg1"
    names = [f"{long.reference}-{number}" for number in range(2, total + 1)]
    assert list(gateway.notices) == [long.reference, *names]
    made.close()


def test_a_later_part_that_fails_leaves_all_open_and_another_attempt_says_the_rest(
    server: WebServer, gateway: Gateway
) -> None:
    long = replace(many(60), address=PERSON)
    made, asked = channel(server), list[Asked]()

    def second_is_refused(each: Asked) -> Answered:
        asked.append(each)
        return no("51005", "触发限流") if len(asked) == 2 else gateway(each)

    server.answer = second_is_refused
    error = failure(made, long)
    assert (error.reason, error.outcome, error.pauses) == ("unknown", "unknown", True)
    assert f"of {made.calls(long)} parts 127.0.0.1 has taken 1" in str(error)
    made.send(replace(long, attempt=2))
    assert len(gateway.notices) == made.calls(long)
    made.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://gov.example.cn",
        "https://gov.example.cn/api",
        "https://gov.example.cn/?a=1",
        "https://evil.cn",
    ],
)
def test_an_address_that_is_not_the_gateways_is_refused_at_once(url: str) -> None:
    client = Client({"gov.example.cn"})
    with pytest.raises(SettingsError):
        GovDingtalk("赣政通", ACCOUNT._replace(url=url), client=client, now=lambda: NOW)


def test_the_page_says_what_to_do_about_each_of_its_sentences() -> None:
    own = (NOT_AN_ACCOUNT, NOBODY, STALE, TWICE, HALF)
    assert unexplained("gov-dingtalk.md", *own, CLOCK, NOT_LET_IN, TOO_MANY) == []


def test_the_examples_of_the_page_make_channels() -> None:
    assert list(map(type, examples("gov-dingtalk.md"))) == [GovDingtalk] * 2
