"""Connections that wait for another message."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from dispatcher.channels.session import Session

IDLE, FAREWELL = 60.0, 2.0
"""Seconds after which a connection is not trusted any more, since somebody on the way may have cut
it, and that taking leave may last."""


class Kept:
    """Connections between two messages, each in nobody's hands; threads may share it."""

    def __init__(self) -> None:
        self._lock, self._waiting, self._closed = Lock(), list[Session](), False

    def take(self) -> Session | None:
        """The one used last, so that those that a quieter time does not need grow stale."""
        with self._lock:
            while self._waiting and self._waiting[0].idle > IDLE:
                self._waiting.pop(0).close()
            return self._waiting.pop() if self._waiting else None

    def put(self, session: Session) -> None:
        """Keeps it; after ``close`` takes leave of it instead."""
        with self._lock:
            if not self._closed:
                self._waiting.append(session)
                return
        session.quit(monotonic() + FAREWELL)

    def close(self) -> None:
        """Takes leave of all, and of those that are still in use as soon as they are put back."""
        with self._lock:
            waiting, self._waiting, self._closed = self._waiting, [], True
        until = monotonic() + FAREWELL
        for session in waiting:
            session.quit(until)
