"""`shopkit order`: what staff do with orders until there is an admin."""

from collections.abc import Awaitable, Callable
from typing import Any

import rich_click as click

from shopkit.bootstrap import Shop
from shopkit.cli import options, printing, session
from shopkit.core.checkout import staff
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import queries
from shopkit.core.orders.schemas import OrderDoc
from shopkit.core.orders.states import display_status
from shopkit.sdk.formatting import format_amount

STATUSES = ("draft", "pending", "confirmed", "processing", "completed", "cancelled")
Step = Callable[[Uow, str], Awaitable[OrderDoc]]


@click.group()
def order() -> None:
    """Orders. A step that the order's state does not permit is refused and changes nothing."""


@order.command(name="list")
@click.option("--status", type=click.Choice(STATUSES), help="Only these. Default: all that were placed.")
@click.option("--phone", metavar="NUMBER", help="Only this customer's, as +8801712345678.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@options.staff
def list_(
    status: str | None, phone: str | None, limit: int, tenant: str | None, data_dir: str | None, is_json: bool
) -> None:
    """The newest orders."""

    async def look(shop: Shop, scope: Scope) -> list[dict[str, Any]]:
        async with shop.uow(scope) as uow:
            return await queries.newest(uow, status=status, phone=phone, limit=limit)

    rows = session.as_staff(data_dir, tenant, look)
    if is_json:
        printing.as_json(rows)
        return
    shown = [
        {
            **row,
            "shown": _status(row["status"], row["payment_status"], row["fulfillment_status"]),
            "amount": format_amount(row["total"], row["currency"], "en"),
        }
        for row in rows
    ]
    columns = {
        "number": "Number", "shown": "Status", "payment_status": "Payment", "fulfillment_status": "Delivery",
        "amount": "Total", "contact_name": "Name", "contact_phone": "Phone", "placed_at": "Placed",
    }  # fmt: skip
    printing.table(shown, columns, empty="No orders yet.")


@order.command()
@click.argument("number")
@options.staff
def show(number: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """One order with its lines, payments, shipments and history."""
    _act(number, tenant, data_dir, is_json, queries.get_by_number)


@order.command()
@click.argument("number")
@options.staff
def confirm(number: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """It will be fulfilled."""
    _act(number, tenant, data_dir, is_json, staff.confirm)


@order.command(name="hand-over")
@click.argument("number")
@click.option("--tracking", metavar="NUMBER", help="The courier's tracking number.")
@options.staff
def hand_over(number: str, tracking: str | None, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """All its goods leave, in one shipment; the stock falls."""
    _act(number, tenant, data_dir, is_json, lambda uow, n: staff.hand_over(uow, n, tracking_number=tracking))


@order.command()
@click.argument("number")
@options.staff
def deliver(number: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """The goods have arrived."""
    _act(number, tenant, data_dir, is_json, staff.deliver)


@order.command()
@click.argument("number")
@options.staff
def collect(number: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """The cash on delivery is in."""
    _act(number, tenant, data_dir, is_json, staff.collect)


@order.command()
@click.argument("number")
@click.option("--reason", default="cancelled by staff", show_default=True, help="For the history.")
@options.staff
def cancel(number: str, reason: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """It will not be fulfilled; its stock is free again at once. Only before anything was handed over."""
    _act(number, tenant, data_dir, is_json, lambda uow, n: staff.cancel(uow, n, reason))


def _act(number: str, tenant: str | None, data_dir: str | None, is_json: bool, step: Step) -> None:
    """Do the step in one transaction, and print the order as it is then."""

    async def work(shop: Shop, scope: Scope) -> OrderDoc:
        async with shop.uow(scope) as uow:
            return await step(uow, number)

    found = session.as_staff(data_dir, tenant, work)
    if is_json:
        printing.as_json(found)
    else:
        _print(found)


def _status(status: str, payment_status: str, fulfillment_status: str) -> str:
    return "draft" if status == "draft" else display_status(status, payment_status, fulfillment_status)


def _print(found: OrderDoc) -> None:
    address = found.shipping_address
    printing.facts(
        [
            ("Order", found.number),
            ("Status", _status(found.status, found.payment_status, found.fulfillment_status)),
            ("Payment", f"{found.payment_status} ({found.payment_method})"),
            ("Delivery", found.fulfillment_status),
            ("Placed", found.placed_at),
            ("Customer", ", ".join(filter(None, [found.contact_name, found.contact_phone, found.contact_email]))),
            ("Address", _address(address) if address else ""),
            ("By", found.shipping_method.name if found.shipping_method else ""),
            *([("Note", found.customer_note)] if found.customer_note else []),
        ]
    )
    print()
    _print_lines(found)
    print("\nHistory:")
    steps = [
        {
            "at": step.created_at,
            "axis": step.axis,
            "to": f"{step.from_status} -> {step.to_status}" if step.from_status else step.to_status,
            "by": step.actor_type,
            "reason": step.reason,
        }
        for step in found.history
    ]
    printing.table(steps, {"at": "When", "axis": "What", "to": "Became", "by": "By", "reason": "Why"})


def _print_lines(found: OrderDoc) -> None:
    lines = [
        {
            "quantity": line.quantity,
            "title": f"{line.title} ({line.variant_title})" if line.variant_title else line.title,
            "sku": line.sku,
            "each": format_amount(line.unit_price, found.currency, "en"),
            "total": format_amount(line.total, found.currency, "en"),
        }
        for line in found.items
    ]
    printing.table(lines, {"quantity": "Qty", "title": "Product", "sku": "SKU", "each": "Each", "total": "Total"})
    sums = [
        ("Subtotal", found.subtotal),
        ("Discount", -found.discount_total),
        ("Shipping", found.shipping_total),
        ("Tax", found.tax_total),
        ("Fee", found.fee_total),
        ("Total", found.total),
    ]
    print()
    always = {"Subtotal", "Shipping", "Total"}
    printing.facts([(name, format_amount(sum_, found.currency, "en")) for name, sum_ in sums if sum_ or name in always])


def _address(address: Any) -> str:
    names = ("name", "phone", "line1", "line2", "area", "admin3", "admin2", "admin1", "postal_code", "country_code")
    return ", ".join(str(getattr(address, name)) for name in names if getattr(address, name, None))
