"""Is the process alive; can it serve. No tenant, no secrets, no cost."""

from typing import Any

from litestar import Request, Response, get
from msgspec import Struct

from shopkit.bootstrap import Shop
from shopkit.migrations import versions


class Health(Struct, frozen=True, kw_only=True):
    """`ok`, or what is wrong in a word per part."""

    status: str
    parts: dict[str, str] = {}


@get("/health/live", include_in_schema=False)
async def live() -> Health:
    """The process answers."""
    return Health(status="ok")


@get("/health/ready", include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> Response[Health]:
    """Database reachable, schema as this version expects it, worker not stuck. 503 when not."""
    shop: Shop = request.app.state["shop"]
    parts = {"database": "ok", "migrations": "ok", "worker": shop.worker_health()}
    try:
        async with shop.db.transaction(None) as sql:
            revision = await sql.fetchval("SELECT version_num FROM shopkit_version")
        if revision is None or revision < versions.HEAD:  # a newer one is an upgrade under way (I69)
            parts["migrations"] = f"at {revision}, expected {versions.HEAD}"
    except Exception:
        parts["database"] = "unreachable"
    good = all(part == "ok" for part in parts.values())
    return Response(Health(status="ok" if good else "unready", parts=parts), status_code=200 if good else 503)


handlers = [live, ready]
