"""The foundation: tenancy, settings, catalogue, stock, carts, orders, payments, shipping, outbox, jobs."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table from the frozen file beside this one."""
    for statement in Path(__file__).with_suffix(".sql").read_text("utf-8").split(";\n"):
        if statement.strip():
            op.execute(text(statement.replace(":", r"\:")))
    op.execute(text("INSERT INTO cache_epochs (name) VALUES ('settings'), ('hosts')"))


def downgrade() -> None:
    """Before the foundation there was nothing; refused, because every row would be lost."""
    raise RuntimeError("There is nothing before the foundation: drop the database instead.")
