"""Connections between messages: which comes next, and when each is let go."""

from __future__ import annotations

from time import monotonic
from typing import cast

import pytest

from dispatcher.channels.kept import FAREWELL, IDLE, Kept
from dispatcher.channels.session import Session


class Talk:
    """A connection that remembers how it ended."""

    def __init__(self, idle: float = 0.0) -> None:
        self.idle, self.ended, self.until = idle, "", 0.0

    def close(self) -> None:
        self.ended = "closed"

    def quit(self, until: float) -> None:
        self.ended, self.until = "left", until


def keep(*talks: Talk) -> Kept:
    kept = Kept()
    for talk in talks:
        kept.put(cast(Session, talk))
    return kept


def test_nothing_is_kept_at_first() -> None:
    assert Kept().take() is None


def test_the_one_used_last_comes_first_and_no_one_comes_twice() -> None:
    first, last = Talk(1.0), Talk()
    kept = keep(first, last)
    assert [kept.take(), kept.take(), kept.take()] == [last, first, None]


@pytest.mark.parametrize("fresh", [0, 1])
def test_those_that_a_quieter_time_did_not_need_are_closed(fresh: int) -> None:
    stale, others = [Talk(IDLE + 1), Talk(IDLE + 1)], [Talk()] * fresh
    kept = keep(*stale, *others)
    assert kept.take() is (others[0] if others else None)
    assert [talk.ended for talk in stale + others] == ["closed"] * 2 + [""] * fresh


def test_closing_takes_leave_of_all_within_one_farewell() -> None:
    talks = [Talk(), Talk(), Talk()]
    keep(*talks).close()
    assert [talk.ended for talk in talks] == ["left"] * 3
    assert len({talk.until for talk in talks}) == 1
    assert talks[0].until <= monotonic() + FAREWELL


def test_what_was_in_use_when_all_were_closed_takes_leave_when_it_is_put_back() -> None:
    talk = Talk()
    kept = keep(talk)
    taken = kept.take()
    kept.close()
    assert (taken, talk.ended) == (talk, "")
    kept.put(cast(Session, talk))
    assert talk.ended == "left"
    assert kept.take() is None
