"""Parts of what we answer that every domain shares: money as clients and people read it."""

from shopkit.core.kernel.inputs import View
from shopkit.sdk.formatting import format_amount
from shopkit.sdk.money import Money


class MoneyView(View, frozen=True, kw_only=True, gc=False):
    """An amount for programs, and the same for people."""

    amount: int
    """Minor units, such as paisa."""
    currency: str
    """ISO 4217."""
    formatted: str
    """As a customer reads it in the language of the answer."""

    @classmethod
    def of(cls, amount: int, currency: str, locale: str) -> "MoneyView":
        """Minor units of a currency, written for a locale."""
        return cls(amount=amount, currency=currency, formatted=format_amount(amount, currency, locale))

    @classmethod
    def maybe(cls, amount: int | None, currency: str, locale: str) -> "MoneyView | None":
        """Like `of`; None where there is no amount."""
        return None if amount is None else cls.of(amount, currency, locale)

    @classmethod
    def of_money(cls, money: Money, locale: str) -> "MoneyView":
        """Like `of`, for an amount that knows its currency."""
        return cls.of(money.amount, money.currency, locale)
