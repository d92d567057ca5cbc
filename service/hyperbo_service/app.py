"""The application: assembles storage, use cases and the API over one database."""

from collections.abc import Callable
from dataclasses import dataclass

from hyperbo.registry import Registry
from hyperbo_service.adoption import Adopter
from hyperbo_service.domain import Clock, utc_now
from hyperbo_service.insights import Insights
from hyperbo_service.rpc.api import Api, Limits
from hyperbo_service.storage.engines import parse_url
from hyperbo_service.storage.sql import SqlStore
from hyperbo_service.strategies import Strategies
from hyperbo_service.suggestions import Suggester
from hyperbo_service.transactions import Transactions
from hyperbo_service.tuner import Tuner


@dataclass(frozen=True)
class Observers:
    """Who is told what goes on inside.

    Attributes:
        on_suggested: Told the core's seconds for a batch of points, and how many it made.
        on_expired: Told how many expired leases were handed out again.
    """

    on_suggested: Callable[[float, int], None] = lambda seconds, count: None  # noqa: ARG005
    on_expired: Callable[[int], None] = lambda count: None  # noqa: ARG005


@dataclass(frozen=True)
class Backend:
    """All but what carries the messages.

    Attributes:
        store: The database.
        api: Answers requests.
        strategies: Counts how often a prior was at hand.
    """

    store: SqlStore
    api: Api
    strategies: Strategies

    def close(self) -> None:
        """End every watch, finish what is being written, and let the database go."""
        self.api.close()
        self.store.close()


def open_backend(
    database: str,
    *,
    registry: Registry | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    observers: Observers = Observers(),
    clock: Clock = utc_now,
) -> Backend:
    """Open a database, creating its schema if it is empty.

    Args:
        database: `sqlite:///file`, `sqlite://` for one in memory, or `postgresql://...`.
        registry: A folder whose priors are adopted into the default project.
        limits: What the API grants.
        observers: Who is told what goes on inside.
        clock: Says what time it is.

    Raises:
        InvalidArgumentError: If the address is not understood.
        PreconditionError: If the schema is not this release's.
        UnavailableError: If the database cannot be reached.
    """
    url = parse_url(database)
    store = SqlStore(url, clock=clock)
    transactions = Transactions(store, clock)
    strategies = Strategies()
    if registry is not None:
        strategies.adopt = Adopter(registry, transactions).adopt
    tuner = Tuner(store, strategies, observers.on_suggested)
    suggester = Suggester(store, tuner, clock, observers.on_expired)
    api = Api(transactions, suggester, Insights(tuner), limits, strategies.adopt)
    return Backend(store, api, strategies)
