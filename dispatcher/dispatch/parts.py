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
from dispatcher.ledger.outbox import Content
from dispatcher.plan.model import Plan

PATIENCE = 5.0
Compose = Callable[[Connection, Sequence[Item], datetime, str], Content]
"""What a digest says that leaves at an instant by a channel."""
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
    queue_brief: QueueBrief
    clock: Callable[[], datetime]
    stop: threading.Event
    lease: float = LEASE
    patience: float = PATIENCE

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Every channel, by the name that units give it."""
        return self.courier.channels
