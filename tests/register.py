"""The Key Adult register of the small partnership, with officers of local authorities and other changes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from encompass.pipeline import registers
from encompass.pipeline.refresh_rolls import refresh_rolls
from encompass.pipeline.registers import Register, Store
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import Cluster

COLUMNS = (
    "recipient_kind",
    "la_code",
    "office",
    "partner_force",
    "verified_on",
    "attested_on",
    "training_expires",
)
OFFICER = {"urn": "", "role": "officer", "recipient_kind": "la_officer"}
PARTNER = {"urn": "", "role": "officer", "recipient_kind": "partner_force"}


def officer(la_code: str, office: str) -> dict[str, str]:
    """What makes an officer of a local authority of a school's adult."""
    return {**OFFICER, "la_code": la_code, "office": office}


def register(cluster: Cluster, changes: Mapping[str, Mapping[str, str] | None]) -> bytes:
    """The register as CSV: of each reference the cells that differ; None leaves the adult out."""
    header, *lines = csv.reader(io.StringIO(cluster.world.key_adults_csv().decode()))
    out = io.StringIO()
    writer = csv.DictWriter(out, [*header, *COLUMNS], restval="", lineterminator="\r\n")
    writer.writeheader()
    for cells in lines:
        row = dict(zip(header, cells, strict=True))
        change = changes.get(row["key_adult_ref"], {})
        if change is not None:
            writer.writerow({**row, **change})
    return out.getvalue().encode()


def take(
    encompass: Encompass, cluster: Cluster, raw: bytes, store: Store = registers.store_key_adults
) -> None:
    """Load a Key Adult register as the night's first step does."""
    own = Register("key_adults", registers.NATIONAL, lambda _: raw, store)
    engine = encompass.database.engine(Role.PIPELINE)
    assert refresh_rolls(engine, encompass.ring, [own], cluster.run(encompass)) == 0
