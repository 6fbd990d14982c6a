"""Who listens to facts, who does jobs, which chores come again: the one list, equal in every process."""

from shopkit.core.kernel import idempotency, outbox
from shopkit.core.kernel.jobs import Handler, Schedule
from shopkit.core.kernel.outbox import Consumers

CONSUMERS = Consumers(())
HANDLERS: dict[str, Handler] = {}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule(name="idempotency.purge", every_seconds=3600, run=idempotency.purge),
    Schedule(name="outbox.purge", every_seconds=3600, run=outbox.purge),
)
