"""What a delivery error says, and what follows from it."""

from __future__ import annotations

from typing import get_args

import pytest

from dispatcher.channels.contract import DeliveryError, Reason
from dispatcher.i18n import Text, translator
from tests.channels.servers import DIGEST, digest


@pytest.mark.parametrize("reason", get_args(Reason))
@pytest.mark.parametrize("permanent", [True, False])
def test_only_what_nobody_knows_is_unknown(reason: Reason, permanent: bool) -> None:
    error = DeliveryError(reason, Text("it failed"), permanent=permanent)
    expected = "permanent" if permanent else "temporary"
    assert error.outcome == ("unknown" if reason == "unknown" else expected)


def test_an_error_speaks_english_to_the_log_and_chinese_to_the_office() -> None:
    known = "{file} cannot be read: {detail}; 'dispatcher init' makes a calendar to start from"
    text = Text(known, file="a", detail="b")
    error = DeliveryError("address", text)
    assert str(error).startswith("a cannot be read: b")
    assert error.office == text.render(translator("zh_CN")) != str(error)


def test_a_message_has_an_instant_and_not_a_local_time() -> None:
    with pytest.raises(ValueError, match="no zone"):
        digest(at=DIGEST.at.replace(tzinfo=None))
