"""The ASGI application of one process."""

from litestar import Litestar, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.response import Redirect
from litestar.types import ASGIApp

import shopkit
from shopkit.bootstrap import Shop
from shopkit.core.checkout.routes import handlers as checkout_handlers
from shopkit.core.kernel.decode import NoQuery
from shopkit.core.storefront.routes import handlers as storefront_handlers
from shopkit.web import context, health, media, openapi
from shopkit.web.edge import Edge, HeadAsGet

API = "/api/store/v1"


@get("/", include_in_schema=False)
async def root() -> Redirect:
    """Until there is a storefront, people who open the address see what the API offers."""
    return Redirect("/api/docs", status_code=302)


def create_app(shop: Shop) -> ASGIApp:
    """Wire routes, dependencies and the strict edge for this shop."""
    store_api = Router(
        API,
        route_handlers=[*storefront_handlers, *checkout_handlers],
        dependencies={
            "caller": Provide(context.provide_caller),
            "uow": Provide(context.provide_uow),
            "shop": Provide(context.provide_shop),
        },
        opt={"query": NoQuery},
    )
    app = Litestar(
        [
            root,
            store_api,
            *health.handlers,
            *media.handlers,
            *openapi.routes(title="ShopKit storefront API", version=shopkit.__version__),
        ],
        plugins=[Edge(max_body_bytes=shop.config.body_max_bytes)],
        state=State({"shop": shop}),
        openapi_config=None,
    )
    return context.RequestContext(HeadAsGet(app), shop)
