"""Everything of a whole small night that leaves the installation, captured: no personal datum is in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from encompass.domain.nudge import Channel, Rung
from encompass.store import nudge
from encompass.store.database import Role
from sandbox.mail import Mailbox
from sandbox.notify import TEXTS, receipt_of
from tests.cluster import Cluster
from tests.night.test_canaries import hits
from tests.pipeline.sending import Post, post_of, prepare

LOCK_SCREEN = re.compile(
    r"police|domestic|abuse|child|pupil|encompass|incident|safeguard|school|heddlu|plentyn|ysgol", re.I
)


def also_by_text(post: Post) -> None:
    """Everyone is nudged by text message too, as the ladder's second channel does."""
    rows = post.sql(
        "SELECT n.recipient_id, n.key_adult_id, nn.notification_id FROM encompass.nudge AS n "
        "JOIN encompass.nudge_notification AS nn USING (nudge_id)"
    )
    with post.encompass.database.engine(Role.PIPELINE).begin() as connection:
        for r in rows:
            nudge.enqueue(
                connection,
                post.run,
                r.recipient_id,
                r.key_adult_id,
                r.notification_id,
                Rung.SECOND,
                Channel.SMS,
            )


def test_no_personal_datum_leaves_in_any_e_mail_text_message_or_receipt(
    cluster: Cluster, tmp_path: Path
) -> None:
    captured = tmp_path / "captured"
    captured.mkdir()
    prepared = prepare(cluster)
    with cluster.opened(prepared) as encompass:
        assert encompass.send_notifications(cluster.run(encompass)) > 0
    mails = Mailbox(cluster.var).messages()
    with post_of(cluster, prepared) as post:
        also_by_text(post)
        post.send()
        receipts = [receipt_of(m) for m in post.service.deliver()]
        post.sql("UPDATE encompass.nudge SET accepted_at = accepted_at - interval '10 minutes'")
        post.join()
        assert {m.kind for m in post.service.messages} == {"email", "sms"}
        assert post.statuses()["delivered"] == len(receipts)
        (captured / "asked").write_bytes(b"\n".join(post.service.heard))
        kept = post.sql("SELECT to_jsonb(r) AS r FROM encompass.delivery_report AS r")
    cluster.drop(prepared)
    (captured / "mails").write_bytes(b"\n".join(m.as_bytes() for m in mails))
    (captured / "receipts").write_text(json.dumps(receipts), "utf-8")
    (captured / "kept").write_text(json.dumps([k.r for k in kept]), "utf-8")
    assert len(mails) > 8
    assert len(kept) == len(receipts)
    assert hits(captured, cluster.world.canaries(), tmp_path / "needles") == []
    names = {
        c[part].lower()
        for r in cluster.world.records
        for c in r["children"]
        for part in ("surname", "forename")
    }
    said = "\n".join(
        (captured / f).read_text("utf-8", "replace").lower() for f in ("mails", "asked", "receipts", "kept")
    )
    assert not [n for n in names if n and re.search(rf"\b{re.escape(n)}\b", said)]
    assert not any("@" in str(k.r) or "07700" in str(k.r) for k in kept), "no address is kept with a receipt"


def test_a_locked_telephone_shows_nothing_of_what_it_is_about(cluster: Cluster) -> None:
    with cluster.opened(cluster.played()):
        shown = [
            (m["Subject"], m["From"], str(m.get_payload()).split("\n", maxsplit=1)[0])
            for m in Mailbox(cluster.var).messages()
        ]
    assert shown
    assert not [s for s in set(shown) if any(LOCK_SCREEN.search(str(part)) for part in s)]
    assert not [
        t
        for t in TEXTS.values()
        if any(LOCK_SCREEN.search(part.replace("((link))", "")) for part in t if part)
    ]
