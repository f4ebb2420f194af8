"""An SMS says what its filed template says, by whatever gateway, and nothing becomes structure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.http import Client
from dispatcher.channels.sms import SmsGateway, Verdicts
from dispatcher.channels.sms_words import MOBILE, NOTHING, filled, mobile, short, words
from dispatcher.errors import SettingsError
from tests.channels.fake_sms import GATEWAY, GOOD, NUMBER, Mas, gateway
from tests.channels.fake_webhook import NOW
from tests.channels.outcomes import KEY, SECRET
from tests.channels.robots import carded, entry
from tests.channels.servers import digest
from tests.channels.web import Answered, WebServer, says

TWO = carded(
    [
        entry("农村住房安全动态排查(2026年第一季度)表格"),
        entry("就业摸排", "blue", due="2026-02-28"),
    ],
    address=NUMBER,
)


@pytest.fixture
def mas() -> Mas:
    return Mas()


@pytest.fixture
def server(mas: Mas) -> Iterator[WebServer]:
    with WebServer(mas) as server:
        yield server


def failure(made: SmsGateway, **changes: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        made.send(digest(**{"address": NUMBER, **changes}))
    made.close()
    return failed.value


def refused(**changes: Any) -> str:
    """What is said of settings that cannot work."""
    url, client = {"url": "https://sms.example.gov.cn/send"}, Client({"sms.example.gov.cn"})
    with pytest.raises(SettingsError) as failed:
        SmsGateway("短信", GATEWAY._replace(**url | changes), client=client, now=lambda: NOW)
    assert SECRET not in str(failed.value)
    return str(failed.value)


def test_an_sms_says_unit_count_first_title_and_earliest_day(server: WebServer, mas: Mas) -> None:
    assert gateway(server).send(TWO).vendor_id == "1"
    (sent,) = mas.sent
    assert sent["content"] == (
        "【某区农办】潭东镇有2件事项待办结(农村住房安全动态排查(2026年第一季…),最近时限2月28日。"
    )
    assert (sent["mobile"], sent["uid"], sent["ts"]) == (NUMBER, GOOD.reference, "1776387600000")


def test_what_is_no_digest_says_its_subject_and_its_day() -> None:
    said = words(digest(subject="【测试】这是一条测试短信", card=None))
    assert said == {
        "unit": "潭东镇 联络员",
        "count": "1",
        "item": "(测试)这是一条测试短信",
        "due": "4月17日",
    }


def test_a_second_copy_is_the_very_same_sms(server: WebServer, mas: Mas) -> None:
    made = gateway(server)
    made.send(GOOD)
    made.send(digest(address=NUMBER, attempt=2))
    assert mas.sent[0] == mas.sent[1]
    made.close()


@pytest.mark.parametrize(
    "written, number",
    [
        ("13800138000", "13800138000"),
        ("+8613800138000", "13800138000"),
        ("86 138-0013-8000", "13800138000"),
        ("１３８００１３８０００", ""),
        ("13800138000,13900139000", ""),
        ("0797-1234567", ""),
        ("13800138000\n", ""),
        ("12800138000", ""),
        ("", ""),
    ],
)
def test_a_mobile_number_is_one_or_none(written: str, number: str) -> None:
    assert mobile(written) == number


def test_what_is_not_one_number_never_leaves(server: WebServer, mas: Mas) -> None:
    error = failure(gateway(server), address="13800138000,13900139000")
    assert (error.reason, error.outcome) == ("address", "permanent")
    assert server.asked == []


@pytest.mark.parametrize(
    "said, shown",
    [
        ("见http://a.cn/x?y=1填报", "见填报"),
        ("HTTPS://A.CN", NOTHING),
        ("登录www.gov.cn填报", "登录填报"),
        ("发到a.b-c.com.cn/路径", "发到路径"),
        ("gov．cn", NOTHING),
        ("192.168.1.1:8080/x好", "好"),
        ("weixin://dl", NOTHING),
        ("2026.4.17前报送", "2026.4.17前报送"),
        ("第1.5项", "第1.5项"),
        ("【银行】中奖", "(银行)中奖"),
        ("${code}与{unit}", "(code)与(unit)"),
        ("一\n二\u202e三\x00四", "一 二 三 四"),
        ("", NOTHING),
        ("十个字正好不长不短的", "十个字正好不长不短的"),
        ("十一个字就要缩短成十个", "十一个字就要缩短成…"),
    ],
)
def test_a_variable_holds_no_link_no_mark_and_is_short(said: str, shown: str) -> None:
    assert short(said, 10 if said.startswith("十") else 20) == shown


@given(st.text(st.characters(max_codepoint=0x9FFF) | st.sampled_from("【】{}$.:/wh")))
def test_no_text_smuggles_a_link_a_signature_or_a_variable(said: str) -> None:
    shown = short(said, 20)
    assert 0 < len(shown) <= 20
    assert not re.search(r"[A-Za-z]://|www\.\w|[【】{}$\n\r]", shown)


@given(st.text(), st.text())
def test_a_value_is_a_value_whatever_it_holds(unit: str, item: str) -> None:
    template = {"a": ["{unit}", {"b": "x{item}y"}], "n": 1}
    found = filled(template, {"unit": unit, "item": item})
    assert found == {"a": [unit, {"b": f"x{item}y"}], "n": 1}
    assert json.loads(json.dumps(found)) == found


def test_a_name_in_a_value_is_not_filled_again() -> None:
    assert filled("{unit}", {"unit": "{secret}", "secret": "4711"}) == "{secret}"


def test_a_form_in_gbk_arrives_as_it_was(server: WebServer) -> None:
    server.answer = lambda _asked: Answered(200, "成功:3001".encode("gbk"))
    made = gateway(
        server, format="form", charset="gbk", body={"content": "{text}", "to": "{mobile}"},
        signer="none", signed="", verdicts=Verdicts(("^成功",)),
    )  # fmt: skip
    made.send(GOOD)
    (asked,) = server.asked
    content = parse_qs(asked.body.decode(), encoding="gbk")["content"][0]
    assert content.startswith("【某区农办】潭东镇 联络员有1件")
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=gbk"
    made.close()


def test_what_a_charset_has_no_letter_for_is_a_question_mark(server: WebServer) -> None:
    server.answer = lambda _asked: Answered(200, b"0")
    for format_ in ("form", "json"):
        made = gateway(
            server, format=format_, charset="gbk", body={"c": "{item}"}, signer="none", signed="",
            verdicts=Verdicts(("^0",)),
        )  # fmt: skip
        made.send(digest(address=NUMBER, subject="红\U0001f534"))
        made.close()
    form, document = server.asked
    assert parse_qs(form.body.decode(), encoding="gbk")["c"] == ["红?"]
    assert json.loads(document.body.decode("gbk")) == {"c": "红?"}


def test_a_get_carries_its_form_in_the_address(server: WebServer) -> None:
    server.answer = lambda _asked: Answered(200, b"0,ok")
    made = gateway(
        server, url=f"{server.url}/send?v=2", method="GET", format="form",
        body={"m": "{mobile}", "t": "{item}&x=1"}, signer="none", signed="",
        verdicts=Verdicts(("^0,",)),
    )  # fmt: skip
    made.send(digest(address=NUMBER, subject="a&b=c"))
    (asked,) = server.asked
    assert (asked.method, asked.body) == ("GET", b"")
    assert parse_qs(urlsplit(asked.path).query) == {"v": ["2"], "m": [NUMBER], "t": ["a&b=c&x=1"]}
    made.close()


def test_a_signature_by_hmac_may_stand_in_a_header(server: WebServer) -> None:
    made = gateway(
        server, signer="hmac-sha256", signed="{mobile}{stamp}{text}", body={"c": "{text}"},
        headers={"X-Sign": "{sign64}", "X-Hex": "{SIGN}", "X-At": "{stamp}", "X-Key": "{key}"},
    )  # fmt: skip
    server.answer = lambda _asked: says({"code": 0})
    made.send(GOOD)
    (asked,) = server.asked
    said = f"{NUMBER}20260417090000{asked.json['c']}"
    right = hmac.new(SECRET.encode(), said.encode(), hashlib.sha256)
    assert asked.headers["X-Hex"] == right.hexdigest().upper()
    assert b64decode(asked.headers["X-Sign"]) == right.digest()
    assert (asked.headers["X-At"], asked.headers["X-Key"]) == ("20260417090000", KEY)
    made.close()


@pytest.mark.parametrize(
    "verdicts, body, reason, outcome",
    [
        (Verdicts(("0",), at="/code"), b'{"code": 0}', "", ""),
        (Verdicts(("true",), at="/ok"), b'{"ok": true}', "", ""),
        (Verdicts(("OK",), at="/r/0/s~1t"), b'{"r": [{"s/t": "OK"}]}', "", ""),
        (Verdicts(("0",), at="/code"), b'{"code": "00"}', "content", "permanent"),
        (Verdicts(("0",), at="/r/1/c"), b'{"r": [{"c": 0}]}', "unknown", "unknown"),
        (Verdicts(("0",), at="/code"), b'{"code": {}}', "unknown", "unknown"),
        (Verdicts(("0",), at="/code"), b"0", "unknown", "unknown"),
        (Verdicts(("^0",)), b"0,1234", "", ""),
        (Verdicts(("^0",), later=("^-9",)), b"-9", "busy", "temporary"),
        (Verdicts(("^0",), auth=("^-1$",)), b"-1", "auth", "temporary"),
        (Verdicts(("^0",), refused=("^-",)), b"-5", "content", "permanent"),
        (Verdicts(("^0",)), b"<html>", "unknown", "unknown"),
        (Verdicts(("^0",)), b"", "unknown", "unknown"),
    ],
)
def test_an_answer_is_read_by_its_rules(
    server: WebServer, verdicts: Verdicts, body: bytes, reason: str, outcome: str
) -> None:
    server.answer = lambda _asked: Answered(200, body)
    made = gateway(server, verdicts=verdicts)
    if reason:
        error = failure(made)
        assert (error.reason, error.outcome) == (reason, outcome)
    else:
        made.send(GOOD)
    made.close()


def test_success_needs_a_status_of_success_too(server: WebServer) -> None:
    server.answer = lambda _asked: says({"code": 0}, 500)
    assert failure(gateway(server)).reason == "unknown"


def test_what_a_gateway_echoes_of_the_account_is_masked(server: WebServer) -> None:
    server.answer = lambda _asked: says({"code": -1, "msg": f"{KEY}:{SECRET}"})
    error = failure(gateway(server))
    assert (error.reason, error.detail) == ("auth", 'HTTP 200 {"code": -1, "msg": "***:***"}')


def test_the_gateways_name_for_a_message_is_where_it_is_said_to_be(server: WebServer) -> None:
    server.answer = lambda _asked: says({"code": 0, "data": {"msgid": 4711}})
    assert gateway(server).send(GOOD).vendor_id == "4711"
    server.answer = lambda _asked: says({"code": 0})
    assert gateway(server).send(GOOD).vendor_id == ""


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"url": "http://sms.example.gov.cn/"}, "must begin with https://"),
        ({"url": "https://evil.example/"}, "leads to 'evil.example'"),
        ({"text": "您的{code}"}, "nothing to put for 'code'"),
        ({"body": {"a": [{"b": "{nobody}"}]}}, "nothing to put for 'nobody'"),
        ({"signed": "{sign}"}, "nothing to put for 'sign'"),
        ({"headers": {"X": "{unit}"}}, "nothing to put for 'unit'"),
        ({"signer": "none", "signed": ""}, "nothing to put for 'sign'"),
        ({"signer": "none", "body": {}}, "belong together"),
        ({"signed": "", "body": {}}, "belong together"),
        ({"verdicts": Verdicts(())}, "'success' says nothing"),
        ({"format": "form", "body": "mobile={mobile}"}, "sent as a form: write names and values"),
        ({"format": "form", "body": {"a": ["{mobile}"]}}, "sent as a form: write names and"),
        ({"verdicts": Verdicts(("(",))}, "'(' is not a regular expression"),
    ],
)
def test_settings_that_could_never_work_are_refused_at_once(
    changes: dict[str, Any], said: str
) -> None:
    assert said in refused(**changes)


def test_the_pattern_of_a_number_is_of_ascii_digits_alone() -> None:
    assert not MOBILE.fullmatch("1380013800٠")
