"""What a pass works with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from dispatcher.channels.contract import Channel
from dispatcher.dispatch.courier import Courier
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.items import Item
from dispatcher.ledger.leases import LEASE
from dispatcher.plan.model import Plan

PATIENCE = 5.0
Compose = Callable[[Sequence[Item], datetime], tuple[str, str, str]]
"""Subject, text and HTML of a digest that leaves at an instant."""
Attach = Callable[[Connection, Sequence[Item], datetime], tuple[tuple[str, bytes], ...]]
"""The files that such a digest carries, each with its name."""
QueueBrief = Callable[[Connection, datetime], None]
"""Queues the brief, the status message or nothing, as the instant asks for."""


class Parts(NamedTuple):
    """A pass's plan and tools; ``stop`` asks it to finish the messages in flight and go no further.

    ``courier`` is the same at every pass. ``lease`` is for how many seconds a message is this
    process's own, ``patience`` for how many a pass waits for a channel that does not answer.
    """

    engine: Engine
    plan: Plan
    revision: str
    courier: Courier
    compose: Compose
    attach: Attach
    queue_brief: QueueBrief
    clock: Callable[[], datetime]
    stop: threading.Event
    lease: float = LEASE
    patience: float = PATIENCE

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Every channel, by the name that units give it."""
        return self.courier.channels
