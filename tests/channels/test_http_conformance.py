"""Every channel over HTTP, through everything that a server does and everything its vendor says.

A new channel joins by its Vendor in tests/channels/outcomes.py.
"""

from __future__ import annotations

import traceback
from typing import get_args

import pytest

from dispatcher.channels.contract import DeliveryError
from tests.channels.outcomes import (
    FAULTS,
    NOBODY,
    OK,
    PAGE,
    Expected,
    Vendor,
    outcome,
    page,
    vendors,
)
from tests.channels.web import Answer, Fault, WebServer

SHORT = 0.3
"""Seconds: the deadline where it is to be reached."""
CELLS = [
    pytest.param(vendor, happens, expected, id=f"{vendor.kind}-{name}")
    for vendor in vendors()
    for name, (happens, expected) in vendor.outcomes().items()
]
FAILURES = [pytest.param(*cell.values[:2], id=cell.id) for cell in CELLS if cell.values[2].reason]


def misbehaving(vendor: Vendor, happens: Fault | Answer) -> WebServer:
    """The vendor's server, to which that happens."""
    server = WebServer(happens if callable(happens) else vendor.agrees)
    server.fault = None if callable(happens) else happens
    return server


def deadline(happens: Fault | Answer) -> float:
    return SHORT if happens in ("hang", "drip") else 5.0


def test_the_table_knows_every_fault() -> None:
    assert set(FAULTS) == set(get_args(Fault))


@pytest.mark.parametrize("vendor, happens, expected", CELLS)
def test_every_cell_of_the_table_of_outcomes_holds(
    vendor: Vendor, happens: Fault | Answer, expected: Expected
) -> None:
    with misbehaving(vendor, happens) as server:
        channel = vendor.make(server, deadline(happens))
        assert outcome(channel, server, vendor.good) == expected
        channel.close()


@pytest.mark.parametrize("vendor, happens", FAILURES)
def test_every_failure_is_said_in_chinese_with_the_others_word_in_it(
    vendor: Vendor, happens: Fault | Answer
) -> None:
    with misbehaving(vendor, happens) as server:
        channel = vendor.make(server, deadline(happens))
        with pytest.raises(DeliveryError) as failed:
            channel.send(vendor.good)
        channel.close()
    error = failed.value
    assert error.detail
    assert error.detail in error.office
    assert channel.name in error.office
    assert error.office != str(error)
    assert "Traceback" not in error.office
    assert len(traceback.format_exception(error)) < 20


@pytest.mark.parametrize("vendor", vendors(), ids=lambda vendor: vendor.kind)
def test_nobody_there_is_unreachable(vendor: Vendor) -> None:
    with WebServer(vendor.agrees) as server:
        channel = vendor.make(server, 5.0)
    assert outcome(channel, server, vendor.good) == NOBODY


@pytest.mark.parametrize("vendor", vendors(), ids=lambda vendor: vendor.kind)
def test_after_every_failure_the_next_message_gets_through(vendor: Vendor) -> None:
    for happens, expected in vendor.outcomes().values():
        with misbehaving(vendor, happens) as server:
            channel = vendor.make(server, deadline(happens))
            outcome(channel, server, vendor.good)
            server.fault, server.answer, channel.deadline = None, vendor.agrees, 5.0
            assert not outcome(channel, server, vendor.good).reason, expected
            channel.close()


@pytest.mark.parametrize("vendor", vendors(), ids=lambda vendor: vendor.kind)
def test_a_message_that_takes_one_call_is_said_to_take_one(vendor: Vendor) -> None:
    with WebServer(vendor.agrees) as server:
        channel = vendor.make(server, 5.0)
        assert channel.calls(vendor.good) == 1
        assert outcome(channel, server, vendor.good) == OK
        channel.close()


def test_the_page_of_outcomes_is_the_table() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.channels.outcomes"
