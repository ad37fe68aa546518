"""Who may do what in the database, as its catalogue says and as we ship it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from encompass.settings import ROOT
from encompass.store.queries import load

Q: Final = load("privileges")
SHIPPED: Final = ROOT / "sql" / "privileges.txt"
POWERS: Final = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")


def privileges(connection: Connection) -> list[str]:
    """Every grant, policy, definer function and role attribute that is not the owner's own, a sorted line each."""
    return sorted(
        {*_roles(connection), *_grants(connection), *_policies(connection), *_functions(connection)}
    )


def shipped_privileges() -> list[str]:
    """The lines that an installation at the present schema must have."""
    return SHIPPED.read_text("utf-8").splitlines()


def _roles(connection: Connection) -> Iterator[str]:
    for row in connection.execute(Q["roles"]).mappings():
        powers = [name for name in POWERS if row[name]] + [f"member of {name}" for name in row["member_of"]]
        yield f"role {row['rolname']}: {', '.join(powers) or 'no power of its own'}"


def _grants(connection: Connection) -> Iterator[str]:
    for row in connection.execute(Q["granted"]):
        columns = f" ({', '.join(row.columns)})" if row.columns else ""
        passed_on = " with grant option" if row.is_grantable else ""
        yield f"grant to {row.grantee}: {row.privilege} on {row.kind} {row.object}{columns}{passed_on}"


def _policies(connection: Connection) -> Iterator[str]:
    for row in connection.execute(Q["policies"]):
        yield f"policy on {row.tablename}: {row.policyname}, {row.permissive} {row.cmd} to {', '.join(row.roles)}"
    for row in connection.execute(Q["unforced"]):
        yield f"row-level security not forced on {row.relname}"


def _functions(connection: Connection) -> Iterator[str]:
    for row in connection.execute(Q["definers"]):
        yield f"function {row.name} runs as {row.owner}, {row.config}"
