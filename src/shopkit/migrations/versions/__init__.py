"""The revisions, and the newest of them, known without importing Alembic in the serving process."""

HEAD = "0001"
