"""What the codes of the two clouds for SMS mean."""

from __future__ import annotations

from dispatcher.channels.cases import BUSY, CLOCK, LATER, TOO_MANY, UNCLEAR, Case
from dispatcher.channels.sms import ACCOUNT
from dispatcher.i18n import _

NUMBER = Case(
    "address",
    _("channel '{channel}': {server} refuses the number ({detail}); correct the contact in the "
      "calendar"),
    permanent=True,
)  # fmt: skip
OFTEN = Case(
    "rate",
    _("channel '{channel}': {server} sends no more to this number for now ({detail}); the message "
      "is tried again by itself"),
    wait=LATER,
)  # fmt: skip
SPENT = TOO_MANY._replace(wait=LATER)
VARIABLES = Case(
    "content",
    _("channel '{channel}': {server} finds other variables in the template ({detail}); compare "
      "'params' with the template"),
    wait=LATER,
    pauses=True,
)  # fmt: skip

OF_ALIYUN = {
    "isv.BUSINESS_LIMIT_CONTROL": OFTEN,
    "isv.DAY_LIMIT_CONTROL": SPENT,
    "isv.MONTH_LIMIT_CONTROL": SPENT,
    "Throttling": TOO_MANY,
    "isv.MOBILE_": NUMBER,
    "isv.SMS_SIGN": ACCOUNT,
    "isv.SIGN_": ACCOUNT,
    "isv.SMS_TEMPLATE": ACCOUNT,
    "isv.AMOUNT_NOT_ENOUGH": ACCOUNT,
    "isv.ACCOUNT_": ACCOUNT,
    "isv.OUT_OF_SERVICE": ACCOUNT,
    "isv.PRODUCT_UN": ACCOUNT,
    "isv.DENY_IP_RANGE": ACCOUNT,
    "isp.RAM_PERMISSION_DENY": ACCOUNT,
    "InvalidAccessKeyId": ACCOUNT,
    "SignatureDoesNotMatch": ACCOUNT,
    "IncompleteSignature": ACCOUNT,
    "Forbidden": ACCOUNT,
    "NoPermission": ACCOUNT,
    "InvalidTimeStamp": CLOCK,
    "isv.TEMPLATE_MISSING_PARAMETERS": VARIABLES,
    "isv.INVALID_JSON_PARAM": VARIABLES,
    "isp.": UNCLEAR,
    "ServiceUnavailable": UNCLEAR,
    "InternalError": UNCLEAR,
}
"""By how a code begins. What is not listed is about this one message: a variable too long
(isv.PARAM_LENGTH_LIMIT), a link in it (isv.PARAM_NOT_SUPPORT_URL), a forbidden word."""
OF_TENCENT = {
    "AuthFailure.SignatureExpire": CLOCK,
    "AuthFailure": ACCOUNT,
    "UnauthorizedOperation": ACCOUNT,
    "IpInBlacklist": ACCOUNT,
    "IpNotInWhitelist": ACCOUNT,
    "UnsupportedRegion": ACCOUNT,
    "FailedOperation.SignatureIncorrectOrUnapproved": ACCOUNT,
    "FailedOperation.MissingSignature": ACCOUNT,
    "FailedOperation.TemplateIncorrectOrUnapproved": ACCOUNT,
    "FailedOperation.TemplateUnapprovedOrNotExist": ACCOUNT,
    "FailedOperation.TemplateIdNotExist": ACCOUNT,
    "FailedOperation.InsufficientBalanceInSmsPackage": ACCOUNT,
    "FailedOperation.ServiceSuspendDueToArrears": ACCOUNT,
    "InvalidParameterValue.SdkAppIdNotExist": ACCOUNT,
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": VARIABLES,
    "FailedOperation.PhoneNumberInBlacklist": NUMBER,
    "InvalidParameterValue.IncorrectPhoneNumber": NUMBER,
    "LimitExceeded.PhoneNumber": OFTEN,
    "LimitExceeded": SPENT,
    "RequestLimitExceeded": TOO_MANY,
    "ServiceUnavailable": BUSY,
    "ResourceUnavailable": BUSY,
    "InternalError": UNCLEAR,
    "FailedOperation.FailResolvePacket": UNCLEAR,
}
