"""Fellgate's night as files on its SFTP server, each with its manifest. They are in memory: nothing lies on a disk."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.world import World
from sandbox.world.police_exports import LONDON, fellgate_rows

USERNAME = "encompass"
EVENING = clock_time(23, 30)
MADE_AFTER = timedelta(minutes=5)


def new_key() -> str:
    """A fresh Ed25519 key as OpenSSH writes it."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def key_of(text: str) -> paramiko.Ed25519Key:
    """The key of its OpenSSH text."""
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text))


def dropped_files(world: World) -> dict[str, bytes]:
    """The night's files by name: what was written by the evening, and the rest, each beside its manifest."""
    at = datetime.combine(world.night - timedelta(days=1), EVENING, LONDON)
    evening = [r for r in world.records if datetime.fromisoformat(r["updated_at"]) < at]
    morning = [r for r in world.records if datetime.fromisoformat(r["updated_at"]) >= at]
    last = max((datetime.fromisoformat(r["updated_at"]) for r in morning), default=at + timedelta(hours=5))
    files: dict[str, bytes] = {}
    for name, records, made in (
        (f"fellgate-{at:%Y%m%d}-evening.csv", evening, at),
        (f"fellgate-{world.night:%Y%m%d}-morning.csv", morning, last + MADE_AFTER),
    ):
        raw = fellgate_rows(records)
        manifest = {
            "contract_version": "1.0",
            "count": sum(len(r["children"]) for r in records),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "created_at": made.isoformat(),
        }
        files |= {name: raw, f"{name}.manifest.json": json.dumps(manifest).encode()}
    return files


class SftpServer:
    """An SFTP server on loopback that knows one key and shows the files of the moment."""

    def __init__(
        self, port: int, host_key: str, known: str, files: Callable[[], Mapping[str, bytes]]
    ) -> None:
        self._host_key, self._known, self._files = key_of(host_key), key_of(known), files
        self._listening = socket.create_server(("127.0.0.1", port))
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        """Take connections."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more, and end those that are open."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        for transport in self._transports:
            transport.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.daemon = True
            transport.add_server_key(self._host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Shown, self._files())
            self._transports = [t for t in self._transports if t.is_active()] + [transport]
            try:
                transport.start_server(server=_Door(self._known))
            except (paramiko.SSHException, EOFError):
                transport.close()


class _Door(paramiko.ServerInterface):
    """Lets in the one user with the one key."""

    def __init__(self, known: paramiko.PKey) -> None:
        self._known = known

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        fits = username == USERNAME and key.asbytes() == self._known.asbytes()
        return paramiko.AUTH_SUCCESSFUL if fits else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Shown(paramiko.SFTPServerInterface):
    """One folder of files that can be listed and read."""

    def __init__(self, server: paramiko.ServerInterface, files: Mapping[str, bytes], **_: Any) -> None:
        super().__init__(server)
        self._files = files

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        return [self._attributes(name) for name in self._files]

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        name = path.rsplit("/", 1)[-1]
        return self._attributes(name) if name in self._files else paramiko.SFTP_NO_SUCH_FILE

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        name = path.rsplit("/", 1)[-1]
        if name not in self._files:
            return paramiko.SFTP_NO_SUCH_FILE
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = io.BytesIO(self._files[name])  # type: ignore[attr-defined]
        handle.stat = lambda: self._attributes(name)  # type: ignore[method-assign]
        return handle

    def _attributes(self, name: str) -> paramiko.SFTPAttributes:
        found = paramiko.SFTPAttributes()
        found.filename, found.st_size, found.st_mode = name, len(self._files[name]), 0o100400
        found.st_mtime = found.st_atime = int(time.time())
        return found
