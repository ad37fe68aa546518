"""No name, street or sentence of the night is anywhere in the clear; and the search would find it if it were."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from encompass.store import embedded
from encompass.store.sealed import DataKey
from sandbox.world import build_world, canaries_of, named_night
from tests.cluster import Cluster

CANARIES = canaries_of(build_world(*named_night("ordinary")))


def disguises(canary: str) -> set[bytes]:
    """The canary plain, and as hex, base64 at each alignment, URL- and JSON-escaped, in UTF-8 and UTF-16."""
    raw = canary.encode()
    found = {raw, canary.encode("utf-16-le"), quote(canary).encode(), quote_plus(canary).encode()}
    found |= {raw.hex().encode(), raw.hex().upper().encode()}
    found |= {json.dumps(canary)[1:-1].encode(), json.dumps(canary).replace("'", "\\u0027")[1:-1].encode()}
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + raw)
        inner = whole[4 if shift else 0 :].rstrip(b"=")[: -2 if (shift + len(raw)) % 3 else None]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def hits(folder: Path, canaries: Iterable[str], needles_file: Path) -> list[str]:
    """The files under a folder that hold a canary in any disguise, compressed values opened."""
    needles = set().union(*(disguises(c) for c in canaries))
    needles_file.write_bytes(b"\n".join(sorted(needles)))
    opened = needles_file.parent / "opened"
    opened.mkdir(exist_ok=True)
    for number, file in enumerate(p for p in folder.rglob("*") if p.is_file()):
        _open_compressed(file, opened / str(number))
    command = ["grep", "-r", "-a", "-F", "-l", "-f", str(needles_file), str(folder), str(opened)]
    found = subprocess.run(
        command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False
    )
    assert found.returncode in {0, 1}, found.stderr
    return found.stdout.splitlines()


def _open_compressed(file: Path, to: Path) -> None:
    raw = file.read_bytes()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            to.write_bytes(b"\n".join(archive.read(n) for n in archive.namelist()))
    elif raw[:2] == b"\x1f\x8b":
        to.write_bytes(gzip.decompress(raw))
    elif raw[:2] in {b"\x78\x01", b"\x78\x9c", b"\x78\xda"}:
        to.write_bytes(zlib.decompressobj().decompress(raw))


def dump(url_of, database: str, to: Path) -> None:
    """A plain dump of one database, as its superuser: every value decompressed."""
    url = url_of("postgres", database, driver="postgresql")
    environment = {**os.environ, "PGPASSWORD": str(url.password)}
    command = [
        str(embedded.binary("pg_dump")),
        "-h",
        "127.0.0.1",
        "-p",
        str(url.port),
        "-U",
        "postgres",
        database,
    ]
    with to.open("wb") as out:
        subprocess.run(command, check=True, env=environment, stdout=out)


@pytest.mark.parametrize("disguise", sorted(disguises("Crumblethwaite-Fictional Ñame")))
def test_the_search_finds_each_disguise(tmp_path: Path, disguise: bytes) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "file").write_bytes(b"\x00\xffbefore" + disguise + b"after\x00")
    assert len(hits(folder, ["Crumblethwaite-Fictional Ñame"], tmp_path / "needles")) == 1
    (folder / "file").write_bytes(gzip.compress(b"before" + disguise))
    assert len(hits(folder, ["Crumblethwaite-Fictional Ñame"], tmp_path / "needles")) == 1


@pytest.mark.parametrize("control", ["all on", "sealing off", "redaction off"])
def test_the_search_fails_when_a_control_is_off(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: str
) -> None:
    """The same small night with one control taken away: sealing, or the reasons that never hold a value."""
    if control == "sealing off":
        monkeypatch.setattr(DataKey, "seal", lambda *_: _[4])
    if control == "redaction off":
        monkeypatch.setattr("encompass.formats.police_contract._reason", lambda error: str(error.errors()))
    records = cluster.world.incidents.records
    first = records[0]["children"][0]
    broken = {**records[0], "children": [{**first, "relationship": "She hid behind the plum sofa"}]}
    canaries = [*cluster.world.canaries(), "She hid behind the plum sofa"]
    name = cluster.copy(cluster.rolled())
    try:
        with cluster.on(name) as encompass:
            run = cluster.run(encompass)
            records.append(broken)
            encompass.receive_incidents(run)
            if control != "sealing off":
                encompass.match_children(run)
        (tmp_path / "dumps").mkdir()
        dump(cluster.database(name).url, name, tmp_path / "dumps" / "dump.sql")
    finally:
        records.remove(broken)
        cluster.drop(name)
    found = hits(tmp_path / "dumps", canaries, tmp_path / "needles")
    assert bool(found) is (control != "all on")
