"""Why a document was not loaded, and the list that the checks fill."""

from shopkit.sdk.errors import FieldError, Invalid

MOST = 200
"""Errors that are told; a file with more has one cause."""


class LoadRefused(Invalid):
    """Nothing was loaded; `errors` has a JSON pointer into the document for everything that is wrong."""

    code = "load_refused"
    message = "The file was not loaded; nothing was changed."


class Faults:
    """What is wrong with the document, collected while it is read against the store."""

    def __init__(self) -> None:
        self.found: list[FieldError] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, pointer: str, code: str, message: str) -> None:
        """Note a wrong place by its JSON pointer."""
        if len(self.found) < MOST:
            self.found.append(FieldError(field=pointer, code=code, message=message))

    def check(self) -> None:
        """Raise `LoadRefused` if there was anything."""
        if self.found:
            raise LoadRefused(errors=self.found)
