"""What a route, a job or a saga may ask of the process: the part of `bootstrap.Shop` that the core knows."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

from shopkit.core.kernel.batching import Batches
from shopkit.core.kernel.config import Config
from shopkit.core.kernel.crypto import KeyRing
from shopkit.core.kernel.db import Database
from shopkit.core.kernel.limits import RateLimit
from shopkit.core.kernel.scope import Scope
from shopkit.core.kernel.uow import Uow


class Limits:
    """The process's fences, per address (I49 across processes comes with accounts)."""

    def __init__(self, config: Config) -> None:
        self.carts = RateLimit(config.carts_per_minute)
        self.checkouts = RateLimit(config.checkouts_per_minute)
        self.lookups = RateLimit(config.lookups_per_minute)


class Shop(ABC):
    """Lives as long as the process. Whoever talks to the network asks for this, not for a Uow."""

    config: Config
    db: Database
    keyring: KeyRing
    limits: Limits
    reads: Batches

    @abstractmethod
    def uow(self, scope: Scope) -> AbstractAsyncContextManager[Uow]:
        """Open a transaction for the scope's tenant; leaving commits."""
