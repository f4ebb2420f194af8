"""The two clouds take our signatures, and what each of their codes means."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest

from dispatcher.channels import sms_codes
from dispatcher.channels.cases import CLOCK
from dispatcher.channels.contract import DeliveryError
from dispatcher.channels.http import Client
from dispatcher.channels.signing import AliyunCall, aliyun_query, tencent_authorization
from dispatcher.channels.sms import ACCOUNT, NOT_A_MOBILE, SmsGateway
from dispatcher.channels.sms_presets import AliyunSms, TencentSms
from dispatcher.errors import SettingsError
from tests.channels.cases_gateways import examples, unexplained
from tests.channels.fake_sms import ACCOUNT as OURS
from tests.channels.fake_sms import (
    GOOD,
    NUMBER,
    SKEW,
    Aliyun,
    Tencent,
    aliyun,
    tencent,
)
from tests.channels.fake_webhook import NOW
from tests.channels.robots import carded, entry
from tests.channels.servers import digest
from tests.channels.sms_answers import says_of_aliyun
from tests.channels.web import Asked, WebServer, says

AGAIN = digest(address=NUMBER, attempt=2)
DAY = 86400


@pytest.fixture
def cloud() -> Aliyun:
    return Aliyun()


@pytest.fixture
def server(cloud: Aliyun) -> Iterator[WebServer]:
    with WebServer(cloud) as server:
        yield server


def failure(made: AliyunSms | TencentSms, outgoing: object = GOOD) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        made.send(outgoing)  # type: ignore[arg-type]
    made.close()
    return failed.value


def openssl(key: str, said: str) -> str:
    """HMAC-SHA256 in hex, the key in hex too."""
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key}", "-r"]
    done = subprocess.run(command, input=said.encode(), capture_output=True, check=True)
    return done.stdout.decode().split()[0]


def test_aliyuns_own_example_of_a_signature_comes_out() -> None:
    """The fixed values of its page on V3: help.aliyun.com/zh/sdk/product-overview/
    v3-request-structure-and-signature."""
    query = aliyun_query(
        {
            "RegionId": "cn-shanghai",
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        }
    )
    call = AliyunCall("ecs.cn-shanghai.aliyuncs.com", "RunInstances", "2014-05-26", query)
    at, nonce = 1698315752, "3156853299f313e23d1673dc12e1703d"
    headers = call.headers("YourAccessKeyId", "YourAccessKeySecret", at, nonce)
    assert headers["x-acs-date"] == "2023-10-26T10:22:32Z"
    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature="
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_tencents_own_example_of_a_signature_comes_out() -> None:
    """The values of its page on signature v3, with the key that earlier editions printed."""
    body = (
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )
    headers = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"}
    key, secret = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
    assert tencent_authorization(key, secret, "cvm", headers, body, 1551113065) == (
        f"TC3-HMAC-SHA256 Credential={key}/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_tencents_chain_of_keys_is_what_openssl_makes() -> None:
    said = (
        "TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n"
        "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031"
    )
    key = b"TC3Gu5t9xGARNpq86cd98joQYCN3EXAMPLE".hex()
    for step in ("2019-02-25", "cvm", "tc3_request", said):
        key = openssl(key, step)
    assert key == "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"


def test_a_query_is_spelled_as_rfc_3986_has_it() -> None:
    assert aliyun_query({"b": "a b*c~d/e+", "a": "赣"}) == "a=%E8%B5%A3&b=a%20b%2Ac~d%2Fe%2B"


def test_aliyun_takes_our_signature_and_gives_its_name(server: WebServer, cloud: Aliyun) -> None:
    made = aliyun(server)
    assert made.send(GOOD).vendor_id == "9006^1"
    (sent,) = cloud.sent
    assert sent["param"] == {"unit": "潭东镇 联络员", "count": "1", "due": "4月17日"}
    assert (sent["OutId"], sent["PhoneNum"]) == (GOOD.reference, NUMBER)
    made.close()


def test_no_call_of_aliyun_repeats_a_nonce(server: WebServer, cloud: Aliyun) -> None:
    made = aliyun(server)
    for number in range(5):
        made.send(digest(address=NUMBER, reference=f"{number}.a"))
    assert len(cloud.nonces) == 5
    made.close()


def test_the_secret_itself_is_never_sent(server: WebServer) -> None:
    made = aliyun(server)
    made.send(GOOD)
    (asked,) = server.asked
    sent = str(asked.headers) + asked.path
    assert OURS.key in sent
    assert OURS.secret not in sent
    assert OURS.secret not in unquote_plus(sent)
    made.close()


@pytest.mark.parametrize("skew, reason", [(3 * SKEW, ""), (3 * SKEW + 1, "auth")])
def test_a_clock_that_is_wrong_for_aliyun_is_said_to_be(
    server: WebServer, skew: int, reason: str
) -> None:
    made = aliyun(server, now=NOW + skew)
    if not reason:
        made.send(GOOD)
    else:
        error = failure(made)
        assert (error.reason, error.pauses, error.retry_after) == ("auth", True, 900.0)
        assert "clock" in str(error)
    made.close()


@pytest.mark.parametrize("fault", ["hang", "drop", "half", "html", "500"])
def test_after_an_answer_was_lost_aliyun_is_asked_and_no_second_copy_leaves(
    server: WebServer, cloud: Aliyun, fault: str
) -> None:
    made = aliyun(server, 0.3)
    cloud(_last_asked(server, made, fault))  # its effect, though the answer never came
    cloud.actions.clear()
    assert made.send(AGAIN).vendor_id == GOOD.reference
    assert cloud.actions == ["QuerySendDetails"]
    assert len(cloud.sent) == 1
    made.close()


def _last_asked(server: WebServer, made: AliyunSms, fault: str) -> Asked:
    server.fault = fault  # type: ignore[assignment]
    with pytest.raises(DeliveryError) as failed:
        made.send(GOOD)
    server.fault = None
    assert (failed.value.outcome, failed.value.retry_after) == ("unknown", 60.0)
    return server.asked[-1]


def test_what_aliyun_never_got_is_sent_at_the_next_attempt(
    server: WebServer, cloud: Aliyun
) -> None:
    made = aliyun(server)
    assert made.send(AGAIN).vendor_id == "9006^1"
    assert cloud.actions == ["QuerySendDetails", "QuerySendDetails", "SendSms"]
    assert made.calls(AGAIN) == 3
    assert made.calls(GOOD) == 1
    made.close()


def test_before_midnight_is_found_after_it(server: WebServer, cloud: Aliyun) -> None:
    made = aliyun(server)
    made.send(GOOD)
    made.close()
    cloud.now = lambda: NOW + DAY
    made = aliyun(server, now=NOW + DAY)
    made.send(AGAIN)
    assert len(cloud.sent) == 1
    made.close()


def test_what_left_before_a_long_holiday_is_found_after_it(
    server: WebServer, cloud: Aliyun
) -> None:
    made = aliyun(server)
    made.send(GOOD)
    made.close()
    cloud.actions.clear()
    cloud.now = lambda: NOW + 8 * DAY
    made = aliyun(server, now=NOW + 8 * DAY)
    again = replace(AGAIN, at=datetime.fromtimestamp(NOW, UTC))
    made.send(again)
    assert len(cloud.sent) == 1
    assert made.calls(again) == 1 + len(cloud.actions) == 10
    assert made.calls(replace(again, at=again.at - timedelta(days=99))) == 31
    made.close()


def test_another_message_to_the_same_number_is_not_taken_for_ours(
    server: WebServer, cloud: Aliyun
) -> None:
    made = aliyun(server)
    made.send(digest(address=NUMBER, reference="41.z"))
    made.send(AGAIN)
    assert [each["OutId"] for each in cloud.sent] == ["41.z", GOOD.reference]
    made.close()


def test_what_the_operator_could_not_deliver_is_sent_again(
    server: WebServer, cloud: Aliyun
) -> None:
    made = aliyun(server)
    made.send(GOOD)
    cloud.sent[0]["SendStatus"] = 2
    made.send(AGAIN)
    assert len(cloud.sent) == 2
    made.close()


@pytest.mark.parametrize(
    "answer",
    [
        says_of_aliyun("isv.SOMETHING_NEW"),
        says_of_aliyun("isp.SYSTEM_ERROR"),
        lambda _asked: says({"Code": "OK"}),
        lambda _asked: says({"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": "?"}}),
    ],
)
def test_while_aliyun_does_not_say_nothing_is_sent_again(server: WebServer, answer: object) -> None:
    server.answer = answer  # type: ignore[assignment]
    error = failure(aliyun(server), AGAIN)
    assert (error.outcome, error.retry_after) == ("unknown", 60.0)
    assert "SendSms" not in [asked.headers["x-acs-action"] for asked in server.asked]


def test_no_message_at_all_is_an_answer_too(server: WebServer, cloud: Aliyun) -> None:
    def answer(asked: Asked) -> object:
        if asked.headers["x-acs-action"] == "SendSms":
            return cloud(asked)
        return says({"Code": "OK", "TotalCount": 0, "SmsSendDetailDTOs": {}})

    server.answer = answer  # type: ignore[assignment]
    made = aliyun(server)
    made.send(AGAIN)
    assert len(cloud.sent) == 1
    made.close()


def test_a_number_that_has_had_enough_waits_alone(server: WebServer, cloud: Aliyun) -> None:
    cloud.limit = 1
    made = aliyun(server)
    made.send(GOOD)
    error = failure(made, digest(address=NUMBER, reference="43.a"))
    assert (error.reason, error.pauses, error.retry_after) == ("rate", False, 900.0)
    made = aliyun(server)
    made.send(digest(address="13900139000", reference="44.a"))
    made.close()


def test_a_title_with_a_link_and_a_long_one_pass_as_variables(
    server: WebServer, cloud: Aliyun
) -> None:
    account = OURS._replace(params={"item": "{item}"})
    made = AliyunSms(
        "短信", account, client=Client({"127.0.0.1"}), now=lambda: NOW, origin=server.url
    )
    for number, title in enumerate(("登录http://a.cn/b填报", "很长的标题" * 20)):
        made.send(carded([entry(title)], address=NUMBER, reference=f"{number}.a"))
    assert [each["param"]["item"] for each in cloud.sent] == [
        "登录填报",
        "很长的标题" * 3 + "很长的标…",
    ]
    made.close()


def test_tencent_takes_our_signature_and_gives_its_name() -> None:
    cloud = Tencent()
    with WebServer(cloud) as server:
        made = tencent(server)
        assert made.send(GOOD).vendor_id == "2640:1"
        made.close()
    assert cloud.sent == [
        {
            "PhoneNumberSet": [f"+86{NUMBER}"],
            "SmsSdkAppId": "1400006666",
            "TemplateId": "SMS_1",
            "SignName": "某区农办",
            "TemplateParamSet": [
                "潭东镇 联络员",
                "(催办)潭东镇:逾期1项、今日到期1项…",
                "4月17日",
            ],
            "SessionContext": "42.3f9c2a1b",
        }
    ]


@pytest.mark.parametrize("at", [NOW, NOW - NOW % DAY - 1, NOW - NOW % DAY])
def test_the_day_in_tencents_signature_is_that_of_utc(at: float) -> None:
    cloud = Tencent()
    cloud.now = lambda: at
    with WebServer(cloud) as server:
        made = tencent(server, now=at)
        made.send(GOOD)
        made.close()


def test_a_clock_five_minutes_wrong_for_tencent_is_said_to_be() -> None:
    with WebServer(Tencent()) as server:
        error = failure(tencent(server, now=NOW - SKEW - 1))
    assert (error.reason, error.pauses) == ("auth", True)
    assert "clock" in str(error)


def test_what_is_not_one_number_never_leaves(server: WebServer) -> None:
    for make in (aliyun, tencent):
        error = failure(make(server), digest(address="13800138000,13900139000"))
        assert (error.reason, error.outcome) == ("address", "permanent")
    assert server.asked == []


def test_a_variable_that_nobody_fills_is_refused_at_once() -> None:
    for make, params in ((AliyunSms, {"code": "{code}"}), (TencentSms, ["{code}"])):
        with pytest.raises(SettingsError, match="nothing to put for 'code'"):
            make("短信", OURS._replace(params=params), client=Client(()), now=lambda: NOW)


def test_without_another_origin_the_clouds_own_are_called() -> None:
    for make, host in (
        (AliyunSms, "dysmsapi.aliyuncs.com"),
        (TencentSms, "sms.tencentcloudapi.com"),
    ):
        assert (
            make("短信", OURS, client=Client({host}), now=lambda: NOW).origin == f"https://{host}"
        )
        with pytest.raises(SettingsError, match=host):
            make("短信", OURS, client=Client({"127.0.0.1"}), now=lambda: NOW)


def test_the_template_and_signature_are_the_filed_ones(server: WebServer) -> None:
    made = aliyun(server)
    made.send(GOOD)
    (asked,) = server.asked
    given = parse_qs(urlsplit(asked.path).query)
    assert (given["SignName"], given["TemplateCode"]) == (["某区农办"], ["SMS_1"])
    made.close()


def test_the_page_says_what_to_do_about_each_of_the_sentences_of_sms() -> None:
    own = (sms_codes.NUMBER, sms_codes.OFTEN, sms_codes.VARIABLES)
    assert unexplained("sms.md", NOT_A_MOBILE, ACCOUNT, *own, CLOCK) == []


def test_the_examples_of_the_page_make_channels() -> None:
    assert list(map(type, examples("sms.md"))) == [AliyunSms, TencentSms, SmsGateway]
