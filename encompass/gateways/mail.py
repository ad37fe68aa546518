"""Nudges by SMTP with enforced TLS. A receipt by mail (a bounce, an answer of absence) is never read here."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.nudge import Accepted, Ambiguous, Bounced, Message, Traced

PERMANENT: Final = 500


@dataclass(frozen=True)
class MailAddress:
    """The mail server and how we are known to it."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    sender: str
    ca_file: str | None
    timeout_seconds: float


class MailGateway:
    """One connection, reused for every message and opened again when it drops."""

    def __init__(self, address: MailAddress) -> None:
        self._address = address
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def find(self, reference: UUID) -> Traced | None:
        """A mail server cannot be asked what became of a message."""
        return None

    def send(self, mail: Message) -> Accepted | Bounced | Ambiguous:
        """Hand over one e-mail. Raises Unavailable before it was handed over, Refused for no TLS or log-in."""
        server = self._connected()
        try:
            self._envelope(server, mail)
        except _RecipientRefused as bounced:
            with suppress(smtplib.SMTPException, OSError):
                server.rset()
            return Bounced(bounced.code)
        except (smtplib.SMTPException, OSError):
            self._close()
            raise Unavailable("mail: the connection broke") from None
        return self._data(server, mail)

    def _envelope(self, server: smtplib.SMTP, mail: Message) -> None:
        code, _ = server.mail(self._address.sender)
        if code != 250:  # noqa: PLR2004 - SMTP's own number
            raise smtplib.SMTPException
        code, _ = server.rcpt(mail.to)
        if code >= PERMANENT:
            raise _RecipientRefused(code)
        if code not in (250, 251):
            raise smtplib.SMTPException

    def _data(self, server: smtplib.SMTP, mail: Message) -> Accepted | Bounced | Ambiguous:
        try:
            code, answer = server.data(_message(self._address.sender, mail).as_bytes())
        except smtplib.SMTPDataError:
            self._close()
            raise Unavailable("mail: not ready for data") from None
        except (smtplib.SMTPException, OSError):
            self._close()
            return Ambiguous("connection_lost_after_data")
        if code >= PERMANENT:
            return Bounced(code)
        if code != 250:  # noqa: PLR2004 - SMTP's own number
            raise Unavailable(f"mail: {code}")
        return Accepted(answer.decode("ascii", "replace").rpartition(" ")[2][:200] or None)

    def _connected(self) -> smtplib.SMTP:
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._server.noop()[0] == 250:  # noqa: PLR2004 - SMTP's own number
                    return self._server
            self._close()
        self._server = self._connect()
        return self._server

    def _connect(self) -> smtplib.SMTP:
        a = self._address
        try:
            server = smtplib.SMTP(a.host, a.port, timeout=a.timeout_seconds)
            server.starttls(context=ssl.create_default_context(cafile=a.ca_file))
            server.login(a.username, a.password)
        except smtplib.SMTPNotSupportedError:
            raise Refused("mail: the server offers no TLS") from None
        except ssl.SSLCertVerificationError:
            raise Refused("mail: the server's certificate does not verify") from None
        except smtplib.SMTPAuthenticationError:
            raise Refused("mail: the log-in was refused") from None
        except (smtplib.SMTPException, OSError):
            raise Unavailable("mail: the server does not answer") from None
        return server

    def _close(self) -> None:
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
        self._server = None


class _RecipientRefused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def _message(sender: str, mail: Message) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Message-ID"] = f"<{mail.reference}@encompass.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body)
    return message
