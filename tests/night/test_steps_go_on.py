"""`encompass night` goes on after a step that failed, and says so by its exit code."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from encompass.store.database import Role
from tests.cluster import Cluster
from tests.night.conftest import OnDatabase


def test_a_failed_step_does_not_keep_the_next_from_telling(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase]
) -> None:
    cli = on_copy(cluster.played())
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text("UPDATE encompass.nudge SET status = 'queued' WHERE status = 'accepted'"))
        connection.execute(text("REVOKE SELECT ON encompass.enrolment_key FROM encompass_pipeline"))
        connection.execute(text("DELETE FROM encompass.notification"))
        connection.execute(text("DELETE FROM encompass.duty"))
        connection.execute(text("DELETE FROM encompass.placement"))
    done = cli.run("night", "--night", "2026-03-17", "--as-of", "2026-03-17T05:30:00")
    assert done.returncode == 1
    assert "failed: ExceptionGroup" in done.stderr
    assert "send ..." in done.stderr
    assert "failed: match" in done.stderr
    assert "DOES NOT BALANCE" in done.stdout
