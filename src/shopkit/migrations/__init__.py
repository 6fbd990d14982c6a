"""The database's shape over time: Alembic revisions, and what every table gets beside its columns (`protect`)."""
