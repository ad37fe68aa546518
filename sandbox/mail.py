"""The mail server: STARTTLS and log-in enforced, each message kept on disk before it is answered for."""

from __future__ import annotations

import mailbox
import secrets
import ssl
from collections.abc import Iterable
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.certificates import mail_certificate
from sandbox.state import folder

USERNAME = "encompass"


class Mailbox:
    """Every message that the server took, in one Maildir."""

    def __init__(self, var: Path) -> None:
        self._maildir = mailbox.Maildir(folder(var) / "mail", create=True)

    def add(self, message: bytes) -> str:
        """Keep a message; its id."""
        return self._maildir.add(message)

    def messages(self) -> list[mailbox.MaildirMessage]:
        """Every message."""
        self._maildir._refresh()
        return list(self._maildir)

    def recipients(self) -> set[str]:
        """The address of everyone who has mail."""
        return {str(m["To"]) for m in self.messages()}

    def __len__(self) -> int:
        """How many messages there are."""
        return len(self.messages())


class _Handler:
    def __init__(self, var: Path, bouncing: Iterable[str]) -> None:
        self._mailbox, self._bouncing = Mailbox(var), frozenset(bouncing)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._bouncing:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return f"250 2.0.0 OK queued as {self._mailbox.add(envelope.original_content or b'')}"


def mail_server(var: Path, port: int, password: str, bouncing: Iterable[str]) -> Controller:
    """The server, not started yet."""
    _, pem = mail_certificate(var)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)

    def log_in(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        good = (
            isinstance(data, LoginPassword)
            and data.login == USERNAME.encode()
            and secrets.compare_digest(data.password, password.encode())
        )
        return AuthResult(success=good, handled=good)

    return Controller(
        _Handler(var, bouncing),
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=True,
        auth_required=True,
        auth_require_tls=True,
        authenticator=log_in,
    )
