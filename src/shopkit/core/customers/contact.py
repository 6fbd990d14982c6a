"""Phones and e-mails in the one spelling that is stored, and masked for pages that strangers can open.

The phone library costs 25 ms and 2.8 MiB on its first use (`phonenumbers` 9.0, CPython 3.11, without its geographic
data, which nothing here loads); a mobile number of Bangladesh is understood without it.
"""

import re
import unicodedata
from typing import Final

from shopkit.sdk.formatting import to_ascii_digits

MAX_PHONE_TEXT: Final = 40
"""Longest text that is looked at as a phone number, in characters."""

MAX_EMAIL: Final = 254

# 013 to 019 are all mobile prefixes of the numbering plan; people write the 0 after the country code, too.
_BD_MOBILE: Final = re.compile(r"(\+880|00880|880|)0?(1[3-9][0-9]{8})")
_SEPARATORS: Final = re.compile(r"[\s().\-/\u00ad\u200b-\u200f\u202a-\u202e\u2010-\u2015\u2060-\u2069\u2212\ufeff]+")
_DIALLED: Final = re.compile(r"\+?[0-9]{3,20}")
_ALLOWED_INVISIBLE: Final = frozenset("\u200c\u200d")  # joiners: part of the spelling in Bangla and other scripts
_FORBIDDEN_IN_EMAIL: Final = frozenset('<>()[]\\,;:"')  # would let one address become two in a mail header


class InvalidContact(ValueError):
    """What was given is no contact; `code` is stable, the text is for people."""

    code = "invalid_contact"


class InvalidPhone(InvalidContact):
    """Not a phone number of any country that we know."""

    code = "invalid_phone"

    def __init__(self) -> None:
        super().__init__("This is not a valid phone number.")


class InvalidEmail(InvalidContact):
    """Not an e-mail address."""

    code = "invalid_email"

    def __init__(self) -> None:
        super().__init__("This is not a valid e-mail address.")


def normalise_phone(text: str, default_country: str) -> str:
    """The number as E.164 (`+8801712345678`), from any common spelling in the digits of any script.

    A number without its country code belongs to `default_country` (ISO 3166, two letters). Raises `InvalidPhone`.
    """
    if len(text) > MAX_PHONE_TEXT:
        raise InvalidPhone
    compact = _SEPARATORS.sub("", to_ascii_digits(text)).replace("\uff0b", "+")
    mobile = _BD_MOBILE.fullmatch(compact)
    if mobile and (mobile[1] in ("+880", "00880") or default_country == "BD"):
        return f"+880{mobile[2]}"
    if not _DIALLED.fullmatch(compact):
        raise InvalidPhone
    return _look_up(f"+{compact[2:]}" if compact.startswith("00") else compact, default_country)


def normalise_email(text: str) -> str:
    """The address in NFC and lower case, without blanks around it. Raises `InvalidEmail`.

    Any script is welcome; one @, a domain with a point, at most 254 characters. Whether it exists only a mail can tell.
    """
    email = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text[: MAX_EMAIL * 2].strip()).lower())
    local, at, domain = email.partition("@")
    if not at or not local or len(text) > MAX_EMAIL * 2 or len(email) > MAX_EMAIL:
        raise InvalidEmail
    labels = domain.split(".")
    if len(labels) < 2 or not all(labels) or not all(map(_stands_in_email, local + domain)):
        raise InvalidEmail
    return email


def mask_phone(phone: str) -> str:
    """`+8801712345678` as `+8801******678`: its owner knows it again, nobody can dial it."""
    tail = 3 if len(phone) >= 11 else 2
    head = max(1, len(phone) - tail - 6)
    hidden = max(0, len(phone) - head - tail)
    return f"{phone[:head]}{'*' * hidden}{phone[-tail:]}" if hidden else "*" * len(phone)


def mask_email(email: str) -> str:
    """`rahim@example.com` as `r***@e***.com`; the stars do not tell the length."""
    local, _, domain = email.rpartition("@")
    name, point, ending = domain.rpartition(".")
    return f"{local[:1]}***@{name[:1]}***{point}{ending}"


def _look_up(compact: str, default_country: str) -> str:
    # Most processes of a shop in Bangladesh never get here, and should not pay for the library.
    import phonenumbers  # noqa: PLC0415

    try:
        number = phonenumbers.parse(compact, default_country)
    except phonenumbers.NumberParseException:
        raise InvalidPhone from None
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _stands_in_email(char: str) -> bool:
    if char == "@" or char in _FORBIDDEN_IN_EMAIL:
        return False
    if char.isascii():
        return char.isprintable() and char != " "
    return char in _ALLOWED_INVISIBLE or unicodedata.category(char)[0] not in "CZ"
