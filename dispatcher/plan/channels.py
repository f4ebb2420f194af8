"""The channels of the file: what each kind takes, and where its secrets come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dispatcher.i18n import _
from dispatcher.plan.model import ChannelSetting, Plan
from dispatcher.plan.scalars import NAME, Choice, Flag, Free, Whole, Words
from dispatcher.plan.shape import Either, Entry, Field, Many, Named, Record, Report, Word
from dispatcher.plan.ways import FOR_TASKS, MAIL, TRAITS

SECRET_IN_URL = re.compile(r"//[^/]*@|[?&][^=]*=(?!\$\{[A-Z_][A-Z0-9_]*\}(?:&|$))")
PROXY = re.compile(
    r"(?i)(https?://)?(([\w.-]|\$\{\w+\})+|\[[0-9a-f:]+\])(:(\d+|\$\{\w+\}))?/?", re.ASCII
)
A_PROXY = "http://proxy.example.com:3128"
ROBOTS = ("wecom", "dingtalk", "feishu")
PLACEHOLDER = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
SECRET_NAME = re.compile(r"(?i)(key|secret|token|pass|passwd|password|pwd|authorization)$")
"""What a gateway calls a secret among what it is to be given."""
EVERYWHERE = ("kind", "detail", "spread", "ca_file", "proxy")
NOT_HERE = _("a secret does not belong in this file; write {example} and set that name in the "
             "environment", example="${WECOM_KEY}")  # fmt: skip
RESULTS = Many(Words(), single=True)
CHANNEL = Record(
    {
        "kind": Field(Choice(tuple(TRAITS)), "种类", "", required=True),
        "url": Field(Words(), "地址", "密钥写成 ${环境变量名},不要写在这里"),
        "key": Field(Words(), "密钥或账号", "写成 ${环境变量名}"),
        "secret": Field(Words(), "签名密钥", "写成 ${环境变量名}"),
        "detail": Field(
            Choice(("full", "title-only")), "内容", "full 全文,title-only 只有标题和时限"
        ),
        "spread": Field(Whole(0, 60), "错开", "同一时刻的信在几分钟内错开发"),
        "connections": Field(Whole(1, 16), "连接数", "最多同时几个连接"),
        "ca_file": Field(Words(), "证书文件", "对方用内部证书时,写证书文件的名称"),
        "proxy": Field(Words(), "代理", "只在要经过代理时写"),
        "tenant": Field(Words(), "租户", "政务钉钉的 tenantId"),
        "tasks": Field(Flag(), "待办", "政务钉钉:写 true,工作同时列为待办,反馈或办结后关闭"),
        "creator": Field(Words(), "待办创建人", "以谁的名义建待办,写他的人员编号"),
        "page": Field(Words(), "待办网页", "点开待办去的网页,https:// 开头,带参数"),
        "signature": Field(Words(), "短信签名", "备案的签名,不带【】"),
        "template": Field(Words(), "短信模板", "备案的模板编号"),
        "params": Field(
            Either(sequence=Many(Words()), mapping=Named(NAME, Words())),
            "模板变量",
            "阿里云写 名称: 值,腾讯云按顺序写;值里可用 {unit} {count} {item} {due}",
        ),
        "longest": Field(Whole(1, 50), "变量长度", "每个变量最多几个字"),
        "app": Field(Words(), "短信应用", "腾讯云的 SmsSdkAppId"),
        "region": Field(Words(), "地域", "腾讯云,例如 ap-guangzhou"),
        "text": Field(Words(), "短信正文", "照备案的模板写,可用 {unit} {count} {item} {due}"),
        "method": Field(Choice(("POST", "GET", "PUT")), "请求方法", ""),
        "headers": Field(Named(Words(), Words()), "请求头", ""),
        "format": Field(Choice(("form", "json")), "参数格式", ""),
        "body": Field(
            Free(), "参数", "名称: 值,值里可用 {mobile} {text} {id} {key} {secret} {sign} {time}"
        ),
        "charset": Field(Choice(("utf-8", "gbk", "gb18030")), "编码", ""),
        "signer": Field(Choice(("none", "md5", "hmac-sha256")), "签名方法", ""),
        "signed": Field(Words(), "签名内容", "对哪一串文字签名,可用同样的变量"),
        "answer": Field(Words(), "结果位置", "结果码在应答里的位置,例如 /code"),
        "success": Field(RESULTS, "成功", "哪些结果码是成功"),
        "later": Field(RESULTS, "稍后", "哪些结果码要稍后再发"),
        "auth": Field(RESULTS, "账号问题", "哪些结果码是账号、余额、签名的问题"),
        "refused": Field(RESULTS, "不收", "哪些结果码是不收这条短信;写了结果位置的不用写"),
        "receipt": Field(Words(), "编号位置", "短信编号在应答里的位置"),
    }
)


def read_channels(document: Entry, report: Report) -> dict[str, ChannelSetting]:
    """The settings of the file's channels; secrets stay ``${NAME}`` in them."""
    given: Mapping[Word, Entry] = document.get("channels", {})
    for unit in document["units"].values():
        named = unit.get("channels", ())
        for number, channel in enumerate(named):
            if channel != MAIL and channel not in given:
                text = _("unknown channel '{channel}'; known: {known}", channel=channel,
                         known=[MAIL, *given])  # fmt: skip
                report(channel.place, text)
            if channel in named[:number]:
                report(channel.place, _("channel '{channel}' stands here twice", channel=channel))
    _check_robots(given, report)
    for name, entry in given.items():
        _check(name, entry, report)
    return {
        str(name): ChannelSetting(str(name), entry.get("kind", ""), _plain(entry))
        for name, entry in given.items()
    }


