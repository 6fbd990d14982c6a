"""Addresses: one neutral shape, and per country what must be filled in and which names are known.

`check` says all that is wrong at once; nothing here reads or writes the database.
"""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final
from unicodedata import category, normalize

from msgspec import Meta, Struct, structs

from shopkit.sdk.errors import FieldError, Invalid
from shopkit.sdk.formatting import to_ascii_digits

from . import bangladesh
from .contact import MAX_PHONE_TEXT, InvalidPhone, normalise_phone

MAX_NAME: Final = 120
MAX_LINE: Final = 200
MAX_REGION: Final = 100
MAX_POSTAL_CODE: Final = 16

Line = Annotated[str, Meta(max_length=MAX_LINE)]
Region = Annotated[str, Meta(max_length=MAX_REGION)]


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a parcel or a bill goes and who takes it. Lengths are in characters."""

    name: Annotated[str, Meta(max_length=MAX_NAME)]
    phone: Annotated[str, Meta(max_length=MAX_PHONE_TEXT)]
    """Any common spelling; E.164 once normalised."""
    country_code: Annotated[str, Meta(min_length=2, max_length=2, pattern="^[A-Z]{2}$")]
    """ISO 3166, two capital letters."""
    admin1: Region = ""
    """Division, state or prefecture."""
    admin2: Region = ""
    """District."""
    admin3: Region = ""
    """Upazila, thana or city."""
    area: Region | None = None
    postal_code: Annotated[str, Meta(max_length=MAX_POSTAL_CODE)] | None = None
    line1: Line
    """House and street."""
    line2: Line | None = None
    landmark: Line | None = None


class CountryRules(Struct, frozen=True, kw_only=True):
    """What an address of a country needs. `of` finds those of one country."""

    country_code: str
    required: tuple[str, ...]
    postal_code_pattern: str = ""
    """Looked at only when a postal code is given; empty accepts any."""
    knows_districts: bool = False
    """Whether `admin1` and `admin2` must be names of `bangladesh.py`."""

    @classmethod
    def of(cls, country_code: str) -> "CountryRules":
        """The rules of this country; the neutral ones if it has none of its own."""
        return _RULES.get(country_code) or cls(country_code=country_code, required=_NEUTRAL)


_NEUTRAL: Final = ("name", "phone", "country_code", "admin3", "line1")
_RULES: Final = {
    "BD": CountryRules(
        country_code="BD",
        required=("name", "phone", "country_code", "admin1", "admin2", "line1"),
        postal_code_pattern="[1-9][0-9]{3}",
        knows_districts=True,
    ),
}

_OPTIONAL: Final = ("area", "postal_code", "line2", "landmark")
_LIMITS: Final = {
    "name": MAX_NAME,
    "admin1": MAX_REGION,
    "admin2": MAX_REGION,
    "admin3": MAX_REGION,
    "area": MAX_REGION,
    "postal_code": MAX_POSTAL_CODE,
    "line1": MAX_LINE,
    "line2": MAX_LINE,
    "landmark": MAX_LINE,
}
_REQUIRED_MESSAGES: Final = {
    "name": "Please give the name of the person who receives it.",
    "phone": "Please give a phone number.",
    "country_code": "Please choose a country.",
    "admin1": "Please choose a division.",
    "admin2": "Please choose a district.",
    "admin3": "Please give a city.",
    "line1": "Please give the house and street.",
}
_JOINERS: Final = "\u200c\u200d"  # part of the spelling in Bangla and other scripts

# ISO 3166-1 alpha-2, and XK, which carriers use.
_COUNTRIES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY "
    "BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK "
    "FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR "
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK "
    "ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF "
    "TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
COUNTRY_CODES: Final = frozenset(_COUNTRIES.split())


def normalise(address: Address, *, rules: CountryRules | None = None) -> Address:
    """The address as it is stored: NFC, single blanks, phone in E.164, known places in their official spelling.

    Never refuses: what it does not understand stays for `check`. In Bangladesh a known district
    brings its division along.
    """
    rules = rules or CountryRules.of(address.country_code)
    texts = {name: _clean(getattr(address, name) or "") for name in (*_LIMITS, "phone")}
    texts["phone"] = _phone_or_same(texts["phone"], rules.country_code)
    texts["postal_code"] = to_ascii_digits(texts["postal_code"])
    if rules.knows_districts:
        texts |= _official_places(texts["admin1"], texts["admin2"])
    return structs.replace(address, **{name: text or _blank(name) for name, text in texts.items()})


def check(address: Address, *, rules: CountryRules | None = None, at: str = "") -> list[FieldError]:
    """Everything that is wrong with the address, in the order of its fields; `at` is the pointer to the address."""
    rules = rules or CountryRules.of(address.country_code)
    return _problems(normalise(address, rules=rules), rules, at)


def accept(address: Address, *, rules: CountryRules | None = None, at: str = "") -> Address:
    """The normalised address; raises `Invalid` with all that is wrong."""
    rules = rules or CountryRules.of(address.country_code)
    normal = normalise(address, rules=rules)
    problems = _problems(normal, rules, at)
    if problems:
        raise Invalid(errors=problems)
    return normal


def _problems(address: Address, rules: CountryRules, at: str) -> list[FieldError]:
    found: list[FieldError] = []
    for name in structs.asdict(address):
        for code, message in _faults_of(name, address, rules):
            found.append(FieldError(field=f"{at}/{name}", code=code, message=message))
    return found


def _faults_of(name: str, address: Address, rules: CountryRules) -> Iterator[tuple[str, str]]:
    text = getattr(address, name) or ""
    if not text:
        if name in rules.required:
            yield "required", _REQUIRED_MESSAGES.get(name, "Please fill this in.")
        return
    if len(text) > _LIMITS.get(name, MAX_PHONE_TEXT):
        yield "too_long", f"At most {_LIMITS.get(name, MAX_PHONE_TEXT)} characters."
    elif not _is_writing(text):
        yield "invalid_text", "This contains characters that cannot be printed."
    elif name in _CHECKS:
        yield from _CHECKS[name](address, rules)


def _phone_faults(address: Address, rules: CountryRules) -> Iterator[tuple[str, str]]:
    try:
        normalise_phone(address.phone, rules.country_code)
    except InvalidPhone as fault:
        yield fault.code, str(fault)


def _country_faults(address: Address, rules: CountryRules) -> Iterator[tuple[str, str]]:
    if address.country_code not in COUNTRY_CODES:
        yield "unknown_country", "This is not a country code of ISO 3166."
    elif address.country_code != rules.country_code:
        yield "country_not_served", f"Only addresses in {rules.country_code} are accepted here."


def _division_faults(address: Address, rules: CountryRules) -> Iterator[tuple[str, str]]:
    if rules.knows_districts and bangladesh.division(address.admin1) is None:
        yield "unknown_division", "This is not one of the eight divisions of Bangladesh."


def _district_faults(address: Address, rules: CountryRules) -> Iterator[tuple[str, str]]:
    if not rules.knows_districts:
        return
    district = bangladesh.district(address.admin2)
    division = bangladesh.division(address.admin1)
    if district is None:
        yield "unknown_district", "This is not one of the sixty-four districts of Bangladesh."
    elif division and division.en != district.division:
        yield "district_not_in_division", f"{district.en} is in the division {district.division}."


def _postal_code_faults(address: Address, rules: CountryRules) -> Iterator[tuple[str, str]]:
    pattern = rules.postal_code_pattern
    if pattern and not re.fullmatch(pattern, address.postal_code or ""):
        yield "invalid_postal_code", "This is not a postal code of the country."


_CHECKS: Final[dict[str, Callable[[Address, CountryRules], Iterator[tuple[str, str]]]]] = {
    "phone": _phone_faults,
    "country_code": _country_faults,
    "admin1": _division_faults,
    "admin2": _district_faults,
    "postal_code": _postal_code_faults,
}


def _official_places(admin1: str, admin2: str) -> dict[str, str]:
    district = bangladesh.district(admin2)
    division = bangladesh.division(admin1)
    known_by_district = district.division if district and not admin1 else admin1
    return {
        "admin1": division.en if division else known_by_district,
        "admin2": district.en if district else admin2,
    }


def _phone_or_same(text: str, country_code: str) -> str:
    try:
        return normalise_phone(text, country_code)
    except InvalidPhone:
        return text


def _blank(name: str) -> str | None:
    return None if name in _OPTIONAL else ""


def _clean(text: str) -> str:
    """NFC with single blanks, without the invisible direction marks that pasted text brings along."""
    text = normalize("NFC", text)
    if not text.isprintable():
        text = "".join(char for char in text if char in _JOINERS or category(char) != "Cf")
    return " ".join(text.split())


def _is_writing(text: str) -> bool:
    return text.isprintable() or all(char in _JOINERS or category(char)[0] != "C" for char in text)
