"""One installation's database: the embedded server or the one that a deployment names, made ready for work."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from encompass.settings import Settings, SettingsError
from encompass.store import audit, embedded, schema
from encompass.store.database import Database, Role, database_of
from encompass.store.privileges import privileges as listed_privileges
from encompass.store.sealed import make_ring
from encompass.watchdog.keys import make_keys

AIRFLOW: Final = "airflow"


@contextmanager
def database_running(settings: Settings) -> Generator[Database]:
    """The database while inside: the embedded server is kept running, an external one is only named."""
    if settings.database.mode == "embedded":
        embedded.passwords(settings.database_passwords_file)
        with embedded.running(settings.var) as port:
            yield database_of(settings.database, port, settings.database_passwords_file)
        return
    if settings.database.port is None:
        raise SettingsError("database.port is missing")
    yield database_of(settings.database, settings.database.port, settings.database_passwords_file)


def migrate(settings: Settings) -> int:
    """Bring the database to the present schema, making roles and keys on the embedded one; migrations run."""
    with database_running(settings) as database:
        if settings.database.mode == "embedded":
            schema.create_roles_and_databases(database, (AIRFLOW,))
            make_own_keys(settings)
            make_keys(settings.watchdog.keys_in(settings.var))
        try:
            return schema.migrate(database)
        finally:
            database.dispose()


def make_own_keys(settings: Settings) -> None:
    """The key ring and the audit's signing key, where the settings say; existing ones are left alone."""
    make_ring(settings.ring_file, settings.forces, settings.environment)
    audit.make_signing_key(settings.audit_signing_key_file)


def privileges(settings: Settings) -> list[str]:
    """Who may do what in this installation's database; see `encompass.store.privileges`."""
    with database_running(settings) as database:
        try:
            with database.engine(Role.OWNER).connect() as connection:
                return listed_privileges(connection)
        finally:
            database.dispose()


def psql(settings: Settings, role: str, arguments: tuple[str, ...]) -> int:
    """Run PostgreSQL's own psql as a role on the embedded server; its exit code."""
    with database_running(settings) as database:
        url = database.url(role, driver="postgresql")
        environment = {
            **os.environ,
            "PGHOST": str(url.host),
            "PGPORT": str(url.port),
            "PGUSER": role,
            "PGPASSWORD": str(url.password),
            "PGDATABASE": str(url.database),
            "PGOPTIONS": "-c search_path=encompass",
        }
        command = [str(embedded.binary("psql")), *arguments]
        return subprocess.run(command, check=False, env=environment).returncode


def airflow_database_url(settings: Settings) -> str:
    """The URL of Airflow's own metadata database on the embedded server, which must be running."""
    with database_running(settings) as database:
        url = database.url(AIRFLOW, AIRFLOW, driver="postgresql+psycopg2")
        return url.render_as_string(hide_password=False)
