"""Find the customer behind a contact, or make one. A stranger's unproved claim takes nothing from anybody (D9)."""

import hashlib
from uuid import UUID

import msgspec

from shopkit.core.customers.address import Address
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.uow import Uow

FIND_OR_CREATE = """
WITH given(type, value) AS (
    SELECT * FROM (VALUES ('phone', $1::text), ('email', $2::text)) AS v(type, value) WHERE value IS NOT NULL
), known AS (
    SELECT i.customer_id, i.identity_type, i.identity_value, i.verified_at IS NOT NULL AS is_verified
    FROM customer_identities i JOIN given g ON g.type = i.identity_type AND g.value = i.identity_value
    WHERE i.is_primary OR i.verified_at IS NOT NULL
), found AS (
    SELECT customer_id AS id FROM known ORDER BY is_verified DESC, identity_type = 'phone' DESC LIMIT 1
), made AS (
    INSERT INTO customers (id, name, locale) SELECT $3, $4, $5 WHERE NOT EXISTS (SELECT FROM found) RETURNING id
), who AS (
    SELECT id FROM found UNION ALL SELECT id FROM made
), named AS (
    INSERT INTO customer_identities (id, customer_id, identity_type, identity_value, source, is_primary)
    SELECT CASE g.type WHEN 'phone' THEN $6::uuid ELSE $7::uuid END, who.id, g.type, g.value, 'checkout',
           NOT EXISTS (SELECT FROM known k WHERE k.identity_type = g.type AND k.identity_value = g.value)
    FROM who, given g
    WHERE NOT EXISTS (SELECT FROM customer_identities i WHERE i.customer_id = who.id
                      AND i.identity_type = g.type AND i.identity_value = g.value)
    ON CONFLICT DO NOTHING RETURNING identity_type, is_primary
)
SELECT who.id, EXISTS (SELECT FROM found) AS is_known, EXISTS (
    SELECT FROM named WHERE is_primary AND identity_type = CASE WHEN $1::text IS NULL THEN 'email' ELSE 'phone' END
) AS has_claim FROM who
"""


async def find_or_create(uow: Uow, *, name: str, phone: str | None, email: str | None) -> UUID:
    """The customer of this phone, else of this e-mail (both normalised), else a new one; identities are added.

    What its owner has verified comes before what somebody once typed. Two customers never become one here.
    Two first orders with one phone at the same time give one customer: the unique primary identity is the judge.
    """
    row = await uow.sql.fetchrow(FIND_OR_CREATE, phone, email, uuid7(), name, uow.scope.locale, uuid7(), uuid7())
    if not row["is_known"] and not row["has_claim"] and (phone or email):
        # Somebody else's claim of this phone committed while ours waited for it: theirs is the customer.
        await uow.sql.execute("DELETE FROM customer_identities WHERE customer_id = $1", row["id"])
        await uow.sql.execute("DELETE FROM customers WHERE id = $1", row["id"])
        return await find_or_create(uow, name=name, phone=phone, email=email)
    customer_id: UUID = row["id"]
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
