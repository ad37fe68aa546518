"""The sandbox's own certificate authority, and the mail server's certificate."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sandbox.state import folder, write_private


def mail_certificate(var: Path) -> tuple[Path, Path]:
    """The authority's file and the mail server's (key and certificate), made once."""
    authority, server = folder(var) / "ca.pem", folder(var) / "mail.pem"
    if not (authority.exists() and server.exists()):
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = _name("Encompass sandbox authority")
        ca = _builder(ca_name, ca_name, ca_key).add_extension(x509.BasicConstraints(True, 0), True)
        ca = ca.add_extension(_usage(sign=True), True)
        ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False)
        address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
        leaf = _builder(ca_name, _name("Encompass sandbox mail"), key)
        leaf = leaf.add_extension(x509.SubjectAlternativeName([address]), False).add_extension(
            _usage(sign=False), True
        )
        issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        leaf = leaf.add_extension(issued_by, False)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem += leaf.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM)
        write_private(server, pem.decode())
        write_private(authority, ca.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode())
    return authority, server


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not sign, False, False, False, False, sign, sign, False, False)


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
    )
