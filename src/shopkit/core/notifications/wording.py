"""The words around the table of an order mail, in each language that mail is written in."""

from msgspec import Struct


class Words(Struct, frozen=True, kw_only=True):
    """Labels of the mail's parts."""

    order: str
    subtotal: str
    discount: str
    delivery: str
    tax: str
    tax_included: str
    fee: str
    total: str
    deliver_to: str
    see_order: str


WORDS = {
    "en": Words(
        order="Order",
        subtotal="Subtotal",
        discount="Discount",
        delivery="Delivery",
        tax="Tax",
        tax_included="Tax included",
        fee="Fee",
        total="Total",
        deliver_to="Deliver to",
        see_order="See your order",
    ),
    "bn": Words(
        order="অর্ডার",
        subtotal="পণ্যের মূল্য",
        discount="ছাড়",
        delivery="ডেলিভারি",
        tax="কর",
        tax_included="মূল্যের মধ্যে থাকা কর",
        fee="ফি",
        total="মোট",
        deliver_to="যেখানে পৌঁছানো হবে",
        see_order="আপনার অর্ডার দেখুন",
    ),
}


def language(locale: str) -> str:
    """The language that mail is written in for a locale such as `bn-BD`; English where we have no other."""
    spoken = locale[:2].lower()
    return spoken if spoken in WORDS else "en"
