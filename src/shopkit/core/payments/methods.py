"""The ways to pay that a store offers. Cash on delivery is the only one until gateways come in by their door."""

from typing import Literal

from msgspec import Struct

from shopkit.core.kernel.uow import Uow
from shopkit.core.payments.settings import CodSettings
from shopkit.core.settings import service as settings

COD = "cod"
NAMES = {"en": "Cash on delivery", "bn": "ক্যাশ অন ডেলিভারি"}


class PaymentMethod(Struct, frozen=True, kw_only=True):
    """A way to pay as checkout sees it."""

    code: str
    name: str
    kind: Literal["redirect", "component", "offline", "cod"]


async def offered(uow: Uow) -> list[PaymentMethod]:
    """What a customer of the scope's store can choose now."""
    options = await settings.get(uow, CodSettings)
    if not options.enabled:
        return []
    return [PaymentMethod(code=COD, name=NAMES.get(uow.scope.locale, NAMES["en"]), kind="cod")]
