"""Files dropped in a folder, here and over a real SFTP server: whole or not at all, in any order, and by whom we know."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest

from encompass.formats.faults import BrokenFile
from encompass.gateways.dropped_files import DroppedFiles, LocalFolder, SftpAddress, SftpFolder
from encompass.gateways.failures import Refused, Unavailable
from sandbox.world import build_world, named_night
from tests.formats.test_police_mapping import FLAT, HEADER, row

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
WINDOW = (NOON - timedelta(hours=24), NOON)
RECORDS = build_world(*named_night("small")).records[:3]


def drop(
    folder: Path,
    name: str,
    raw: bytes,
    count: int,
    *,
    at: datetime = NOON - timedelta(hours=7),
    **changes: object,
) -> None:
    (folder / name).write_bytes(raw)
    manifest = {
        "contract_version": "1.0", "count": count, "sha256": hashlib.sha256(raw).hexdigest(), "created_at": at.isoformat(),
    }  # fmt: skip
    (folder / f"{name}.manifest.json").write_text(json.dumps(manifest | changes))


def served(folder: Path, mapping: object = None) -> tuple[int, list[str]]:
    """How many records were announced, and the references of those that came."""
    files = DroppedFiles(LocalFolder(folder), mapping)  # type: ignore[arg-type]
    announced = files.manifest(*WINDOW).count
    return announced, [t.incident.incident_reference for page in files.pages(*WINDOW) for t in page.taken]


def as_json(*records: object) -> bytes:
    return json.dumps({"records": records}).encode()


def test_json_and_rows_are_taken_whatever_their_order(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        drop(tmp_path, f"{number}.json", as_json(RECORDS[number]), 1)
    assert served(tmp_path) == (3, [r["incident_reference"] for r in RECORDS])
    rows = tmp_path / "rows"
    rows.mkdir()
    drop(rows, "night.csv", (HEADER + row("R1", "C1") + row("R1", "C2") + row("R2", "C3")).encode(), 3)
    assert served(rows, FLAT) == (3, ["R1", "R2"])


def test_one_bad_file_is_left_out_whole_and_the_others_go_on(tmp_path: Path) -> None:
    drop(tmp_path, "a.json", as_json(RECORDS[0]), 1)
    drop(tmp_path, "b.json", as_json(RECORDS[1]), 1, sha256="0" * 64)
    drop(tmp_path, "c.json", as_json(RECORDS[1], RECORDS[2]), 3)
    drop(tmp_path, "d.json", as_json(RECORDS[2])[:-1], 1)
    drop(tmp_path, "e.csv", HEADER.encode(), 0)
    assert served(tmp_path) == (6, [RECORDS[0]["incident_reference"]])  # fewer than announced: an alarm


def test_a_file_without_its_manifest_or_of_another_day_is_not_there(tmp_path: Path) -> None:
    drop(tmp_path, "old.json", as_json(RECORDS[0]), 1, at=NOON - timedelta(days=2))
    drop(tmp_path, "later.json", as_json(RECORDS[0]), 1, at=NOON)
    (tmp_path / "half.json").write_bytes(as_json(RECORDS[1])[:50])
    with pytest.raises(Unavailable, match="no file"):
        served(tmp_path)
    with pytest.raises(Unavailable, match="folder"):
        served(tmp_path / "nowhere")
    drop(tmp_path, "odd.json", b"{}", 1, sha256="what")
    with pytest.raises(BrokenFile, match="manifest: sha256"):
        served(tmp_path)


@contextmanager
def sftp_server(folder: Path, authorised: Path, host_key: asyncssh.SSHKey) -> Generator[int]:
    """A real SFTP server on loopback that knows one key and shows one folder; its port."""
    loop, started = asyncio.new_event_loop(), threading.Event()
    port: list[int] = []

    async def serve() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[host_key], authorized_client_keys=str(authorised),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder).encode()),
        )  # fmt: skip

    def run() -> None:
        asyncio.set_event_loop(loop)
        listening = loop.run_until_complete(serve())
        port.append(listening.get_port())
        started.set()
        loop.run_forever()
        listening.close()
        loop.run_until_complete(listening.wait_closed())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    yield port[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def test_over_sftp_only_from_the_server_that_we_know_and_with_our_key(tmp_path: Path) -> None:
    ours, theirs, stranger = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    ours.write_private_key(str(tmp_path / "key"))
    stranger.write_private_key(str(tmp_path / "stranger"))
    ours.write_public_key(str(tmp_path / "authorised"))
    folder = tmp_path / "drop"
    folder.mkdir()
    drop(folder, "night.json", as_json(*RECORDS), 3)
    host_key = " ".join(theirs.export_public_key().decode().split()[:2])
    another = " ".join(stranger.export_public_key().decode().split()[:2])

    with sftp_server(folder, tmp_path / "authorised", theirs) as port:

        def files(key: str = "key", known: str = host_key) -> DroppedFiles:
            address = SftpAddress("127.0.0.1", port, "encompass", known, tmp_path / key, ".")
            return DroppedFiles(SftpFolder(address), None)

        assert files().manifest(*WINDOW).count == 3
        assert [len(page.taken) for page in files().pages(*WINDOW)] == [3]
        with pytest.raises(Refused, match="another"):
            files(known=another).manifest(*WINDOW)
        with pytest.raises(Refused, match="does not know us"):
            files(key="stranger").manifest(*WINDOW)
    with pytest.raises(Unavailable, match="sftp"):
        files().manifest(*WINDOW)
