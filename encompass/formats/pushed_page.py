"""A page of records that a force pushes: its manifest and its records in one body, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from encompass.formats.faults import BrokenFile
from encompass.formats.json_text import list_of, object_of, read_json
from encompass.formats.police_contract import (
    FileManifest,
    Page,
    Shape,
    digest_of,
    file_manifest_of,
    sorted_out,
)


@dataclass(frozen=True)
class PushedPage:
    """What the page says of itself, and its records."""

    manifest: FileManifest
    page: Page


def read_pushed(raw: bytes, shape: Shape) -> PushedPage:
    """The page of a body: `{"manifest": {...}, "records": [...]}`, the records where the force's mapping has them.

    The manifest's count is that of the records, its sha256 the hash over their digests, as a feed's manifest has it.
    A bad record is refused alone; a page that is not as its manifest says, whole. Raises BrokenFile.
    """
    body = object_of(read_json(raw), "page")
    manifest = file_manifest_of(body.get("manifest"))
    records = list_of(body.get(shape.records), shape.records)
    if len(records) != manifest.count:
        raise BrokenFile("count_mismatch")
    page = Page(*sorted_out(records, shape.mapped), None)
    if digest_of(_digests(page)) != manifest.sha256:
        raise BrokenFile("hash_mismatch")
    return PushedPage(manifest, page)


def _digests(page: Page) -> Iterator[str]:
    yield from (part for record in page.taken for part in record.parts)
    yield from (hashlib.sha256(record.raw).hexdigest() for record in page.refused)
