"""A database of its own for a trial: the same server, schema, roles and sealing, in a folder removed afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from encompass.settings import DatabaseSettings
from encompass.store import embedded, schema
from encompass.store.database import Database, database_of
from encompass.store.sealed import KeyRing, fresh_ring

OTHER_DATABASES: Final = ("airflow",)


@contextmanager
def scratch_database(force_id: str) -> Generator[tuple[Database, KeyRing]]:
    """A migrated database and a key ring that is in memory only: when it is gone, so is all that it sealed.

    No live database is touched, nor its server loaded. Raises EmbeddedFailed.
    """
    with tempfile.TemporaryDirectory(prefix="encompass-scratch-") as folder:
        var = Path(folder)
        var.chmod(0o755)  # PostgreSQL's own user must reach its folder in it, which is 0700
        passwords_file = var / "secrets" / "database.toml"
        embedded.passwords(passwords_file)
        with embedded.running(var, durable=False) as port:
            database = database_of(DatabaseSettings(), port, passwords_file)
            try:
                schema.create_roles_and_databases(database, OTHER_DATABASES)
                schema.migrate(database)
                yield database, fresh_ring((force_id,))
            finally:
                database.dispose()
