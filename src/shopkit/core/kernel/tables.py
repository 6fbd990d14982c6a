"""The shape that all tables share: tenant first in every key, composite references, named constraints.

`migrations/` turns the marks set here (`append_only`, `updated_at`, `tenant_id`) into grants, triggers and policies.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shopkit.core.kernel.ids import uuid7

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

Minor = Annotated[int, mapped_column(BigInteger)]
"""Money in minor units; its currency stands on the same row."""
Rate = Annotated[Any, mapped_column(Numeric(9, 6))]
"""A rate such as 0.075000 for 7.5 %."""
Big = Annotated[int, mapped_column(BigInteger)]
"""A 64-bit count."""


CURRENT_TENANT = "NULLIF(current_setting('app.tenant_id', true), '')::uuid"
"""The tenant of the transaction; after the first transaction an unset custom setting reads as '', not NULL."""


class Base(DeclarativeBase):
    """All tables of the core."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text(),
        int: Integer(),
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


class TenantRow(Base):
    """A row of one tenant: primary key `(tenant_id, id)`, so that every reference can carry the tenant (I35)."""

    __abstract__ = True

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text(CURRENT_TENANT))
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, server_default=text("gen_random_uuid()"))


class Timestamps:
    """`created_at`, and `updated_at` kept by a trigger, so that it is right for raw SQL too (A17)."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


def belongs_to(
    column: str, table: str, ondelete: str | None = None, *, is_circular: bool = False
) -> ForeignKeyConstraint:
    """A composite reference `(tenant_id, column)` to `table`; no reference can join two tenants (I35)."""
    target = [f"{table}.tenant_id", f"{table}.id"]
    return ForeignKeyConstraint(["tenant_id", column], target, ondelete=ondelete, use_alter=is_circular)


def unique(
    *columns: str, where: str | None = None, nulls_not_distinct: bool = False, name: str | None = None
) -> UniqueConstraint | Index:
    """Unique within the tenant; with `where`, only among the rows that fulfil it."""
    if where is None:
        return UniqueConstraint("tenant_id", *columns, postgresql_nulls_not_distinct=nulls_not_distinct)
    return Index(name, "tenant_id", *columns, unique=True, postgresql_where=text(where))


def check(name: str, condition: str) -> CheckConstraint:
    """A named rule that the database holds."""
    return CheckConstraint(condition, name=name)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """The column holds one of these words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def currency_check(column: str = "currency") -> CheckConstraint:
    """The column holds an ISO 4217 code."""
    return CheckConstraint(f"{column} ~ '^[A-Z]{{3}}$'", name=f"{column}_iso4217")


APPEND_ONLY = {"append_only": True}
"""`info` of a ledger: the app role may insert and read, never change or delete (I17)."""


def index_references(metadata: MetaData) -> None:
    """Give each foreign key an index that begins with its columns, unless one exists: PostgreSQL makes none itself.

    A reference that may be null is indexed only where it is not: looking it up implies that.
    """
    for table in metadata.tables.values():
        led = {tuple(c.name for c in index.columns) for index in table.indexes if _covers_all(index)}
        led |= {
            tuple(c.name for c in constraint.columns)
            for constraint in table.constraints
            if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
        }
        for reference in list(table.foreign_key_constraints):
            columns = tuple(reference.column_keys)
            if any(key[: len(columns)] == columns for key in led):
                continue
            last = table.c[columns[-1]]
            where = text(f"{last.name} IS NOT NULL") if last.nullable else None
            name = f"ix_{table.name}_{'_'.join(columns[1:] or columns)}"
            Index(name, *(table.c[column] for column in columns), postgresql_where=where)
            led.add(columns)


def _covers_all(index: Index) -> bool:
    return index.dialect_options["postgresql"]["where"] is None
