"""Every error code: what programs compare, what people read, what it means."""

from scripts.reference import source
from shopkit.core.kernel.messages import FIELDS, PROBLEMS
from shopkit.sdk.errors import ProviderError, ProviderUnavailable, Refused, ShopKitError

OF_THE_EDGE = {
    "internal": (500, "A mistake of ours; it is in the log under the request id."),
    "method_not_allowed": (405, "The address exists, the method does not; `Allow` names those that do."),
    "not_acceptable": (406, "`Accept` excludes every form that the answer has."),
    "payload_too_large": (413, "The body is over `SHOPKIT_BODY_MAX_BYTES`."),
}
"""Answers that no error class stands for."""


def page() -> str:
    """The page of error codes."""
    list(source.modules())  # a domain's errors exist once its module is imported
    known = sorted(_subclasses(ShopKitError) - {ShopKitError}, key=lambda error: (error.code, error.__qualname__))
    by_code = {error.code: error for error in known}
    answers = sorted({error.code for error in known if issubclass(error, Refused | ProviderError)} | set(PROBLEMS))
    inside = [error for error in known if not issubclass(error, Refused | ProviderError) and error.code not in PROBLEMS]
    return (
        "# Error codes\n\n"
        "Every refusal is `application/problem+json` (RFC 9457) with a stable `code`; titles come in the language of "
        "`Accept-Language`. `code` is what programs compare; titles and details may change.\n\n"
        "## Answers\n\n"
        + source.table(["Code", "Status", "Title", "When"], [_answer(code, by_code.get(code)) for code in answers])
        + "## Wrong fields\n\n"
        "Entries of `errors` in an answer `invalid`; `field` is a JSON pointer into the body, or `?name` for the query "
        "string.\n\n"
        + source.table(["Code", "Sentence"], [[f"`{code}`", text["en"]] for code, text in sorted(FIELDS.items())])
        + "## Inside a process\n\n"
        "These stop a command or a piece of work; no client sees them.\n\n"
        + source.table(["Code", "Meaning"], [[f"`{error.code}`", source.summary(error)] for error in inside])
    )


def _answer(code: str, error: type[ShopKitError] | None) -> list[str]:
    title = PROBLEMS.get(code, {}).get("en") or (error.message if error else "")
    if error is None:
        status, meaning = OF_THE_EDGE.get(code, ("", ""))
    else:
        status, meaning = _status(error), source.summary(error)
    return [f"`{code}`", str(status), title, meaning]


def _status(error: type[ShopKitError]) -> int:
    if issubclass(error, Refused):
        return error.status
    return 503 if issubclass(error, ProviderUnavailable) else 502


def _subclasses(type_: type[ShopKitError]) -> set[type[ShopKitError]]:
    return {type_} | {found for child in type_.__subclasses__() for found in _subclasses(child)}
