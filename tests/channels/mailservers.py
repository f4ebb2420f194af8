"""Real mail servers for the tests: Postfix from the system's packages, in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from tests.channels.servers import make_authority

WANTED = {"postfix": "postfix", "saslpasswd2": "sasl2-bin", "openssl": "openssl"}
"""Commands, and the packages of Debian that hold them."""
PORTS = ("starttls", "one_by_one", "tls", "strict")
PATH = os.defpath + ":/usr/sbin:/sbin:/usr/local/sbin"
PATIENCE = 20.0
"""Seconds within which a server is up, and a message that it has taken lies in its mailbox."""

MAIN = """
compatibility_level = 3.6
maillog_file = /dev/stdout
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_protocols = ipv4
myhostname = mail.example.com
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
smtputf8_enable = no
smtpd_peername_lookup = no
message_size_limit = {size}
virtual_mailbox_domains = example.com
virtual_mailbox_base = {folder}/boxes
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {folder}/server.pem
smtpd_tls_key_file = {folder}/server.key
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = example.com
cyrus_sasl_config_path = {folder}/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sender_login_maps = inline:{{ {{{user}@example.com = {user}@example.com}} }}
smtpd_sender_restrictions = reject_sender_login_mismatch
"""
MASTER = """
{host}:{starttls} inet n - n - - smtpd
{host}:{one_by_one} inet n - n - - smtpd -o smtpd_discard_ehlo_keywords=pipelining
{host}:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
{host}:{strict} inet n - n - - smtpd
  -o smtpd_client_connection_count_limit=1 -o smtpd_client_message_rate_limit=1
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
retry unix - - n - - error
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""
# Debian's Postfix looks for it in sasl/ beside main.cf, others where cyrus_sasl_config_path says.
LOGINS = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/logins
mech_list: PLAIN LOGIN
"""


def missing() -> str:
    """What to do before these servers can be started; empty where all is there."""
    if os.geteuid() != 0:
        return "Postfix starts only as root: run these tests as root, in a container for instance"
    packages = [wanted for name, wanted in WANTED.items() if not shutil.which(name, path=PATH)]
    if not packages:
        return ""
    return f"needs real mail servers: apt-get install {' '.join(packages)} libsasl2-modules"


@dataclass(frozen=True)
class Postfix:
    """A running server for example.com.

    It lets in those with a login, encrypted, and to send in their own name alone. Its ports are
    ``starttls``; ``one_by_one``, the same without PIPELINING; ``tls`` from the first byte; and
    ``strict``, which takes one connection at a time, and of it one message a minute.
    """

    folder: Path
    host: str
    ports: Mapping[str, int]

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def answers(self) -> bool:
        """Whether there is somebody at each port."""
        try:
            for port in self.ports.values():
                socket.create_connection((self.host, port), 1).close()
        except OSError:
            return False
        return True

    @property
    def log(self) -> str:
        """All it has said so far."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def heard(self, words: str, since: int) -> bool:
        """Whether, after so many characters, it says these words, in however long."""
        _until(lambda: words in self.log[since:], self)
        return True

    def mailbox(self, name: str, count: int) -> list[bytes]:
        """The messages for one person, as soon as there are so many."""
        folder = self.folder / "boxes" / name / "new"
        _until(lambda: folder.exists() and len(list(folder.iterdir())) >= count, self)
        return [path.read_bytes() for path in folder.iterdir()]


@contextmanager
def postfix(login: tuple[str, str], boxes: list[str], size: int) -> Iterator[Postfix]:
    """A server with one login (name and password) and these mailboxes, for messages up to
    ``size`` bytes."""
    # Not in pytest's own folder: the server's processes are other users and may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    # An address of its own: its ports are chosen before it binds them, and on 127.0.0.1 any
    # connection of another test may have taken one by then.
    host = f"127.1.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    server = Postfix(folder, host, {name: _free_port(host) for name in PORTS})
    try:
        _set_up(server, login, boxes, size)
        with _running(server):
            yield server
    finally:
        shutil.rmtree(folder)


def _set_up(server: Postfix, login: tuple[str, str], boxes: list[str], size: int) -> None:
    folder, owner, reader = server.folder, pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
    folder.chmod(0o755)
    for name in ("queue", "sasl", "data", "boxes"):
        (folder / name).mkdir(mode=0o755)
    make_authority(folder, server.host)
    user, domain = login[0].split("@")
    values = {
        "folder": folder,
        "host": server.host,
        "size": size,
        "user": user,
        "boxes": " ".join(f"{{{name}@example.com = {name}/}}" for name in boxes),
        "uid": reader.pw_uid,
        "gid": reader.pw_gid,
        **server.ports,
    }
    for name, template in (("main.cf", MAIN), ("master.cf", MASTER), ("sasl/smtpd.conf", LOGINS)):
        (folder / name).write_text(template.format(**values), "utf-8")
    command = ["saslpasswd2", "-c", "-p", "-f", folder / "logins", "-u", domain, user]
    subprocess.run(command, input=login[1].encode(), check=True, env={"PATH": PATH})
    for name, who in (("data", owner), ("logins", owner), ("boxes", reader)):
        os.chown(folder / name, who.pw_uid, who.pw_gid)


@contextmanager
def _running(server: Postfix) -> Iterator[None]:
    command = ["postfix", "-c", server.folder, "start-fg"]
    with (server.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={"PATH": PATH}, start_new_session=True
        )
    try:
        _until(lambda: process.poll() is not None or server.answers, server)
        assert process.poll() is None, server.log
        yield
    finally:
        # What was started is a script that waits for the server proper.
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((server.folder / "queue/pid/master.pid").read_text()), signal.SIGTERM)
        process.wait(PATIENCE)


def _until(holds: Callable[[], bool], server: Postfix) -> None:
    until = monotonic() + PATIENCE
    while not holds():
        assert monotonic() < until, server.log
        sleep(0.02)


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listener:
        return listener.getsockname()[1]
