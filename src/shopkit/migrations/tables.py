"""Every table of the core in one metadata: the one list of model modules."""

from shopkit.core.cart import models as cart
from shopkit.core.catalog import models as catalog
from shopkit.core.customers import models as customers
from shopkit.core.inventory import models as inventory
from shopkit.core.kernel import idempotency, jobs, outbox
from shopkit.core.kernel.tables import Base, index_references
from shopkit.core.notifications import models as notifications
from shopkit.core.orders import models as orders
from shopkit.core.payments import models as payments
from shopkit.core.settings import models as settings
from shopkit.core.shipping import models as shipping
from shopkit.core.tax import models as tax
from shopkit.core.tenancy import models as tenancy
from shopkit.core.vendors import models as vendors

MODULES = (
    tenancy, settings, vendors, customers, catalog, inventory, tax, cart, orders, payments, shipping, notifications,
    outbox, jobs, idempotency,
)  # fmt: skip

metadata = Base.metadata
index_references(metadata)
