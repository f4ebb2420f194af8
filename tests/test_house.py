"""The rules of the house hold, and the linters that guard them do bite."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages import extract, mofile, pofile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = [f"requirements{name}.lock" for name in ("", "-build", "-dev", "-bench")]
CATALOG = ROOT / "dispatcher/locale/zh_CN/LC_MESSAGES/dispatcher.po"
TOOLS = Path(sys.executable).parent

OFFENCES = {
    "plan/offence.py": [
        "dispatcher.clock",
        "dispatcher.ledger",
        "importlib",
        "io",
        "os",
        "pathlib",
        "requests",
        "socket",
        "sqlalchemy",
        "time",
    ],
    "ledger/offence.py": ["apscheduler", "dispatcher.dispatch", "dispatcher.settings"],
    "dispatch/offence.py": ["dispatcher.cli", "dispatcher.settings", "sqlalchemy"],
    "channels/offence.py": ["dispatcher.clock", "dispatcher.ledger", "dispatcher.plan"],
    "cli/offence.py": ["apscheduler", "sqlite3"],
}
"""Files that may not be written, and what each may not import."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [TOOLS / "lint-imports", "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def verdict_on_the_offences(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the import linter says of a copy of this house with every offence in it."""
    house = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", house)
    shutil.copytree(ROOT / "dispatcher", house / "dispatcher")
    for name, modules in OFFENCES.items():
        lines = [f"import {module}" for module in modules]
        (house / "dispatcher" / name).write_text("\n".join(lines), encoding="utf-8")
    lint = lint_imports(house)
    assert lint.returncode == 1, lint.stderr
    return " ".join(lint.stdout.split())


def test_every_room_keeps_to_the_import_rules() -> None:
    lint = lint_imports(ROOT)
    assert lint.returncode == 0, lint.stdout + lint.stderr


@pytest.mark.parametrize(
    "name, module", [(name, module) for name, modules in OFFENCES.items() for module in modules]
)
def test_an_import_against_the_rules_is_refused(
    verdict_on_the_offences: str, name: str, module: str
) -> None:
    offender = "dispatcher." + name.removesuffix(".py").replace("/", ".")
    assert f"{offender} -> {module} (l." in verdict_on_the_offences


@pytest.mark.parametrize(
    "line",
    [
        "datetime.datetime.now(datetime.UTC)",
        "datetime.datetime.utcnow()",
        "datetime.datetime.today()",
        "datetime.date.today()",
        "time.time()",
    ],
)
def test_only_the_clock_may_read_the_wall_clock(line: str) -> None:
    assert "TID251" in ruff(line, "dispatcher/plan/model.py")
    assert "TID251" not in ruff(line, "dispatcher/clock.py")


def test_the_plan_may_not_open_a_file() -> None:
    assert "PTH123" in ruff('open("schedules.yaml")', "dispatcher/plan/model.py")


def ruff(line: str, name: str) -> str:
    """What ruff would say of ``line`` in the file ``name``."""
    return subprocess.run(
        [
            TOOLS / "ruff",
            "check",
            "--no-cache",
            "--output-format=concise",
            f"--stdin-filename={name}",
            "-",
        ],
        input=f"import datetime\nimport time\n\n{line}\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_by_hash_and_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert entries
    assert all(re.match(r"[a-z0-9.-]+==\S+ \\\n +--hash=sha256:", entry) for entry in entries)
    assert not re.search(r"://|^-", text, re.MULTILINE)


@pytest.mark.parametrize(
    "name, requirements",
    [
        ("requirements.lock", PROJECT["dependencies"]),
        (
            "requirements-dev.lock",
            PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"],
        ),
    ],
)
def test_a_lock_file_holds_what_the_project_asks_for(name: str, requirements: list[str]) -> None:
    pins = dict(
        re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    )
    for requirement in map(Requirement, requirements):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), (
            requirement
        )


def test_development_uses_the_very_versions_that_are_run() -> None:
    run, _, dev, _ = ((ROOT / name).read_text(encoding="utf-8") for name in LOCKS)
    assert set(re.findall(r"^\S+==\S+", run, re.M)) <= set(re.findall(r"^\S+==\S+", dev, re.M))


def catalog(path: Path) -> dict[str, str]:
    """What a catalog, source (.po) or compiled (.mo), translates."""
    with path.open("rb") as file:
        entries = pofile.read_po(file) if path.suffix == ".po" else mofile.read_mo(file)
    return {whole(entry.id): whole(entry.string) for entry in entries if entry.id and entry.string}


def whole(sentence: str | Sequence[str]) -> str:
    """A sentence that English has twice as one."""
    return sentence if isinstance(sentence, str) else "\n".join(sentence)


def test_the_chinese_catalog_translates_every_sentence_of_the_code() -> None:
    keywords = {"_": None, "Text": None, "ngettext": (1, 2)}
    found = extract.extract_from_dir(ROOT / "dispatcher", keywords=keywords)
    sentences = {whole(sentence) for _file, _line, sentence, *_rest in found}
    worded = {sentence for sentence in sentences if re.sub(r"\{\w+\}|\W", "", sentence)}
    assert worded <= catalog(CATALOG).keys(), "run `make catalogs` and translate what is new"


def test_the_compiled_catalog_says_what_its_source_says() -> None:
    assert catalog(CATALOG.with_suffix(".mo")) == catalog(CATALOG), "run `make catalogs`"
