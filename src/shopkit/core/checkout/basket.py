"""A basket as it stands now: what each line costs, what delivery costs, what is still needed. Pure after one read."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from uuid import UUID

from msgspec import Struct

from shopkit.core.cart.schemas import Contact
from shopkit.core.cart.totals import Priced, PricedLine, price
from shopkit.core.checkout.queries import BasketData, BasketLine
from shopkit.core.customers.address import Address
from shopkit.core.kernel.messages import translate_field
from shopkit.core.kernel.scope import StoreInfo
from shopkit.core.shipping.rates import Destination, ShippingOption, options_for
from shopkit.sdk.errors import FieldError


class Choices(Struct, frozen=True, kw_only=True):
    """What the customer has said so far."""

    contact: Contact = Contact()
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_option: str | None = None
    payment_method: str | None = None
    note: str = ""


class Basket:
    """Lines, choices and what they come to, computed on first use."""

    def __init__(
        self,
        data: BasketData,
        choices: Choices,
        store: StoreInfo,
        methods: tuple[str, ...],
        locale: str,
        *,
        currency: str | None = None,
    ) -> None:
        self.currency = currency or store.currency
        """What its prices were read in: a cart keeps the currency that it began with."""
        self.lines = data.lines
        self.choices = choices
        self.now: datetime = data.now
        self._data = data
        self._store = store
        self._methods = methods
        self._locale = locale

    @cached_property
    def sellable(self) -> list[BasketLine]:
        """The lines that count: listed, with a price."""
        return [line for line in self.lines if line.is_available]

    @property
    def is_holding(self) -> bool:
        """Whether its cart holds stock already, by a setting that may have changed since."""
        return self._data.is_holding

    @property
    def needs_shipping(self) -> bool:
        """Whether anything in it is a physical thing."""
        return any(line.is_physical for line in self.sellable)

    @cached_property
    def demand(self) -> dict[UUID, int]:
        """Units per tracked variant, summed before the stock is touched (I8)."""
        units: Counter[UUID] = Counter()
        for line in self.sellable:
            if line.is_tracked:
                units[line.variant_id] += line.quantity
        return dict(units)

    @cached_property
    def _units(self) -> Counter[UUID]:
        """Units per variant over all its lines."""
        units: Counter[UUID] = Counter()
        for line in self.lines:
            units[line.variant_id] += line.quantity
        return units

    def exceeds_limit(self, line: BasketLine) -> bool:
        """Whether all lines of the variant together are more than one order may hold of it."""
        return line.max_per_order is not None and self._units[line.variant_id] > line.max_per_order

    @property
    def likely(self) -> Mapping[UUID, UUID]:
        """The stock row that should have all units of a variant, where one line alone draws on it."""
        lines = Counter(line.variant_id for line in self.sellable)
        return {
            line.variant_id: line.likely_stock_id
            for line in self.sellable
            if line.likely_stock_id is not None and lines[line.variant_id] == 1
        }

    @cached_property
    def short(self) -> dict[UUID, tuple[int, int]]:
        """Variants of which less is free than is asked: (asked, free) as it was read."""
        free = {line.variant_id: line.free for line in self.sellable if line.is_tracked}
        return {variant: (asked, free[variant]) for variant, asked in self.demand.items() if asked > free[variant]}

    @property
    def method_codes(self) -> set[str]:
        """Every way of delivery that the store has, for any basket."""
        return {rule.code for rule in self._data.rates}

    @cached_property
    def options(self) -> list[ShippingOption]:
        """The ways of delivery for this basket and address."""
        if not self.needs_shipping:
            return []
        address = self.choices.shipping_address
        to = Destination(
            country_code=address.country_code if address else self._store.country_code,
            admin1=(address.admin1 or None) if address else None,
            admin2=(address.admin2 or None) if address else None,
        )
        subtotal = sum((line.amount or 0) * line.quantity for line in self.sellable)
        weight = sum(line.weight_grams * line.quantity for line in self.sellable if line.is_physical)
        return options_for(self._data.rates, to, subtotal=subtotal, weight_grams=weight)

    @property
    def option(self) -> ShippingOption | None:
        """The chosen way of delivery, while it is offered."""
        return next((option for option in self.options if option.code == self.choices.shipping_option), None)

    @cached_property
    def priced(self) -> Priced:
        """The amounts of the sellable lines and of the whole."""
        address = self.choices.shipping_address
        return price(
            [
                PricedLine(unit_price=line.amount or 0, quantity=line.quantity, tax_class=line.tax_class)
                for line in self.sellable
            ],
            shipping=self.option.price if self.option else 0,
            rules=self._data.taxes,
            country_code=address.country_code if address else self._store.country_code,
            admin1=(address.admin1 or None) if address else None,
        )

    @cached_property
    def requirements(self) -> list[FieldError]:
        """What is still needed before an order can be placed, in the order of a form."""
        found: list[tuple[str, str]] = []
        if not self.lines:
            found.append(("/items", "cart_empty"))
        found += self._of_lines()
        contact, choices = self.choices.contact, self.choices
        if not contact.name:
            found.append(("/contact/name", "required"))
        if not contact.phone:
            found.append(("/contact/phone", "required"))
        if self.needs_shipping:
            if choices.shipping_address is None:
                found.append(("/shipping_address", "required"))
            elif not self.options:
                found.append(("/shipping_address", "not_delivered_there"))
            if choices.shipping_option is None:
                found.append(("/shipping_option", "required"))
            elif self.option is None and self.options:
                found.append(("/shipping_option", "shipping_option_gone"))
        if choices.payment_method is None:
            found.append(("/payment_method", "required"))
        elif choices.payment_method not in self._methods:
            found.append(("/payment_method", "payment_method_gone"))
        return [
            FieldError(field=field, code=code, message=translate_field(code, self._locale, code))
            for field, code in found
        ]

    def _of_lines(self) -> list[tuple[str, str]]:
        found = []
        for line in self.lines:
            if not line.is_available:
                found.append((f"/items/{line.id}", "variant_unavailable"))
            elif self.exceeds_limit(line):
                found.append((f"/items/{line.id}", "too_many_per_order"))
            elif line.variant_id in self.short:
                found.append((f"/items/{line.id}", "out_of_stock"))
        return found
