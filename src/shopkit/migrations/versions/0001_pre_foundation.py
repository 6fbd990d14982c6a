"""The foundation: tenancy, settings, catalogue, stock, carts, orders, payments, shipping, outbox, jobs."""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FUNCTIONS = "claim_work, note_change, resolve_host, touch_updated_at"


def upgrade() -> None:
    """Create every table from the frozen file beside this one."""
    for statement in Path(__file__).with_suffix(".sql").read_text("utf-8").split(";\n"):
        if statement.strip():
            op.execute(text(statement.replace(":", r"\:")))
    op.execute(text("INSERT INTO cache_epochs (name) VALUES ('settings'), ('hosts')"))


def downgrade() -> None:
    """Drop everything, while there is no tenant whose rows would be lost."""
    connection = op.get_bind()
    if connection.scalar(text("SELECT EXISTS (SELECT FROM tenants)")):
        raise RuntimeError("There are tenants: going back would lose their data. Drop the database if you mean to.")
    frozen = Path(__file__).with_suffix(".sql").read_text("utf-8")
    for table in re.findall(r"^CREATE TABLE (\w+)", frozen, re.MULTILINE):
        op.execute(text(f"DROP TABLE {table} CASCADE"))
    op.execute(text(f"DROP FUNCTION {FUNCTIONS}"))
