"""What the doctor says, and how a check is made that may fail in any way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from dispatcher import __version__
from dispatcher.clock import Clock
from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, _
from dispatcher.plan.model import Plan
from dispatcher.settings import Settings

State = Literal["ok", "warn", "bad"]


class Finding(NamedTuple):
    """What ``check`` found, of ``channel`` if it is about one; ``hint`` is what to do, where what
    is wrong does not say so itself."""

    check: str
    state: State
    says: Text
    hint: Text | None = None
    channel: str = ""


class Ground(NamedTuple):
    """What the checks go by; ``now`` may be a trial's present, while ``clock`` is always the
    machine's own. The plan is None where it cannot be read."""

    settings: Settings
    plan: Plan | None
    now: datetime
    clock: Clock

    @property
    def weight(self) -> State:
        """What a channel that cannot work amounts to: nothing leaves by it before the service is
        live."""
        return "bad" if self.settings.live else "warn"


Check = Callable[[Ground], Iterator[Finding]]


def findings(name: str, check: Check, ground: Ground) -> Iterator[Finding]:
    """What a check finds; that it fails is a finding too."""
    try:
        yield from check(ground)
    except Exception as error:  # whatever is broken, the other checks go on
        yield failure(name, error)


def failure(name: str, error: Exception, channel: str = "") -> Finding:
    """An error as a finding."""
    from dispatcher.ledger.guards import trouble

    if isinstance(error, DispatcherError):
        return Finding(name, "bad", error.text, channel=channel)
    if known := trouble(error):
        return Finding(name, "bad", known, channel=channel)
    line = str(error).partition("\n")[0]
    says = Text("{error}: {detail}", error=type(error).__name__, detail=line)
    hint = _("look whether files and permissions are in order; else report this, with the version "
             "({version})", version=__version__)  # fmt: skip
    return Finding(name, "bad", says, hint, channel)
