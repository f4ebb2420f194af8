"""What each way to fail comes to, on every channel over HTTP: the table that the tests check cell
by cell, and that ``python -m tests.channels.outcomes`` writes into docs/channels/outcomes.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from dispatcher.channels.contract import Channel, DeliveryError, Outgoing, Reason
from tests.channels.servers import digest
from tests.channels.web import Answer, Answered, Fault, WebServer

PAGE = Path(__file__).parents[2] / "docs/channels/outcomes.md"
KEY = "canary-key-4711"
SECRET = "canary+密码/4711"


class Expected(NamedTuple):
    """How a send ends: ``reason`` and what follows, after so many calls of the vendor. A ``reason``
    that is empty is success."""

    reason: Reason | str = ""
    outcome: str = ""
    pauses: bool = False
    wait: float | None = None
    calls: int = 1


OK = Expected()
UNKNOWN = Expected("unknown", "unknown")
REFUSED = Expected("content", "permanent")


def busy(wait: float = 60.0) -> Expected:
    """The message waits."""
    return Expected("busy", "temporary", wait=wait)


def rate(wait: float = 60.0) -> Expected:
    """The channel waits."""
    return Expected("rate", "temporary", True, wait)


def auth(wait: float = 900.0) -> Expected:
    """The channel is paused until a person mends it, and tried again now and then."""
    return Expected("auth", "temporary", True, wait)


FAULTS: Mapping[Fault, Expected] = {
    "hang": UNKNOWN,
    "drip": UNKNOWN,
    "reset": UNKNOWN,
    "drop": UNKNOWN,
    "half": UNKNOWN,
    "html": UNKNOWN,
    "empty": UNKNOWN,
    "500": UNKNOWN,
    "redirect": Expected("protocol", "temporary", True, 900.0),
    "408": busy(),
    "429": rate(7.0),
}
"""How every channel takes what is not the vendor's word; a vendor may differ by ``faults``."""
NOBODY = Expected("unreachable", "temporary", calls=0)


def always(answered: Answered) -> Answer:
    """The same answer to everything."""
    return lambda _asked: answered


class Vendor(NamedTuple):
    """A vendor for the suites, that every channel over HTTP joins by.

    ``kind`` is as in the calendar file, ``name`` for the page. ``make`` gives a channel to a server
    on loopback, by KEY and SECRET where it takes them, with a deadline of so many seconds.
    ``agrees`` gives the answers of success, and ``refuses`` those that refuse with such words;
    ``codes`` are the answers that it may give instead, by a name for the table, and how that ends.
    ``good`` is a message that takes one call; ``secrets`` are what the channel is told in
    confidence.
    """

    kind: str
    name: str
    make: Callable[[WebServer, float], Channel]
    agrees: Answer
    refuses: Callable[[str], Answer]
    codes: Mapping[str, tuple[Answer, Expected]]
    faults: Mapping[Fault, Expected] = {}
    good: Outgoing = digest(address="潭东镇")
    secrets: tuple[str, ...] = (KEY, SECRET)

    def outcomes(self) -> dict[str, tuple[Fault | Answer, Expected]]:
        """Every row of the vendor's table: the faults of any server, and then its own codes."""
        faults = {**FAULTS, **self.faults}
        return {**{name: (name, expected) for name, expected in faults.items()}, **self.codes}


def vendors() -> tuple[Vendor, ...]:
    """All of them; whoever adds a channel adds its Vendor here."""
    from tests.channels import cases_gateways, fake_dingtalk, fake_feishu, fake_wecom

    robots = (fake_wecom.VENDOR, fake_dingtalk.VENDOR, fake_feishu.VENDOR)
    return (*robots, *cases_gateways.VENDORS)


def outcome(channel: Channel, server: WebServer, outgoing: Outgoing) -> Expected:
    """What sending a message came to."""
    before = len(server.asked)
    try:
        channel.send(outgoing)
        found = OK
    except DeliveryError as error:
        found = Expected(error.reason, error.outcome, error.pauses, error.retry_after)
    return found._replace(calls=len(server.asked) - before)


REASONS = {
    "": "已送达",
    "auth": "不让进(auth)",
    "address": "地址不对(address)",
    "content": "内容被拒(content)",
    "rate": "太频繁(rate)",
    "busy": "对方忙(busy)",
    "unreachable": "连不上(unreachable)",
    "protocol": "对方不按约定(protocol)",
    "unknown": "结果不明(unknown)",
}
FOLLOWS = {"": "", "temporary": "自动再发", "permanent": "不再发", "unknown": "按“结果不明”处理"}
HAPPENS = {
    "hang": "收下请求后不应答",
    "drip": "应答一个字节一个字节地来,没完没了",
    "reset": "收下请求后连接被重置",
    "drop": "收下请求后连接被关闭",
    "half": "应答只来了一半",
    "html": "HTTP 200,内容是网页",
    "empty": "HTTP 200,内容是空的",
    "500": "HTTP 500",
    "redirect": "HTTP 302 转向别处(一律不跟随)",
    "408": "HTTP 408(没等到完整的请求)",
    "429": "HTTP 429,要求等7秒",
}


def page() -> str:
    """The table, in Chinese."""
    lines = [
        "# 各渠道的应答和结果",
        "",
        "本页由测试的对照表生成(`python -m tests.channels.outcomes`),每一格都有测试逐一核对。",
        "“暂停渠道”是指这个渠道上的信件在等待时间内都不再发,其他渠道不受影响。",
    ]
    for vendor in vendors():
        lines += [
            "",
            f"## {vendor.name}",
            "",
            "| 对方的应答 | 判为 | 随后 | 暂停渠道 | 至少等待(秒) | 调用次数 |",
            "|---|---|---|---|---|---|",
            _row("连不上对方", NOBODY),
        ]
        lines += [
            _row(HAPPENS.get(name, name), expected)
            for name, (_answer, expected) in vendor.outcomes().items()
        ]
    return "\n".join(lines) + "\n"


def _row(name: str, expected: Expected) -> str:
    wait = "" if expected.wait is None else f"{expected.wait:g}"
    said = (REASONS[expected.reason], FOLLOWS[expected.outcome], "是" if expected.pauses else "")
    return "| " + " | ".join((name.replace("|", "\\|"), *said, wait, str(expected.calls))) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
