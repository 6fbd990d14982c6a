"""Order mail, from the fact to a real SMTP server."""

import asyncio
import email
import email.policy
import socket
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from html import unescape
from typing import Any
from uuid import UUID

import pytest
import structlog
from aiosmtpd import smtp
from aiosmtpd.controller import Controller
from msgspec import structs

from shopkit import registry
from shopkit.bootstrap import Shop
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.jobs import Job
from shopkit.core.kernel.scope import Scope
from shopkit.core.notifications import jobs, rendering, service
from shopkit.core.notifications.jobs import SEND
from shopkit.core.notifications.wording import WORDS
from shopkit.core.orders.tokens import check_order_token, order_token
from shopkit.core.settings import service as settings
from shopkit.sdk.events import (
    Fact,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    ShipmentDelivered,
    ShipmentShipped,
)
from shopkit.worker.runner import Worker

NAME = "রহিম উদ্দিন"


class Inbox:
    """What an SMTP server got, and what it answers."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.at_recipient: list[str] = []
        self.at_data: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.at_recipient:
            return self.at_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.at_data:
            return self.at_data.pop(0)
        self.recipients.extend(envelope.rcpt_tos)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


class Server(Controller):
    """Without the look-up of our own host name, which may take seconds."""

    def factory(self) -> smtp.SMTP:
        return smtp.SMTP(self.handler, hostname="mail.test", enable_SMTPUTF8=False)


@pytest.fixture
def server(inbox: Inbox) -> Iterator[Server]:
    running = Server(inbox, hostname="127.0.0.1", port=free_port())
    running.start()
    yield running
    if running.server is not None:
        running.stop()


@pytest.fixture
async def shop(alone: Any) -> AsyncIterator[Shop]:
    for table in ("outbox_deliveries", "jobs", "schedules"):
        await alone.owner.execute(f"DELETE FROM {table}")
    before = alone.shop.config
    yield alone.shop
    alone.shop.config = before


@pytest.fixture
async def scope(alone: Any, shop: Shop, new_tenant: Any) -> Scope:
    tenant = await new_tenant(shop, alone.owner)
    await alone.owner.execute("DELETE FROM schedules")
    return tenant.scope


@pytest.fixture
def by_smtp(shop: Shop, server: Server) -> None:
    shop.config = structs.replace(
        shop.config,
        smtp_url=f"smtp://127.0.0.1:{server.port}",
        mail_from="orders@shop.test",
        public_url="https://shop.test",
    )


ORDER = """
INSERT INTO orders (id, store_id, number, status, currency, subtotal, discount_total, shipping_total, total, locale,
    contact_name, contact_email, contact_phone, shipping_method, payment_method, placed_at, confirmed_at)
VALUES ($1, $2, $3, 'confirmed', 'BDT', 259800, 9800, 6000, 256000, $4, $5, $6, '+8801712345678',
    '{"code": "dhaka", "name": "Inside Dhaka", "price": 6000}', 'cod', now(), $7)
"""
LINE = """
INSERT INTO order_items (order_id, position, vendor_id, title, variant_title, is_tracked, quantity, unit_price,
    subtotal, discount, total)
