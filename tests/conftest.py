"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dispatcher.ledger.database import Engine
from tests.databases import BOTH, a_ledger_in, clear_away

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees only the DISPATCHER_ settings that it makes itself."""
    for name in [name for name in os.environ if name.startswith("DISPATCHER_")]:
        monkeypatch.delenv(name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What works on a ledger is tested in both databases, save where a test is marked."""
    if "database" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        one = "one_database" in marks and not metafunc.config.getoption("--all-databases")
        wanted = ("sqlite",) if one or "sqlite" in marks else BOTH
        metafunc.parametrize("database", wanted[1:] if "postgresql" in marks else wanted)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-databases", action="store_true", help="PostgreSQL also for tests of one_database"
    )


@pytest.fixture
def engine(database: str, tmp_path: Path) -> Iterator[Engine]:
    """An empty ledger."""
    with a_ledger_in(database, tmp_path) as found:
        yield found


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: there is nobody to notice that it never runs."""
    clear_away()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode
) -> None:
    """Say so, before the summary."""
    if os.environ.get("CI") == "true" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("Tests were skipped, which is a failure in CI.", red=True)
