"""What every channel promises, and the one error that it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, translator

Kind = Literal["digest", "brief", "status", "test", "slip"]
Reason = Literal[
    "auth",  # we are not let in, or may not send in this name
    "address",  # the addressee does not exist, or is not one address
    "content",  # what we say is refused
    "rate",  # too much in too short a time
    "busy",  # later, by the other side's own word
    "unreachable",  # no connection, or lost before anything was handed over
    "protocol",  # the other side does not speak as it should, or cannot be trusted
    "unknown",  # handed over, and no answer: it may have arrived
]
Outcome = Literal["temporary", "permanent", "unknown"]
OnUnknown = Literal["resend", "ask", "hold"]
Colour = Literal["red", "yellow", "blue", "grey"]


class Attachment(NamedTuple):
    """A file that a message carries; a channel that carries no files leaves it out."""

    name: str
    content: bytes


class Entry(NamedTuple):
    """One item of a digest, in plain text. ``due`` is an ISO date; ``mark`` and ``head`` are the
    colour's word and its heading (``红``, ``已逾期2项``). What the channel's detail leaves out is
    empty."""

    key: str
    duty: str
    unit: str
    colour: Colour
    mark: str
    head: str
    title: str
    due: str
    deadline: str
    notes: tuple[str, ...] = ()
    role: str = ""
    task: str = ""
    lead: str = ""


class Card(NamedTuple):
    """A digest as data, the most urgent entries first: what a channel lays out in its own way.

    ``closing`` are the lines that follow the entries: what to do, whom to ask, who writes when.
    """

    units: str
    opening: str
    entries: tuple[Entry, ...]
    closing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as a channel gets it: to one address, its bytes frozen.

    ``reference`` is the same at every attempt and in no other message; ``at`` is the aware instant
    at which the message was to leave; ``html`` may be empty. ``card`` is the digest as data, for
    the channels that lay it out themselves; ``text`` says the same. ``mobiles`` are those of the
    addressee's people, to be mentioned where a channel can. ``attempt`` counts from 1 and must not
    show in what is sent, so that a second copy is the same message.
    """

    id: int
    reference: str
    kind: Kind
    at: datetime
    address: str
    recipient_name: str
    subject: str
    text: str
    html: str
    sender_name: str
    reply_to: str | None = None
    attempt: int = 1
    attachments: tuple[Attachment, ...] = ()
    card: Card | None = None
    mobiles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"{self.at!r} has no zone: an instant is needed")


class Receipt(NamedTuple):
    """Delivered, as far as the channel can tell; ``vendor_id`` is its own name for the message."""

    vendor_id: str


class DeliveryError(DispatcherError):
    """A message was not delivered, or nobody knows.

    ``reason`` says why and ``outcome`` what follows; ``retry_after`` is the least wait in seconds,
    where the other side or good manners ask for one. ``pauses`` says that nothing else can leave
    by this channel before that either: it is set up wrongly, or its budget is spent. ``detail`` is
    the other side's own word, without any secret. The text is a sentence for the office with the
    hint that mends it.
    """

    def __init__(
        self,
        reason: Reason,
        text: Text,
        *,
        detail: str = "",
        permanent: bool = False,
        retry_after: float | None = None,
        pauses: bool = False,
    ) -> None:
        super().__init__(text)
        self.reason, self.detail = reason, detail
        self.permanent, self.retry_after, self.pauses = permanent, retry_after, pauses

    @property
    def outcome(self) -> Outcome:
        """Whether trying again makes sense (temporary), does not (permanent), or may send twice."""
        if self.reason == "unknown":
            return "unknown"
        return "permanent" if self.permanent else "temporary"

    @property
    def office(self) -> str:
        """The sentence in Chinese."""
        return self.render(translator("zh_CN"))


class Channel(Protocol):
    """A way to reach people.

    ``on_unknown`` says what follows an unknown outcome: send again, ask the vendor (which the next
    attempt does before it sends), or hold for a person. ``deadline`` is the longest that one
    attempt takes, in seconds, whatever the other side does. So many threads as ``connections`` says
    may call ``send`` at once, each with another message; ``close`` may be called meanwhile.
    ``pace`` is the least number of seconds from one call of the vendor to the next, 0 where nobody
    counts; a ``send`` that calls several times keeps to it in itself. ``server`` is whom it calls,
    as ``scheme://host:port`` without any secret; empty where it calls nobody.
    """

    name: str
    on_unknown: OnUnknown
    deadline: float
    connections: int
    pace: float = 0.0
    server: str = ""

    def calls(self, outgoing: Outgoing) -> int:
        """How many calls of the vendor the message takes."""
        return 1

    def send(self, outgoing: Outgoing) -> Receipt:
        """Hands the message over once, or raises DeliveryError and nothing else."""
        ...

    def close(self) -> None:
        """Lets go of connections. May be called twice; a later send opens them again."""
        ...
