"""What the gateways for SMS may answer, and how each answer ends."""

from __future__ import annotations

from tests.channels.fake_sms import (
    GOOD,
    Aliyun,
    Mas,
    Tencent,
    aliyun,
    gateway,
    status,
    tencent,
)
from tests.channels.outcomes import REFUSED, UNKNOWN, Expected, Vendor, always, auth, busy, rate
from tests.channels.web import Answer, Answered, Asked, says


def mas(asked: Asked) -> Answered:
    """As one that has had nothing yet; so the next two."""
    return Mas()(asked)


def to_aliyun(asked: Asked) -> Answered:
    return Aliyun()(asked)


def to_tencent(asked: Asked) -> Answered:
    return Tencent()(asked)


def code(value: object) -> Answer:
    return always(says({"code": value, "msg": "不行"}))


def says_of_aliyun(value: object, status: int = 200) -> Answer:
    return always(says({"Code": value, "Message": "不行", "RequestId": "R"}, status))


def error(value: str) -> Answer:
    return always(says({"Response": {"Error": {"Code": value, "Message": "不行"}}}))


ADDRESS = Expected("address", "permanent")
PARAMS = Expected("content", "temporary", True, 900.0)
OFTEN = Expected("rate", "temporary", False, 900.0)
ASKED = UNKNOWN._replace(wait=60.0)
GATEWAY_VENDOR = Vendor(
    "sms",
    "短信:自有网关",
    gateway,
    mas,
    lambda words: always(says({"code": "99", "msg": words})),
    {
        "列在 later 里的码": (code("-7"), busy()),
        "列在 auth 里的码": (code(-1), auth()),
        "没有列出的码": (code("99"), REFUSED),
        "应答里没有结果码": (always(says({"msg": "ok"})), UNKNOWN),
        "HTTP 400,列在 auth 里的码": (
            always(says({"code": "-2"}, 400)),
            auth(),
        ),
        "HTTP 503": (always(Answered(503, b"{}")), busy()),
    },
    good=GOOD,
)
ALIYUN_VENDOR = Vendor(
    "sms-aliyun",
    "短信:阿里云",
    aliyun,
    to_aliyun,
    lambda words: always(says({"Code": "isv.BLACK_KEY_CONTROL_LIMIT", "Message": words})),
    {
        **{
            code: (says_of_aliyun(code), expected)
            for code, expected in {
                "isv.BUSINESS_LIMIT_CONTROL": OFTEN,
                "isv.DAY_LIMIT_CONTROL": rate(900.0),
                "isv.MOBILE_NUMBER_ILLEGAL": ADDRESS,
                "isv.SMS_SIGNATURE_ILLEGAL": auth(),
                "isv.SIGN_STATE_ILLEGAL": auth(),
                "isv.SMS_TEMPLATE_ILLEGAL": auth(),
                "isv.AMOUNT_NOT_ENOUGH": auth(),
                "isp.RAM_PERMISSION_DENY": auth(),
                "isv.TEMPLATE_MISSING_PARAMETERS": PARAMS,
                "isv.INVALID_JSON_PARAM": PARAMS,
                "isv.PARAM_LENGTH_LIMIT": REFUSED,
                "isv.PARAM_NOT_SUPPORT_URL": REFUSED,
                "isv.BLACK_KEY_CONTROL_LIMIT": REFUSED,
                "isp.SYSTEM_ERROR": ASKED,
            }.items()
        },
        "HTTP 400 Throttling.User": (says_of_aliyun("Throttling.User", 400), rate()),
        "HTTP 404 InvalidAccessKeyId.NotFound": (
            says_of_aliyun("InvalidAccessKeyId.NotFound", 404),
            auth(),
        ),
        "HTTP 400 SignatureDoesNotMatch": (says_of_aliyun("SignatureDoesNotMatch", 400), auth()),
        "HTTP 400 InvalidTimeStamp.Expired": (
            says_of_aliyun("InvalidTimeStamp.Expired", 400),
            auth(),
        ),
        "HTTP 503": (always(Answered(503, b"")), busy()),
    },
    faults=dict.fromkeys(("hang", "drip", "reset", "drop", "half", "html", "empty", "500"), ASKED),
    good=GOOD,
)
TENCENT_VENDOR = Vendor(
    "sms-tencent",
    "短信:腾讯云",
    tencent,
    to_tencent,
    lambda words: always(says({"Response": {"Error": {"Code": "Bad", "Message": words}}})),
    {
        **{
            code: (error(code), expected)
            for code, expected in {
                "AuthFailure.SecretIdNotFound": auth(),
                "AuthFailure.SignatureExpire": auth(),
                "UnauthorizedOperation": auth(),
                "IpNotInWhitelist": auth(),
                "UnsupportedRegion": auth(),
                "ServiceUnavailable": busy(),
                "RequestLimitExceeded": rate(),
                "InternalError": UNKNOWN,
                "InvalidParameter": REFUSED,
            }.items()
        },
        **{
            code: (status(code), expected)
            for code, expected in {
                "FailedOperation.SignatureIncorrectOrUnapproved": auth(),
                "FailedOperation.TemplateIncorrectOrUnapproved": auth(),
                "FailedOperation.InsufficientBalanceInSmsPackage": auth(),
                "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": PARAMS,
                "FailedOperation.PhoneNumberInBlacklist": ADDRESS,
                "InvalidParameterValue.IncorrectPhoneNumber": ADDRESS,
                "LimitExceeded.PhoneNumberThirtySecondLimit": OFTEN,
                "LimitExceeded.AppDailyLimit": rate(900.0),
                "FailedOperation.ContainSensitiveWord": REFUSED,
                "InvalidParameterValue.ContentLengthLimit": REFUSED,
            }.items()
        },
        "没有 Response": (always(says({"ok": True})), UNKNOWN),
    },
    good=GOOD,
)
