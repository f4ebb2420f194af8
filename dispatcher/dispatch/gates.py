"""Which channels may be called now: by what is left of their budgets, and by their pauses."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from dispatcher.channels.contract import Channel, Outgoing
from dispatcher.dispatch.courier import Carried, Parcel
from dispatcher.ledger import channels
from dispatcher.ledger.channels import ITSELF, State
from dispatcher.ledger.database import Connection
from dispatcher.ledger.leases import Claimed

log = logging.getLogger("dispatcher.gates")


class Gates:
    """What the ledger remembers of the channels, as it was when it was last looked at.

    ``counted`` are those whose vendor counts the calls.
    """

    def __init__(self, by_name: Mapping[str, Channel]) -> None:
        self.channels = by_name
        self.counted = {name for name, channel in by_name.items() if channel.pace}
        self.states: dict[str, State] = {}

    def look(self, conn: Connection) -> None:
        """Asks the ledger."""
        self.states = channels.states(conn)

    def shut(self, now: datetime) -> set[str]:
        """The channels that may not be called ``now``."""
        return {name for name, state in self.states.items() if state.opens(now) != now}

    def room(self, name: str, free: int) -> int:
        """How many messages may begin on ``free`` connections: one at a time where the channel was
        found to be set up wrongly, until something has left by it again."""
        state, channel = self.states.get(name), self.channels.get(name)
        if not (state and state.faults and channel):
            return free
        return 1 if free >= channel.connections else 0

    def let_pass(
        self, ready: Sequence[Claimed], kinds: Collection[str], now: datetime
    ) -> Sequence[Claimed]:
        """Those of the claimed messages that may begin: of these kinds, by channels that are open.

        To be asked after a look in the very transaction in which they do: other replicas spend of
        the same budgets, and a person may have paused a channel.
        """
        shut = self.shut(now)
        return [each for each in ready if each.channel not in shut and each.kind in kinds]

    def spend(self, conn: Connection, parcels: Iterable[Parcel], now: datetime) -> None:
        """Takes what is about to be handed over from the budgets."""
        for begun, outgoing, _until in parcels:
            name = begun.claimed.channel
            if name in self.counted:
                channel = self.channels[name]
                pace = timedelta(seconds=channel.pace)
                channels.spend(conn, name, _calls(channel, outgoing), pace, now)
                self.look(conn)

    def learn(self, conn: Connection, ended: Collection[Carried], now: datetime) -> None:
        """Shuts the channels that said so themselves, and opens those that work again."""
        learnt = False
        for begun, settled, _wait in ended:
            name = begun.claimed.channel
            if settled.closing:
                channels.close(conn, name, settled.reason, settled.closing, now)
                learnt = True
            elif settled.outcome == "sent" and self._was_closed(name):
                channels.worked(conn, name, now)
                learnt = True
        if learnt:
            self.look(conn)

    def _was_closed(self, name: str) -> bool:
        state = self.states.get(name)
        return state is not None and state.paused_by == ITSELF


def _calls(channel: Channel, outgoing: Outgoing) -> int:
    """A message that cannot be laid out fails by itself, when it is sent."""
    try:
        return channel.calls(outgoing)
    except Exception:
        log.exception("channel %s cannot count message %s", channel.name, outgoing.id)
        return 1
