"""Pay an unpaid order again, or otherwise (`POST /orders/{number}/payments`)."""

from shopkit.core.checkout.schemas import PayAgain
from shopkit.core.kernel import idempotency
from shopkit.core.kernel.idempotency import Key
from shopkit.core.kernel.ids import uuid7
from shopkit.core.kernel.retry import transact
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.shop import Shop
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import queries
from shopkit.core.orders import service as orders
from shopkit.core.orders.errors import AlreadyPaid, OrderClosed, PaymentOpen
from shopkit.core.orders.schemas import OrderDoc, PaymentLine
from shopkit.core.payments import methods
from shopkit.core.payments import service as payments
from shopkit.sdk.errors import FieldError, Invalid
from shopkit.sdk.events import PaymentOpened


async def pay_again(shop: Shop, scope: Scope, number: str, command: PayAgain, key: Key) -> OrderDoc:
    """Open another attempt for the order's total. Raises `AlreadyPaid`, `OrderClosed`, `PaymentOpen`."""

    async def work(uow: Uow) -> OrderDoc:
        if (stored := await idempotency.begin(uow, key)) and stored.subject_id:
            return await queries.get(uow, stored.subject_id)
        if command.payment_method not in {method.code for method in await methods.offered(uow)}:
            raise Invalid(
                errors=[FieldError(field="/payment_method", code="unknown_option", message="No such choice.")]
            )
        order = await orders.lock(uow, number)
        if order.payment_status in {"paid", "overpaid"}:
            raise AlreadyPaid
        if order.status == "cancelled":
            raise OrderClosed
        attempts = await payments.lock(uow, order.id)
        if any(attempt.status in payments.OPEN for attempt in attempts):
            raise PaymentOpen
        attempt = PaymentLine(
            id=uuid7(),
            number=f"{order.number}-P{len(attempts) + 1}",
            provider=command.payment_method,
            status="awaiting_collection",
            amount=order.total,
            currency=order.currency,
        )
        await payments.insert(uow, order.id, attempt)
        for before, after in ((None, "pending"), ("pending", attempt.status)):
            await orders.record(uow, order.id, orders.step(uow, "payment", before, after, subject_id=attempt.id))
        uow.publish(
            PaymentOpened(
                order_id=order.id,
                number=order.number,
                payment_id=attempt.id,
                provider=attempt.provider,
                amount=attempt.amount,
                currency=attempt.currency,
            )
        )
        await idempotency.store(uow, key, subject_id=order.id)
        return await queries.get(uow, order.id)

    return await transact(shop, scope, work)
