"""From a letter to a mail: sentences from `templates/<language>/<topic>.txt`, the table from `templates/mail.*`. Pure.

The first line of a sentence file is the subject, each block after it a paragraph.
"""

from collections.abc import Callable, Iterable
from email import policy
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import Any

import minijinja

from shopkit.core.customers.address import Address
from shopkit.core.notifications.queries import Letter
from shopkit.core.notifications.wording import WORDS, language
from shopkit.core.orders.schemas import OrderDoc
from shopkit.sdk.formatting import format_amount, format_number

TEMPLATES = Path(__file__).parent / "templates"

Amount = Callable[[int], str]


class Unaddressable(ValueError):
    """The recipient is no address that a mail can have."""


def message(letter: Letter, *, sender: str, link: str) -> EmailMessage:
    """The mail. `sender` is `shop@example.com` or `Shop <shop@example.com>`; `link` leads to the customer's order.

    Names and titles stay on one line, so that none becomes a header or a paragraph (I56). Raises `Unaddressable`.
    """
    spoken = language(letter.locale)
    context = _context(letter, spoken, link)
    name = f"merchant.{letter.topic}" if letter.audience == "merchant" else letter.topic
    subject, paragraphs = _sentences(_environment().render_template(f"{spoken}/{name}.txt", **context))
    mail = EmailMessage(policy=policy.SMTP)
    address = parseaddr(sender)[1]
    mail["From"] = MailAddress(display_name=one_line(letter.store_name), addr_spec=address)
    mail["To"] = _address(letter.recipient)
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if letter.audience == "customer" and letter.store_email:
        mail["Reply-To"] = _address(letter.store_email)
    mail.set_content(_environment().render_template("mail.txt", paragraphs=paragraphs, **context))
    mail.add_alternative(
        _environment().render_template("mail.html", paragraphs=paragraphs, subject=subject, **context), subtype="html"
    )
    mail["Content-Language"] = spoken  # last: setting the content clears what begins with Content-
    return mail


def one_line(text: str) -> str:
    """The text with every control sign and line break as a blank."""
    return " ".join("".join(sign if sign.isprintable() or sign in "\u200c\u200d" else " " for sign in text).split())


def _sentences(text: str) -> tuple[str, list[str]]:
    subject, _, rest = text.strip().partition("\n")
    return subject, [one_line(part) for part in rest.split("\n\n") if part.strip()]


def _address(text: str) -> MailAddress:
    try:
        local, _, domain = text.rpartition("@")
        return MailAddress(addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except Exception as error:  # the parser of addresses raises half a dozen kinds
        raise Unaddressable(f"not an address for mail: {error}") from None


def _context(letter: Letter, spoken: str, link: str) -> dict[str, Any]:
    order = letter.order

    def amount(minor: int) -> str:
        return format_amount(minor, order.currency, spoken)

    return {
        "language": spoken,
        "words": WORDS[spoken],
        "store": one_line(letter.store_name),
        "number": order.number,
        "name": one_line(order.contact_name),
        "phone": order.contact_phone or "",
        "total": amount(order.total),
        "is_cash": order.payment_method == "cod" and order.payment_status not in {"paid", "overpaid"},
        "tracking_number": one_line((letter.shipment and letter.shipment.tracking_number) or ""),
        "tracking_url": one_line((letter.shipment and letter.shipment.tracking_url) or ""),
        "can_answer": bool(letter.store_email),
        "lines": [_line(line, spoken, amount) for line in order.items],
        "totals": list(_totals(order, spoken, amount)),
        "address": [] if order.shipping_address is None else _address_lines(order.shipping_address),
        # The order's page is the customer's; its token is for nobody else.
        "link": link if letter.audience == "customer" else "",
    }


def _line(line: Any, spoken: str, amount: Amount) -> dict[str, str]:
    title = one_line(f"{line.title} ({line.variant_title})" if line.variant_title else line.title)
    return {"title": title, "quantity": format_number(line.quantity, spoken), "amount": amount(line.subtotal)}


def _totals(order: OrderDoc, spoken: str, amount: Amount) -> Iterable[dict[str, str]]:
    words = WORDS[spoken]
    delivery = words.delivery
    if order.shipping_method is not None:
        delivery = f"{delivery} ({one_line(order.shipping_method.name)})"
    yield {"label": words.subtotal, "amount": amount(order.subtotal)}
    for label, minor in (
        (words.discount, -order.discount_total),
        (words.tax, order.tax_total),
        (words.fee, order.fee_total),
    ):
        if minor:
            yield {"label": label, "amount": amount(minor)}
    if order.shipping_method is not None:
        yield {"label": delivery, "amount": amount(order.shipping_total)}
    yield {"label": words.total, "amount": amount(order.total)}
    if order.tax_included:
        yield {"label": words.tax_included, "amount": amount(order.tax_included)}


def _address_lines(address: Address) -> list[str]:
    places = [address.area, address.admin3, address.admin2, address.admin1]
    region = ", ".join(dict.fromkeys(place for place in places if place))
    lines = [address.name, address.line1, address.line2, address.landmark, region, address.postal_code, address.phone]
    return [one_line(line) for line in lines if line]


@cache
def _environment() -> minijinja.Environment:
    return minijinja.Environment(
        loader=lambda name: (TEMPLATES / name).read_text("utf-8"),
        auto_escape_callback=lambda name: name.endswith(".html"),
        undefined_behavior="strict",
        trim_blocks=True,
        lstrip_blocks=True,
    )
