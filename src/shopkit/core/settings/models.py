"""Settings rows (B1–B3, D19)."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shopkit.core.kernel.tables import TenantRow, Timestamps, belongs_to, check, unique


class Setting(Timestamps, TenantRow):
    """One field of one settings Struct. Without a store it holds for the whole tenant; the store's value wins."""

    __tablename__ = "settings"
    __table_args__ = (
        belongs_to("store_id", "stores"),
        unique("store_id", "key", nulls_not_distinct=True),
        check("key_form", "key ~ '^[a-z_]+\\.[a-z0-9_]+$'"),
        check("secret_is_private", "NOT (is_public AND is_encrypted)"),
    )

    store_id: Mapped[UUID | None]
    key: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)
    is_public: Mapped[bool] = mapped_column(server_default="false")
    is_encrypted: Mapped[bool] = mapped_column(server_default="false")
