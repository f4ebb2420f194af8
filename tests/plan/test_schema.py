"""The schema that helps an editor: current, in Chinese, and of one mind with the reader."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from dispatcher.errors import PlanError
from dispatcher.plan.document import json_schema
from dispatcher.plan.english import FORMS as ENGLISH_FORMS
from dispatcher.plan.phrases import FORMS
from dispatcher.plan.reading import read_plan
from tests.plan.small import calendar

ROOT = Path(__file__).parents[2]
FILE = ROOT / "schedules.schema.json"
SCHEMA: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
VALIDATOR = Draft7Validator(SCHEMA)
CHINESE = re.compile("[一-鿿]")


def values(text: str) -> Any:
    """A YAML text by the core schema of YAML 1.2, as editors read it."""
    return core(yaml.compose(text, Loader=yaml.BaseLoader))


def core(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: core(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [core(item) for item in node.value]
    assert isinstance(node, yaml.ScalarNode)
    return node.value if node.style else plain(node.value)


def plain(text: str) -> Any:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in ("true", "false") and text in ("true", "True", "TRUE", "false", "False",
                                                      "FALSE"):  # fmt: skip
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text


def errors(text: str) -> list[str]:
    return [f"{list(e.path)}: {e.message}" for e in VALIDATOR.iter_errors(values(text))]


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every object, with its path."""
    if isinstance(schema, list):
        for item in schema:
            yield from properties(item, path)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties":
                for name, its in value.items():
                    yield f"{path}.{name}", its
                    yield from properties(its, f"{path}.{name}")
            else:
                yield from properties(value, path)


PROPERTIES = dict(properties(SCHEMA))


def test_the_schema_that_is_checked_in_is_current() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "dispatcher.plan.schema"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    ).stdout
    assert FILE.read_text("utf-8") == printed, "run: make schema"
    assert json_schema() == SCHEMA


def test_it_is_valid_draft_7_and_the_shipped_file_names_it() -> None:
    Draft7Validator.check_schema(SCHEMA)
    first_line = (ROOT / "schedules.yaml").read_text("utf-8").splitlines()[0]
    assert first_line == "# yaml-language-server: $schema=./schedules.schema.json"


def test_the_shipped_file_is_valid() -> None:
    assert errors((ROOT / "schedules.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize("path", PROPERTIES)
def test_every_property_has_a_chinese_title(path: str) -> None:
    assert CHINESE.search(PROPERTIES[path].get("title", "")), PROPERTIES[path]


def test_every_object_refuses_keys_that_it_does_not_know() -> None:
    def objects(schema: Any) -> Iterator[dict[str, Any]]:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                yield schema
            for value in schema.values():
                yield from objects(value)
        elif isinstance(schema, list):
            for item in schema:
                yield from objects(item)

    assert all("additionalProperties" in found for found in objects(SCHEMA))


def test_every_kind_of_channel_is_offered() -> None:
    kinds = PROPERTIES[".channels.kind"]["enum"]
    assert {
        *("wecom", "dingtalk", "gov-dingtalk", "feishu", "webhook"),
        *("sms", "sms-aliyun", "sms-tencent"),
    } == set(kinds)


def test_every_form_of_a_cadence_is_offered_as_an_example() -> None:
    (words,) = [kind for kind in PROPERTIES[".duties.when"]["anyOf"] if "string" in kind["type"]]
    assert set(words["examples"]) == {*FORMS, *ENGLISH_FORMS}


def test_its_patterns_are_ones_that_javascript_reads_too() -> None:
    # An editor compiles them in unicode mode, where only syntax characters may be escaped.
    patterns = re.findall(r'"pattern": ("[^\n]+")', FILE.read_text("utf-8"))
    assert patterns
    for pattern in map(json.loads, patterns):
        assert re.findall(r"\\[^dDwWsSbB^$\\.*+?()\[\]{}|/]", pattern) == [], pattern


@pytest.mark.parametrize(
    "when, duty",
    [
        *((form, "") for form in FORMS if form != "学期结束前"),
        ("{every: month, due: 10, except: 寒暑假}", ""),
        ("{every: month, due: 10, except: [寒暑假]}", ""),
        ("{every: 2周, anchor: 2026-01-05}", ""),
        ("{every: year, times: 3}", ""),
        ("{rrule: FREQ=MONTHLY;BYDAY=-1FR}", ""),
        ("每月", "rows: [5], open: false, roll: none, min_workdays: 0"),
        ("每月", "before: [7d, 3wd], overdue: [], expect: lead, lead: [甲]"),
        ("每月", "from: 2023-02-01, until: 2024-01-31, clause: 三(一), note: 无"),
        ("每月", "skip: {2023-03: 停}, move: {2023-04: {to: 2023-05-10, reason: 因}}"),
        ("每年", "skip: {2024: 停}"),
        ("每月", "until: , note: ~"),
        ("每月", "clause: 8, task: 2023"),
        ("每月", "measures: [{name: 率, target: 99%以上}, {name: 数, target: 17, unit: }]"),
        ("每月", "measures: [{name: 率, target: {09-30: 75%以上, 12-31: 100}, by: 甲、乙}]"),
        ("每月", "measures: [{name: 数, target: 12户, each: 甲、乙}]"),
        ("每月", "measures: [{name: 数, target: 有增加, each: 大家, base: {甲: 1.5}}]"),
        ("每月", "measures: [{name: 数, unit: '%', each: [一村, 二村], by: [甲]}]"),
    ],
)
def test_what_the_reader_takes_the_schema_takes_too(when: str, duty: str) -> None:
    text = calendar(when, duty)
    read_plan("s.yaml", text)
    assert errors(text) == []


@pytest.mark.parametrize(
    "when, duty",
    [
        ("每月", "wehn: 每月"),
        ("每月", "roll: up"),
        ("每月", "open: yes"),
        ("每月", "rows: 5"),
        ("每月", "rows: [x]"),
        ("每月", "min_workdays: 32"),
        ("每月", "expect: none"),
        ("每月", "until: 31.12.2024"),
        ("每月", "until: 20241231"),
        ("每月", "from: 1999-12-31"),
        ("每月", "move: {2023-04: {to: 2023-05-10}}"),
        ("每月", "before: 7d"),
        ("每月", "measures: {name: 数}"),
        ("每月", "measures: [{unit: 户}]"),
        ("每月", "measures: [{name: 数, each: []}]"),
        ("每月", "measures: [{name: 数, goal: 5}]"),
        ("每月", "measures: [{name: 数=5}]"),
        ("{every: month, on: 10}", ""),
        ("{every: month, times: 0}", ""),
    ],
)
def test_a_mistake_of_shape_is_one_to_the_schema_and_to_the_reader(when: str, duty: str) -> None:
    text = calendar(when, duty)
    assert errors(text)
    with pytest.raises(PlanError):
        read_plan("s.yaml", text)
