"""What the gateway of the government's DingTalk means by a refusal."""

from __future__ import annotations

from dispatcher.channels.cases import CLOCK, NOT_LET_IN, REFUSED, TOO_MANY, UNCLEAR, Case
from dispatcher.i18n import _

STALE = NOT_LET_IN._replace(
    text=_("channel '{channel}': {server} does not take the token that it gave ({detail})")
)
TWICE = Case(
    "content",
    _("channel '{channel}': {server} has had this message already today ({detail})"),
    permanent=True,
)
NOT_AN_ACCOUNT = Case(
    "address",
    _("channel '{channel}': '{address}' is not one account; correct the contact in the calendar"),
    permanent=True,
)
NOBODY = Case(
    "address",
    _("channel '{channel}': {server} knows no account '{address}' ({detail}); correct the contact "
      "in the calendar"),
    permanent=True,
)  # fmt: skip
BY_WORDS = (
    (r"access.?token", STALE),
    (r"重复|duplicat|repeat", TWICE),
    (r"长度|过长|length|too long", REFUSED),
    (r"timestamp|时间戳|expired", CLOCK),
    (r"limit|限流|频|too (many|fast)|q[ps]m|qps|throttl|flow.?control", TOO_MANY),
    (r"assignee|(用户|人员)不(存在|在(该|本|此)?租户)", NOBODY),
    (
        r"sign|签名|api.?key|app.?key|secret|permission|权限|授权|白名单|white|tenant|租户",
        NOT_LET_IN,
    ),
    (r"receiver|account|接收|用户不|人员不|user", NOBODY),
    (r"busy|繁忙|稍后|timeout|超时|system|系统|internal", UNCLEAR),
)
"""No list of the gateway's codes is published: the first that its words match, code included."""
