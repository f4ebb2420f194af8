"""What the READMEs show is run: a promise that does not hold fails here."""

from __future__ import annotations

import email
import re
import shlex
from email import policy
from pathlib import Path

import click
import pytest

from dispatcher.cli import commands
from dispatcher.ledger.transitions import ANSWERS
from tests.cli.conftest import Shell

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


@pytest.mark.parametrize("name", READMES)
def test_the_calendar_in_the_readme_sends_the_message_in_the_readme(
    tmp_path: Path, name: str
) -> None:
    (calendar,) = blocks(name, "yaml")
    (message,) = blocks(name, "text")
    (tmp_path / "schedules.yaml").write_text(calendar, "utf-8")
    done = Shell(tmp_path)("run", "--once", "--now", "2026-03-27T09:00+08:00")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "var" / "mailbox" / "20260327T090000-digest-tandong@example.com.eml"
    sent = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    body = sent.get_body(("plain",))
    assert body
    text = body.get_content().replace("\r\n", "\n")
    assert message.strip() == f"主题:{sent['Subject']}\n\n{text}".strip()


def test_every_command_in_the_readme_works_in_the_order_in_which_it_stands(
    tmp_path: Path,
) -> None:
    shell = Shell(tmp_path)
    lines = [line for block in blocks("README.md", "sh") for line in block.splitlines()]
    run = [shlex.split(line, comments=True) for line in lines if line.startswith("dispatcher ")]
    assert len(run) >= 29
    for words in run:
        # By the real clock `check` fails from mid-December on, until the holidays are there.
        summer = {"DISPATCHER_NOW": "2026-06-01T09:00+08:00"} if words[1] == "check" else {}
        done = shell(*words[1:], **summer)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (
        [
            shlex.split(line, comments=True)
            for block in blocks(name, "sh")
            for line in block.splitlines()
        ]
        for name in READMES
    )
    assert english == chinese


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_in_the_readme_and_has_help(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    for command in commands.commands.values():
        assert command.help
        assert f"dispatcher {command.name}" in text


@pytest.mark.parametrize("name", READMES)
def test_what_a_readme_links_to_exists(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target


def test_the_transition_table_of_the_design_is_the_one_that_holds() -> None:
    text = (ROOT / "docs/design.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and line.count("|") == 10
    ]
    states = [cell.split()[-1] for cell in rows[0][1:]]
    shown = {
        row[0].split("`")[1].split()[-1]: {
            state: became for state, became in zip(states, row[1:], strict=True) if became
        }
        for row in rows[1:]
        if "`" in row[0]
    }
    assert shown == ANSWERS


CHANNELS = "docs/channels/README.md"
CHANNEL_PAGES = sorted(path.name for path in (ROOT / "docs/channels").glob("*.md"))


@pytest.mark.parametrize("name", CHANNEL_PAGES)
def test_every_command_that_a_channels_page_shows_is_one_that_can_be_run(name: str) -> None:
    text = (ROOT / "docs/channels" / name).read_text("utf-8").replace(" 编号 ", " 1 ")
    for line in re.findall(r"(?:^|`)dispatcher( [^`\n]*)", text, re.M):
        command: click.Command = commands
        given = shlex.split(line, comments=True)
        while isinstance(command, click.Group) and given and given[0] in command.commands:
            command = command.commands[given.pop(0)]
        assert not isinstance(command, click.Group) or not given or given[0][0] == "-", line
        command.make_context("dispatcher", given)


def test_the_calendar_of_the_channels_page_tells_by_the_channels_that_it_names(
    tmp_path: Path,
) -> None:
    (calendar,) = blocks(CHANNELS, "yaml")
    (tmp_path / "schedules.yaml").write_text(calendar, "utf-8")
    shell = Shell(tmp_path)
    for minute in ("00", "06"):
        done = shell("run", "--once", "--now", f"2026-03-24T09:{minute}+08:00")
        assert done.returncode == 0, done.stderr
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (tmp_path / "var" / "mailbox").glob("*-digest-*.eml")
    ]
    told = sorted(mail["To"].addresses[0].display_name for mail in mails)
    assert told == ["工作群 潭东镇", "工作群 潭口镇", "潭口镇"]


def test_the_commands_of_the_channels_page_work(tmp_path: Path) -> None:
    (calendar,) = blocks(CHANNELS, "yaml")
    (tmp_path / "schedules.yaml").write_text(calendar, "utf-8")
    shell = Shell(tmp_path)
    shell("run", "--once")
    text = (ROOT / CHANNELS).read_text("utf-8")
    run = [shlex.split(line) for line in re.findall(r"`(dispatcher (?:channels|doctor).*?)`", text)]
    assert len(run) >= 5
    for words in sorted(run, key=lambda words: ("resume" in words, "pause" in words)):
        done = shell(*words[1:])
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
