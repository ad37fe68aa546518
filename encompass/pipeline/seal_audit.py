"""Chain the audit events committed since, sign the head outside the database, and prove the whole chain."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from encompass.domain.audit import ChainFault, Head, Link, event_hash, find_fault, link_after
from encompass.store import audit


def seal_audit(engine: Engine, key_file: Path, heads_file: Path) -> int:
    """Chain every unchained event and sign the new head; how many events were chained."""
    with engine.begin() as connection:
        head = audit.lock_chain(connection)
        links: list[Link] = []
        for recorded in audit.unchained_events(connection):
            links.append(link_after(head, recorded.event_id, event_hash(recorded)))
            head = Head(links[-1].position, links[-1].link_hash)
        if links:
            audit.append_links(connection, links)
    signed = audit.signed_heads(key_file, heads_file)
    if head.position > max((h.position for h in signed), default=0):
        audit.sign_head(head, key_file, heads_file)
    return len(links)


def verify_audit(engine: Engine, key_file: Path, heads_file: Path) -> ChainFault | int:
    """The first fault of the chain, or how many links hold. Raises HeadsTampered for a forged head."""
    heads = audit.signed_heads(key_file, heads_file)
    with engine.begin() as connection:
        links = list(audit.links(connection))
        fault = find_fault(links, audit.events(connection), heads)
    return fault or len(links)
