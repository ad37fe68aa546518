"""Files that a force drops in a folder, local or over SFTP, each with its manifest: `night.csv.manifest.json`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

import paramiko

from encompass import log
from encompass.formats.archives import unpacked
from encompass.formats.faults import BrokenFile, contents
from encompass.formats.json_text import LARGEST, read_json, records_of
from encompass.formats.police_contract import (
    NEUTRAL,
    FileManifest,
    Manifest,
    Page,
    Shape,
    read_file_manifest,
    sorted_out,
)
from encompass.formats.police_mapping import PoliceMapping, read_rows_a_child, shape_of
from encompass.gateways.failures import Refused, Unavailable

MANIFEST: Final = ".manifest.json"
SECONDS: Final = 30
SSH_PORT: Final = 22
MOST_FILES: Final = 1_000


class Drop(Protocol):
    """A folder that files are dropped in."""

    def names(self) -> list[str]:
        """Every file's name. Raises Unavailable or Refused."""
        ...

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises Unavailable or Refused."""
        ...


class NothingDropped(Unavailable):
    """The folder answers, and holds no file made in the window."""


class DroppedFiles:
    """One force's files: a file counts once its manifest is there, and is taken whole or not at all.

    A file that is not as its manifest says, or that cannot be read, is left out: the window then holds fewer
    records than were announced, which is an alarm. The others go on.
    """

    def __init__(self, drop: Drop, mapping: PoliceMapping | None) -> None:
        self._drop, self._mapping = drop, mapping

    def manifest(self, updated_from: datetime, updated_to: datetime) -> Manifest:
        """What the files made in the window hold. Raises Unavailable (also when there is none) or Refused."""
        made = self._manifests(updated_from, updated_to)
        if not made:
            raise NothingDropped("no file was dropped")
        return Manifest(sum(m.count for m in made.values()), None, max(m.created_at for m in made.values()))

    def pages(self, updated_from: datetime, updated_to: datetime) -> Iterator[Page]:
        """Each file of the window, in the order of their names. Raises Unavailable or Refused."""
        for name, manifest in self._manifests(updated_from, updated_to).items():
            raw = self._drop.read(name)
            try:
                if hashlib.sha256(raw).hexdigest() != manifest.sha256:
                    raise BrokenFile("hash_mismatch")
                page = self._page(name, raw)
                count = sum(len(t.parts) for t in page.taken) + len(page.refused)
                if count != manifest.count:
                    raise BrokenFile("count_mismatch")
            except BrokenFile as fault:
                log.get_logger().error("file_refused", reason=fault.reason)
            else:
                yield page

    def _manifests(self, updated_from: datetime, updated_to: datetime) -> dict[str, FileManifest]:
        names = self._drop.names()
        if len(names) > MOST_FILES:
            raise Refused(f"more than {MOST_FILES} files: have old ones moved away")
        made: dict[str, FileManifest] = {}
        for name in sorted(names):
            beside = f"{name}{MANIFEST}"
            if beside in names:
                manifest = read_file_manifest(self._drop.read(beside))
                if updated_from <= manifest.created_at < updated_to:
                    made[name] = manifest
        return made

    def _page(self, name: str, raw: bytes) -> Page:
        with unpacked(BytesIO(raw), len(raw)) as stream:
            if name.removesuffix(".gz").endswith(".csv"):
                return self._rows(BytesIO(stream.read()))
            plain = stream.read(LARGEST + 1)
        shape = shape_of(self._mapping) if self._mapping else NEUTRAL
        return _page_of(plain, shape)

    def _rows(self, stream: BytesIO) -> Page:
        if self._mapping is None or self._mapping.children is not None:
            raise BrokenFile("no_mapping_for_rows")
        read = contents(read_rows_a_child(stream, self._mapping))
        return Page(read.taken, read.refused, None)


def _page_of(raw: bytes, shape: Shape) -> Page:
    taken, refused = sorted_out(records_of(read_json(raw), shape.records), shape.mapped)
    return Page(taken, refused, None)


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    folder: Path

    def names(self) -> list[str]:
        """Every file's name. Raises Unavailable."""
        try:
            return [f.name for f in self.folder.iterdir() if f.is_file() and not f.is_symlink()]
        except OSError:
            raise Unavailable("the folder cannot be read") from None

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises Unavailable."""
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            raise Unavailable("a file cannot be read") from None


@dataclass(frozen=True)
class SftpAddress:
    """Where the files are and how we are known: the server by its host key, we by ours."""

    host: str
    port: int
    username: str
    host_key: str
    private_key_file: Path = field(repr=False)
    folder: str


@dataclass(frozen=True)
class SftpFolder:
    """A folder over SFTP. A server with another host key is refused."""

    address: SftpAddress

    def names(self) -> list[str]:
        """Every file's name. Raises Unavailable or Refused."""
        with self._connected() as sftp:
            return sftp.listdir(self.address.folder)

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises Unavailable or Refused."""
        with (
            self._connected() as sftp,
            sftp.open(str(PurePosixPath(self.address.folder) / name), "rb") as file,
        ):
            file.prefetch()
            return file.read()

    @contextmanager
    def _connected(self) -> Generator[paramiko.SFTPClient]:
        a = self.address
        with paramiko.SSHClient() as client:
            kind, _, key = a.host_key.partition(" ")
            known = f"[{a.host}]:{a.port}" if a.port != SSH_PORT else a.host
            client.get_host_keys().add(
                known, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(key))
            )
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            try:
                client.connect(
                    a.host, a.port, a.username, key_filename=str(a.private_key_file), timeout=SECONDS,
                    auth_timeout=SECONDS, banner_timeout=SECONDS, allow_agent=False, look_for_keys=False,
                )  # fmt: skip
                with client.open_sftp() as sftp:
                    yield sftp
            except (paramiko.BadHostKeyException, paramiko.AuthenticationException):
                raise Refused("sftp: the server is another, or does not know us") from None
            except (paramiko.SSHException, OSError, EOFError):
                raise Unavailable("sftp") from None
