"""Alembic's entry: runs on the connection that `runner` hands over, in its transaction."""

from alembic import context

from shopkit.migrations.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="shopkit_version",
    transaction_per_migration=False,
)
context.run_migrations()
