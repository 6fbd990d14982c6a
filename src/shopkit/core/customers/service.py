"""Find the customer behind a contact, or make one. A stranger's unproved claim takes nothing from anybody (D9)."""

import hashlib
from uuid import UUID

import msgspec

from shopkit.core.customers.address import Address
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow

KNOWN = " UNION ALL ".join(
    f"""
    SELECT customer_id, identity_type, verified_at IS NOT NULL AS is_verified FROM customer_identities
    WHERE identity_type = '{type_}' AND identity_value = {value} AND {condition}
    """
    for type_, value in (("phone", "$1"), ("email", "$2"))
    for condition in ("is_primary", "verified_at IS NOT NULL")
)
"""Whose these identities are; each part has a unique index of its own."""

CREATE = "WITH made AS (INSERT INTO customers (id, name, locale) VALUES ($1, $3, $4))"
NAME = """
INSERT INTO customer_identities (id, customer_id, identity_type, identity_value, source, is_primary)
SELECT g.id, $1, g.type, g.value, 'checkout', g.is_primary
FROM jsonb_to_recordset($2::jsonb) AS g(id uuid, type text, value text, is_primary boolean)
ON CONFLICT DO NOTHING RETURNING identity_type, is_primary
"""


async def find_or_create(uow: Uow, *, name: str, phone: str | None, email: str | None) -> UUID:
    """The customer of this phone, else of this e-mail (both normalised), else a new one; identities are added.

    What its owner has verified comes before what somebody once typed. Two customers never become one here.
    Two first orders with one phone at the same time give one customer: the unique primary identity is the judge.
    """
    known = await uow.sql.fetch(KNOWN, phone, email)
    given = {type_: value for type_, value in (("phone", phone), ("email", email)) if value}
    taken = {row["identity_type"] for row in known}
    best = max(known, key=lambda row: (row["is_verified"], row["identity_type"] == "phone"), default=None)
    found: UUID | None = best["customer_id"] if best else None
    missing = given.keys() - {row["identity_type"] for row in known if row["customer_id"] == found}
    if found is not None and not missing:
        return found
    identities = msgspec.json.encode(
        [{"id": uuid7(), "type": type_, "value": given[type_], "is_primary": type_ not in taken} for type_ in missing]
    )
    if found is not None:
        await uow.sql.fetch(NAME, found, identities)
        return found
    customer_id = uuid7()
    named = await uow.sql.fetch(CREATE + NAME, customer_id, identities, name, uow.scope.locale)
    if given and next(iter(given)) not in {row["identity_type"] for row in named}:
        # Somebody else's claim of this phone committed while ours waited for it: theirs is the customer.
        await uow.sql.execute("DELETE FROM customer_identities WHERE customer_id = $1", customer_id)
        await uow.sql.execute("DELETE FROM customers WHERE id = $1", customer_id)
        return await find_or_create(uow, name=name, phone=phone, email=email)
    return customer_id


REMEMBER = """
INSERT INTO customer_addresses (id, customer_id, type, is_default, fingerprint, name, phone, country_code, admin1,
    admin2, admin3, area, postal_code, line1, line2, landmark)
SELECT $1, $2, $3, NOT EXISTS (SELECT FROM customer_addresses a
        WHERE a.customer_id = $2 AND a.type = $3 AND a.is_default AND a.deleted_at IS NULL),
    $4, g.name, g.phone, g.country_code, g.admin1, g.admin2, g.admin3, g.area, g.postal_code, g.line1,
    g.line2, g.landmark
FROM jsonb_to_record($5::jsonb) AS g(name text, phone text, country_code text, admin1 text, admin2 text, admin3 text,
    area text, postal_code text, line1 text, line2 text, landmark text)
ON CONFLICT DO NOTHING
"""


async def remember_address(uow: Uow, customer_id: UUID, address: Address, *, type_: str = "shipping") -> None:
    """Put the address into the customer's book, once; the first of its type is the default."""
    text = msgspec.json.encode(address)
    fingerprint = hashlib.sha256(text).hexdigest()[:32]
    await uow.sql.execute(REMEMBER, uuid7(), customer_id, type_, fingerprint, text)
