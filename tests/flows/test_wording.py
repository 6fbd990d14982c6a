"""Every refusal that a customer may meet has a sentence in every language."""

from collections.abc import Iterator

import shopkit.web.app  # loads every domain
from shopkit.core.kernel import messages
from shopkit.sdk.errors import Refused

WORKER_ONLY = {"lease_lost"}


def refusals(of: type[Refused] = Refused) -> Iterator[type[Refused]]:
    for each in of.__subclasses__():
        if each.__module__.startswith("shopkit."):
            yield each
            yield from refusals(each)


def test_every_refusal_speaks_every_language() -> None:
    assert shopkit.web.app
    codes = {each.code for each in refusals()} - WORKER_ONLY
    assert len(codes) > 20
    missing = {
        (code, locale)
        for code in codes
        for locale in messages.LOCALES
        if not messages.PROBLEMS.get(code, {}).get(locale)
    }
    assert missing == set()
