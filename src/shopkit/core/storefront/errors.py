"""What the storefront refuses.

Refused
├─ Invalid 422      NotAvailable
└─ NotFound 404     ProductMoved (its route answers 301)
"""

from collections.abc import Iterable
from typing import Self

from shopkit.core.kernel.faults import fault
from shopkit.sdk.errors import Invalid, NotFound


class NotAvailable(Invalid):
    """A feature that this version does not have was asked for."""

    code = "not_available"
    message = "This is not available yet."

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """For these parameters of the query."""
        return cls(errors=[fault("not_available", f"?{name}") for name in names])


class ProductMoved(NotFound):
    """The product has another address now; the route answers with a redirect to it."""

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug
