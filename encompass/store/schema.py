"""Bringing a database to the present schema: roles, databases, forward-only migrations."""

from __future__ import annotations

from typing import cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from encompass.settings import ROOT
from encompass.store.database import Database, Role


def create_roles_and_databases(database: Database, other_databases: tuple[str, ...]) -> None:
    """On the embedded server: every login role with its password, our database, and Airflow's.

    A deployment's administrator runs sql/roles.sql and creates the database by hand instead.
    """
    admin = create_engine(
        database.url("postgres", "postgres"), isolation_level="AUTOCOMMIT", hide_parameters=True
    )
    with admin.connect() as connection:
        script = (ROOT / "sql" / "roles.sql").read_text("utf-8")
        cast(psycopg.Connection, connection.connection.driver_connection).execute(script.encode())
        for role in other_databases:
            _ensure(connection, "pg_roles", "rolname", role, f'CREATE ROLE "{role}" LOGIN')
        for role, password in database.passwords.items():
            connection.exec_driver_sql(f"ALTER ROLE \"{role}\" PASSWORD '{password}'")
        _ensure_database(connection, database.name, Role.OWNER.value)
        for name in other_databases:
            _ensure_database(connection, name, name)
    admin.dispose()


def migrate(database: Database) -> int:
    """Run every migration not yet run; how many that were."""
    with database.engine(Role.OWNER).begin() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7265)")
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS encompass")
        before = _pending(connection)
        if before:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return before


def pending(database: Database) -> int:
    """How many migrations have not been run."""
    with database.engine(Role.OWNER).connect() as connection:
        return _pending(connection)


def _pending(connection: Connection) -> int:
    scripts = ScriptDirectory.from_config(_config())
    context = MigrationContext.configure(connection, opts={"version_table_schema": "encompass"})
    return len(list(scripts.iterate_revisions("head", context.get_current_revision() or "base")))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "sql" / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _ensure(connection: Connection, catalogue: str, column: str, name: str, statement: str) -> None:
    known = text(f"SELECT 1 FROM {catalogue} WHERE {column} = CAST(:name AS text)")  # noqa: S608 - our own constants
    if connection.execute(known, {"name": name}).first() is None:
        connection.exec_driver_sql(statement)


def _ensure_database(connection: Connection, name: str, owner: str) -> None:
    _ensure(connection, "pg_database", "datname", name, f'CREATE DATABASE "{name}" OWNER "{owner}"')
    connection.exec_driver_sql(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    connection.exec_driver_sql(f'GRANT CONNECT ON DATABASE "{name}" TO "{owner}"')
    if owner == Role.OWNER.value:
        readers = ", ".join(f'"{r.value}"' for r in Role)
        connection.exec_driver_sql(f'GRANT CONNECT ON DATABASE "{name}" TO {readers}')
