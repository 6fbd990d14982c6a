"""Who listens to facts, who does jobs, which chores come again: the one list, equal in every process."""

from shopkit.core.catalog import jobs as catalog
from shopkit.core.checkout import jobs as checkout
from shopkit.core.kernel import epochs, idempotency, outbox
from shopkit.core.kernel.jobs import Handler, Schedule
from shopkit.core.kernel.outbox import Consumers
from shopkit.core.notifications import jobs as notifications

CONSUMERS = Consumers((notifications.ORDER_MAIL,))
HANDLERS: dict[str, Handler] = {handler.kind: handler for handler in (notifications.SENDING,)}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule(name="idempotency.purge", every_seconds=3600, run=idempotency.purge),
    Schedule(name="caches.purge", every_seconds=3600, run=epochs.purge),
    Schedule(name="outbox.purge", every_seconds=3600, run=outbox.purge),
    *catalog.SCHEDULES,
    *checkout.SCHEDULES,
)