def _check(name: Word, entry: Entry, report: Report) -> None:
    if name == MAIL:
        report(name.place, _("'email' is the mail itself and is set up in the environment"))
    _check_values(entry, report)
    kind = TRAITS.get(entry.get("kind", ""))
    if kind is None:
        return
    _check_params(entry, report)
    for key in kind.needs:
        if key not in entry:
            text = _("channel '{channel}' is of kind {kind}, which needs '{key}'", channel=name,
                     kind=entry["kind"], key=key)  # fmt: skip
            report(name.place, text)
    for key in FOR_TASKS if entry.get("tasks") else ():
        if key not in entry:
            report(entry.place("tasks"), _("'tasks: true' needs '{key}' beside it", key=key))
    known = (*EVERYWHERE, *kind.needs, *kind.may)
    for key in entry.keys() - set(known):
        text = _("a channel of kind {kind} has no '{key}'; it takes: {known}", kind=entry["kind"],
                 key=key, known=list(known))  # fmt: skip
        report(entry.place(key), text)


def _check_values(entry: Entry, report: Report) -> None:
    """What may not stand in any channel, whatever its kind."""
    for key in entry:
        if _holds_secret(key, entry[key]):
            report(entry.place(key), NOT_HERE)
    headers: Mapping[str, str] = entry.get("headers", {})
    if not "".join([*headers, *headers.values()]).isascii():
        text = _("HTTP takes no such letters in 'headers'; put them into 'body'")
        report(entry.place("headers"), text)
    if not PROXY.fullmatch(entry.get("proxy", A_PROXY)):
        report(entry.place("proxy"), _("a proxy is written as {example}", example=A_PROXY))


def _check_params(entry: Entry, report: Report) -> None:
    """Aliyun knows a template's variables by name, Tencent by their order."""
    by_name = isinstance(entry.get("params"), Mapping)
    if "params" in entry and by_name != (entry["kind"] == "sms-aliyun"):
        example = '["{unit}", "{due}"]' if by_name else '{unit: "{unit}", due: "{due}"}'
        text = _("{kind} takes 'params' as {example}", kind=entry["kind"], example=example)
        report(entry.place("params"), text)


def _check_robots(given: Mapping[Word, Entry], report: Report) -> None:
    """A vendor counts by the robot, so a robot is one channel."""
    seen: dict[tuple[str, str], Word] = {}
    for name, entry in given.items():
        robot = str(entry.get("kind", "")), str(entry.get("key", ""))
        if robot in seen:
            text = _("channels '{one}' and '{other}' are one robot, whose messages are counted "
                     "together; keep one of them", one=seen[robot], other=name)  # fmt: skip
            report(entry.place("key"), text)
        elif robot[0] in ROBOTS and robot[1]:
            seen[robot] = name


def _holds_secret(key: str, value: Any) -> bool:
    """Whether a setting holds a secret that does not belong in the file itself."""
    if key in ("url", "proxy"):
        return bool(SECRET_IN_URL.search(value))
    if key in ("headers", "body"):
        return _names_secret(value)
    return key in ("key", "secret") and not PLACEHOLDER.fullmatch(value)


def _names_secret(value: Any) -> bool:
    """Whether anything that bears the name of a secret is written out, without a ``{name}``."""
    if isinstance(value, list):
        return any(map(_names_secret, value))
    return isinstance(value, Mapping) and any(
        _names_secret(each) or (SECRET_NAME.search(key) and _is_written_out(each))
        for key, each in value.items()
    )


def _is_written_out(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and "{" not in f"{value}"


def _plain(value: Any) -> Any:
    """A setting without the places in the file."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def placeholders(plan: Plan) -> dict[str, str]:
    """The environment names that the plan's channels ask for, each with the channel's name."""
    return {
        name: channel.name
        for channel in plan.channels.values()
        for value in _texts(channel.values)
        for name in PLACEHOLDER.findall(value)
    }


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def filled(value: Any, environ: Mapping[str, str]) -> Any:
    """Settings with their ``${NAME}`` replaced from ``environ``."""
    if isinstance(value, Mapping):
        return {key: filled(each, environ) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, environ) for each in value]
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: environ.get(match[1], ""), value)
    return value
