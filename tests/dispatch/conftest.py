"""A ledger for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.ledger.database import Engine
from tests.building import a_ledger


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty ledger in a real file."""
    with a_ledger(tmp_path / "ledger.db") as found:
        yield found
