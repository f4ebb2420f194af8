"""What a pass works with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from dispatcher.channels.contract import Channel
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.items import Item
from dispatcher.plan.model import Plan

Compose = Callable[[Sequence[Item], datetime], tuple[str, str, str]]
"""Subject, text and HTML of a digest that leaves at an instant."""
Attach = Callable[[Connection, Sequence[Item], datetime], tuple[tuple[str, bytes], ...]]
"""The files that such a digest carries, each with its name."""
QueueBrief = Callable[[Connection, datetime], None]
"""Queues the brief, the status message or nothing, as the instant asks for."""


class Parts(NamedTuple):
    """A pass's plan and tools; ``stop`` asks it to finish the message in flight and go no further.

    ``channels`` are by the name that units give them.
    """

    engine: Engine
    plan: Plan
    revision: str
    channels: Mapping[str, Channel]
    compose: Compose
    attach: Attach
    queue_brief: QueueBrief
    clock: Callable[[], datetime]
    stop: threading.Event
