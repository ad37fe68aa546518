"""Mail over real SMTP: never in the clear, and every way of failing told apart."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from encompass.domain.nudge import Channel
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.mail import MailAddress, MailGateway
from encompass.gateways.nudge import Accepted, Bounced, Message
from sandbox.certificates import mail_certificate
from sandbox.mail import Mailbox, mail_server
from sandbox.state import kept_port

PASSWORD = "mail-password-1"  # pragma: allowlist secret


def mail(to: str = "dsl@school.example") -> Message:
    link = "https://encompass.example/"
    return Message(Channel.EMAIL, to, "en", "A message is waiting", "Sign in.\n", link, UUID(int=1))


@contextmanager
def server(var: Path) -> Generator[int]:
    port = kept_port(var, "mail")
    running = mail_server(var, port, PASSWORD, ["gone@school.example"])
    running.start()
    try:
        yield port
    finally:
        running.stop()


def gateway(var: Path, port: int, **changes) -> MailGateway:
    values = {
        "host": "127.0.0.1", "port": port, "username": "encompass", "password": PASSWORD,
        "sender": "notice@encompass.example", "ca_file": str(mail_certificate(var)[0]), "timeout_seconds": 2.0,
    } | changes  # fmt: skip
    return MailGateway(MailAddress(**values))


def test_a_mail_is_taken_over_tls_with_its_own_message_id(tmp_path: Path) -> None:
    with server(tmp_path) as port, gateway(tmp_path, port) as sender:
        assert isinstance(sender.send(mail()), Accepted)
        assert isinstance(sender.send(mail("deputy@school.example")), Accepted)
    first, second = Mailbox(tmp_path).messages()
    assert {first["To"], second["To"]} == {"dsl@school.example", "deputy@school.example"}
    assert first["Message-ID"] == "<00000000-0000-0000-0000-000000000001@encompass.invalid>"
    assert first["Auto-Submitted"] == "auto-generated"


def test_an_unknown_mailbox_bounces_and_the_next_mail_goes(tmp_path: Path) -> None:
    with server(tmp_path) as port, gateway(tmp_path, port) as sender:
        assert sender.send(mail("gone@school.example")) == Bounced(550)
        assert isinstance(sender.send(mail()), Accepted)


def test_a_server_without_tls_gets_neither_mail_nor_password(tmp_path: Path) -> None:
    plain = Controller(Sink(), hostname="127.0.0.1", port=kept_port(tmp_path, "plain"))
    plain.start()
    try:
        with pytest.raises(Refused), gateway(tmp_path, plain.port) as sender:
            sender.send(mail())
    finally:
        plain.stop()


def test_the_sandbox_s_server_itself_refuses_mail_in_the_clear(tmp_path: Path) -> None:
    with server(tmp_path) as port, socket.create_connection(("127.0.0.1", port)) as raw:
        stream = raw.makefile("rw", newline="\r\n")
        stream.readline()
        stream.write("EHLO x\n")
        stream.flush()
        while stream.readline()[3] == "-":
            pass
        stream.write("MAIL FROM:<a@b.example>\n")
        stream.flush()
        assert stream.readline().startswith("530")


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"ca_file": None}])  # pragma: allowlist secret
def test_a_wrong_password_or_an_unknown_certificate_is_refused(tmp_path: Path, changes: dict) -> None:
    with server(tmp_path) as port, gateway(tmp_path, port, **changes) as sender:
        with pytest.raises(Refused) as refused:
            sender.send(mail())
    assert "wrong" not in str(refused.value)
    assert "dsl@" not in str(refused.value)


def test_nobody_listening_is_unavailable(tmp_path: Path) -> None:
    with gateway(tmp_path, kept_port(tmp_path, "nobody")) as sender, pytest.raises(Unavailable):
        sender.send(mail())


def test_a_server_that_hangs_up_at_once_is_unavailable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with gateway(tmp_path, listener.getsockname()[1]) as sender, pytest.raises(Unavailable):
            sender.send(mail())
