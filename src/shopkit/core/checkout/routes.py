"""The buyers' routes: carts, quick orders, orders. Decode, permit, call one function, encode.

All are public; the cart's and the order's token decide what one may touch (I42).
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from shopkit.core.cart import service as cart_service
from shopkit.core.cart.errors import CartClosed, CartCompleting, CartNotFound, TooManyLines, VariantUnavailable
from shopkit.core.cart.schemas import CartChange
from shopkit.core.checkout import carts, examples, paying, saga
from shopkit.core.checkout.errors import CartChanged, RequirementsMissing
from shopkit.core.checkout.process import CheckoutShop
from shopkit.core.checkout.schemas import (
    AddItem,
    CartView,
    Complete,
    NewCart,
    OrderView,
    PayAgain,
    PaymentMethods,
    PaymentMethodView,
    Placed,
    QuickOrder,
    SetQuantity,
    ShippingOptions,
)
from shopkit.core.checkout.views import Writer, option_views, order_view
from shopkit.core.inventory.errors import OutOfStock
from shopkit.core.kernel import idempotency
from shopkit.core.kernel.decode import Line, Query, decode_query, parse_id, parse_segment
from shopkit.core.kernel.retry import transact
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow
from shopkit.core.orders import queries as order_queries
from shopkit.core.orders.errors import AlreadyPaid, OrderClosed, OrderNotFound, PaymentOpen
from shopkit.core.orders.schemas import OrderDoc
from shopkit.core.orders.tokens import check_order_token, order_token
from shopkit.core.payments import methods

AnyRequest = Request[Any, Any, Any]

CART_TOKEN = {"X-Cart-Token": "The token that came with the new cart."}
KEY = {"Idempotency-Key": "Required. 1 to 255 visible ASCII characters, new for each intention; kept 48 hours."}
KEY_WELCOME = {"Idempotency-Key": "Optional. A repeated request with the same key has no second effect."}


def cart_of(request: AnyRequest, shop: CheckoutShop, scope: Scope, cart_id: str) -> tuple[UUID, int]:
    """The cart that the token opens, with the token's epoch. Raises `CartNotFound`."""
    parsed = parse_id(cart_id)
    token = request.headers.get("x-cart-token")
    return parsed, cart_service.check_token(shop.keyring, scope.tenant_id, parsed, token)


async def key_of(request: AnyRequest, *, caller: str, route: str, required: bool) -> idempotency.Key | None:
    """The request's idempotency key, bound to caller, route and body."""
    header = request.headers.get("idempotency-key")
    body = await request.body() if header is not None else b""
    return idempotency.parse(header, caller=caller, route=route, body=body, required=required)


async def edit(
    request: AnyRequest,
    shop: CheckoutShop,
    scope: Scope,
    cart_id: str,
    work: Callable[[Uow, UUID, int], Awaitable[CartView]],
) -> Response[Any]:
    """One edit of a cart; with a key, its answer is stored with its effect and repeated (I20)."""
    cart, epoch = cart_of(request, shop, scope, cart_id)
    route = f"{request.method} {request.route_handler.handler_name}"
    key = await key_of(request, caller=f"cart:{cart}", route=f"{route} {request.scope['path']}", required=False)

    async def once(uow: Uow) -> bytes | CartView:
        if key is None:
            return await work(uow, cart, epoch)
        if (stored := await idempotency.begin(uow, key)) is not None:
            return (stored.body or "").encode()
        body = msgspec.json.encode(await work(uow, cart, epoch))
        await idempotency.store(uow, key, status=200, body=body.decode())
        return body

    return Response(await transact(shop, scope, once), status_code=200, media_type="application/json")


@post(
    "/carts",
    headers=KEY_WELCOME,
    problems=[OutOfStock, VariantUnavailable, TooManyLines],
    examples=[examples.NEW_CART],
    summary="New cart",
)
async def create_cart(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    data: JSONBody[NewCart | None] = None,
) -> CartView:
    """A cart, perhaps with something in it. Its token is in this answer only: keep it, send it as `X-Cart-Token`."""
    shop.limits.carts.spend((caller.tenant_id, caller.address))
    key = await key_of(request, caller=idempotency.ANONYMOUS, route="POST /carts", required=False)
    items = data.items if data is not None else []

    async def once(uow: Uow) -> CartView:
        if key is not None and (stored := await idempotency.begin(uow, key)) is not None:
            view = msgspec.json.decode(stored.body or "", type=CartView)
            cart = await cart_service.find(uow, view.id)
        else:
            cart, view = await carts.create(uow, items)
            if key is not None:
                body = msgspec.json.encode(view).decode()
                await idempotency.store(uow, key, subject_id=cart.id, status=201, body=body)
        token = cart_service.cart_token(shop.keyring, caller.tenant_id, cart)
        return msgspec.structs.replace(view, token=token)

    return await transact(shop, caller, once)


