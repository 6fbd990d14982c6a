"""The buyers' calls as the documentation shows them.

In paths and headers `{name}` stands for what an earlier call answered; bodies are complete, of one saree for 1,299.
"""

from typing import Any, Final

from shopkit.core.kernel.examples import Example

VARIANT: Final = "019a1fca-eea4-7759-8c98-999fc07068be"
"""The variant in every body."""
_KEY: Final = {"Idempotency-Key": "{new_key}"}
_CART: Final = {"cart_id": "{cart_id}"}
_TOKEN: Final = {"X-Cart-Token": "{cart_token}"}
_LINE: Final = {"cart_id": "{cart_id}", "item_id": "{item_id}"}
_CONTACT: Final = {"name": "Rahim Uddin", "phone": "01712345678"}
_ADDRESS: Final = {
    "name": "Rahim Uddin",
    "phone": "01712345678",
    "country_code": "BD",
    "admin1": "Dhaka",
    "admin2": "Dhaka",
    "admin3": "Dhanmondi",
    "line1": "House 12, Road 5",
}


def _item(quantity: int) -> dict[str, Any]:
    return {"variant_id": VARIANT, "quantity": quantity}


def _money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "BDT", "formatted": f"৳{amount / 100:,.2f}"}


NEW_CART: Final = Example(name="with one thing in it", body={"items": [_item(1)]}, status=201)
SHOW_CART: Final = Example(name="the cart", path=_CART, headers=_TOKEN)
ADD: Final = Example(name="two of one", path=_CART, headers=_TOKEN | _KEY, body=_item(2))
SET_QUANTITY: Final = Example(name="three instead", path=_LINE, headers=_TOKEN, body={"quantity": 3})
REMOVE: Final = Example(name="take it out", path=_LINE, headers=_TOKEN)
CHANGE: Final = Example(
    name="who, where and how",
    path=_CART,
    headers=_TOKEN,
    body={
        "contact": _CONTACT,
        "shipping_address": _ADDRESS,
        "shipping_option": "home",
        "payment_method": "cod",
    },
)
OPTIONS: Final = Example(
    name="home delivery",
    path=_CART,
    headers=_TOKEN,
    answer={
        "items": [
            {"code": "home", "name": "Home delivery", "price": _money(6000), "eta_days": 3, "eta_min_days": 1},
        ]
    },
)
METHODS: Final = Example(
    name="cash on delivery",
    path=_CART,
    headers=_TOKEN,
    answer={"items": [{"code": "cod", "name": "Cash on delivery", "kind": "cod"}]},
)
COMPLETE: Final = Example(
    name="for what the cart showed",
    path=_CART,
    headers=_TOKEN | _KEY,
    body={"expected_total": {"amount": 135900, "currency": "BDT"}},
    status=201,
)
QUICK: Final = Example(
    name="cash on delivery",
    headers=_KEY,
    body={"items": [_item(1)], "contact": _CONTACT, "shipping_address": _ADDRESS, "payment_method": "cod"},
    status=201,
)
SHOW_ORDER: Final = Example(
    name="with its token", path={"number": "{order_number}"}, headers={"X-Order-Token": "{order_token}"}
)
PAY_AGAIN: Final = Example(
    name="while a payment is open",
    path={"number": "{order_number}"},
    headers={"X-Order-Token": "{order_token}"} | _KEY,
    body={"payment_method": "cod"},
    status=409,
)
