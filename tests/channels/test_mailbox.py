"""The mailbox folder: whole files under speaking names, and no message lost to another."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from zoneinfo import ZoneInfo

import pytest

from dispatcher.channels.contract import DeliveryError, Outgoing
from dispatcher.channels.mailbox import Mailbox
from tests.channels.sending import digests, join, send_at_once
from tests.channels.servers import DIGEST, digest, parsed

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "mailbox"


@pytest.fixture
def mailbox(folder: Path) -> Mailbox:
    return Mailbox(folder, CHINA)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_named_after_local_time_kind_and_address(mailbox: Mailbox, folder: Path) -> None:
    receipt = mailbox.send(DIGEST)
    assert (
        names(folder) == [receipt.vendor_id] == ["20260417T090000-digest-tandong@example.com.eml"]
    )


def test_a_file_is_mail_with_its_line_ends_kept(mailbox: Mailbox, folder: Path) -> None:
    content = (folder / mailbox.send(DIGEST).vendor_id).read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert parsed(content)["Subject"] == DIGEST.subject


def test_a_message_sent_again_replaces_itself(mailbox: Mailbox, folder: Path) -> None:
    mailbox.send(DIGEST)
    mailbox.send(digest(attempt=2))
    assert len(names(folder)) == 1


def test_another_message_of_the_same_second_does_not_replace_it(
    mailbox: Mailbox, folder: Path
) -> None:
    for message in (DIGEST, digest(reference="43.3f9c2a1b"), DIGEST):
        mailbox.send(message)
    assert names(folder) == [
        "20260417T090000-digest-tandong@example.com-43.3f9c2a1b.eml",
        "20260417T090000-digest-tandong@example.com.eml",
    ]


def test_two_messages_of_one_second_do_not_find_the_same_name_free(
    mailbox: Mailbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Mailbox._path

    def slow(self: Mailbox, outgoing: Outgoing) -> Path:
        path = real(self, outgoing)
        sleep(0.02)
        return path

    monkeypatch.setattr(Mailbox, "_path", slow)
    join(send_at_once(mailbox, digests(mailbox.connections)))
    assert len(names(folder)) == mailbox.connections


def test_only_the_owner_may_look_inside(mailbox: Mailbox, folder: Path) -> None:
    (file,) = [folder / mailbox.send(DIGEST).vendor_id]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "address",
    ["a/b@example.com", "/etc/a@example.com", "~a@example.com", "a|b*?@example.com", "-rf@x"],
)
def test_no_address_leads_out_of_the_folder(mailbox: Mailbox, folder: Path, address: str) -> None:
    (name,) = [mailbox.send(digest(address=address)).vendor_id]
    assert names(folder) == [name]
    assert name.startswith("20260417T090000-digest-")
    assert not set(name) & set("/\\|*?<>:\"'")


def test_addresses_that_look_alike_get_files_of_their_own(mailbox: Mailbox, folder: Path) -> None:
    for address in ("a/b@example.com", "a_b@example.com", "a%2Fb@example.com"):
        mailbox.send(digest(address=address))
    assert len(names(folder)) == 3


def test_the_longest_addresses_still_fit_a_file_name(mailbox: Mailbox, folder: Path) -> None:
    domain = f"{'b' * 60}.{'c' * 60}.{'d' * 60}"
    for last in ("y", "z"):
        mailbox.send(digest(address=f"{'/' * 64}@{domain}.co{last}"))
    assert len(names(folder)) == 2


def test_a_link_in_the_folder_is_replaced_and_not_followed(
    mailbox: Mailbox, folder: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    folder.mkdir(parents=True)
    name = "20260417T090000-digest-tandong@example.com"
    for link in (f"{name}-{DIGEST.reference}.eml", f"{name}.eml"):
        (folder / link).symlink_to(precious)
    sent = mailbox.send(DIGEST).vendor_id
    assert precious.read_text() == "keep"
    assert not (folder / sent).is_symlink()


def test_a_folder_that_cannot_be_made_is_a_temporary_failure(tmp_path: Path) -> None:
    (tmp_path / "mailbox").write_text("a file")
    with pytest.raises(DeliveryError) as failed:
        Mailbox(tmp_path / "mailbox", CHINA).send(DIGEST)
    assert (failed.value.reason, failed.value.outcome) == ("unreachable", "temporary")
    assert str(tmp_path / "mailbox") in str(failed.value)


@pytest.mark.parametrize("call", ["fsync", "open", "replace"])
def test_a_disk_that_fails_leaves_no_half_file_and_the_old_one(
    mailbox: Mailbox, folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    mailbox.send(DIGEST)
    before = (folder / names(folder)[0]).read_bytes()

    def full(*_arguments: object, **_options: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DeliveryError, match="No space left on device") as failed:
        mailbox.send(digest(at=datetime(2026, 4, 17, 1, 0, tzinfo=UTC), text="changed"))
    monkeypatch.undo()
    assert failed.value.outcome == "temporary"
    assert [(folder / name).read_bytes() for name in names(folder)] == [before]


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_on_the_disk_before_it_has_its_name_where_that_is_wanted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    calls: list[str] = []
    for call in ("fsync", "replace"):
        real = getattr(os, call)

        def noted(*arguments: object, call: str = call, real: object = real) -> object:
            calls.append(call)
            return real(*arguments)

        monkeypatch.setattr(os, call, noted)
    Mailbox(folder, CHINA, durable=durable).send(DIGEST)
    assert calls == (["fsync", "replace", "fsync"] if durable else ["replace"])


def test_a_message_of_another_channel_is_a_file_that_says_where_it_would_have_gone(
    tmp_path: Path,
) -> None:
    box = Mailbox(tmp_path, CHINA, stands_for="工作群")
    for unit in ("潭东镇", "潭口镇"):
        box.send(digest(address=unit, recipient_name=unit, reference=unit.encode().hex()))
    one, other = (parsed(path.read_bytes()) for path in sorted(tmp_path.glob("*.eml")))
    assert {str(mail["To"]).split(" <")[0] for mail in (one, other)} == {
        "工作群 潭东镇",
        "工作群 潭口镇",
    }
    assert one["To"] != other["To"]
    assert not one.is_multipart()