@get(
    "/carts/{cart_id:str}",
    headers=CART_TOKEN,
    problems=[CartNotFound],
    examples=[examples.SHOW_CART],
    summary="The cart",
)
async def show_cart(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    uow: NamedDependency[Uow],
    cart_id: FromPath[str],
) -> CartView:
    """The cart as it stands now: present prices, what can be bought, what is still needed."""
    return await carts.show(uow, *cart_of(request, shop, caller, cart_id))


EDITS = [CartNotFound, CartClosed, CartCompleting]


@post(
    "/carts/{cart_id:str}/items",
    status_code=200,
    headers=CART_TOKEN | KEY_WELCOME,
    problems=[*EDITS, OutOfStock, VariantUnavailable, TooManyLines],
    examples=[examples.ADD],
    summary="Add to the cart",
)
async def add_item(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    cart_id: FromPath[str],
    data: JSONBody[AddItem],
) -> Response[CartView]:
    """Put a variant in; the same variant and customisation sums."""
    return await edit(request, shop, caller, cart_id, lambda uow, cart, epoch: carts.add(uow, cart, epoch, data))


@patch(
    "/carts/{cart_id:str}/items/{item_id:str}",
    headers=CART_TOKEN | KEY_WELCOME,
    problems=[*EDITS, OutOfStock],
    examples=[examples.SET_QUANTITY],
    summary="Change a line",
)
async def change_item(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    cart_id: FromPath[str],
    item_id: FromPath[str],
    data: JSONBody[SetQuantity],
) -> Response[CartView]:
    """Set the quantity of a line."""
    item = parse_id(item_id)
    return await edit(
        request,
        shop,
        caller,
        cart_id,
        lambda uow, cart, epoch: carts.set_quantity(uow, cart, epoch, item, data.quantity),
    )


@delete(
    "/carts/{cart_id:str}/items/{item_id:str}",
    status_code=200,
    headers=CART_TOKEN | KEY_WELCOME,
    problems=EDITS,
    examples=[examples.REMOVE],
    summary="Remove a line",
)
async def remove_item(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    cart_id: FromPath[str],
    item_id: FromPath[str],
) -> Response[CartView]:
    """Take a line out of the cart."""
    item = parse_id(item_id)
    return await edit(request, shop, caller, cart_id, lambda uow, cart, epoch: carts.remove(uow, cart, epoch, item))


@patch(
    "/carts/{cart_id:str}",
    headers=CART_TOKEN | KEY_WELCOME,
    problems=EDITS,
    examples=[examples.CHANGE],
    summary="Contact, addresses, choices",
)
async def change_cart(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    cart_id: FromPath[str],
    data: JSONBody[CartChange],
) -> Response[CartView]:
    """Any of these, in any order; what is left out stays, null clears."""
    return await edit(request, shop, caller, cart_id, lambda uow, cart, epoch: carts.change(uow, cart, epoch, data))


@get(
    "/carts/{cart_id:str}/shipping-options",
    headers=CART_TOKEN,
    problems=[CartNotFound],
    examples=[examples.OPTIONS],
    summary="Ways of delivery",
)
async def shipping_options(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    uow: NamedDependency[Uow],
    cart_id: FromPath[str],
) -> ShippingOptions:
    """What can be chosen now for this cart and its address."""
    cart, basket = await carts.read(uow, *cart_of(request, shop, caller, cart_id))
    return ShippingOptions(items=option_views(basket, Writer(cart.currency, caller.locale)))


@get(
    "/carts/{cart_id:str}/payment-methods",
    headers=CART_TOKEN,
    problems=[CartNotFound],
    examples=[examples.METHODS],
    summary="Ways to pay",
)
async def payment_methods(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    uow: NamedDependency[Uow],
    cart_id: FromPath[str],
) -> PaymentMethods:
    """What can be chosen now for this cart."""
    await cart_service.get(uow, *cart_of(request, shop, caller, cart_id))
    return PaymentMethods(
        items=[
            PaymentMethodView(code=method.code, name=method.name, kind=method.kind)
            for method in await methods.offered(uow)
        ]
    )


