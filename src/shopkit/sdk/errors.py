"""The error tree, shared by core and plugins.

ShopKitError                 code, message, details
├─ Refused                   expected; the caller can act
│  ├─ Invalid 422 · BadRequest 400 · Unauthenticated 401 · Forbidden 403 · NotFound 404
│  └─ Conflict 409 · Gone 410 · TooMany 429 · Unavailable 503
├─ ProviderError             the outside world
│  ├─ ProviderUnavailable    nothing happened; safe to try again
│  ├─ ProviderUnknown        it may have happened: ask before trying again
│  ├─ ProviderRejected       they said no to this input
│  └─ ProviderMisconfigured  wrong keys; tell the merchant
└─ PluginFault, ConfigFault  a broken contract; a refusal to boot
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct


class FieldError(Struct, frozen=True, kw_only=True):
    """One wrong field of an input: a JSON pointer (`/contact/phone`), a stable code, a sentence for people."""

    field: str
    code: str
    message: str


class ShopKitError(Exception):
    """Everything that ShopKit raises on purpose. `code` is stable; `message` is one sentence for people."""

    code: ClassVar[str] = "error"
    message: ClassVar[str] = "Something went wrong."

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        self.text = message or self.message
        self.error_code = code or self.code
        self.details = dict(details or {})
        self.errors = tuple(errors)
        super().__init__(self.text)


class Refused(ShopKitError):
    """An expected refusal: the request changed nothing and the caller can act on the code."""

    status: ClassVar[int] = 400
    retry_after_seconds: ClassVar[int | None] = None


class BadRequest(Refused):
    """The request itself is malformed."""

    code = "bad_request"
    message = "The request could not be read."
    status = 400


class Unauthenticated(Refused):
    """No valid credential."""

    code = "unauthenticated"
    message = "A valid credential is needed."
    status = 401


class Forbidden(Refused):
    """The credential does not permit this."""

    code = "forbidden"
    message = "This is not permitted."
    status = 403


class NotFound(Refused):
    """It does not exist, or it is not yours: the answer is the same (I36, I48)."""

    code = "not_found"
    message = "There is nothing here."
    status = 404


class Conflict(Refused):
    """The state of things does not permit it now."""

    code = "conflict"
    message = "The current state does not permit this."
    status = 409


class Gone(Refused):
    """It existed and will not come back."""

    code = "gone"
    message = "This is gone."
    status = 410


class Invalid(Refused):
    """The input was understood and is wrong; `errors` points to each field."""

    code = "invalid"
    message = "Some fields need a correction."
    status = 422


class TooMany(Refused):
    """A limit was reached; try again later."""

    code = "too_many_requests"
    message = "Too many requests; please wait a moment."
    status = 429
    retry_after_seconds = 10


class Unavailable(Refused):
    """It cannot be answered just now; nothing changed and trying again is safe."""

    code = "unavailable"
    message = "The shop is busy; please try again."
    status = 503
    retry_after_seconds = 1


class ProviderError(ShopKitError):
    """An outside company did not do what was asked."""

    code = "provider_error"


class ProviderUnavailable(ProviderError):
    """Nothing happened at the provider; trying again is safe."""

    code = "provider_unavailable"


class ProviderUnknown(ProviderError):
    """It may have happened (every time-out after sending): ask before trying again."""

    code = "provider_unknown"


class ProviderRejected(ProviderError):
    """The provider refused this input for good."""

    code = "provider_rejected"


class ProviderMisconfigured(ProviderError):
    """The merchant's keys or settings are wrong."""

    code = "provider_misconfigured"


class PluginFault(ShopKitError):
    """A plugin broke its contract."""

    code = "plugin_fault"


class ConfigFault(ShopKitError):
    """The configuration is wrong; the process refuses to start."""

    code = "config_fault"
