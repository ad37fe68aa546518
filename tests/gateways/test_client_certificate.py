"""A feed that wants to see our certificate: over real TLS, shown to the right server only, and never left out."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from werkzeug.serving import make_server

from encompass.gateways.failures import Unavailable
from encompass.gateways.police_feed import FeedAddress, PoliceFeed
from encompass.pipeline.feed_of import feed_of
from encompass.settings import FeedSettings, SettingsError
from tests.gateways.test_police_feed import SECRET, WINDOW, an_app


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own, and what it signs."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls, folder: Path, name: str) -> Authority:
        authority = cls(folder, name, ec.generate_private_key(ec.SECP256R1()))
        whole = authority._builder(name, authority.key).add_extension(x509.BasicConstraints(True, 0), True)
        authority._write(f"{name}.pem", whole)
        return authority

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def signs(self, name: str) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])
        self._write(f"{name}.crt", self._builder(name, key).add_extension(address, False))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / f"{name}.key").write_bytes(pem)
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def _builder(self, subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        issuer, of = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (self.name, subject))
        begun = x509.CertificateBuilder().issuer_name(issuer).subject_name(of).public_key(key.public_key())
        dated = begun.serial_number(x509.random_serial_number()).not_valid_before(now - day)
        return dated.not_valid_after(now + day)

    def _write(self, name: str, builder: x509.CertificateBuilder) -> None:
        signed = builder.sign(self.key, hashes.SHA256())
        (self.folder / name).write_bytes(signed.public_bytes(Encoding.PEM))


@contextmanager
def serving(certificate: tuple[Path, Path], demands_of: Authority, app=None) -> Generator[str]:
    """A feed over TLS that lets in only whom the authority has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.load_verify_locations(demands_of.file)
    context.verify_mode = ssl.CERT_REQUIRED
    server = make_server("127.0.0.1", 0, app or an_app(), threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path, "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path, "theirs")


def feed(base: str, certificate: tuple[Path, Path] | None, ca: Path | None, **more: object) -> PoliceFeed:
    files = (str(certificate[0]), str(certificate[1])) if certificate else None
    settings = {"attempts": 1, "timeout_seconds": 3, "longest_seconds": 3, **more}
    return PoliceFeed(FeedAddress(base, None, files, str(ca) if ca else None, **settings))  # type: ignore[arg-type]


def test_our_certificate_alone_opens_the_feed_and_nothing_else_does(
    ours: Authority, theirs: Authority
) -> None:
    app = an_app()
    client, stranger = ours.signs("client"), theirs.signs("stranger")
    with serving(theirs.signs("server"), ours, app) as base:
        assert feed(base, client, theirs.file).manifest(*WINDOW).count == 0
        assert app.calls == ["manifest"]  # no token was asked for
        for certificate, ca in (
            (None, theirs.file),
            (stranger, theirs.file),
            (client, ours.file),
            (client, None),
        ):
            with pytest.raises(Unavailable):
                feed(base, certificate, ca).manifest(*WINDOW)
        assert app.calls == ["manifest"]


def test_a_variable_of_the_environment_does_not_change_whom_we_trust(
    ours: Authority, theirs: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(theirs.file))
    with serving(theirs.signs("server"), ours) as base, pytest.raises(Unavailable):
        feed(base, ours.signs("client"), ours.file).manifest(*WINDOW)


def test_certificate_and_credentials_are_both_shown_where_both_are_set(
    ours: Authority, theirs: Authority
) -> None:
    certificate, key = ours.signs("client")
    app = an_app()
    with serving(theirs.signs("server"), ours, app) as base:
        settings = FeedSettings.model_validate(
            {
                "base_url": base, "client_id": "encompass", "client_secret": SECRET, "certificate_file": certificate,
                "certificate_key_file": key, "ca_file": theirs.file,
            }
        )  # fmt: skip
        found, rules = feed_of(settings, lambda _: pytest.fail("nothing is pushed"))
        assert found.manifest(*WINDOW).count == 0
    assert (app.calls, rules.way) == (["token", "manifest"], "rest")


def test_a_file_that_is_not_there_is_told_by_its_setting(ours: Authority, tmp_path: Path) -> None:
    certificate, key = ours.signs("client")
    for name, files in (
        ("certificate_file", (tmp_path / "none", key, ours.file)),
        ("certificate_key_file", (certificate, tmp_path / "none", ours.file)),
        ("ca_file", (certificate, key, tmp_path / "none")),
    ):
        settings = FeedSettings(
            base_url="https://feed.example",
            certificate_file=files[0],
            certificate_key_file=files[1],
            ca_file=files[2],
        )
        with pytest.raises(SettingsError, match=rf"^feed\.{name}: there is no such file$"):
            feed_of(settings, lambda _: pytest.fail("nothing is pushed"))


def test_a_certificate_that_cannot_be_used_is_unavailable(ours: Authority, theirs: Authority) -> None:
    certificate, _ = ours.signs("client")
    _, another = ours.signs("another")
    with serving(theirs.signs("server"), ours) as base, pytest.raises(Unavailable):
        feed(base, (certificate, another), theirs.file).manifest(*WINDOW)


@pytest.mark.parametrize(
    "given",
    [
        {"certificate_file": "c"},
        {"client_id": "a"},
        {"base_url": "http://feed.example", "certificate_file": "c", "certificate_key_file": "k"},
    ],
)
def test_half_of_a_pair_and_a_certificate_without_tls_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        FeedSettings.model_validate({"base_url": "https://feed.example", **given})
