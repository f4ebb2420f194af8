"""Which channel brings a reminder, whatever became of those that were tried."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.dispatch.routing import Route, route
from dispatcher.ledger.outbox import Address
from dispatcher.plan.ways import Way

GROUP, MAIL, SMS = Way("群", ("甲",)), Way("email", ("a@x", "b@x")), Way("短信", ("138",))
WAYS = (GROUP, MAIL, SMS)
G, A, B, S = (Address(way.channel, to) for way in WAYS for to in way.addresses)
FIRST = "first-that-works"
GONE = Address("旧群", "甲")


@pytest.mark.parametrize(
    "tried, shut, expected",
    [
        ({}, (), Route(to=(G,))),
        ({G: "queued"}, (), Route()),
        ({G: "sending"}, (), Route()),
        ({G: "failed"}, (), Route(to=(A, B))),
        ({G: "failed", A: "failed"}, (), Route(to=(B,))),
        ({G: "failed", A: "failed", B: "queued"}, (), Route()),
        ({G: "failed", A: "failed", B: "failed"}, (), Route(to=(S,))),
        ({G: "failed", A: "failed", B: "failed", S: "failed"}, (), Route(hopeless=True)),
        ({}, ("群",), Route(to=(A, B))),
        ({G: "queued"}, ("群",), Route(to=(A, B), back=(G,))),
        ({G: "sending"}, ("群",), Route()),  # it may arrive all the same
        ({A: "queued"}, (), Route(to=(B,))),  # it waits where it can leave
        ({A: "queued"}, ("email",), Route(to=(G,), back=(A,))),
        ({GONE: "queued"}, (), Route(to=(G,), back=(GONE,))),
        ({GONE: "claimed"}, (), Route()),
        ({G: "cancelled", A: "queued", B: "queued"}, ("群",), Route()),
        ({G: "cancelled", A: "failed", B: "failed"}, ("短信",), Route(to=(G,))),
        ({}, ("群", "email", "短信"), Route(to=(G,))),  # nothing else is left: it waits
        ({G: "queued"}, ("群", "email", "短信"), Route()),
    ],
)
def test_the_next_channel_brings_what_the_one_before_cannot(
    tried: Mapping[Address, str], shut: tuple[str, ...], expected: Route
) -> None:
    assert route(WAYS, tried, FIRST, shut) == expected


def test_all_channels_bring_it_where_a_unit_wants_that() -> None:
    assert route(WAYS, {}, "all") == Route(to=(G, A, B, S))
    assert route(WAYS, {A: "sent", G: "failed"}, "all", ("群",)) == Route(to=(B, S))
    assert route((MAIL,), {GONE: "queued"}, "all") == Route(to=(A, B), back=(GONE,))


@pytest.mark.parametrize("notify", ["all", FIRST])
def test_a_unit_without_any_way_cannot_be_told(notify: str) -> None:
    assert route((), {}, notify) == Route(hopeless=True)  # type: ignore[arg-type]
    tried = {GONE: "queued"}
    assert route((), tried, notify) == Route(back=(GONE,), hopeless=True)  # type: ignore[arg-type]
    assert route((), {GONE: "sending"}, notify) == Route()  # type: ignore[arg-type]


STATES = st.sampled_from(["queued", "claimed", "sending", "sent", "unknown", "failed", "cancelled"])


@given(st.dictionaries(st.sampled_from([G, A, B, S]), STATES), st.sets(st.sampled_from("群短")))
def test_nothing_is_ever_lost_between_two_channels(
    tried: dict[Address, str], letters: set[str]
) -> None:
    shut = {way.channel for way in WAYS if way.channel[0] in letters}
    found = route(WAYS, tried, FIRST, shut)
    after = tried | dict.fromkeys(found.back, "cancelled") | dict.fromkeys(found.to, "queued")
    alive = [to for to, state in after.items() if state not in ("failed", "cancelled")]
    assert found.hopeless == all(tried.get(to) == "failed" for to in (G, A, B, S))
    assert found.hopeless or alive
    assert route(WAYS, after, FIRST, shut) == Route(hopeless=found.hopeless)  # it settles
