"""Making a channel of what the calendar says of it: the only place that knows every kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dispatcher.channels.calling import HttpChannel
from dispatcher.channels.http import Client

Values = Mapping[str, Any]
WECOM, DINGTALK = "qyapi.weixin.qq.com", "oapi.dingtalk.com"
FEISHU = ("open.feishu.cn", "open.larksuite.com")
ALIYUN, TENCENT = "dysmsapi.aliyuncs.com", "sms.tencentcloudapi.com"
CONNECTIONS = 4


class Means(NamedTuple):
    """What a channel is made with beside its settings: the ``hosts`` that may be called in
    addition to the vendor's own, the folder of ``ca_file``, seconds since 1970, and the secrets
    that may stand anywhere in its settings."""

    hosts: tuple[str, ...]
    home: Path
    now: Callable[[], float]
    secrets: tuple[str, ...] = ()


def make(kind: str, name: str, values: Values, means: Means) -> HttpChannel:
    """The channel; ``values`` have their secrets filled in. Raises SettingsError."""
    channel = MAKERS[kind](name, values, means)
    channel.hide(means.secrets)
    return channel


def _client(values: Values, means: Means, *own: str) -> Client:
    ca_file = values.get("ca_file")
    return Client(
        (*own, *means.hosts),
        ca_file=means.home / ca_file if ca_file else None,
        proxy=values.get("proxy", ""),
        connections=_connections(values),
    )


def _wecom(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.wecom import Wecom

    return Wecom(name, values["key"], client=_client(values, means, WECOM))


def _dingtalk(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.dingtalk import Dingtalk

    client = _client(values, means, DINGTALK)
    return Dingtalk(name, values["key"], values.get("secret", ""), client=client, now=means.now)


def _feishu(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.feishu import Feishu

    client = _client(values, means, *FEISHU)
    return Feishu(name, values["key"], values.get("secret", ""), client=client, now=means.now)


def _webhook(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.webhook import Webhook

    client = _client(values, means)
    return Webhook(
        name, values["url"], values["secret"],
        client=client, now=means.now, connections=_connections(values),
    )  # fmt: skip


def _gov_dingtalk(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.gov_dingtalk import GovAccount, GovDingtalk

    account = GovAccount(**_given(values, GovAccount._fields))
    client = _client(values, means)
    return GovDingtalk(
        name, account, client=client, now=means.now, connections=_connections(values)
    )


def _sms(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.sms import Gateway, SmsGateway, Verdicts

    lists = {each: tuple(map(str, values.get(each, ()))) for each in LISTS}
    at, receipt = (_pointer(values.get(place, "")) for place in ("answer", "receipt"))
    verdicts = Verdicts(**lists, at=at, receipt=receipt)
    gateway = Gateway(verdicts=verdicts, **_given(values, Gateway._fields))
    client = _client(values, means)
    return SmsGateway(name, gateway, client=client, now=means.now, connections=_connections(values))


def _pointer(place: str) -> str:
    """A JSON pointer (RFC 6901), also for what is written otherwise.

    >>> _pointer("/data/id"), _pointer("$.data.id"), _pointer("msgid")
    ('/data/id', '/data/id', '/msgid')
    >>> _pointer("$.result[0].status"), _pointer("$['code']")
    ('/result/0/status', '/code')
    """
    if not place or place.startswith("/"):
        return place
    return "/" + "/".join(re.findall(r"[^.\[\]'\"]+", place.removeprefix("$")))


LISTS = ("success", "later", "auth", "refused")


def _aliyun(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.sms_presets import Account, AliyunSms

    account, client = Account(**_given(values, Account._fields)), _client(values, means, ALIYUN)
    return AliyunSms(name, account, client=client, now=means.now, connections=_connections(values))


def _tencent(name: str, values: Values, means: Means) -> HttpChannel:
    from dispatcher.channels.sms_presets import Account, TencentSms

    account, client = Account(**_given(values, Account._fields)), _client(values, means, TENCENT)
    return TencentSms(name, account, client=client, now=means.now, connections=_connections(values))


def _given(values: Values, names: Sequence[str]) -> dict[str, Any]:
    """What the calendar says of ``names``; of the others the class's own word holds."""
    return {each: values[each] for each in names if each in values}


def _connections(values: Values) -> int:
    return int(values.get("connections", CONNECTIONS))


MAKERS: dict[str, Callable[[str, Values, Means], HttpChannel]] = {
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
    "webhook": _webhook,
    "gov-dingtalk": _gov_dingtalk,
    "sms": _sms,
    "sms-aliyun": _aliyun,
    "sms-tencent": _tencent,
}
