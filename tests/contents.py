"""What the tables hold, so that a test can say that nothing was changed."""

from __future__ import annotations

import psycopg
from psycopg import sql

from encompass.store.database import Role
from encompass.wiring import Encompass


def owner(encompass: Encompass) -> str:
    """Where the owner of every table connects to."""
    return encompass.database.url(Role.OWNER.value, driver="postgresql").render_as_string(hide_password=False)


def contents(encompass: Encompass) -> dict[str, str]:
    """A digest of every table, as its owner sees it."""
    with psycopg.connect(owner(encompass)) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'encompass'::regnamespace AND relkind = 'r'"
        ).fetchall()
        digest = sql.SQL(
            "SELECT count(*) || coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {} t"
        )
        return {
            name: connection.execute(digest.format(sql.Identifier("encompass", name))).fetchall()[0][0]
            for (name,) in tables
        }
