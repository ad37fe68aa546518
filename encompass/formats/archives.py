"""Files as they travel: plain, gzip, or a zip of one file; never more than is believable."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from encompass.formats.faults import BrokenFile

LARGEST_UNPACKED: Final = 4 << 30
MOST_SWOLLEN: Final = 200
ALWAYS_ALLOWED: Final = 16 << 20
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
ENCRYPTED: Final = 1
READABLE: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


@contextmanager
def unpacked(stream: BinaryIO, packed_bytes: int) -> Generator[BinaryIO]:
    """The file itself, read as it is needed. `packed_bytes` is the size of what travelled.

    Raises BrokenFile for a broken archive, a zip of more than one file, and one that swells beyond belief (two
    hundred times its size, past 16 MiB), also while it is read.
    """
    start = stream.read(4)
    stream.seek(0)
    try:
        if start.startswith(GZIP):
            with gzip.GzipFile(fileobj=stream) as plain:
                yield _bounded(plain, packed_bytes)
        elif start.startswith(ZIP):
            with zipfile.ZipFile(stream) as archive, archive.open(_only(archive)) as plain:
                yield _bounded(plain, packed_bytes)
        else:
            yield stream
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError):
        raise BrokenFile("broken_archive") from None


def _only(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) != 1:
        raise BrokenFile("not_one_file_in_archive")
    if files[0].flag_bits & ENCRYPTED or files[0].compress_type not in READABLE:
        raise BrokenFile("unreadable_archive")
    return files[0]


def _bounded(plain: object, packed_bytes: int) -> BinaryIO:
    most = min(LARGEST_UNPACKED, max(ALWAYS_ALLOWED, packed_bytes * MOST_SWOLLEN))
    return io.BufferedReader(_Bounded(cast(BinaryIO, plain), most), 1 << 17)


class _Bounded(io.RawIOBase):
    """A stream that ends in BrokenFile when it gives too much."""

    def __init__(self, plain: BinaryIO, most: int) -> None:
        self._plain, self._left = plain, most

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        data = self._plain.read(len(into))
        self._left -= len(data)
        if self._left < 0:
            raise BrokenFile("swells_beyond_belief")
        into[: len(data)] = data
        return len(data)
