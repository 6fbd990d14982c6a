"""What the figures are compared with: the limit beside it, the best peer, the least that the first version must reach.

Peers were measured in another hour, when "product page: one asyncpg query" gave 3,100 a second. They are scaled by
this run's figure for the same query, so that a faster or slower machine moves both sides alike.
"""

from msgspec import Struct

PEER_HOUR_PRODUCT_PER_SECOND = 3100.0
RUSH_SECONDS_AT_MOST = 2.0
MEMORY_BYTES_AT_MOST = 150 * 1000 * 1000
START_SECONDS_BELOW = 2.0


class Target(Struct, frozen=True, kw_only=True):
    """One workload's comparison. `limit_share` is of the limit's rate, `peer_times` of the scaled peer's."""

    workload: str
    title: str
    limit: str | None = None
    limit_share: float | None = None
    peer: str | None = None
    peer_per_second: float | None = None
    peer_times: float | None = None


TARGETS = (
    Target(
        workload="list", title="list: 24 newest of a category", limit="list", limit_share=0.55,
        peer="Vendure 3.7.3", peer_per_second=56, peer_times=20,
    ),
    Target(
        workload="product", title="product page", limit="product", limit_share=0.60,
        peer="Vendure 3.7.3", peer_per_second=213, peer_times=8,
    ),
    Target(
        workload="cart", title="cart: 5 requests",
        peer="Vendure 3.7.3", peer_per_second=26, peer_times=8,
    ),
    Target(
        workload="checkout", title="checkout, step by step: 9 requests",
        peer="django-oscar 4.2", peer_per_second=12.6, peer_times=8,
    ),
    Target(
        workload="order", title="one-POST order", limit="order", limit_share=0.40,
        peer="django-oscar 4.2, step by step", peer_per_second=12.6, peer_times=20,
    ),
)  # fmt: skip


class Verdict(Struct, kw_only=True):
    """A target against this run's medians. `is_met` is None where one of its figures was not measured."""

    workload: str
    per_second: float
    limit_per_second: float | None = None
    limit_share: float | None = None
    limit_share_at_least: float | None = None
    peer_scaled_per_second: float | None = None
    peer_times: float | None = None
    peer_times_at_least: float | None = None
    is_met: bool | None = None


def judge(target: Target, shop: float, limits: dict[str, float], *, has_failed: bool) -> Verdict:
    """Compare the shop's rate with the limit's and the peer's; both must hold, and no answer be unexpected."""
    verdict = Verdict(
        workload=target.workload,
        per_second=shop,
        limit_share_at_least=target.limit_share,
        peer_times_at_least=target.peer_times,
    )
    held: list[bool | None] = [not has_failed]
    if target.limit and target.limit_share:
        verdict.limit_per_second = limits.get(target.limit)
        verdict.limit_share = _ratio(shop, verdict.limit_per_second)
        held.append(_reaches(verdict.limit_share, target.limit_share))
    if target.peer_per_second and target.peer_times:
        scale = _ratio(limits.get("product"), PEER_HOUR_PRODUCT_PER_SECOND)
        verdict.peer_scaled_per_second = target.peer_per_second * scale if scale else None
        verdict.peer_times = _ratio(shop, verdict.peer_scaled_per_second)
        held.append(_reaches(verdict.peer_times, target.peer_times))
    verdict.is_met = False if False in held else None if None in held else True
    return verdict


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def _reaches(value: float | None, least: float) -> bool | None:
    return None if value is None else value >= least