def placed(shop: CheckoutShop, scope: Scope, order: OrderDoc) -> Placed:
    """The order with its token, as its buyer gets it."""
    token = order_token(shop.keyring, scope.tenant_id, order.id, order.token_epoch)
    return Placed(order=order_view(order, scope.locale, token=token))


@post(
    "/carts/{cart_id:str}/complete",
    headers=CART_TOKEN | KEY,
    problems=[*EDITS, CartChanged, OutOfStock, VariantUnavailable, RequirementsMissing],
    examples=[examples.COMPLETE],
    summary="Place the order",
)
async def complete_cart(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    cart_id: FromPath[str],
    data: JSONBody[Complete],
) -> Placed:
    """The one enforced step: everything is there, in stock, and costs what the customer accepted."""
    shop.limits.checkouts.spend((caller.tenant_id, caller.address))
    cart, epoch = cart_of(request, shop, caller, cart_id)
    key = await key_of(request, caller=f"cart:{cart}", route="POST /carts/complete", required=True)
    assert key is not None
    order = await saga.complete(shop, caller, cart_id=cart, epoch=epoch, command=data, key=key)
    return placed(shop, caller, order)


@post(
    "/quick-orders",
    headers=KEY,
    problems=[CartChanged, OutOfStock, VariantUnavailable, RequirementsMissing],
    examples=[examples.QUICK],
    summary="An order in one request",
)
async def quick_order(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    data: JSONBody[QuickOrder],
) -> Placed:
    """Items, contact, address and way to pay at once; without a shipping option the first one offered is taken."""
    shop.limits.checkouts.spend((caller.tenant_id, caller.address))
    key = await key_of(request, caller=idempotency.ANONYMOUS, route="POST /quick-orders", required=True)
    assert key is not None
    return placed(shop, caller, await saga.quick(shop, caller, data, key))


class OrderQuery(Query, frozen=True, kw_only=True):
    """How a link from a mail proves itself."""

    token: Line | None = None


async def order_of(request: AnyRequest, shop: CheckoutShop, scope: Scope, uow: Uow, number: str) -> OrderDoc:
    """The order that the request's token opens; the same refusal whether it exists or not (I48)."""
    shop.limits.lookups.spend((scope.tenant_id, scope.address))
    token = request.headers.get("x-order-token") or decode_query(request, OrderQuery).token
    order = await order_queries.get_by_number(uow, parse_segment(number, max_length=40))
    check_order_token(shop.keyring, scope.tenant_id, order.id, order.token_epoch, token)
    return order


@get(
    "/orders/{number:str}",
    query=OrderQuery,
    headers={"X-Order-Token": "The token that came with the order; or `?token=`."},
    problems=[OrderNotFound],
    examples=[examples.SHOW_ORDER],
    summary="The order",
)
async def show_order(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    uow: NamedDependency[Uow],
    number: FromPath[str],
) -> Response[OrderView]:
    """What the buyer may see of it."""
    order = await order_of(request, shop, caller, uow, number)
    return Response(
        order_view(order, caller.locale), headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    )


@post(
    "/orders/{number:str}/payments",
    query=OrderQuery,
    headers={"X-Order-Token": "The token that came with the order; or `?token=`."} | KEY,
    problems=[OrderNotFound, AlreadyPaid, OrderClosed, PaymentOpen],
    examples=[examples.PAY_AGAIN],
    summary="Pay again or otherwise",
)
async def pay_again(
    request: AnyRequest,
    shop: NamedDependency[CheckoutShop],
    caller: NamedDependency[Scope],
    number: FromPath[str],
    data: JSONBody[PayAgain],
) -> Placed:
    """Another attempt for an unpaid order, while none is open."""
    async with shop.uow(caller) as uow:
        found = await order_of(request, shop, caller, uow, number)
    key = await key_of(request, caller=f"order:{found.id}", route="POST /orders/payments", required=True)
    assert key is not None
    return placed(shop, caller, await paying.pay_again(shop, caller, found.number, data, key))


handlers = [
    create_cart,
    show_cart,
    add_item,
    change_item,
    remove_item,
    change_cart,
    shipping_options,
    payment_methods,
    complete_cart,
    quick_order,
    show_order,
    pay_again,
]
