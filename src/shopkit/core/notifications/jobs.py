"""The consumer that turns facts into messages, and the job that sends one, outside of any transaction."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit
from uuid import UUID

import structlog

from shopkit.core.kernel.jobs import Handler, Job
from shopkit.core.kernel.outbox import Consumer, Event
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.shop import Shop
from shopkit.core.kernel.uow import Uow
from shopkit.core.notifications import mail, queries, rendering, service
from shopkit.core.notifications.queries import Letter
from shopkit.core.orders.tokens import order_token

log = structlog.get_logger("shopkit.mail")

SEND = "notifications.send"


async def order_mail(uow: Uow, event: Event) -> None:
    """Plan a message to everybody who should hear of it, and a job for each."""
    assert isinstance(event.fact, service.OrderNews)
    recipients = await service.recipients_of(uow, event.fact)
    if not recipients:
        return
    for delivery_id in await service.plan(uow, event.id, event.fact, recipients):
        uow.enqueue(Job(kind=SEND, payload={"delivery_id": str(delivery_id)}, key=str(delivery_id)))


async def send(shop: Shop, scope: Scope, payload: Mapping[str, Any]) -> None:
    """Write and send one message. Raises when it is worth another try; a refusal for good is kept on its row."""
    delivery_id = UUID(payload["delivery_id"])
    async with shop.uow(scope) as uow:
        letter = await queries.find_pending(uow, delivery_id)
    if letter is None:
        return
    refusal = None
    try:
        message = rendering.message(letter, sender=shop.config.mail_from, link=order_link(shop, scope, letter))
        await mail.send(message, smtp_url=shop.config.smtp_url)
    except (mail.Undeliverable, rendering.Unaddressable) as error:
        refusal = str(error)
        log.warning("mail_refused", tenant=str(scope.tenant_id), delivery=str(delivery_id), topic=letter.topic)
    async with shop.uow(scope) as uow:
        if refusal is None:
            await service.mark_sent(uow, delivery_id)
        else:
            await service.mark_failed(uow, delivery_id, refusal)


def order_link(shop: Shop, scope: Scope, letter: Letter) -> str:
    """The customer's page of the order, on the store's own host where it has one; the token opens only this order."""
    order = letter.order
    token = order_token(shop.keyring, scope.tenant_id, order.id, order.token_epoch)
    base = _on_host(shop.config.base_url, letter.host)
    return f"{base}/orders/{quote(order.number, safe='')}?{urlencode({'token': token})}"


def _on_host(base_url: str, host: str | None) -> str:
    if host is None:
        return base_url
    parts = urlsplit(base_url)
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{host}{port}"))


ORDER_MAIL = Consumer(
    name="notifications.order_mail",
    topics=frozenset(fact.topic for fact in service.FOR_CUSTOMERS),
    handle=order_mail,
)
SENDING = Handler(kind=SEND, run=send)
