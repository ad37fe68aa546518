"""Alembic's environment: runs the forward-only SQL files of sql/migrations/versions over a given connection."""

from alembic import context

connection = context.config.attributes["connection"]
connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
context.configure(connection=connection, version_table_schema="encompass", transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