SELECT $1, 1, v.id, $2, 'XL', true, 2, 129900, 259800, 9800, 250000 FROM vendors v
"""
ADDRESS = """
WITH made AS (
    INSERT INTO order_addresses (id, order_id, type, name, phone, country_code, admin1, admin2, line1)
    VALUES ($2, $1, 'shipping', $3, '+8801712345678', 'BD', 'Dhaka', 'Dhaka', 'House 1') RETURNING id
)
UPDATE orders SET shipping_address_id = $2 WHERE id = $1
"""


async def order(
    shop: Shop,
    scope: Scope,
    *,
    number: str = "1001",
    locale: str = "en",
    name: str = NAME,
    address: str | None = "rahim@example.com",
    title: str = "Panjabi",
    is_confirmed_at_once: bool = False,
) -> UUID:
    order_id = uuid7()
    async with shop.uow(scope) as uow:
        confirmed_at = await uow.sql.fetchval("SELECT now()") if is_confirmed_at_once else None
        await uow.sql.execute(ORDER, order_id, scope.store.id, number, locale, name, address, confirmed_at)
        await uow.sql.execute(LINE, order_id, title)
        await uow.sql.execute(ADDRESS, order_id, uuid7(), name)
    return order_id


def placed(scope: Scope, order_id: UUID, number: str = "1001") -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id, number=number, store_id=scope.store.id, total=256000, currency="BDT", payment_method="cod"
    )


async def tell(shop: Shop, scope: Scope, *facts: Fact) -> None:
    async with shop.uow(scope) as uow:
        for fact in facts:
            uow.publish(fact)


async def work(shop: Shop) -> None:
    worker = Worker(shop)
    while await worker.round():
        await worker.drain()


async def hasten(alone: Any) -> None:
    await alone.owner.execute("UPDATE jobs SET due_at = now()")


async def rows(alone: Any, scope: Scope) -> list[Any]:
    return await alone.owner.fetch(
        "SELECT * FROM notification_deliveries WHERE tenant_id = $1 ORDER BY id", scope.tenant_id
    )


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def test_a_placed_order_is_told_once_with_its_lines_totals_address_and_link(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    order_id = await order(shop, scope)
    await tell(shop, scope, placed(scope, order_id))
    await work(shop)
    await work(shop)
    (mail,) = inbox.mails
    assert inbox.recipients == ["rahim@example.com"]
    assert mail["To"] == "rahim@example.com"
    assert mail["From"].addresses[0].addr_spec == "orders@shop.test"
    assert mail["Subject"] == f"We have your order 1001 – {scope.store.name}"
    (row,) = await rows(alone, scope)
    assert mail["Message-ID"] == f"<{row['id']}@shop.test>"
    assert (row["status"], row["audience"], row["topic"]) == ("sent", "customer", "order.placed")
    token = order_token(shop.keyring, scope.tenant_id, order_id, 0)
    text = text_of(mail)
    for part in (
        f"Hello {NAME}",
        "2 × Panjabi (XL): ৳2,598.00",
        "Discount: -৳98.00",
        "Delivery (Inside Dhaka): ৳60.00",
        "Total: ৳2,560.00",
        "ready in cash",
        "House 1",
        f"/orders/1001?token={token}",
    ):
        assert part in text
    assert f'href="https://{scope.store.name.split()[1]}.shop.test/orders/1001?token={token}"' in unescape(
        text_of(mail, "html")
    )
    check_order_token(shop.keyring, scope.tenant_id, order_id, 0, token)
    assert token not in str(dict(row)), "a token is never stored"


async def test_bangla_mail_has_bangla_subject_amounts_and_words(
    shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    await tell(shop, scope, placed(scope, await order(shop, scope, locale="bn-BD")))
    await work(shop)
    (mail,) = inbox.mails
    assert mail["Subject"] == f"আপনার অর্ডার 1001 পেয়েছি – {scope.store.name}"
    assert mail["Content-Language"] == "bn"
    text = text_of(mail)
    assert f"প্রিয় {NAME}" in text
    assert "মোট: ২,৫৬০.০০৳" in text
    assert "২ × Panjabi (XL): ২,৫৯৮.০০৳" in text
    assert 'lang="bn"' in unescape(text_of(mail, "html"))


async def test_each_step_of_an_order_has_its_mail_in_order_of_the_facts(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    order_id = await order(shop, scope)
    shipment_id = uuid7()
    async with shop.uow(scope) as uow:
        await uow.sql.execute(
            "INSERT INTO shipments (id, order_id, number, tracking_number) VALUES ($1, $2, '1001-S1', 'TRK9')",
            shipment_id,
            order_id,
        )
    facts = {"order_id": order_id, "number": "1001"}
    for fact in (
        placed(scope, order_id),
        OrderConfirmed(**facts),
        ShipmentShipped(**facts, shipment_id=shipment_id),
        ShipmentDelivered(**facts, shipment_id=shipment_id),
        OrderCancelled(**facts, reason="asked"),
    ):
        await tell(shop, scope, fact)
        await work(shop)
    assert [str(mail["Subject"]).partition(" – ")[0] for mail in inbox.mails] == [
        "We have your order 1001",
        "Your order 1001 is confirmed",
        "Your order 1001 is on its way",
        "Your order 1001 has arrived",
        "Your order 1001 was cancelled",
    ]
    assert "TRK9" in text_of(inbox.mails[2])
    assert len({mail["Message-ID"] for mail in inbox.mails}) == 5


async def test_an_order_that_is_confirmed_as_it_is_placed_gets_one_mail(
    shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    order_id = await order(shop, scope, is_confirmed_at_once=True)
    await tell(shop, scope, placed(scope, order_id), OrderConfirmed(order_id=order_id, number="1001"))
    await work(shop)
    assert len(inbox.mails) == 1


async def test_without_an_address_nobody_is_written_to(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    await tell(shop, scope, placed(scope, await order(shop, scope, address=None)))
    await work(shop)
    assert inbox.mails == []
    assert await rows(alone, scope) == []


async def test_the_merchant_gets_a_copy_without_the_customers_token(
    shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    async with shop.uow(scope) as uow:
        await settings.put(uow, {"notifications.merchant_email": "owner@shop.test"})
    order_id = await order(shop, scope)
    await asyncio.sleep(1)
    await tell(shop, scope, placed(scope, order_id))
    await work(shop)
    assert sorted(inbox.recipients) == ["owner@shop.test", "rahim@example.com"]
    copy = next(mail for mail in inbox.mails if mail["To"] == "owner@shop.test")
    assert copy["Subject"] == "New order 1001: ৳2,560.00"
    assert "token=" not in text_of(copy) + text_of(copy, "html")


async def test_a_temporary_refusal_is_tried_again(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    inbox.at_recipient = ["451 come back later"]
    await tell(shop, scope, placed(scope, await order(shop, scope)))
    await work(shop)
    assert inbox.mails == []
    (row,) = await rows(alone, scope)
    assert row["status"] == "pending"
    assert "451" in await alone.owner.fetchval("SELECT last_error FROM jobs")
    await hasten(alone)
    await work(shop)
    assert len(inbox.mails) == 1
    (row,) = await rows(alone, scope)
    assert row["status"] == "sent"


@pytest.mark.parametrize("step", ["at_recipient", "at_data"])
async def test_a_permanent_refusal_ends_it_with_the_servers_reason(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None, step: str
) -> None:
    setattr(inbox, step, ["550 no such user here"])
    await tell(shop, scope, placed(scope, await order(shop, scope)))
    await work(shop)
    (row,) = await rows(alone, scope)
    assert (row["status"], row["error"]) == ("failed", "550 no such user here")
    assert await alone.owner.fetchval("SELECT count(*) FROM jobs") == 0
    assert inbox.mails == []


async def test_a_server_that_is_away_gets_the_mail_when_it_is_back(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, server: Server, by_smtp: None
) -> None:
    server.stop()
    await tell(shop, scope, placed(scope, await order(shop, scope)))
    await work(shop)
    (row,) = await rows(alone, scope)
    assert row["status"] == "pending"
    again = Server(inbox, hostname="127.0.0.1", port=server.port)
    again.start()
    try:
        await hasten(alone)
        await work(shop)
    finally:
        again.stop()
    assert len(inbox.mails) == 1


async def test_a_mail_that_is_sent_twice_is_the_same_mail(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    await tell(shop, scope, placed(scope, await order(shop, scope)))
    await work(shop)
    # The process died after the server took the mail and before we noted it.
    (row,) = await rows(alone, scope)
    await alone.owner.execute("UPDATE notification_deliveries SET status = 'pending' WHERE id = $1", row["id"])
    async with shop.uow(scope) as uow:
        uow.enqueue(Job(kind=SEND, payload={"delivery_id": str(row["id"])}))
    await work(shop)
    first, second = inbox.mails
    assert first["Message-ID"] == second["Message-ID"]


HOSTILE = [
    "Rahim\r\nBcc: victim@example.com",
    "Rahim\nSubject: won\n\n<script>alert(1)</script>",
    "{{ link }} {% include '/etc/passwd' %}",
    '<img src=x onerror=alert(1)> & "quotes" \'',
    "a\u2028b\x00c\x0bd",
]


@pytest.mark.parametrize("name", [name.replace("\x00", "") for name in HOSTILE])
async def test_what_a_person_typed_becomes_no_header_no_markup_and_no_template(
    shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None, name: str
) -> None:
    await tell(shop, scope, placed(scope, await order(shop, scope, name=name, title=name)))
    await work(shop)
    (mail,) = inbox.mails
    assert inbox.recipients == ["rahim@example.com"]
    assert mail["Bcc"] is None
    assert mail.get_all("Subject") == [f"We have your order 1001 – {scope.store.name}"]
    html = text_of(mail, "html")
    assert "<script" not in html
    assert "<img" not in html
    assert f"Hello {rendering.one_line(name)}," in text_of(mail)


async def test_a_hostile_store_name_stays_in_its_header(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None
) -> None:
    await alone.owner.execute("UPDATE stores SET name = $1 WHERE id = $2", "Evil\r\nBcc: x@y.z", scope.store.id)
    await tell(shop, scope, placed(scope, await order(shop, scope)))
    await work(shop)
    (mail,) = inbox.mails
    assert mail["Bcc"] is None
    assert mail["From"].addresses[0].display_name == "Evil Bcc: x@y.z"


@pytest.mark.parametrize("address", ["not an address", "a@b@c d", "রহিম@example.com", "x\r\nDATA@example.com"])
async def test_an_address_that_cannot_be_written_to_fails_for_good(
    alone: Any, shop: Shop, scope: Scope, inbox: Inbox, by_smtp: None, address: str
) -> None:
    await tell(shop, scope, placed(scope, await order(shop, scope, address=address)))
    await work(shop)
    assert inbox.mails == []
    (row,) = await rows(alone, scope)
    assert row["status"] == "failed"
    assert row["error"]


async def test_without_a_server_the_mail_is_printed_and_its_token_is_in_no_log(
    shop: Shop, scope: Scope, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = await order(shop, scope)
    await tell(shop, scope, placed(scope, order_id))
    with structlog.testing.capture_logs() as logs:
        await work(shop)
    token = order_token(shop.keyring, scope.tenant_id, order_id, 0)
    assert token in capsys.readouterr().out
    assert token not in str(logs)


def test_every_mail_is_written_in_every_language() -> None:
    names = {fact.topic for fact in service.FOR_CUSTOMERS} | {
        f"merchant.{fact.topic}" for fact in service.FOR_MERCHANTS
    }
    for language in WORDS:
        files = {path.name.removesuffix(".txt") for path in (rendering.TEMPLATES / language).iterdir()}
        assert files == names


def test_the_consumer_and_its_job_are_registered() -> None:
    assert registry.CONSUMERS.by_name[jobs.ORDER_MAIL.name] is jobs.ORDER_MAIL
    assert registry.HANDLERS[SEND] is jobs.SENDING
